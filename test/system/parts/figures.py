"""figures.py - /metrics: in the format's every detail, and telling what has happened.

SPDX-License-Identifier: ISC"""

from harness.prometheus import scrape, value_of
from harness.report import case, expect, expect_equal
from harness.site import site_case
from harness.wire import Wire, fetch, request, wait_until


@site_case("figures/counts")
def what_happened_is_counted(image):
    before = scrape(image.port)
    for _ in range(7):
        fetch(image.port, "/hello/you")
    for _ in range(3):
        fetch(image.port, "/nothing")
    fetch(image.port, "/redirect/301")
    fetch(image.port, "/result/ok")
    with Wire(image.port) as wire:
        wire.send(b"rubbish\r\n\r\n")
        wire.answer()
    fetch(image.port, "/count", method="POST", body=b"x" * 12345)
    after = scrape(image.port)

    def grown(name, **labels):
        return value_of(after, name, **labels) - value_of(before, name, **labels)

    expect_equal(grown("http_responses_total", code="2xx"), 9, "answers with 2xx: 7, the upload, the first scrape")
    expect_equal(grown("http_responses_total", code="3xx"), 1, "answers with 3xx")
    expect_equal(grown("http_responses_total", code="4xx"), 4, "answers with 4xx")
    expect_equal(grown("http_responses_total", code="5xx"), 1, "answers with 5xx")
    expect_equal(grown("http_refusals_total", reason="malformed"), 1, "refusals")
    expect_equal(grown("http_received_body_bytes_total"), 12345, "bytes of bodies")
    expect_equal(grown("http_connections_total"), 15, "connections")
    expect_equal(value_of(after, "http_connections"), 1, "connections open now")
    expect_equal(value_of(after, "http_sessions"), 1, "sessions in use now")
    expect(grown("http_sent_bytes_total") > 1000, "bytes sent")
    expect(grown("http_request_duration_seconds_count") >= 14, "durations")


@site_case("figures/refusals", "--connections=4", "--header-timeout=300ms", "--header-bytes=1KiB", "--body-bytes=1000")
def refusals_are_counted_by_reason(image):
    def refuse(text):
        with Wire(image.port) as wire:
            wire.send(text)
            return wire.answer().status

    expect_equal(refuse(b"GET / HTTP/1.1\r\nHost:"), 408, "half a head")
    expect_equal(refuse(b"GET /" + b"a" * 3000), 414, "a long target")
    expect_equal(refuse(request("/", fields="X: " + "a" * 3000)), 431, "a long field")
    expect_equal(refuse(request("/", fields="Content-Length: x")), 400, "a malformed length")
    expect_equal(refuse(request("/", fields="Host: a\r\nHost: b")), 400, "two hosts")
    held = [Wire(image.port) for _ in range(4)]
    for wire in held:
        wire.ask("/hello/you")
        wire.answer()
    for _ in range(3):
        expect_equal(refuse(b""), 503, "a connection over the limit")
    for _ in range(3):
        held.pop().close()
    wait_until(lambda: fetch(image.port, "/hello/you").status == 200, "there is room again")
    samples = scrape(image.port)
    for reason, count in (("timeout", 1), ("too_large", 2), ("malformed", 2)):
        expect_equal(value_of(samples, "http_refusals_total", reason=reason), count, reason)
    busy = value_of(samples, "http_refusals_total", reason="busy")
    expect(busy >= 3, f"busy: {busy}")
    expect_equal(value_of(samples, "http_connections_over_limit_total"), busy, "connections over the limit")
    for wire in held:
        wire.close()


@site_case("figures/again")
def a_second_scrape_has_the_same_names(image):
    first, second = scrape(image.port), scrape(image.port)
    expect_equal(set(first), set(second), "the names and labels")
    for key, value in first.items():
        if key[0].endswith(("_total", "_count", "_bucket")):
            expect(second[key] >= value, f"{key} went from {value} to {second[key]}")


@case("figures/homepage")
def the_home_page_shows_them_too(workshop):
    with workshop.started("homepage", "debug") as image:
        scrape(image.port)
