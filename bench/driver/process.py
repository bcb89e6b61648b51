"""process.py - the programs that are started: pinned to a core, measured as a tree, and always
ended.

SPDX-License-Identifier: ISC
"""
import atexit
import os
import signal
import subprocess
import time

from driver.machine import TICKS, text_of

running = []


class Process:
    """One program. `prefix` is how to get into its network namespace."""

    def __init__(self, words, core=None, prefix=(), **options):
        pin = ["taskset", "-c", str(core)] if core is not None else []
        self.words = [str(word) for word in words]
        options.setdefault("stdin", subprocess.DEVNULL)
        self.popen = subprocess.Popen([*prefix, *pin, *self.words], **options)
        running.append(self)

    @property
    def number(self):
        return self.popen.pid

    def has_ended(self):
        return self.popen.poll() is not None

    def stop(self, seconds=5):
        """SIGTERM, and SIGKILL to all of its tree if that does not help."""
        if self in running:
            running.remove(self)
        if not self.has_ended():
            self.popen.terminate()
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                for number in tree(self.number):
                    kill(number)
                self.popen.wait()
        for stream in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if stream is not None:
                stream.close()
        return self.popen.returncode

    def cpu_seconds(self):
        """User and system time of the process and all below it."""
        return sum(cpu_seconds(number) for number in tree(self.number))

    def user_seconds(self):
        """Of the process alone, in the kernel's ticks: what its own code took."""
        fields = stat_of(self.number)
        return int(fields[11]) / TICKS if len(fields) > 12 else 0.0

    def resident_bytes(self):
        return sum(resident_bytes(number) for number in tree(self.number))

    def children(self):
        """The number of each process below it."""
        return tree(self.number)[1:]


def kill(number):
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        pass


def stat_of(number):
    """The fields of /proc/N/stat from the third on, which is behind the name in parentheses."""
    text = text_of(f"/proc/{number}/stat")
    return text.rpartition(")")[2].split()


def parents():
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = stat_of(name)
            if len(fields) > 1:
                found[int(name)] = int(fields[1])
    return found


def tree(number):
    """The process and everything below it."""
    parent_of = parents()
    found = [number]
    for one in found:
        found.extend(child for child, parent in parent_of.items() if parent == one)
    return found


def cpu_seconds(number):
    """User and system time of all threads: in nanoseconds where the kernel counts so, else in its
    ticks, which are hundredths of a second."""
    try:
        threads = os.listdir(f"/proc/{number}/task")
    except OSError:
        return 0.0
    counted = [text_of(f"/proc/{number}/task/{thread}/schedstat").split() for thread in threads]
    if all(counted):
        return sum(int(fields[0]) for fields in counted) / 1e9
    fields = stat_of(number)
    return (int(fields[11]) + int(fields[12])) / TICKS if len(fields) > 12 else 0.0


def memory_of(number):
    """What the kernel's tables hold of a process now, in bytes: "Rss"; "Pss", in which a page that
    several share counts in parts; "Anonymous", which is its own alone; "AnonHugePages". Exact, unlike
    VmRSS of /proc/N/status, which the kernel brings up to date now and then."""
    lines = (line.split() for line in text_of(f"/proc/{number}/smaps_rollup").splitlines()[1:])
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if len(words) == 3}


def resident_bytes(number):
    return memory_of(number).get("Rss", 0)


def output_of(words, prefix=(), core=None, timeout=600):
    """Runs a program to its end; gives its status, what it said, what it complained of, and the
    processor time that it took."""
    began = os.times()
    process = Process(words, core, prefix, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                      text=True)
    try:
        said, complained = process.popen.communicate(timeout=timeout)
    finally:
        process.stop()
    ended = os.times()
    cpu = ended.children_user + ended.children_system - began.children_user - began.children_system
    return process.popen.returncode, said, complained, cpu


def stop_all():
    for process in list(running):
        process.stop(seconds=1)


def stop_on_signal(number, _frame):
    raise SystemExit(128 + number)


def guard():
    """From now on everything that was started is ended, however the driver ends."""
    atexit.register(stop_all)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_on_signal)


def wait_for(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(0.01)
