"""tap_bulk.py - one TCP stream over a tap, both ways: with segmentation offload beside Linux to Linux
over veth, with frames of the MTU beside a program without any stack.

SPDX-License-Identifier: ISC
"""
import os

from driver import machine, under_load
from driver.compare import Ratios, alternate
from driver.images import host_program, image_build
from driver.network import Tap, Veth
from driver.process import Process, output_of, wait_for
from driver.results import Target, claim_of_values
from driver.rows import http
from driver.servers import RUN, ServerError, attachment

WORDS = "one TCP stream over our own stack on a tap, to Linux and from Linux"
SOURCE_PORT, SINK_PORT = 5001, 5002
WARM_MS = 1000
SEGMENT_BYTES = 1448  # of 1,500, with timestamps
TAP_EXEC = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tap_exec.py")
STREAM = host_program("stream")
# What the server does, seen from Linux: it reads what an image sends.
WAYS = (("to Linux", "read", SOURCE_PORT, "send"), ("from Linux", "write", SINK_PORT, "drain"))


def tap_bare(network, words, core=None, **options):
    """Runs a program with the tap, without offloads, as its descriptor 3."""
    return Process(["/usr/bin/python3", TAP_EXEC, network.interface, 3, *words], core,
                   network.server_prefix, **options)


def server_start(words, network, bare=False):
    core, _ = machine.cores()
    os.makedirs(RUN, exist_ok=True)
    with open(os.path.join(RUN, "stream.log"), "wb") as log:
        if bare:
            return tap_bare(network, words, core, stdout=log, stderr=log)
        return Process(words, core, network.server_prefix, stdout=log, stderr=log)


def is_reached(network, port):
    probe = "import socket,sys; socket.create_connection((sys.argv[1],int(sys.argv[2])),1).close()"
    status, *_ = output_of(["/usr/bin/python3", "-c", probe, network.address, port],
                           network.client_prefix)
    return status == 0


def from_client(process, network, way, seconds):
    """One stream, measured by the Linux at its other end."""
    _, mode, port, _ = way
    wait_for(lambda: process.has_ended() or is_reached(network, port), 10, "the stream's server")
    if process.has_ended():
        raise ServerError(f"the stream's server ended: see {RUN}/stream.log")
    said, found = under_load.run(process, [STREAM, mode, network.address, port, WARM_MS,
                                           seconds * 1000, "cubic"], network.client_prefix,
                               seconds)
    return rates(said, found)


def rates(said, found):
    counted = under_load.numbers(said)
    found["bits_per_second"] = counted["bytes"] * 8e9 / counted["ns"]
    found["lost"] = counted.get("lost", 0)
    # The warm-up is in the processor's time, and so it is in the bytes that it is divided by.
    segments = counted["bytes"] * (1 + WARM_MS * 1e6 / counted["ns"]) / SEGMENT_BYTES
    found["user_ns_per_segment"] = found.get("server_user_seconds", 0) * 1e9 / max(segments, 1)
    return found


def linux(way, seconds):
    with Veth() as network:
        process = server_start([STREAM, "serve", SOURCE_PORT, SINK_PORT, "cubic"], network)
        try:
            return from_client(process, network, way, seconds)
        finally:
            process.stop()


def loom(image, way, seconds, bare):
    net = "fd:3" if bare else f"tap:{Tap.interface}"
    with Tap() as network:
        process = server_start([image, *attachment(network.address, net)], network, bare)
        try:
            return from_client(process, network, way, seconds)
        finally:
            process.stop()


def stackless(way, seconds):
    """It connects, so Linux is the server here; the one that is measured is on the server's core."""
    server_core, client_core = machine.cores()
    os.makedirs(RUN, exist_ok=True)
    _, _, _, mode = way
    port = SINK_PORT if mode == "send" else SOURCE_PORT
    with Tap() as network, open(os.path.join(RUN, "stackless.log"), "wb") as log:
        output_of(["ip", "neigh", "add", network.address, "lladdr", network.image_mac, "dev",
                   network.interface, "nud", "permanent"], network.client_prefix)
        server = Process([STREAM, "serve", SOURCE_PORT, SINK_PORT, "cubic"], client_core,
                         network.client_prefix, stdout=log, stderr=log)
        try:
            wait_for(lambda: listens(network, port), 10, "the stream's Linux end")
            interval = machine.Interval()
            words = [host_program("stackless"), mode, 3, port, WARM_MS, seconds * 1000]
            status, said, complained, _ = output_of(
                ["/usr/bin/python3", TAP_EXEC, network.interface, 3, *words],
                network.server_prefix, server_core, seconds + 60)
            _, (_, client_idle) = interval.end()
        finally:
            server.stop()
    if status != 0:
        raise ServerError(f"stackless: {complained.strip()}")
    return rates(said, {"client_idle": client_idle, "others_share": 0.0})


def listens(network, port):
    _, said, *_ = output_of(["ss", "-Hltn", f"sport = :{port}"], network.client_prefix)
    return bool(said.strip())


def claim(bench, words, pairs, bound, peer):
    bench.claim("bulk", words, "Gbit/s",
                {**Ratios(scaled(pairs), "gigabits").as_claim(), "better": "more"},
                target=Target("at least", bound), peer=peer)
    lost = sum(run["lost"] for pair in pairs for run in pair)
    bench.tell(http.conditions(pairs) + (f"; {lost:.0f} frames out of order or late" if lost else ""))


def scaled(pairs):
    return [tuple({"gigabits": run["bits_per_second"] / 1e9} for run in pair) for pair in pairs]


def run(bench):
    bench.needs_taps()
    image = image_build("bench/stream", stack="direct")
    seconds = max(2, bench.seconds // 2)
    for way in WAYS:
        pairs = alternate(lambda: loom(image, way, seconds, False), lambda: linux(way, seconds),
                          bench.pairs, bench.say)
        claim(bench, f"a stream {way[0]}, with offloads", pairs, 0.8, "Linux on veth")
    for way in WAYS:
        pairs = alternate(lambda: loom(image, way, seconds, True), lambda: stackless(way, seconds),
                          bench.pairs, bench.say)
        claim(bench, f"a stream {way[0]}, frames of the MTU", pairs, 0.8, "no stack")
        bench.claim("bulk", f"user CPU a segment, {way[0]}", "ns",
                    claim_of_values([run["user_ns_per_segment"] for run, _ in pairs], better="less"),
                    target=Target("at most", 300, "value"))
