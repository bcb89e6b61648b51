"""flood.py - spoofed SYNs against an image with little memory, and honest clients among them.

    flooder -- veth --+
                      bridge -- tap -- image
    client  -- veth --+

Three namespaces of its own. The image's router is the flooder, so that what answers the spoofed
addresses goes nowhere: their /15 is nobody's. The flooder sends at a bounded rate for a bounded time.

SPDX-License-Identifier: ISC
"""
import os
import subprocess

from driver import honest_clients, machine, under_load
from driver.images import host_program
from driver.network import Spaces, Tap
from driver.process import Process, output_of, wait_for
from driver.servers import PAGE, RUN, ServerError, answers

IMAGE, CLIENT, FLOODER = "10.77.0.1", "10.77.0.2", "10.77.0.3"
FLOODER_MAC = "02:00:00:00:00:03"
PORT = 8080
RATE = 100_000
HONEST, SECONDS = 1000, 30
QUEUE_FRAMES = RATE // 10  # of the tap: a busy host lets the image run later than its 1,000 last

# Together 3.5 MiB: 2 of buffers; 1 of connections, with what is remembered of what they sent, their
# places in the tables and their flows; the half open and those that have ended.
MEMORY_PARAMETERS = ("--packets=1024", "--tcp-connections=512", "--tcp-half-open=1024",
                     "--tcp-time-wait=2048", "--udp-ports=16", "--loopback-buffers=64")


class Between(Spaces):
    words = "a tap behind a bridge of three namespaces"

    def __init__(self):
        super().__init__("router", "flooder", "client")
        self.address, self.port = IMAGE, PORT
        self.server_prefix, self.client_prefix = self.prefix("router"), self.prefix("client")

    def lay(self):
        self.link("router", "add", "bridge", "type", "bridge")
        self.tap_add("router", Tap.interface)
        self.link("router", "set", Tap.interface, "txqueuelen", str(QUEUE_FRAMES))
        for side, address in (("flooder", FLOODER), ("client", CLIENT)):
            self.veth_add(side, "wire", "router", side)
            if side == "flooder":
                self.link(side, "set", "wire", "address", FLOODER_MAC)
            self.address_give(side, "wire", f"{address}/24")
            self.link("router", "set", side, "master", "bridge", "up")
        self.link("router", "set", Tap.interface, "master", "bridge", "up")
        self.link("router", "set", "bridge", "up")


def image_words(image, parameters):
    return [image, f"--port={PORT}", f"--net=tap:{Tap.interface}", f"--ipv4={IMAGE}/24",
            f"--ipv4-gateway={FLOODER}", f"--net-mac={Tap.image_mac}", *MEMORY_PARAMETERS,
            *parameters]


def image_start(image, between, parameters):
    core, _ = machine.cores()
    os.makedirs(RUN, exist_ok=True)
    path = os.path.join(RUN, "flood.log")
    with open(path, "wb") as log:
        process = Process(image_words(image, parameters), core, between.server_prefix, stdout=log,
                          stderr=log)
    wait_for(lambda: process.has_ended() or answers(between), 20, f"the image answers; see {path}")
    if process.has_ended():
        raise ServerError(f"the image ended at its start; see {path}")
    return process


def flooder_start(between, seconds):
    _, core = machine.cores()
    return Process([host_program("syn_flood"), "wire", FLOODER_MAC, Tap.image_mac, IMAGE, PORT, RATE,
                    seconds], core, between.prefix("flooder"), stdout=subprocess.PIPE,
                   stderr=subprocess.PIPE, text=True)


def measure(image, seconds, honest, parameters=()):
    """Gives the rate of the flood, how many of the honest were answered in time, and the slowest."""
    with Between() as between:
        process = image_start(image, between, parameters)
        flooder = flooder_start(between, seconds)
        try:
            status, said, complained, _ = output_of(
                ["/usr/bin/python3", os.path.abspath(honest_clients.__file__), IMAGE, PORT, PAGE, honest,
                 seconds * 0.95], between.client_prefix, timeout=seconds + 120)
            still_there = not process.has_ended()
            flooded, flood_complained = flooder.popen.communicate(timeout=seconds + 30)
            resident = process.resident_bytes()
        finally:
            flooder.stop()
            process.stop()
    if status != 0 or flooder.popen.returncode != 0:
        raise ServerError(f"flood: {(complained or flood_complained).strip()}")
    found = {**under_load.numbers(said), **under_load.numbers(flooded)}
    return {"rate": found["rate"], "answered": int(found["answered"]), "honest": honest,
            "slowest_ms": found["slowest_ms"], "survived": still_there,
            "resident": resident}
