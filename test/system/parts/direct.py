"""direct.py - what the other parts ask of an image on this host's sockets, asked of one with our own stack; and what only
that one has: captures, passt, figures of its pools.

SPDX-License-Identifier: ISC"""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from harness.direct import IMAGE, Attached, DirectImage, linux_case
from harness.prometheus import scrape, value_of
from harness.report import Failure, Skip, case, expect, expect_equal, expect_in
from harness.space import ask, need
from harness.wire import Wire, fetch, wait_until
from harness.workshop import ROOT
from parts.debugger import REPORTS, crash
from parts.ending import end_under_load
from parts.leaks import crowd
from parts.peers import crowd_at_limit

PUBLISHED = 80


# ---- the end, a crowd, a crash ----

def ends_under_load(name, variant, requests, long=False):
    @linux_case(name, long=long, alone=True)
    def ends(link):
        end_under_load(Attached(link), variant, requests, 0.5)


ends_under_load("direct/ending/connection-a-request", "debug", 1, long=True)
ends_under_load("direct/ending/keep-alive", "debug", 1000000)
ends_under_load("direct/ending/connection-a-request-release", "release", 1, long=True)
ends_under_load("direct/ending/keep-alive-release", "release", 1000000, long=True)


@linux_case("direct/peers/crowd", long=True, alone=True)
def two_thousand_connections_against_a_limit_of_one_thousand(link):
    crowd_at_limit(Attached(link), "debug")


@linux_case("direct/leaks/debug", alone=True)
def the_leak_sanitizer_finds_nothing(link):
    with link.started("site", "--access-log=off") as image:
        before = scrape(image.port)
        outcome = crowd(link, image, 3000)
        expect_equal(outcome["answers"], 3000, f"answers, of {outcome}")
        samples = scrape(image.port)
        expect(value_of(samples, "stack_packets_free") >= value_of(before, "stack_packets_free") - 4, "packets are missing")


@linux_case("direct/debugger/crash", alone=True)
def crashes_are_told(link):
    crash(Attached(link), "debug", "assertion", REPORTS["assertion"])
    crash(Attached(link), "release", "pointer", REPORTS["pointer"])


@linux_case("direct/debugger/fibers", ("gdb", "gdb"), alone=True)
def gdb_shows_the_fibers_of_a_running_image(link):
    script = ("set pagination off\nset confirm off\nset debuginfod enabled off\nsource " + str(ROOT / "tool/gdb/loom.py") + "\nfibers\n"
              "detach\nquit\n")
    with link.started("site", environment={"ASAN_OPTIONS": "detect_leaks=0"}) as image, Wire(image.port) as wire:
        wire.ask("/slow/4000")
        time.sleep(0.2)
        output = subprocess.run(["gdb", "-q", "-nx", "-p", str(image.pid)], input=script, capture_output=True, text=True, timeout=60,
                                check=False).stdout
        for words in ("http dispatcher", "http acceptor", "http session", r"\bmain\b"):
            expect(re.search(words, output), f"no {words} in gdb's fibers: {output[-2500:]}")
        expect_equal(wire.answer().body, b"at last\n", "the answer, though a debugger was there")


# ---- figures ----

@linux_case("direct/figures")
def the_pools_are_told(link):
    """Each has its size and what of it is held; what connections hold comes back when they end."""
    pools = ("connections", "syn", "time_wait", "reassembly_packets", "udp_packets", "arp")
    with link.started("site", "--tcp-connections=50", "--tcp-time-wait=10", "--tcp-half-open=7", "--packets=512") as image:
        before = scrape(image.port)
        for pool, size in (("connections", 50), ("time_wait", 10), ("syn", 7), ("packets", 512)):
            expect_equal(value_of(before, "stack_pool_size", pool=pool), size, f"the size of {pool}")
        for pool in pools:
            value_of(before, "stack_pool_held", pool=pool)
        wires = [Wire(image.port) for _ in range(30)]
        wait_until(lambda: value_of(scrape(image.port), "stack_pool_held", pool="connections") == 31, "30 and the scraper's")
        wires[0].ask("/hello/you")
        expect_equal(wires[0].answer().status, 200, "one of them")
        for wire in wires:
            wire.close()
        wait_until(lambda: value_of(scrape(image.port), "stack_pool_held", pool="connections") == 1, "all of them are gone")
        expect_equal(value_of(scrape(image.port), "stack_packets_free"), value_of(before, "stack_packets_free"), "packets")


