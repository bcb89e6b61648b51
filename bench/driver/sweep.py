"""sweep.py - one cell of the loss sweep: one stream over the bad wire, from Linux or from an image,
always to Linux.

    sender - tap or socketpair - wire - tap - receiver

The wire is the same program with the same seeds for both: of N frames it loses, or holds back, the
same ones. Its rate and its queue are the bottleneck, not the processor.

SPDX-License-Identifier: ISC
"""
import os
import re
import socket
import subprocess

from driver import machine, under_load
from driver.images import host_program
from driver.network import ADDRESSES, Spaces, Tap
from driver.process import Process, output_of, wait_for
from driver.servers import RUN, ServerError, attachment

RATE_BITS = 100_000_000
QUEUE_BYTES_MIN = 128 * 1024
SOURCE_PORT, SINK_PORT = 5001, 5002
TAP_EXEC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tap_exec.py")
STREAM = host_program("stream")
# As much as Linux may have under way: its tcp_wmem goes up to 4 MiB.
IMAGE_PARAMETERS = ("--tcp-send-buffer=4MiB", "--tcp-congestion=cubic")


class Cell:
    """One kind of bad wire."""

    def __init__(self, round_trip_ms, loss_percent, reorder_percent=0):
        self.round_trip_ms = round_trip_ms
        self.loss_percent = loss_percent
        self.reorder_percent = reorder_percent

    @property
    def words(self):
        bad = (f"{self.reorder_percent:g} % reordered" if self.reorder_percent
               else f"{self.loss_percent:g} % lost")
        return f"{self.round_trip_ms} ms, {bad}"

    def seconds(self):
        """Long paths need longer to show what they are."""
        return 10 if self.round_trip_ms >= 100 else 4

    def parameters(self, seed):
        queue_bytes = max(QUEUE_BYTES_MIN, RATE_BITS // 8 * self.round_trip_ms // 1000)
        reorder_ns = max(500_000, self.round_trip_ms * 1_000_000 // 8)
        return [f"--seed={seed}", f"--loss={round(self.loss_percent * 10_000)}",
                f"--reorder={round(self.reorder_percent * 10_000)}", f"--reorder-by={reorder_ns}ns",
                f"--round-trip={self.round_trip_ms}ms", f"--rate={RATE_BITS}",
                f"--queue={queue_bytes}"]


class Wire(Spaces):
    """The receiver's namespace and its tap, and the sender's where that is Linux."""

    def __init__(self):
        super().__init__("server", "client")

    def lay(self):
        for side, address in ADDRESSES.items():
            self.tap_add(side, Tap.interface, Tap.mac if side == "client" else Tap.image_mac)
            self.address_give(side, Tap.interface, f"{address}/24")


def log_open():
    os.makedirs(RUN, exist_ok=True)
    return open(os.path.join(RUN, "wire.log"), "wb")


def tap_as(prefix, descriptor):
    """Words that open the tap of a namespace and go on with what follows."""
    return [*prefix, "/usr/bin/python3", TAP_EXEC, Tap.interface, descriptor]


def started(prefix, words, log, **options):
    core, _ = machine.cores()
    return Process(words, core, prefix, stdout=log, stderr=log, **options)


def linux_start(wire, network, parameters, log):
    """Both ends of the wire are taps; gives what was started, the wire last."""
    sender = started(network.prefix("server"),
                     [STREAM, "serve", SOURCE_PORT, SINK_PORT, "cubic"], log)
    words = [*tap_as(network.prefix("server"), 3), *tap_as(network.prefix("client"), 4), wire,
             "--left-net=fd:3", "--right-net=fd:4", *parameters]
    return [sender, started((), words, log)]


def loom_start(image, wire, network, parameters, log):
    """The image's frames go to the wire as datagrams of a socketpair."""
    own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (own, other):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    with own, other:
        net = f"fd:{own.fileno()}"
        sender = started((), [image, *attachment(ADDRESSES["server"], net), *IMAGE_PARAMETERS],
                         log, pass_fds=[own.fileno()])
        free = max(own.fileno(), other.fileno()) + 1
        words = [*tap_as(network.prefix("client"), free), wire,
                 f"--left-net=fd:{other.fileno()}", f"--right-net=fd:{free}", *parameters]
        line = started((), words, log, pass_fds=[other.fileno()])
    return [sender, line]


def is_reached(network):
    probe = "import socket,sys; socket.create_connection((sys.argv[1],int(sys.argv[2])),1).close()"
    status, *_ = output_of(["/usr/bin/python3", "-c", probe, ADDRESSES["server"], SINK_PORT],
                           network.prefix("client"))
    return status == 0


def congestion_of(network):
    """What ss says of the sender, while it sends."""
    _, said, *_ = output_of(["ss", "-Htin", f"sport = :{SOURCE_PORT}"], network.prefix("server"))
    found = re.search(r"\b(cubic|bbr|reno)\b", said)
    return found.group(1) if found else "unknown"


def linux(wire):
    return lambda cell, seed: measure(
        lambda *rest: linux_start(wire, *rest), cell, seed, check_congestion)


def loom(image, wire):
    return lambda cell, seed: measure(
        lambda *rest: loom_start(image, wire, *rest), cell, seed, lambda *_: None)


def measure(start, cell, seed, check):
    """One run; gives the goodput from the handshake on, in Mbit/s."""
    words = [STREAM, "read", ADDRESSES["server"], SOURCE_PORT, 0, cell.seconds() * 1000, "cubic"]
    with Wire() as network, log_open() as log:
        processes = start(network, cell.parameters(seed), log)
        try:
            wait_for(lambda: is_reached(network) or any(one.has_ended() for one in processes), 20,
                     f"the far end of the wire; see {RUN}/wire.log")
            reader = Process(words, machine.cores()[1], network.prefix("client"),
                             stdout=subprocess.PIPE, stderr=log, text=True)
            try:
                check(network, reader)
                said, _ = reader.popen.communicate(timeout=cell.seconds() + 60)
            finally:
                reader.stop()
        finally:
            for process in reversed(processes):
                process.stop()
    if reader.popen.returncode != 0:
        raise ServerError(f"{cell.words}, seed {seed}: the reader ended early; see {RUN}/wire.log")
    counted = under_load.numbers(said)
    return counted["bytes"] * 8e3 / counted["ns"]


def check_congestion(network, reader):
    found = "unknown"

    def is_known():
        nonlocal found
        found = congestion_of(network)
        return found != "unknown" or reader.has_ended()

    wait_for(is_known, 10, "ss tells the congestion control")
    if found not in ("cubic", "unknown"):
        raise ServerError(f"Linux sent with {found}, not with cubic")
