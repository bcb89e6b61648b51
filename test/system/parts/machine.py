"""machine.py - images that are machines of their own: small ones, attached to passt and to taps, under load, and broken. What is
asked of the tests' site in them, harness/site.py registers.

SPDX-License-Identifier: ISC"""

import subprocess
import tempfile
from pathlib import Path

from harness.curl import curl
from harness.direct import IMAGE, PREFIX_BITS, TAP, Attached, linux_case
from harness.machine import LOOM, TENDER, MachineImage, NamedImage, NamedLink, machine_case, need_machines
from harness.report import case, expect, expect_equal, expect_in
from harness.space import ask, need
from harness.wire import fetch
from harness.workshop import application_folder
from parts.apps import ECHO_PARAMETERS, ECHO_PORTS, expect_echoes, expect_ticks
from parts.debugger import REPORTS, crash
from parts.direct import PUBLISHED, expect_published, free_port
from parts.ending import end_under_load
from parts.peers import crowd_at_limit

def run(*words, seconds=30):
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds,
                          check=False)
    return done.returncode, done.stdout, done.stderr


# ---- without a network ----

@case("machine/hello")
def hello_says_so_and_ends(workshop):
    need_machines()
    for variant in ("machine-release", "machine", "machine-clang"):
        program = workshop.program("hello", variant)
        expect_equal(run(TENDER, program), (0, "Hello from Loom.\n", ""), f"hello, {variant}")
    status, output, _ = run(TENDER, "--mem", "2MiB", workshop.program("hello", "machine-release"))
    expect(status == 0 and output.endswith("Hello from Loom.\n"), f"hello in the least memory: {output!r}")
    expect_equal(run(LOOM, "run", "-t", "vm", application_folder("hello", "machine-release")), (0, "Hello from Loom.\n", ""),
                 "hello by loom run")


@case("machine/tick")
def tick_ends_by_itself_and_when_it_is_told(workshop):
    need_machines()
    expect_ticks([TENDER, workshop.program("tick", "machine-release"), "--"])


@case("machine/parameters")
def parameters_are_read_as_everywhere(workshop):
    need_machines()
    program = workshop.program("tick", "machine-release")
    status, output, errors = run(TENDER, program, "--", "--help")
    expect_equal((status, errors), (0, ""), "--help")
    expect_in("--beat=", output, "--help")
    status, output, errors = run(TENDER, program, "--", "--bad")
    expect_equal(status, 2, "the status after a parameter that there is not")
    expect_in("--bad is not a parameter", output + errors, "a parameter that there is not")


# ---- attached ----

@machine_case("machine/echo", build="machine-release")
def echo_sends_back_what_comes(link):
    with link.started("echo", *ECHO_PARAMETERS):
        expect_echoes(IMAGE, ECHO_PORTS)
        ask("ping", "-n", "-c", 3, "-i", 0.1, "-W", 5, "-s", 3000, IMAGE)


@machine_case("machine/homepage", ("curl", "curl"), build="machine-release")
def the_home_page_over_a_tap(link):
    with link.started("homepage") as image:
        expect_equal(curl(image, "/").status, 200, "the home page")
        expect_in('"target": "vm"', curl(image, "/self/manifest.json").body.decode(), "what it tells of itself")
        expect_in("stack_packets_free", curl(image, "/metrics").body.decode(), "its figures")


@case("machine/passt", alone=True)
def the_home_page_over_passt(workshop):
    """As `loom run` starts it: a port of this host leads to the machine's."""
    need_machines()
    need("passt", "passt")
    port = free_port()
    image = MachineImage(workshop.program("homepage", "machine-release"),
                         ["--ipv4=10.0.2.15/24", "--ipv4-gateway=10.0.2.2"], ["--publish", f"{port}:{PUBLISHED}"], port=PUBLISHED)
    expect_published(image, port)


# ---- under load, and broken ----

@machine_case("machine/ending/keep-alive", long=True, alone=True)
def it_ends_under_load(link):
    end_under_load(Attached(link), "release", 1000000, 0.5)


@machine_case("machine/ending/connection-a-request", long=True, alone=True)
def it_ends_under_many_short_connections(link):
    end_under_load(Attached(link), "release", 1, 0.5)


@machine_case("machine/peers/crowd", long=True, alone=True)
def two_thousand_connections_against_a_limit_of_one_thousand(link):
    crowd_at_limit(Attached(link), "release")


@machine_case("machine/debugger/crash", link=NamedLink, alone=True)
def crashes_are_told(link):
    """With the names of functions, which are not in the machine: `loom run` has them from the image's file."""
    for how, words in REPORTS.items():
        crash(Attached(link), "release", how, words)


@linux_case("machine/qemu/capture", ("qemu-system-x86_64", "qemu-system-x86"), ("tshark", "tshark"))
def a_capture_of_a_machine_under_qemu(link):
    """Emulated, so that it runs everywhere; started as a user would."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.pcap")
        words = ["--on", "qemu", "--accel", "tcg", "--net", f"tap:{TAP}", "--capture", path]
        image = NamedImage(link.program("homepage", "machine-release"), [f"--ipv4={IMAGE}/{PREFIX_BITS}"], words)
        with image:
            expect_equal(fetch(image.port, "/").status, 200, "the home page")
        said = ask("tshark", "-n", "-r", path, "-Y", "http.response.code == 200", "-T", "fields", "-e", "ip.src", may_fail=True)
        expect_in(IMAGE, said, "who answers, as tshark reads it")


@machine_case("machine/attachments", build="machine-release")
def what_cannot_be_attached_is_told(link):
    program = link.program("homepage")
    status, _, errors = run(TENDER, "--net", "lan=passt", link.program("hello"))
    expect(status == 2 and "no such device" in errors, f"a net that there is not: {status}, {errors!r}")
    status, _, errors = run(TENDER, "--net", "tap:nosuchtap", program)
    expect(status == 1 and "nosuchtap" in errors, f"a tap that there is not: {status}, {errors!r}")
    with link.started("homepage"):
        status, _, errors = run(TENDER, "--net", f"tap:{TAP}", program)
        expect(status == 1 and "in use" in errors, f"a tap that somebody has: {status}, {errors!r}")
