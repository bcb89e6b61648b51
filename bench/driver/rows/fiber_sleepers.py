"""fiber_sleepers.py - 100,000 sleeping fibers, each with its guard page: created, woken and ended.

SPDX-License-Identifier: ISC
"""
import subprocess
import time

from driver import machine
from driver.process import Process
from driver.results import Target, claim_of_values
from driver.rows import inside

WORDS = "100,000 sleeping fibers, each with a stack of 16 KiB and its guard page"
COUNT = 100_000
ROUNDS = 3


def measure(image):
    """One life of the image; its memory is looked at while all are asleep."""
    core, _ = machine.cores()
    began = time.monotonic_ns()
    process = Process([image, "--measure=sleepers", f"--fibers={COUNT}", f"--fibers-small={COUNT}",
                       "--sleep=5s"], core, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                      text=True)
    said = ""
    resident = laid_out = 0
    try:
        for line in process.popen.stdout:
            said += line
            if line.startswith("asleep"):
                laid_out = time.monotonic_ns() - began - inside.read(said)["create_ns"][0]
                resident = process.resident_bytes()
        complained = process.popen.stderr.read()
        status = process.popen.wait()
    finally:
        process.stop()
    if status != 0:
        raise inside.InsideError(complained.strip() or f"status {status}")
    found = {name: values[0] for name, values in inside.read(said).items()}
    return {**found, "resident": resident, "laid_out_ns": laid_out}


def run(bench):
    image = inside.build()
    lives = []
    for number in range(ROUNDS):
        bench.say(f"life {number + 1} of {ROUNDS}")
        lives.append(measure(image))

    def values(name):
        return claim_of_values([life[name] for life in lives], better="less")

    bench.claim("sleepers", "fibers slept, woken and ended", "",
                claim_of_values([life["ended"] for life in lives], better="more"),
                target=Target("at least", COUNT, "value"))
    bench.claim("sleepers", "start, with all stacks and guard pages", "ns", values("laid_out_ns"))
    bench.claim("sleepers", "creating them, until all sleep", "ns", values("create_ns"))
    bench.claim("sleepers", "waking and ending them", "ns", values("wake_and_end_ns"))
    bench.claim("sleepers", "resident memory while they sleep", "bytes", values("resident"))
