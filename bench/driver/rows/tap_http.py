"""tap_http.py - the page of 1 KiB from our own stack over a tap, beside nginx over veth.

SPDX-License-Identifier: ISC
"""
from driver.bench import IMAGE_PARAMETERS
from driver.images import image_build
from driver.network import Tap
from driver.rows import http
from driver.servers import DirectImage, Nginx

WORDS = "the page over our own stack on a tap, beside nginx over veth, 64 connections"


def run(bench):
    bench.needs_wrk()
    bench.needs_nginx()
    bench.needs_taps()
    loom = DirectImage(image_build("bench/page", stack="direct"), "loom-direct", IMAGE_PARAMETERS)
    for mode, close in http.MODES:
        pairs = http.compare(bench, mode, close, loom, Nginx(), Tap)
        http.claims(bench, f"{mode}, on a tap", pairs, "nginx", "tap")
