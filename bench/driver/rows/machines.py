"""machines.py - many machines at once: apps/echo in each, on a tap of its own, all taps on one bridge
of a namespace; from the fork of the first until the last has answered, and the memory of each.

SPDX-License-Identifier: ISC
"""
import os
import subprocess

from driver import echo_crowd
from driver.images import image_build
from driver.network import TapBridge
from driver.process import Process, memory_of
from driver.results import claim_of_values
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
    """How long all took to answer, and the memory of each tender, which has the machine's."""
    numbers = []
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
            numbers = crowd.children()
            memory = [memory_of(number) for number in numbers]
            if len(memory) != count:
                raise ServerError(f"{len(memory)} of {count} machines are still there")
        finally:
            crowd.stop(seconds=60)
    left = [number for number in numbers if os.path.exists(f"/proc/{number}/exe")]
    if left:
        raise ServerError(f"{len(left)} of {count} machines have not ended when they were asked to")
    return started, took, memory


def run(bench):
    bench.needs_machines()
    bench.needs_taps()
    bench.say(f"starting {COUNT} machines")
    started, took, memory = measure(image_build("apps/echo", target="vm"), COUNT)
    shares = [one["Pss"] for one in memory]
    bench.claim("machines", f"{COUNT} machines, until all have answered", "ns",
                {"value": took, "better": "less"})
    bench.claim("machines", "a machine and its tender, proportional", "bytes",
                claim_of_values(shares, better="less"))
    own, huge = (sum(one[name] for one in memory) / COUNT / (1 << 20)
                 for name in ("Anonymous", "AnonHugePages"))
    bench.tell(f"the last was started after {started / 1e6:.0f} ms; each has {MEMORY}, and its bounds "
               f"are small; {own:.1f} MiB of each are its own alone, {huge:.1f} of them in pages of "
               f"2 MiB")
