"""flood.py - spoofed SYNs at 100,000 a second, against a stack with 4 MiB on a tap: the honest are served.

The flooder, the honest clients and the network between them are the benchmark's.

SPDX-License-Identifier: ISC"""

import subprocess
import sys

from harness.report import Skip, case, expect
from harness.workshop import ROOT

sys.path.append(str(ROOT / "bench"))

SHARE = 0.99
RATE_SHARE = 0.5  # of the rate asked for, that a busy machine must reach for the test to say anything


def stands(seconds, honest):
    from driver import flood, network
    from driver.images import image_build
    if not network.taps_are_there():
        raise Skip("needs root for network namespaces and a tap")
    subprocess.run(["make", "-s", "build/bench/syn_flood"], cwd=ROOT, check=True, stdin=subprocess.DEVNULL)
    found = flood.measure(image_build("bench/page", stack="direct"), seconds, honest, ["--access-log=off"])
    told = f"{found['rate']:,.0f} SYNs/s, {found['answered']} of {honest} answered, {found['slowest_ms']:.0f} ms the slowest"
    print(f"flood: {told}", file=sys.stderr, flush=True)
    expect(found["survived"], f"the image ended under the flood: {told}")
    if found["rate"] < RATE_SHARE * flood.RATE:
        raise Skip(f"this machine is too busy to flood: {told}")
    expect(found["answered"] >= SHARE * honest, f"under 99 % were answered within a second: {told}")


@case("flood/short", alone=True)
def the_honest_are_served_for_3_seconds(_workshop):
    stands(3, 100)


@case("flood/long", long=True, alone=True)
def the_honest_are_served_for_30_seconds(_workshop):
    stands(30, 1000)
