"""inside.py - runs the image that measures itself, and reads what it tells.

SPDX-License-Identifier: ISC
"""
from driver import machine
from driver.images import image_build
from driver.process import output_of


class InsideError(Exception):
    """The image ended with an error; the words are its own."""


def build(harden="on"):
    return image_build("bench/inside", harden)


def read(said):
    """The values of each name, in order."""
    found = {}
    for words in map(str.split, said.splitlines()):
        if len(words) == 2 and words[1].isdigit():
            found.setdefault(words[0], []).append(int(words[1]))
    return found


def measure(image, name, *parameters, prefix=()):
    core, _ = machine.cores()
    status, said, complained, _ = output_of([*prefix, image, f"--measure={name}", *parameters],
                                            core=core)
    if status != 0:
        raise InsideError(f"inside --measure={name}: {complained.strip() or f'status {status}'}")
    return read(said), complained
