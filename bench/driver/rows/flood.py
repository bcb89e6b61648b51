"""flood.py - 100,000 spoofed SYNs a second against an image whose stack has 4 MiB: how many of the
honest are answered within a second.

SPDX-License-Identifier: ISC
"""
from driver import flood
from driver.bench import LOAD_SECONDS
from driver.images import image_build
from driver.results import Target

WORDS = "spoofed SYNs at 100,000/s against a stack with 4 MiB, and 1,000 honest connections"
SHARE = 0.99


def run(bench):
    bench.needs_taps()
    image = image_build("bench/page", stack="direct")
    seconds = max(3, flood.SECONDS * min(bench.seconds, LOAD_SECONDS) // LOAD_SECONDS)
    honest = flood.HONEST * seconds // flood.SECONDS
    bench.say(f"{seconds} s of flood")
    found = flood.measure(image, seconds, honest, ["--access-log=off"])
    note = "" if seconds >= flood.SECONDS else f"shortened: {flood.SECONDS} s are asked for"
    bench.claim("flood", f"of {honest} honest, answered within a second", "%",
                {"value": 100 * found["answered"] / honest, "better": "more"},
                target=Target("at least", 100 * SHARE, "value"), note=note)
    bench.tell(f"{found['rate']:,.0f} SYNs/s for {seconds} s; the slowest honest answer took "
               f"{found['slowest_ms']:.0f} ms; {found['resident'] / (1 << 20):.1f} MiB resident, the "
               "server and its stacks included")
