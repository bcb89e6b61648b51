"""hardening.py - what the hardening of a release costs: the same image with --harden=on and off,
under the load of the http row and in the parser alone.

Instructions are counted by callgrind where it is there: two runs of different length, so that what
is not the parser cancels out.

SPDX-License-Identifier: ISC
"""
import os
import re
import shutil

from driver.bench import IMAGE_PARAMETERS
from driver.compare import Ratios, alternate
from driver.images import OUTPUT, image_build
from driver.process import output_of
from driver.results import Skip
from driver.rows import http, inside
from driver.servers import Image

WORDS = "the release hardening: on against off"
HEADS = 1000
FEW_FIBERS = ("--fibers-small=8", "--fibers-medium=8", "--fibers-large=1")


def parser_nanoseconds(image):
    found, _ = inside.measure(image, "parser", "--repeat=200000", "--rounds=3")
    heads = found["heads"][0]
    return {"short": min(found["short_ns"]) / heads, "long": min(found["long_ns"]) / heads}


def parser_claims(bench):
    images = [inside.build("on"), inside.build("off")]
    pairs = alternate(lambda: parser_nanoseconds(images[0]), lambda: parser_nanoseconds(images[1]),
                      bench.pairs, bench.say)
    for key, words in (("short", "wrk's"), ("long", "a browser's")):
        bench.claim("hardening", f"parsing {words} head, hardened", "ns",
                    {**Ratios(pairs, key).as_claim(), "better": "less"}, peer="unhardened")
    return images


def why_not(complained):
    """The first line that is not valgrind's own talk."""
    lines = [line for line in complained.splitlines() if line and not line.startswith(("==", "--"))]
    return lines[0] if lines else "valgrind does not run the image"


def instructions_total(image, heads):
    report = os.path.join(OUTPUT, "run", "callgrind.out")
    os.makedirs(os.path.dirname(report), exist_ok=True)
    status, _, complained, _ = output_of(
        ["valgrind", "--tool=callgrind",
         f"--callgrind-out-file={report}", image,
         "--measure=parser", f"--repeat={heads}", "--rounds=1", *FEW_FIBERS])
    counted = re.search(r"Collected\s*:\s*(\d+)", complained)
    if status != 0 or counted is None:
        raise Skip(f"instructions are not counted: {why_not(complained)}")
    return int(counted.group(1))


def instructions_a_head(image):
    return (instructions_total(image, 3 * HEADS) - instructions_total(image, HEADS)) / (2 * HEADS)


def instruction_claims(bench, images):
    if shutil.which("valgrind") is None:
        bench.skip("hardening", "valgrind is not installed, so instructions are not counted: "
                                "apt-get install valgrind")
        return
    bench.say("counting instructions")
    try:
        hardened, plain = map(instructions_a_head, images)
    except Skip as reason:
        bench.skip("hardening", reason)
        return
    ratio = hardened / plain
    bench.claim("hardening", "instructions for one head of each, hardened", "",
                {"value": hardened, "peer_value": plain, "ratio": ratio, "ratio_low": ratio,
                 "ratio_high": ratio, "better": "less"}, peer="unhardened")


def load_claims(bench):
    bench.needs_wrk()
    servers = [Image(image_build("bench/page", harden), f"harden-{harden}", IMAGE_PARAMETERS)
               for harden in ("on", "off")]
    pairs = http.compare(bench, "keep-alive", False, *servers)
    for key, words in (("requests_per_second", "requests/s"),
                       ("requests_per_cpu_second", "requests per server-CPU-second")):
        bench.claim("hardening", f"{words}, hardened", "/s",
                    {**Ratios(pairs, key).as_claim(), "better": "more"}, peer="unhardened")
    bench.tell(http.conditions(pairs))


def run(bench):
    images = parser_claims(bench)
    instruction_claims(bench, images)
    load_claims(bench)
