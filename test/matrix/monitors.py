"""monitors.py - what else runs machines, and why it does not here.

SPDX-License-Identifier: ISC"""

import shutil
import subprocess

from harness.machine import LOOM
from harness.workshop import application_folder


def qemu():
    if not shutil.which("qemu-system-x86_64"):
        return "there is no qemu-system-x86_64 (apt-get install qemu-system-x86)"
    done = subprocess.run([LOOM, "run", "-t", "vm", "--on", "qemu", application_folder("hello", "machine-release")],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 2:
        return (done.stderr + done.stdout).strip().splitlines()[-1]
    return "the matrix does not know yet how to ask it"


def missing(program):
    def reason():
        return "the matrix does not know yet how to ask it" if shutil.which(program) else f"there is no {program} in Debian 12"
    return reason


MONITORS = {
    "qemu microvm, KVM": qemu,
    "qemu microvm, emulation": qemu,
    "qemu q35, KVM": qemu,
    "qemu q35, emulation": qemu,
    "firecracker": missing("firecracker"),
    "cloud-hypervisor": missing("cloud-hypervisor"),
}
