"""leaks.py - descriptors and memory after 100,000 connections are those from before.

SPDX-License-Identifier: ISC"""

from harness.prometheus import scrape, value_of
from harness.report import case, expect, expect_equal
from harness.wire import Wire, wait_until

WARM_UP = 5000
BOUND_BYTES = 1 << 20


def after_many(workshop, variant, connections, bound_bytes):
    with workshop.started("site", variant, "--access-log=off") as image:
        crowd(workshop, image, WARM_UP)
        descriptors, resident = image.settled_descriptors(), image.resident_bytes()
        outcome = crowd(workshop, image, connections)
        expect_equal(outcome["answers"], connections, f"answers, of {outcome}")
        wait_until(lambda: image.descriptors() == descriptors, f"the {descriptors} descriptors from before")
        grown = image.resident_bytes() - resident
        expect(grown <= bound_bytes, f"{grown} bytes more are resident after {connections} connections")
        samples = scrape(image.port)
        for name in ("http_connections", "http_sessions"):
            expect_equal(value_of(samples, name), 1, name)


def crowd(workshop, image, connections):
    outcome = workshop.crowd(image, "/hello/crowd", clients=64, connections=connections, seconds=300).outcome()
    wait_until(lambda: value_of(scrape(image.port), "http_connections") == 1, "all connections but the scraper's closed")
    return outcome


@case("leaks/release", alone=True)
def nothing_is_left_of_100000_connections(workshop):
    after_many(workshop, "release", 100000, BOUND_BYTES)


@case("leaks/debug", alone=True)
def the_leak_sanitizer_finds_nothing(workshop):
    """Fewer connections, since each costs more; what the sanitizer itself keeps back is bounded too."""
    after_many(workshop, "debug", 10000, 8 * BOUND_BYTES)


@case("leaks/rude", alone=True)
def nothing_is_left_of_rude_clients(workshop):
    with workshop.started("site", "debug", "--access-log=off") as image:
        descriptors = image.settled_descriptors()
        for number in range(600):
            wire = Wire(image.port)
            wire.send((b"GET /len", b"GET /length/100000 HTTP/1.1\r\nHost: a\r\n\r\n",
                       b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", b"")[number % 4])
            if number % 2:
                wire.reset()
            else:
                wire.close()
        wait_until(lambda: image.descriptors() == descriptors, f"the {descriptors} descriptors from before")
