"""machine.py - the machine under us: what it is, which cores are ours, and how busy they are.

SPDX-License-Identifier: ISC
"""
import os
import platform
import resource
import time

TICKS = os.sysconf("SC_CLK_TCK")


def text_of(path, fallback=""):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return fallback


def cores():
    """The server's core and the client's; the same one where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1] if len(allowed) > 1 else allowed[0]


def processor():
    for line in text_of("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown processor"


def description():
    server, client = cores()
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "kernel": f"Linux {platform.release()}",
        "server_core": server,
        "client_core": client,
        "root": os.geteuid() == 0,
    }


def core_times(core):
    """Seconds that a core was busy, and idle, since the machine started."""
    for line in text_of("/proc/stat").splitlines():
        words = line.split()
        if words and words[0] == f"cpu{core}":
            user, nice, system, idle, wait, interrupt, soft, stolen = map(int, words[1:9])
            busy = user + nice + system + interrupt + soft + stolen
            return busy / TICKS, (idle + wait) / TICKS
    return 0.0, 0.0


class Interval:
    """How busy our two cores were between start and end."""

    def __init__(self):
        self.cores = cores()
        self.began = [core_times(core) for core in self.cores]

    def end(self):
        """Two pairs of (busy seconds, idle share)."""
        found = []
        for core, (busy, idle) in zip(self.cores, self.began):
            busy_now, idle_now = core_times(core)
            busy, idle = busy_now - busy, idle_now - idle
            found.append((busy, idle / (busy + idle) if busy + idle > 0 else 0.0))
        return found


def wait_until_quiet(seconds, share=0.93):
    """Waits, at most so long, until both cores are idle for that share; gives how idle they are."""
    deadline = time.monotonic() + seconds
    while True:
        interval = Interval()
        time.sleep(0.5)
        idle = min(idle for _, idle in interval.end())
        if idle >= share or time.monotonic() >= deadline:
            return idle


def descriptors_raise(wanted):
    """Raises this process's limit of descriptors, which what it starts inherits; tells if it can."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = hard if hard != resource.RLIM_INFINITY and hard < wanted else wanted
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft >= wanted
