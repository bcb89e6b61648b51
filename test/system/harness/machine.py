"""machine.py - images that are machines of their own, run by loom-tender over KVM; the other end of the tap as in direct.py.

    @machine_case("machine/answers")
    def it_answers(link):
        with link.started("site", "--connections=10") as image:
            Wire(image.port)

SPDX-License-Identifier: ISC"""

import os

from harness.direct import TAP, DirectImage, Link, open_link
from harness.report import Skip, case
from harness.space import need
from harness.workshop import ROOT

TENDER = ROOT / "build" / "loom-tender"
LOOM = ROOT / "build" / "loom"


def need_machines():
    if not os.path.exists("/dev/kvm"):
        raise Skip("no /dev/kvm")
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Skip("/dev/kvm is not ours to open")


class MachineImage(DirectImage):
    def __init__(self, program, parameters, tender_options=(), **options):
        super().__init__(program, parameters, **options)
        self.tender_options = [str(word) for word in tender_options]

    def command(self):
        return [str(TENDER), *self.tender_options, str(self.program), "--", *self.parameters]


class NamedImage(MachineImage):
    """Run by `loom run`, which names the functions in what a crash says."""

    def command(self):
        return [str(LOOM), "run", "-t", "vm", *self.tender_options, str(self.program.parents[2]), "--", *self.parameters]


class MachineLink(Link):
    release = "machine-release"
    kind = MachineImage

    def image(self, program, parameters, tender_options=(), **options):
        return self.kind(program, parameters, tender_options=["--net", f"tap:{TAP}", *tender_options], **options)


class NamedLink(MachineLink):
    kind = NamedImage


def machine_case(name, *programs, build="machine", link=MachineLink, long=False, alone=False):
    """`programs`: pairs of a program that it needs, and Debian's package of it."""
    def register(function):
        def run_over_tap(workshop):
            need_machines()
            for program, package in programs:
                need(program, package)
            with open_link(workshop, build, link) as opened:
                function(opened)
        case(name, long=long, alone=alone)(run_over_tap)
        return function
    return register
