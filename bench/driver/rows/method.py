"""method.py - the method beside itself: nginx against nginx. The ratios should be 1, and their
spread is what the machine adds to every other row. Runs only when it is named.

SPDX-License-Identifier: ISC
"""
from driver.compare import Ratios
from driver.rows import http
from driver.servers import Nginx

WORDS = "nginx beside itself: how far the method can be trusted"


def run(bench):
    bench.needs_wrk()
    bench.needs_nginx()
    for mode, close in http.MODES:
        pairs = http.compare(bench, mode, close, Nginx(), Nginx())
        for key, words, unit in (("requests_per_second", "requests/s", "/s"),
                                 ("requests_per_cpu_second", "requests per server-CPU-second", "/s"),
                                 ("p99_ms", "p99", "ms")):
            bench.claim("method", f"{words}, {mode}", unit, Ratios(pairs, key).as_claim(),
                        peer="nginx")
        bench.tell(http.conditions(pairs))