@linux_case("direct/full")
def more_connections_than_the_pool_has(link):
    """Nobody is reset whose connection was complete; who waits comes in when another one leaves."""
    with link.started("site", "--tcp-connections=20", "--idle-timeout=60s") as image:
        held = []
        try:
            for _ in range(40):
                wire = socket.create_connection((IMAGE, image.port), 0.3)
                held.append(wire)
        except OSError:
            pass
        expect(15 <= len(held) <= 40, f"{len(held)} connections")
        for wire in held[:10]:
            wire.close()
        wait_until(lambda: fetch(image.port, "/hello/you").status == 200, "another one is served")
        for wire in held[10:]:
            wire.close()


# ---- the capture ----

@linux_case("direct/capture", ("tshark", "tshark"), alone=True)
def tshark_reads_the_capture(link):
    """Every frame without a complaint: nothing malformed, no checksum wrong, and the bytes of TCP in order."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.pcapng")
        with link.started("site", f"--capture={path}") as image:
            fetch(image.port, "/big.txt")
            fetch(image.port, "/data.bin")
            ask("ping", "-n", "-c", 2, "-i", 0.1, "-W", 5, "-s", 3000, IMAGE)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(b"nobody", (IMAGE, 9))
                time.sleep(0.1)
            wires = [Wire(image.port) for _ in range(5)]
            for wire in wires:
                wire.reset()
        check = ["tshark", "-n", "-r", path, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-o",
                 "udp.check_checksum:TRUE"]
        said = ask(*check, "-T", "fields", "-e", "frame.number", may_fail=True)
        frames = len(re.findall(r"^\d+$", said, re.M))
        expect(frames > 60, f"only {frames} frames: {said[-500:]}")
        # What Linux gave to the tap it left to the tap to sum, and an error quotes it so: of the image's own each must be right.
        bad_sums = "icmp.checksum.status==0 || !icmp && (ip.checksum.status==0 || tcp.checksum.status==0 || udp.checksum.status==0)"
        for what, words in (("malformed", "_ws.malformed"), ("sums of the image's that are wrong", f"ip.src=={IMAGE} && ({bad_sums})"),
                            ("errors of the image's", f"ip.src=={IMAGE} && _ws.expert.severity==error && !icmp")):
            found = [line for line in ask(*check, "-Y", words, may_fail=True).split("\n") if line and "Running as user" not in line]
            expect_equal(found, [], what)
        pages = ask("tshark", "-n", "-r", path, "-Y", "http.response", "-T", "fields", "-e", "http.content_length_header", may_fail=True)
        expect_in("70001", pages, "what tshark reads of HTTP")


# ---- passt, and nobody's rights ----

class PublishedImage(DirectImage):
    """As nobody, where this is root: passt is one more of its processes. It runs from a copy, as a tree of root's may not be
    nobody's to look at."""

    def __init__(self, program, folder, *parameters):
        os.chmod(folder, 0o755)
        copy = Path(shutil.copy(program, folder))
        copy.chmod(0o755)
        options = {"cwd": folder}
        if os.geteuid() == 0:
            options |= {"user": "nobody", "group": "nogroup", "extra_groups": []}
        super().__init__(copy, parameters, port=PUBLISHED, process_options=options, environment={"ASAN_OPTIONS": "detect_leaks=0"})


def free_port():
    """Of 127.0.0.1."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def expect_published(image, port):
    """It starts, unless passt cannot here; the page is behind this port of the host; it ends when it is told to."""
    try:
        image.__enter__()
    except Failure:
        reason = re.search(r".*(no network but loopback|passt does not start|default route).*", image.log())
        if reason:
            raise Skip(f"passt cannot start here: {reason[0]}") from None
        raise
    try:
        page = fetch(port, "/")
        expect_equal(page.status, 200, "the page")
        for _ in range(20):
            expect(fetch(port, "/").body == page.body, "another page")
    except BaseException:
        image.kill()
        raise
    image.end()


@case("direct/passt", alone=True)
def an_unprivileged_user_publishes_a_port(workshop):
    """With the addresses that `loom run` gives it, which match passt's."""
    need("passt", "passt")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        image = PublishedImage(workshop.program("homepage", "direct"), folder, f"--publish={port}:{PUBLISHED}",
                               "--ipv4=10.0.2.15/24", "--ipv4-gateway=10.0.2.2")
        expect_published(image, port)
