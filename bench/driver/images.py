"""images.py - builds the images that are measured, with `loom`, as a user does.

Each is built from a copy of its folder below build/bench, hardened and not, so that nobody's own
build of the application is touched.

SPDX-License-Identifier: ISC
"""
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUTPUT = os.path.join(ROOT, "build", "bench")
LOOM = os.path.join(ROOT, "build", "loom")
TENDER = os.path.join(ROOT, "build", "loom-tender")

ERROR_LINES = 3


class ImageError(Exception):
    """The image does not build; the words tell why."""


def folder_copy(source, copy):
    """Keeps what was built of an earlier copy, and the times of the files."""
    os.makedirs(copy, exist_ok=True)
    for name in os.listdir(copy):
        if name != "build":
            path = os.path.join(copy, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    for name in os.listdir(source):
        if name != "build":
            path = os.path.join(source, name)
            copied = os.path.join(copy, name)
            shutil.copytree(path, copied) if os.path.isdir(path) else shutil.copy2(path, copied)


def host_program(name):
    """The path of what host/NAME.c makes."""
    return os.path.join(OUTPUT, name)


def kind_of(harden, stack, target, boot=None, optimize=None):
    """The folder of what is built so."""
    words = [f"harden-{harden}", stack or "", target if target != "unix" else "", boot or "", optimize or ""]
    return "-".join(word for word in words if word)


def image_build(folder, harden="on", stack=None, target="unix", boot=None, optimize=None):
    """Gives the path of the image of the application in `folder`, named from the root, with this
    stack; None: the one it has by default. `target`: "vm" for a machine of its own, which by default
    has a monitor within it, for whoever boots by PVH; `boot`: "tender" for one without.
    `optimize`: "size" for a release compiled for that instead of speed."""
    source = os.path.join(ROOT, folder)
    name = os.path.basename(folder)
    if not os.path.exists(os.path.join(source, "config.c")):
        raise ImageError(f"{folder}/config.c: there is no such application")
    copy = os.path.join(OUTPUT, kind_of(harden, stack, target, boot, optimize), name)
    folder_copy(source, copy)
    chosen = [] if stack is None else [f"--stack={stack}"]
    chosen += [] if boot is None else [f"--boot={boot}"]
    chosen += [] if optimize is None else [f"--optimize={optimize}"]
    done = subprocess.run([LOOM, "build", "-t", target, f"--harden={harden}", "--build=release",
                           *chosen, copy], check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        lines = [line for line in done.stdout.splitlines() if "error" in line] or [done.stdout]
        raise ImageError("\n".join([f"{folder} does not build:", *lines[:ERROR_LINES]]))
    return os.path.join(copy, "build", target, name)


def image_stripped_bytes(image):
    stripped = f"{image}.stripped"
    subprocess.run(["strip", "-s", "-o", stripped, image], check=True)
    size = os.path.getsize(stripped)
    os.remove(stripped)
    return size


def pages_bytes(said):
    """What the pages take, by the table of `loom size`: text, constants and data."""
    rows = [line.partition("(pages)")[2].split() for line in said.splitlines() if "(pages)" in line]
    return sum(int(number) for numbers in rows for number in numbers[:3])


def image_pages_bytes(image):
    """Of the stripped image."""
    folder, target = os.path.dirname(image), os.path.basename(os.path.dirname(image))
    done = subprocess.run([LOOM, "size", "-t", target, os.path.dirname(os.path.dirname(folder))],
                          check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise ImageError(f"loom size: {done.stdout.strip()}")
    return pages_bytes(done.stdout)
