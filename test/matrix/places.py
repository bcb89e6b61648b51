"""places.py - where an application runs: as a process over the host's sockets or over our own stack, in the simulator, as a machine
under loom-tender or under QEMU. All give the same to those who ask:

    place.run(workshop, "tick", "--duration=1s")       to its end: status, and what it said
    with place.serving(workshop, "echo") as image:     while it serves at image.address, in a namespace that this thread is in

Attached to a tap as a tap is meant to be, there are all offloads (checksums, segmentation both ways); opened without headers, there
are none. QEMU's devices offer all that virtio leaves to be agreed on, or nothing of it.

SPDX-License-Identifier: ISC"""

import fcntl
import os
import re
import struct
import subprocess
from contextlib import contextmanager

from harness.direct import IMAGE, LINUX, PREFIX_BITS, TAP, DirectImage, open_link
from harness.machine import LOOM, TENDER, need_machines
from harness.place import HOST
from harness.report import Failure, Skip
from harness.space import Space, need, need_spaces
from harness.workshop import application_folder

RUN_SECONDS = 60
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454ca, 0x0002, 0x1000
ADDRESSED = [f"--ipv4={IMAGE}/{PREFIX_BITS}", f"--ipv4-gateway={LINUX}"]


def output_of(words):
    """The status of a command, and what it said and complained of."""
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=RUN_SECONDS, check=False)
    return done.returncode, done.stdout


class Started(DirectImage):
    """An image of whose command the place knows all."""

    def __init__(self, program, words, address, **options):
        super().__init__(program, [], address=address, **options)
        self.words = [str(word) for word in words]

    def command(self):
        return self.words


class Process:
    """A process over the host's sockets."""
    target, has_ping, is_simulated = "unix", False, False

    def __init__(self, build):
        self.name, self.build = f"unix/sockets/{build}", build

    def program(self, workshop, name):
        return workshop.program(name, self.build)

    def disk_command(self, workshop, name, disk):
        return [self.program(workshop, name), f"--block={disk}"]

    def run(self, workshop, name, *parameters):
        return output_of([self.program(workshop, name), *parameters])

    @contextmanager
    def serving(self, workshop, name, *parameters):
        need_spaces()
        program = self.program(workshop, name)
        with Space("matrix") as space, space.inside():
            with Started(program, [program, *parameters], HOST) as image:
                yield image


class Attached:
    """One with our own stack, on a tap."""
    has_ping, is_simulated = True, False

    @contextmanager
    def serving(self, workshop, name, *parameters):
        program = self.program(workshop, name)
        with open_link(workshop), self.net() as (net, passed):
            words = self.serving_command(program, net, [*ADDRESSED, *parameters])
            with Started(program, words, IMAGE, process_options={"pass_fds": passed}) as image:
                yield image

    @contextmanager
    def net(self):
        """What it is attached to, and the descriptors that it inherits for that."""
        yield f"tap:{TAP}", ()


@contextmanager
def bare_tap():
    """A tap without headers, and so without offloads."""
    tap = os.open("/dev/net/tun", os.O_RDWR)
    try:
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", TAP.encode(), IFF_TAP | IFF_NO_PI))
        yield f"fd:{tap}", (tap,)
    finally:
        os.close(tap)


class Direct(Attached):
    """A process."""
    target = "unix"

    def __init__(self, attachment, build):
        self.name, self.variant = f"unix/{attachment}/{build}", DIRECTS[build]
        if attachment == "bare":
            self.net = bare_tap

    def program(self, workshop, name):
        return workshop.program(name, self.variant)

    def serving_command(self, program, net, parameters):
        return [program, f"--net={net}", *parameters]


class Machine(Attached):
    """A machine, by whoever runs it."""
    target = "vm"

    def __init__(self, name, build):
        self.name, self.variant = f"vm/{name}/{build}", MACHINES[build]

    def disk_command(self, workshop, name, disk):
        return self.command(self.program(workshop, name), ["--block", disk], [])

    def run(self, workshop, name, *parameters):
        return output_of(self.command(self.program(workshop, name), [], parameters))

    def serving_command(self, program, net, parameters):
        return self.command(program, ["--net", net], parameters)


