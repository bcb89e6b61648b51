"""machine_bulk.py - one TCP stream to and from a machine, with offloads, beside the same image as a
process on the same tap; and how often a MiB makes the machine cross to its tender.

SPDX-License-Identifier: ISC
"""
from driver.compare import Ratios, alternate
from driver.images import image_build
from driver.network import Tap
from driver.results import Target, claim_of_values
from driver.rows import http, tap_bulk
from driver.servers import crossings, figures, machine_address, tender_words

FIGURES_PORT = 5004


def total_bytes(found, seconds):
    """Of the whole run: what was measured, and as much a second while it warmed up."""
    return found["bits_per_second"] / 8 * (seconds + tap_bulk.WARM_MS / 1000)


def machine(image, way, seconds):
    with Tap() as network:
        process = tap_bulk.server_start(
            [*tender_words(image, network.interface), *machine_address(network.address)], network)
        try:
            found = tap_bulk.from_client(process, network, way, seconds)
            crossed = crossings(figures(network, FIGURES_PORT))
        finally:
            process.stop()
    found["crossings_per_mib"] = crossed * (1 << 20) / total_bytes(found, seconds)
    return found


def run(bench):
    bench.needs_taps()
    image = image_build("bench/stream", target="vm")
    process = image_build("bench/stream", stack="direct")
    seconds = max(2, bench.seconds // 2)
    for way in tap_bulk.WAYS:
        pairs = alternate(lambda: machine(image, way, seconds),
                          lambda: tap_bulk.loom(process, way, seconds, False), bench.pairs,
                          bench.say)
        bench.claim("machine", f"a stream {way[0]}, a machine on a tap", "Gbit/s",
                    {**Ratios(tap_bulk.scaled(pairs), "gigabits").as_claim(), "better": "more"},
                    target=Target("at least", 0.5), peer="a process")
        bench.claim("machine", f"crossings a MiB {way[0]}", "",
                    claim_of_values([own["crossings_per_mib"] for own, _ in pairs], better="less"))
        bench.tell(http.conditions(pairs))
