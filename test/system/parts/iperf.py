"""iperf.py - iperf3, whose client and server are Linux's and have our own stack between them.

iperf3 speaks to its own server only. So a relay stands between (test/system/relay): an image that joins each connection
which comes to one of its own to the server. Each stream crosses our stack twice, received from one Linux and sent to the
other, with iperf3's connection of control beside it.

SPDX-License-Identifier: ISC"""

import json
import subprocess
from collections import namedtuple
from pathlib import Path

from harness.direct import IMAGE, LINUX, linux_case
from harness.prometheus import scrape, value_of
from harness.report import Failure, expect, expect_equal
from harness.space import ask
from harness.wire import wait_until

NEEDED = (("iperf3", "iperf3"), ("ss", "iproute2"))
RELAY_PORT, SERVER_PORT, METRICS_PORT = 5201, 5202, 8080
RELAY = (f"--relay-port={RELAY_PORT}", f"--to={LINUX}:{SERVER_PORT}", f"--metrics-port={METRICS_PORT}")
SECONDS = 1
IMAGE_BYTES = 10 << 20  # what a joint may hold of a stream: a receive buffer and a send buffer, by their defaults
CONTROL_BYTES = 1 << 16  # more than iperf3 says to itself about a test

# Of one test: what the sides tell of their streams that go to the server or come from it, and what the relay has carried.
Sums = namedtuple("Sums", "streams sent received carried")


# ---- iperf3 ----

def start_server():
    """One that serves one client, and then tells what it saw."""
    started = subprocess.Popen(["iperf3", "-s", "-1", "-J", "-B", LINUX, "-p", str(SERVER_PORT)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_until(lambda: ask("ss", "-Hltn", f"sport = :{SERVER_PORT}"), "iperf3 listens")
    except BaseException:
        started.kill()
        started.wait()
        raise
    return started


def told(text, who):
    try:
        found = json.loads(text)
    except ValueError:
        raise Failure(f"{who} of iperf3 tells no JSON: {text[-600:]!r}") from None
    expect("error" not in found, f"{who} of iperf3 says {found.get('error')!r}")
    return found["end"]["streams"]


def talk(*options):
    """The streams of one test, as the client tells of them and as the server does."""
    server = start_server()
    try:
        client = told(ask("iperf3", "-c", IMAGE, "-p", RELAY_PORT, "-t", SECONDS, "-J", *options, may_fail=True), "the client")
        said, _ = server.communicate(timeout=20)
        expect_equal(server.returncode, 0, f"the status of iperf3's server, which says {said[-600:]!r}")
        return client, told(said, "the server")
    finally:
        server.kill()
        server.wait()


def of_one_way(streams, is_sender):
    """What was sent and what was received by each stream on which the side that tells is the sender, or is not."""
    chosen = [stream for stream in streams if stream["sender"]["sender"] == is_sender]
    return [stream["sender"]["bytes"] for stream in chosen], [stream["receiver"]["bytes"] for stream in chosen]


# ---- what must hold ----

def under_way_bytes():
    """What a stream's sender may have sent that nobody reads: iperf3's receiver stops when it is told the end."""
    limits = [int(Path("/proc/sys/net/ipv4", name).read_text(encoding="ascii").split()[2]) for name in ("tcp_wmem", "tcp_rmem")]
    return sum(limits) + IMAGE_BYTES


def expect_whole(sums, way):
    """What a receiver has counted its sender has sent, and no more of it passed the relay than that."""
    sent, received = sum(sums.sent), sum(sums.received)
    expect_equal(len(sums.sent), sums.streams, f"streams that went {way}")
    expect(all(sums.sent) and all(sums.received), f"a stream that went {way} is empty, of {sums}")
    expect(received <= sums.carried <= sent + CONTROL_BYTES, f"{way} the relay carried {sums.carried} of {sums}")
    expect(sent - received <= sums.streams * under_way_bytes(), f"{sent - received} bytes are missing {way}, of {sums}")


def carried(samples, way):
    return value_of(samples, "relay_bytes_total", way=way)


def expect_rest(image, before):
    """Each connection has ended, and what it held is free again. The scraping itself lets the tap give back what it had
    ready for long frames: it does when only short ones come."""
    free = value_of(before, "stack_packets_free")
    wait_until(lambda: value_of(scrape(image.port), "stack_pool_held", pool="connections") == 1, "only the scraper's is left")
    wait_until(lambda: value_of(scrape(image.port), "stack_packets_free") >= free - 4, f"{free} packets are free, as before")
    expect_equal(value_of(scrape(image.port), "tcp_bad_checksums_total"), 0, "bad checksums")


def test(image, options, there, back):
    """`there`, `back`: so many streams to the server, and from it."""
    before = scrape(image.port)
    client, server = talk(*options)
    expect_rest(image, before)
    after = scrape(image.port)
    for way, count, is_client in (("there", there, True), ("back", back, False)):
        sent, received = of_one_way(client, is_client)
        sent_at_server, received_at_server = of_one_way(server, not is_client)
        # Each side counts its own half, and the client is told the server's when they end.
        expect_equal(sorted(received_at_server if is_client else sent_at_server), sorted(received if is_client else sent),
                     f"what the client has been told of {way}")
        expect_whole(Sums(count, sent, received, carried(after, way) - carried(before, way)), way)
    expect_equal(value_of(after, "relay_joints_total") - value_of(before, "relay_joints_total"), there + back + 1, "joints")


def iperf_case(name, options, there, back, long=False):
    @linux_case(f"iperf/{name}", *NEEDED, long=long, alone=True)
    def runs(link):
        with link.started("relay", *RELAY) as image:
            test(image, options, there, back)


iperf_case("forward", (), 1, 0, long=True)
iperf_case("reverse", ("-R",), 0, 1, long=True)
iperf_case("both-ways", ("--bidir",), 1, 1)
iperf_case("four", ("-P", 4), 4, 0)
