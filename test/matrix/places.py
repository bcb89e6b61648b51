"""places.py - where an application runs: as a process over the host's sockets or over our own stack, in the simulator, as a machine
under loom-tender. All give the same to those who ask:

    place.run(workshop, "tick", "--duration=1s")       to its end: status, and what it said
    with place.serving(workshop, "echo") as image:     while it serves at image.address, in a namespace that this thread is in

Attached to a tap as a tap is meant to be, there are all offloads (checksums, segmentation both ways); opened without headers, there
are none.

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
from harness.report import Failure
from harness.space import Space, need_spaces
from harness.workshop import application_folder

RUN_SECONDS = 60
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454ca, 0x0002, 0x1000


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
    """One that has our own stack: on a tap, with all offloads or without any."""
    has_ping, is_simulated = True, False

    def __init__(self, target, attachment, build, variant):
        self.name = f"{target}/{attachment}/{build}"
        self.target, self.attachment, self.variant = target, attachment, variant

    def program(self, workshop, name):
        if self.target == "vm":
            need_machines()
        return workshop.program(name, self.variant)

    def command(self, program, net, parameters):
        if self.target == "vm":
            return [TENDER, "--net", net, program, "--", *parameters]
        return [program, f"--net={net}", *parameters]

    @contextmanager
    def serving(self, workshop, name, *parameters):
        program = self.program(workshop, name)
        addressed = [f"--ipv4={IMAGE}/{PREFIX_BITS}", f"--ipv4-gateway={LINUX}", *parameters]
        with open_link(workshop), self.net() as (net, passed):
            options = {"process_options": {"pass_fds": passed}}
            with Started(program, self.command(program, net, addressed), IMAGE, **options) as image:
                yield image

    @contextmanager
    def net(self):
        """What it is attached to, and the descriptors that it inherits for that."""
        if self.attachment == "tap":
            yield f"tap:{TAP}", ()
            return
        tap = os.open("/dev/net/tun", os.O_RDWR)
        try:
            fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", TAP.encode(), IFF_TAP | IFF_NO_PI))
            yield f"fd:{tap}", (tap,)
        finally:
            os.close(tap)


class Machine:
    """One without a net."""
    target, is_simulated = "vm", False

    def __init__(self, build, variant):
        self.name, self.variant = f"vm/tender/{build}", variant

    def program(self, workshop, name):
        need_machines()
        return workshop.program(name, self.variant)

    def disk_command(self, workshop, name, disk):
        return [TENDER, "--block", disk, self.program(workshop, name)]

    def run(self, workshop, name, *parameters):
        return output_of([TENDER, self.program(workshop, name), "--", *parameters])


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

ALONE = [*(Process(build) for build in BUILDS), *(Simulated(build) for build in BUILDS),
         *(Machine(build, MACHINES[build]) for build in BUILDS)]
ATTACHED = [*(Process(build) for build in BUILDS),
            *(Attached("unix", attachment, build, DIRECTS[build]) for attachment in ("tap", "bare") for build in BUILDS),
            *(Simulated(build) for build in BUILDS),
            *(Attached("vm", attachment, build, MACHINES[build]) for attachment in ("tap", "bare") for build in BUILDS)]