class Tender(Machine):
    def __init__(self, attachment, build):
        super().__init__(f"tender/{attachment}" if attachment else "tender", build)
        if attachment == "bare":
            self.net = bare_tap

    def program(self, workshop, name):
        need_machines()
        return workshop.program(name, self.variant)

    def command(self, program, attached, parameters):
        return [TENDER, *attached, program, "--", *parameters]


class TenderWithout(Tender):
    def command(self, program, attached, parameters):
        return super().command(program, ["--features", "none", *attached], parameters)


class Qemu(Machine):
    """`loom run` knows its command line."""

    def __init__(self, kind, accelerator, features, build):
        super().__init__(f"{kind}-{accelerator}/{features}", build)
        self.words = ["--on", "qemu", "--machine", kind, "--accel", accelerator, "--features", features]

    def program(self, workshop, name):
        need("qemu-system-x86_64", "qemu-system-x86")
        if "kvm" in self.words:
            need_machines()
        return workshop.program(name, self.variant)

    def command(self, program, attached, parameters):
        return [LOOM, "run", "-t", "vm", *self.words, *attached, program.parents[2], "--", *parameters]


class Simulated:
    """A node in virtual time: the world that it is in asks it, from a stack of its own."""
    target, has_ping, is_simulated = "sim", False, True

    def __init__(self, build):
        self.name, self.build = f"sim/world/{build}", build

    def run(self, _workshop, name, *parameters, options=()):
        """Of what the node said only the words, without the time and its name."""
        status, said = output_of([LOOM, "run", "-t", "sim", f"--build={self.build}", *options,
                                  application_folder(name, f"sim-{self.build}"), *(["--", *parameters] if parameters else [])])
        ended = re.search(r"\* ends with status (\d+)$", said, re.MULTILINE)
        if status != 0 or not ended:
            raise Failure(f"the simulation ended with {status}: {said[-800:]}")
        words = re.findall(rf"^ *\d+\.\d+  {name} +(.*)$", said, re.MULTILINE)
        return int(ended[1]), "".join(word + "\n" for word in words if not word.startswith("* "))

    def fetched(self, workshop, name, target, port=8080):
        """What the world's client was answered: the status, and the body's bytes as text."""
        status, said = output_of([LOOM, "run", "-t", "sim", f"--build={self.build}", f"--get=http://{name}:{port}{target}",
                                  application_folder(name, f"sim-{self.build}")])
        told = re.search(r"GET \S+: status (\d+), (\d+) bytes", said)
        if status != 0 or not told or "* ends with status 0" not in said:
            raise Failure(f"the simulation ended with {status}: {said[-800:]}")
        return int(told[1]), "\n".join(re.findall(r"^ *\d+\.\d+  world +< ?(.*)$", said, re.MULTILINE))


BUILDS = ("release", "debug")
MACHINES = {"release": "machine-release", "debug": "machine"}
DIRECTS = {"release": "direct-release", "debug": "direct"}
KINDS, ACCELERATORS, FEATURES = ("microvm", "q35"), ("kvm", "tcg"), ("all", "none")

PROCESSES = [Process(build) for build in BUILDS]
SIMULATED = [Simulated(build) for build in BUILDS]
WITHOUT = [TenderWithout("none", build) for build in BUILDS]
QEMUS = [Qemu(kind, accelerator, features, build) for kind in KINDS for accelerator in ACCELERATORS for features in FEATURES
         for build in BUILDS]
QEMUS += [Qemu("pc", "tcg", "all", build) for build in BUILDS]

ALONE = [*PROCESSES, *SIMULATED, *(Tender(None, build) for build in BUILDS), *WITHOUT, *QEMUS]
ATTACHED = [*PROCESSES, *(Direct(attachment, build) for attachment in ("tap", "bare") for build in BUILDS), *SIMULATED,
            *(Tender(attachment, build) for attachment in ("tap", "bare") for build in BUILDS), *WITHOUT, *QEMUS]
