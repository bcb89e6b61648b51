"""workshop.py - builds applications with `loom build`, each variant in a folder of its own, and starts their images.

The folders are copies below build/system/: an application is built there as one outside Loom's tree would be, and
what `make run` has built stays as it was. Only what changed is copied, so that a second run builds next to nothing.

SPDX-License-Identifier: ISC"""

import os
import shutil
import subprocess
import threading
from pathlib import Path

from harness import place
from harness.crowd import Crowd
from harness.image import Image
from harness.report import Failure

ROOT = Path(__file__).resolve().parents[3]
WORK = ROOT / "build" / "system"

# Name of a variant: its keys, and the compiler where it is not loom's own choice. Machines are of the target vm.
VARIANTS = {
    "debug": (["--build=debug"], None),
    "clang": (["--build=debug"], "clang"),
    "release": (["--build=release"], None),
    "host": (["--build=debug", "--pages=host"], None),
    "direct": (["--build=debug", "--stack=direct"], None),
    "direct-clang": (["--build=debug", "--stack=direct"], "clang"),
    "direct-release": (["--build=release", "--stack=direct"], None),
    "machine": (["-t", "vm", "--build=debug"], None),
    "machine-clang": (["-t", "vm", "--build=release"], "clang"),
    "machine-release": (["-t", "vm", "--build=release"], None),
}

BIG_LINES = 40000  # of big.txt, which is too large for one write and worth compressing
DATA_BYTES = 70001  # of data.bin, which is not


class Workshop:
    """Applications that are built once a run, and the programs of the tests themselves."""

    def __init__(self):
        self.programs = {}
        self.locks = {}
        WORK.mkdir(parents=True, exist_ok=True)

    def build_tools(self):
        run(["make", "-s", "tool", "tender"], "the loom command and what runs machines")

    def program(self, name, variant):
        with self.locks.setdefault((name, variant), threading.Lock()):
            if (name, variant) not in self.programs:
                self.programs[name, variant] = self.build(name, variant)
        return self.programs[name, variant]

    def build(self, name, variant):
        keys, compiler = VARIANTS[variant]
        folder = application_folder(name, variant)
        environment = {key: value for key, value in os.environ.items() if key != "CC"}
        if compiler:
            environment["CC"] = compiler
        run([str(ROOT / "build" / "loom"), "build", *keys, str(folder)], f"{name}, {variant}", environment)
        return folder / "build" / ("vm" if "vm" in keys else "unix") / name

    def crowd(self, image, target, clients=1, connections=0, requests=1, seconds=10):
        """A crowd of clients that has begun to ask; its `outcome` waits for its end."""
        program = WORK / "client"
        sources = sorted((ROOT / "test" / "system" / "client").glob("*.[ch]"))
        if not program.exists() or any(path.stat().st_mtime > program.stat().st_mtime for path in sources):
            run(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program),
                 *(str(path) for path in sources if path.suffix == ".c")], "the crowd of clients")
        return Crowd([program, place.address(), image.port, target, clients, connections, requests, seconds])

    def started(self, name, variant, *parameters, **options):
        """An image that runs, for `with`; its end is looked at. Listens on a port of the kernel's choice."""
        return Image(self.program(name, variant), parameters, **options)


def application_folder(name, variant):
    """From which the variant is built."""
    source = ROOT / "apps" / name
    if not source.is_dir():
        source = ROOT / "test" / "system" / name
    folder = WORK / "apps" / f"{name}-{variant}"
    copy_changes(source, folder)
    if name == "site":
        grow_pages(folder / "htdocs")
    return folder


def run(command, what, environment=None):
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise Failure(f"could not build {what}: {done.stdout}{done.stderr}")


def copy_changes(source, folder):
    for path in source.rglob("*"):
        place = path.relative_to(source)
        if "build" in place.parts or not path.is_file():
            continue
        target = folder / place
        if target.exists() and target.read_bytes() == path.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def grow_pages(folder):
    """The large files of the tests' site are made, not kept."""
    write_once(folder / "big.txt", b"".join(b"line %d of a long page\n" % i for i in range(BIG_LINES)))
    value, data = 1, bytearray()
    while len(data) < DATA_BYTES:
        value = value * 6364136223846793005 + 1442695040888963407 & 0xffffffffffffffff
        data += value.to_bytes(8, "little")[3:]
    write_once(folder / "data.bin", bytes(data[:DATA_BYTES]))
    write_once(folder / "empty.txt", b"")


def write_once(path, content):
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
