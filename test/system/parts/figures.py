"""figures.py - /metrics: in the format's every detail, and telling what has happened.

SPDX-License-Identifier: ISC"""

from harness.prometheus import scrape, value_of
from harness.report import case, expect, expect_equal
from harness.site import site_case
from harness.wire import Wire, fetch


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
