"""machine_http.py - the page of 1 KiB from a machine on a tap, with its tender on the server's core,
beside nginx over veth; and how often a request makes the machine cross to its tender.

SPDX-License-Identifier: ISC
"""
from statistics import median

from driver.bench import IMAGE_PARAMETERS
from driver.images import image_build
from driver.network import Tap
from driver.results import Target, claim_of_values
from driver.rows import http
from driver.servers import MachineImage, Nginx

MODE = "keep-alive, a machine on a tap"


def busy_words(runs):
    """What of the busy time of the server's core is in the tender's own: a machine's time must be."""
    shares = [run["server_cpu_seconds"] / run["server_busy_seconds"] for run in runs]
    return f"{median(shares):.0%} of its core's busy time is the tender's, the machine's within it"


def run(bench):
    bench.needs_wrk()
    bench.needs_nginx()
    bench.needs_taps()
    loom = MachineImage(image_build("bench/page", target="vm"), parameters=IMAGE_PARAMETERS)
    pairs = http.compare(bench, MODE, False, loom, Nginx(), Tap)
    http.claims(bench, MODE, pairs, "nginx", "machine")
    runs = [own for own, _ in pairs]
    bench.claim("machine", "crossings a request, 64 connections", "",
                claim_of_values([run["crossings_per_request"] for run in runs], better="less"),
                target=Target("at most", 0.1, "value"))
    bench.tell(busy_words(runs))
