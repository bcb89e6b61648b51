"""debugger.py - looking into an image: gdb's `fibers`, the census, and what a crash reports.

SPDX-License-Identifier: ISC"""

import os
import re
import shutil
import signal
import subprocess
import time

from harness.image import listening_ports
from harness.report import Skip, case, expect, expect_equal, expect_in
from harness.site import site_case
from harness.wire import Wire, fetch, request, wait_until
from harness.workshop import ROOT

# gdb stops where the census is written, which SIGUSR1 asks for, and may stop once more when the image is asked to end.
# The third fiber is the session, behind the server's two.
GDB_SCRIPT = """set pagination off
set confirm off
handle SIGUSR1 SIGTERM nostop noprint pass
break fiber_census_write
run
fibers
fiber 3
delete
continue
continue
quit
"""


@case("debugger/fibers")
def gdb_shows_the_fibers_of_a_running_image(workshop):
    if not shutil.which("gdb"):
        raise Skip("there is no gdb (apt-get install gdb)")
    program = workshop.program("site", "debug")
    # LeakSanitizer cannot work under a debugger.
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "DEBUGINFOD_URLS": ""}
    gdb = subprocess.Popen([ROOT / "build" / "loom", "debug", "--build=debug", program.parents[2], "--", "--port=0"],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True)
    try:
        gdb.stdin.write(GDB_SCRIPT)
        gdb.stdin.flush()
        image = wait_for_child(gdb.pid, program)
        wait_until(lambda: listening_ports(image), "the image under gdb listens", 60)
        with Wire(listening_ports(image)[0]) as wire:
            wire.ask("/slow/1500")
            time.sleep(0.3)
            os.kill(image, signal.SIGUSR1)
            expect_equal(wire.answer().body, b"at last\n", "the answer, through the breakpoint")
        os.kill(image, signal.SIGTERM)
        output, _ = gdb.communicate(timeout=60)
    finally:
        if gdb.poll() is None:
            gdb.kill()
            gdb.wait()
    for words in (r"http dispatcher", r"http acceptor", r"http session", r"\bmain\b"):
        expect(re.search(words, output), f"no {words} in gdb's fibers: {output[-2500:]}")
    expect(re.search(r"http session .*\bsleep\b", output), f"what the session waits for: {output[-2500:]}")
    for function in ("doze", "slow", "http_session|session_run"):
        expect(re.search(rf"#\d+ .*\b({function})\b \(", output), f"no {function} on the session's stack: {output[-2500:]}")
    expect_in("exited normally", output, "how the image ended")


def wait_for_child(parent, program):
    """The process of the image that gdb has started."""
    found = []

    def look():
        for name in os.listdir("/proc"):
            try:
                if name.isdigit() and os.readlink(f"/proc/{name}/exe") == str(program) and descends(int(name), parent):
                    found.append(int(name))
            except OSError:
                continue
        return found
    wait_until(look, "gdb starts the image", 60)
    return found[0]


def descends(pid, ancestor):
    while pid > 1:
        if pid == ancestor:
            return True
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            pid = int(stat.read().rsplit(")", 1)[1].split()[1])
    return False


@site_case("debugger/census", machine=False)
def usr1_writes_the_census(image):
    with Wire(image.port) as slow, Wire(image.port) as idle:
        slow.ask("/slow/1000")
        idle.ask("/hello/you")
        idle.answer()
        time.sleep(0.2)
        os.kill(image.pid, signal.SIGUSR1)
        found = image.wait_for_log(r"\nfibers: (\d+)")
        expect_equal(int(found[1]), 4, "main, acceptor, dispatcher and one session; none for the idle connection")
        line = re.search(r"http session .*", image.log())[0]
        deepest, size = map(int, re.search(r"stack (\d+) of (\d+)", line).groups())
        expect(0 < deepest < size == 16384, f"the session's stack: {line}")
        expect_equal(slow.answer().body, b"at last\n", "the session goes on")


@case("debugger/census-at-exit")
def the_census_at_exit(workshop):
    with workshop.started("site", "debug", "--census") as image:
        fetch(image.port, "/hello/you")
        image.end()
        expect_in("http dispatcher", image.log(), "the census when a stop is asked for")
        expect_in("fibers: 1\n", image.log().rsplit("stack", 1)[1], "and at the end only the first fiber is left")


def crash(workshop, variant, how, words):
    with workshop.started("site", variant, trouble_expected=True) as image:
        with Wire(image.port) as wire:  # whose end a crash says nothing to, where the stack is the image's own
            wire.send(request(f"/crash/{how}"))
            status = image.wait()
        expect(status != 0, f"status {status} after a crash")
        log = image.log()
        for word in words:
            expect(re.search(word, log), f"no {word!r} in the report of {how}: {log[-2500:]}")


REPORTS = {
    "assertion": [r"crash\.c:\d+", r"three == 4", r"3", r"http session", r"crash_by_assertion", r"session_run", r"fiber_main"],
    "pointer": [r"http session", r"crash_by_pointer"],
    "index": [r"http session", r"crash_by_index|crash"],
    "depth": [r"stack", r"http session", r"crash_by_depth"],
}


@case("debugger/crash-release")
def a_release_image_says_where_it_crashed(workshop):
    for how, words in REPORTS.items():
        crash(workshop, "release", how, words)


@case("debugger/crash-debug")
def a_debug_image_does_too(workshop):
    crash(workshop, "debug", "assertion", REPORTS["assertion"])
    crash(workshop, "debug", "pointer", [r"crash\.c:\d+", r"null pointer|SEGV"])
    crash(workshop, "debug", "index", [r"crash\.c:\d+", r"index 3 out of bounds"])
