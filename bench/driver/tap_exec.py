"""tap_exec.py - opens a tap without headers before its frames, so that it has no offloads, and runs
a program that finds it as a descriptor.

    tap_exec.py INTERFACE DESCRIPTOR PROGRAM [ARGUMENT...]

Linux then sends frames of the MTU with their checksums, and takes only such.

SPDX-License-Identifier: ISC
"""
import fcntl
import os
import struct
import sys

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454ca, 0x0002, 0x1000


def tap_open(name, descriptor):
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    if tap != descriptor:
        os.dup2(tap, descriptor)
        os.close(tap)
    os.set_inheritable(descriptor, True)


def main():
    name, descriptor, *program = sys.argv[1:]
    tap_open(name, int(descriptor))
    os.execvp(program[0], program)


if __name__ == "__main__":
    main()
