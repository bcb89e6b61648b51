"""http.py - a page of 1 KiB at 64 connections, beside nginx: on connections that are kept, and with
a connection for each request.

SPDX-License-Identifier: ISC
"""
from statistics import median

from driver import load, machine
from driver.bench import IMAGE_PARAMETERS
from driver.compare import Ratios, alternate
from driver.images import image_build
from driver.results import Target
from driver.servers import Image, Nginx

WORDS = "a page of 1 KiB, 64 connections, one core for the server and one for the client"
MODES = (("keep-alive", False), ("a connection a request", True))
CLAIMS = (
    ("requests_per_second", "requests/s", "/s", Target("at least", 1.0), "more"),
    ("requests_per_cpu_second", "requests per server-CPU-second", "/s", Target("at least", 1.0),
     "more"),
    ("p99_ms", "p99", "ms", Target("at most", 1.1), "less"),
)
QUIET_SECONDS = 10
CLIENT_IDLE_SHARE = 0.15


def errors_in(pairs, names):
    """What wrk complained of, by server."""
    for name, runs in zip(names, zip(*pairs)):
        refused = sum(run["refused"] for run in runs)
        complaints = sorted({run["socket_errors"] for run in runs if run["socket_errors"]})
        if refused or complaints:
            yield f"{name}: {refused} refused; {'; '.join(complaints) or 'no socket errors'}"


def client_idle(pairs):
    return [run["client_idle"] for pair in pairs for run in pair]


def note_on(key, pairs):
    """Requests/s say little of the servers where the client could do no more."""
    if key != "requests_per_second" or median(client_idle(pairs)) >= CLIENT_IDLE_SHARE:
        return ""
    return "the client was the limit here: compare the work per server-CPU-second"


def conditions(pairs):
    """How far the figures can be trusted."""
    idle = client_idle(pairs)
    others = max(run["others_share"] for pair in pairs for run in pair)
    return (f"client's core {min(idle):.0%} to {max(idle):.0%} idle, others used at most "
            f"{others:.0%} of both cores")


def compare(bench, mode, close, first, second, first_network=None):
    def measured(server, kind=None):
        return lambda: load.measure(server, kind or bench.network_kind, bench.seconds, close)

    def said(words):
        bench.say(f"{mode}: {words}, waiting until the machine is quiet")
        machine.wait_until_quiet(QUIET_SECONDS)
        bench.say(f"{mode}: {words}")

    pairs = alternate(measured(first, first_network), measured(second), bench.pairs, said)
    for words in errors_in(pairs, (first.name, second.name)):
        bench.tell(f"errors: {words}")
    return pairs


def claims(bench, mode, pairs, peer, row="http"):
    for key, words, unit, target, better in CLAIMS:
        found = {**Ratios(pairs, key).as_claim(), "better": better}
        bench.claim(row, f"{words}, {mode}", unit, found, target=target, peer=peer,
                    note=note_on(key, pairs))
    bench.tell(conditions(pairs))


def run(bench):
    bench.needs_wrk()
    bench.needs_nginx()
    loom = Image(image_build("bench/page"), parameters=IMAGE_PARAMETERS)
    for mode, close in MODES:
        claims(bench, mode, compare(bench, mode, close, loom, Nginx()), "nginx")
    mode = "keep-alive"
    claims(bench, f"{mode} (sendfile off)",
           compare(bench, mode, False, loom, Nginx(sendfile=False)), "nginx")
