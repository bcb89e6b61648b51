"""machines.py - many machines at once: apps/echo in each, on a tap of its own, all taps on one bridge
of a namespace; from the fork of the first until the last has answered, and the memory of each.

SPDX-License-Identifier: ISC
"""
import os
import subprocess

from driver import echo_crowd
from driver.images import image_build
from driver.network import TapBridge
from driver.process import Process
from driver.servers import ServerError, machine_address, tender_words

WORDS = "200 machines with apps/echo, started at once, each on a tap of one bridge"
COUNT, MEMORY, PORT = 200, "32MiB", 7007
# Of a machine that has a few peers.
PARAMETERS = ("--packets=512", "--tcp-connections=256", "--tcp-half-open=64", "--tcp-time-wait=256",
              "--arp-entries=32", "--udp-ports=16", "--metrics-connections=16",
              "--metrics-sessions=4", "--metrics-buffers=16", "--fibers-small=64",
              "--fibers-medium=16", "--fibers-large=1", "--log=warning")


def lines(image, network):
    """Of each machine its address, and the words that start it."""
    for tap, address in zip(network.taps, network.addresses):
        yield " ".join([address, *tender_words(image, tap, ["--mem", MEMORY]),
                        *machine_address(address, network.prefix_bits), *PARAMETERS])


def answer_of(crowd, name):
    """The numbers of the line of this name."""
    words = crowd.popen.stdout.readline().split()
    if not words or words[0] != name:
        raise ServerError(f"the crowd of machines ended: {crowd.popen.stderr.read().strip()[-500:]}")
    return [int(word) for word in words[1:]]


def measure(image, count):
    """How long all took to answer, and the resident bytes of each."""
    with TapBridge(count) as network:
        crowd = Process(["/usr/bin/python3", os.path.abspath(echo_crowd.__file__), PORT,
                         *lines(image, network)], prefix=network.client_prefix,
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                        text=True)
        try:
            started, = answer_of(crowd, "started")
            answered, took = answer_of(crowd, "answered")
            if answered < count:
                raise ServerError(f"{answered} of {count} machines answered")
            return started, took, crowd.children_resident_bytes()
        finally:
            crowd.stop(seconds=60)


def run(bench):
    bench.needs_machines()
    bench.needs_taps()
    bench.say(f"starting {COUNT} machines")
    started, took, resident = measure(image_build("apps/echo", target="vm"), COUNT)
    bench.claim("machines", f"{COUNT} machines, until all have answered", "ns",
                {"value": took, "better": "less"})
    bench.claim("machines", "resident, a machine and its tender", "bytes",
                {"value": sum(resident) / len(resident), "values": resident, "better": "less"})
    bench.tell(f"the last was started after {started / 1e6:.0f} ms; each has {MEMORY}, and its bounds "
               f"are small; {min(resident) >> 10} to {max(resident) >> 10} KiB")
