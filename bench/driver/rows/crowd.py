"""crowd.py - 100,000 idle connections over a tap: what each costs our stack, and what 64 busy ones
among them lose.

The clients are six processes with an address each: an address has 28,232 ports, and a process
20,000 descriptors.

SPDX-License-Identifier: ISC
"""
import os
import subprocess

from driver import idle_clients, load, machine
from driver.bench import IMAGE_PARAMETERS
from driver.compare import Ratios, alternate
from driver.images import image_build
from driver.network import Tap, WideTap
from driver.process import Process, wait_for
from driver.results import Skip, Target
from driver.rows import http
from driver.servers import PAGE, RUN, DirectImage, ServerError, WideImage, attachment

WORDS = "100,000 idle connections over our own stack on a tap"
COUNT = 100_000
EACH = -(-COUNT // len(WideTap.crowd))
HOLD_PORT = 5003
POINTER_BYTES = 8  # of each, with which the image keeps it
LIMIT_BYTES = 1024


def clients_start(network, port, path):
    program = os.path.abspath(idle_clients.__file__)
    _, core = machine.cores()
    return [Process(["/usr/bin/python3", program, network.address, port, path, EACH, source], core,
                    network.client_prefix, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE, text=True) for source in WideTap.crowd]


class Crowd:
    """All of them, connected and silent."""

    def __init__(self, network, port, path):
        self.clients = clients_start(network, port, path)

    def __enter__(self):
        for client in self.clients:
            if client.popen.stdout.readline().strip() != "ready":
                why = client.popen.stderr.read().strip().splitlines()
                self.__exit__()
                raise ServerError(f"the crowd: {why[-1] if why else 'a client ended'}")
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.stop()


def pools(connections):
    return [f"--tcp-connections={connections}"]


def bytes_each(image):
    """What resident memory grows by for each connection, where nothing but the stack has memory for
    it."""
    core, _ = machine.cores()
    os.makedirs(RUN, exist_ok=True)
    path = os.path.join(RUN, "crowd.log")
    with WideTap() as network, open(path, "wb") as log:
        words = [image, *attachment(network.address, prefix_bits=network.prefix_bits),
                 f"--hold={COUNT + 1000}", *pools(COUNT + 2000)]
        process = Process(words, core, network.server_prefix, stdout=log, stderr=log)
        try:
            wait_for(lambda: process.has_ended() or "ready" in machine.text_of(path), 10,
                     "the image that keeps connections")
            before = process.resident_bytes()
            with Crowd(network, HOLD_PORT, "-") as crowd:
                after = process.resident_bytes()
                count = EACH * len(crowd.clients)
        finally:
            process.stop(seconds=20)
    return (after - before) / count - POINTER_BYTES


def compare(bench, server, lonely):
    """Two of the same image, one of which has the crowd, with load in alternation."""
    seconds = max(2, bench.seconds // 2)
    with WideTap() as wide, Tap() as narrow:
        crowded, alone = server.start(wide), lonely.start(narrow)
        try:
            bench.say("connecting")
            with Crowd(wide, wide.port, PAGE):
                return alternate(
                    lambda: load.measure_running(server.name, crowded, wide, seconds),
                    lambda: load.measure_running(lonely.name, alone, narrow, seconds),
                    bench.pairs, bench.say)
        finally:
            crowded.stop(seconds=20)
            alone.stop(seconds=20)


def run(bench):
    bench.needs_taps()
    bench.needs_wrk()
    if not machine.descriptors_raise(EACH + 100):
        raise Skip(f"the limit of descriptors is too low: ulimit -n {EACH + 100}")
    bench.say("connecting")
    each = bytes_each(image_build("bench/stream", stack="direct"))
    bench.claim("crowd", "the stack's memory for an idle connection", "bytes",
                {"value": each, "better": "less"},
                target=Target("at most", LIMIT_BYTES, "value"))
    page = image_build("bench/page", stack="direct")
    parameters = [*IMAGE_PARAMETERS, f"--connections={COUNT + 1000}", *pools(COUNT + 2000)]
    pairs = compare(bench, WideImage(page, "loom-crowded", parameters),
                    DirectImage(page, "loom-alone", parameters))
    for key, words, unit, target, better in (
            ("requests_per_second", "requests/s of 64 among 100,000", "/s",
             Target("at least", 0.95), "more"),
            ("p99_ms", "p99 of 64 among 100,000", "ms", Target("at most", 1 / 0.95), "less")):
        bench.claim("crowd", words, unit, {**Ratios(pairs, key).as_claim(), "better": better},
                    target=target, peer="alone")
    bench.tell(http.conditions(pairs))
