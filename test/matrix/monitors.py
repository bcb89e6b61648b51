"""monitors.py - what else runs machines, and why it does not here.

SPDX-License-Identifier: ISC"""

import shutil


def missing(program):
    def reason():
        return "the matrix does not know yet how to ask it" if shutil.which(program) else f"there is no {program} in Debian 12"
    return reason


MONITORS = {
    "firecracker": missing("firecracker"),
    "cloud-hypervisor": missing("cloud-hypervisor"),
}
