"""direct.py - images with our own stack, at one end of a tap; at the other is Linux, in a namespace of the test's own.

    @linux_case("linux/answers")
    def it_answers(link):
        with link.started("site", "--connections=10") as image:
            Wire(image.port)

The thread that runs the case is inside the namespace, and so is what it starts.

SPDX-License-Identifier: ISC"""

import time

from harness.image import START_SECONDS, Image
from harness.place import images_at
from harness.report import Failure, case
from harness.space import Space, ask, need, need_spaces

TAP = "tap0"
LINUX, IMAGE = "10.9.0.1", "10.9.0.2"
PREFIX_BITS = 16
CROWD = [f"10.9.1.{number}" for number in range(2, 18)]  # from where test/system/client asks


class DirectImage(Image):
    """Does not show its ports to the kernel: its log says when it serves."""

    def __init__(self, program, parameters, address=IMAGE, port=8080, **options):
        if not any("port=" in word for word in parameters):
            parameters = [*parameters, f"--port={port}"]
        super().__init__(program, parameters, ports=1, **options)
        self.address, self.expected_port = address, port

    def wait_for_ports(self):
        """Asked before the image has attached itself, the kernel would ask for its station only a second later again."""
        end = time.monotonic() + START_SECONDS
        while "serving http" not in self.log():
            if self.process.poll() is not None:
                raise Failure(f"{self.program.name} ended with {self.process.returncode} at its start: {self.log()}")
            if time.monotonic() > end:
                raise Failure(f"{self.program.name} does not serve after {START_SECONDS} s: {self.log()}")
            time.sleep(0.01)
        return [self.expected_port]


class Link:
    """A workshop whose images stand at the other end of the tap."""

    release = "direct-release"

    def __init__(self, workshop, space, build):
        self.workshop, self.space, self.build = workshop, space, build

    def program(self, name, variant="debug"):
        return self.workshop.program(name, self.variant(variant))

    def variant(self, variant):
        return {"debug": self.build, "release": self.release}.get(variant, variant)

    def started(self, name, *parameters, variant="debug", address=IMAGE, **options):
        addressed = [f"--ipv4={address}/{PREFIX_BITS}"]
        addressed += [] if any("gateway" in word for word in parameters) else [f"--ipv4-gateway={LINUX}"]
        return self.image(self.program(name, variant), [*addressed, *parameters], address=address, **options)

    def image(self, program, parameters, **options):
        return DirectImage(program, [f"--net=tap:{TAP}", *parameters], **options)

    def crowd(self, *words, **options):
        return self.workshop.crowd(*words, **options)


class Attached:
    """A link with a workshop's own calls, for cases that are written for images on this host."""

    def __init__(self, link):
        self.link = link
        self.crowd = link.crowd

    def started(self, name, variant, *parameters, **options):
        return self.link.started(name, *parameters, variant=variant, **options)


class open_link:
    """`with open_link(workshop) as link`: a namespace with a tap, which this thread is in."""

    def __init__(self, workshop, build="direct", link=Link):
        need_spaces()
        self.workshop, self.build, self.link = workshop, build, link

    def __enter__(self):
        self.space = Space("tap").__enter__()
        self.inside = self.space.inside()
        self.place = images_at(IMAGE)
        self.inside.__enter__()
        self.place.__enter__()
        ask("ip", "tuntap", "add", "dev", TAP, "mode", "tap")
        for address in (LINUX, *CROWD):
            ask("ip", "addr", "add", f"{address}/{PREFIX_BITS}", "dev", TAP)
        ask("ip", "link", "set", TAP, "up")
        return self.link(self.workshop, self.space, self.build)

    def __exit__(self, kind, error, trace):
        self.place.__exit__(kind, error, trace)
        self.inside.__exit__(kind, error, trace)
        self.space.__exit__(kind, error, trace)


def linux_case(name, *programs, long=False, alone=False):
    """`programs`: pairs of a program that it needs, and Debian's package of it."""
    def register(function):
        def run_over_tap(workshop):
            for program, package in programs:
                need(program, package)
            with open_link(workshop) as link:
                function(link)
        case(name, long=long, alone=alone)(run_over_tap)
        return function
    return register
