"""space.py - network namespaces: hosts of the test's own, whose kernel is a stranger's stack.

A thread can be inside one: its sockets are then made there, and so are those of the processes that it starts.

SPDX-License-Identifier: ISC"""

import ctypes
import itertools
import os
import shutil
import subprocess
from contextlib import contextmanager

from harness.report import Failure, Skip

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
NUMBERS = itertools.count()
COMMAND_SECONDS = 60


def need_spaces():
    if os.geteuid() != 0:
        raise Skip("network namespaces take root")
    if not os.path.exists("/dev/net/tun"):
        raise Skip("there is no /dev/net/tun")
    need("ip", "iproute2")


def need(program, package):
    if not shutil.which(program):
        raise Skip(f"there is no {program} (apt-get install {package})")


def ask(*command, may_fail=False, seconds=COMMAND_SECONDS, **options):
    """What a command says, run where this thread is."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=seconds, check=False, **options)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{' '.join(words)} did not end within {seconds} s: {error.output!r}") from None
    if done.returncode != 0 and not may_fail:
        raise Failure(f"{' '.join(words)} ended with {done.returncode}: {done.stdout[-1500:]}")
    return done.stdout


class Space:
    """A namespace with nothing but loopback; gone when its `with` ends."""

    def __init__(self, word):
        self.name = f"loom-{word}-{os.getpid()}-{next(NUMBERS)}"

    def __enter__(self):
        try:
            ask("ip", "netns", "add", self.name)
        except Failure as error:
            raise Skip(f"no network namespaces here: {error}") from None
        with self.inside():
            # No IPv6, whose announcements would be noise to those who count frames.
            ask("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1", may_fail=True)
            ask("ip", "link", "set", "lo", "up")
        return self

    def __exit__(self, kind, error, trace):
        ask("ip", "netns", "del", self.name, may_fail=True)

    @contextmanager
    def inside(self):
        """This thread is there until the end of the `with`."""
        with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{self.name}", "rb") as there:
            enter(there)
            try:
                yield
            finally:
                enter(home)


def enter(space):
    if LIBC.setns(space.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def join(one, one_address, other, other_address):
    """A wire between two spaces, called `wire` at both ends."""
    with one.inside():
        ask("ip", "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", other.name)
    for space, address in ((one, one_address), (other, other_address)):
        with space.inside():
            ask("ip", "addr", "add", address, "dev", "wire")
            ask("ip", "link", "set", "wire", "up")
