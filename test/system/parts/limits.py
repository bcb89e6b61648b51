"""limits.py - what happens when a client is past a limit: the status that says so, and a clean close.

SPDX-License-Identifier: ISC"""

import time

from harness.curl import curl
from harness.report import expect, expect_equal
from harness.site import site_case
from harness.wire import Wire, fetch, request, wait_until


@site_case("limits/head", "--header-bytes=2KiB", "--header-fields=20")
def heads_that_are_too_large(image):
    for what, text, status in (
            ("a long target", request("/" + "a" * 5000), 414),
            ("a target without end", b"GET /" + b"a" * 5000, 414),
            ("a long field", request("/", fields="X: " + "a" * 5000), 431),
            ("a field without end", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 5000, 431),
            ("many fields", request("/", fields="\r\n".join(f"X{i}: y" for i in range(30))), 431)):
        with Wire(image.port) as wire:
            wire.send(text)
            answer = wire.answer()
            expect_equal((answer.status, answer.field("connection")), (status, "close"), what)
            wire.expect_closed()
    expect_equal(fetch(image.port, "/", fields="X: " + "a" * 1500).status, 200, "a head within the limit")


@site_case("limits/body", "--body-bytes=1000")
def bodies_that_are_too_large(image):
    expect_equal(curl(image, "/count", "--data-binary", "x" * 1000).body, b"1000 bytes\n", "a body at the limit")
    expect_equal(curl(image, "/count", "--data-binary", "x" * 1001).status, 413, "one byte more")
    chunked = ("--header", "Transfer-Encoding: chunked")
    expect_equal(curl(image, "/count", *chunked, "--data-binary", "x" * 1000).body, b"1000 bytes\n", "chunked, at the limit")
    expect_equal(curl(image, "/count", *chunked, "--data-binary", "x" * 1001).status, 413, "chunked, over it")
    with Wire(image.port) as wire:
        wire.ask("/count", "POST", "Content-Length: 99999999999999999999999")
        expect_equal(wire.answer().status, 413, "a length of more than 64 bits")
        wire.expect_closed()


@site_case("limits/refused-upload", "--body-bytes=1000")
def a_client_that_goes_on_sending_still_reads_why(image):
    for _ in range(10):
        with Wire(image.port) as wire:
            wire.send(request("/count", "POST", "Content-Length: 2000000"))
            for _ in range(20):
                wire.send(b"x" * 10000)
                time.sleep(0.001)
            expect_equal(wire.answer().status, 413, "the answer")
            wire.expect_closed()


@site_case("limits/header-timeout", "--header-timeout=300ms", "--idle-timeout=60s")
def a_head_that_does_not_come_to_its_end(image):
    with Wire(image.port) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost:")
        answer = wire.answer()
        expect_equal((answer.status, answer.field("connection")), (408, "close"), "half a head")
        wire.expect_closed()


@site_case("limits/body-timeout", "--body-timeout=300ms")
def a_body_that_does_not_come_to_its_end(image):
    for start in (request("/count", "POST", "Content-Length: 10") + b"half",
                  request("/count", "POST", "Transfer-Encoding: chunked") + b"5\r\nhal"):
        with Wire(image.port) as wire:
            wire.send(start)
            expect_equal(wire.answer().status, 408, "half a body")
            wire.expect_closed()


@site_case("limits/idle-timeout", "--idle-timeout=300ms", "--header-timeout=300ms", "--linger-timeout=300ms")
def a_connection_that_nobody_uses_is_closed(image):
    with Wire(image.port) as wire:
        wire.ask("/hello/you")
        wire.answer()
        start = time.monotonic()
        wire.expect_closed()
        seconds = time.monotonic() - start
        expect(0.2 < seconds < 5, f"closed after {seconds:.2f} s")
    with Wire(image.port) as wire:
        wire.expect_closed()


@site_case("limits/send-timeout", "--send-timeout=500ms", "--linger-timeout=300ms")
def a_client_that_reads_nothing_is_left(image):
    with Wire(image.port, receive_bytes=4096) as wire:
        wire.ask("/length/100000000")
        wait_until(lambda: gauge(image, "http_sessions") == 1, "the session of the client that does not read is free")


def gauge(image, name):
    """Of a server that also serves this very question, whose own session is counted."""
    text = fetch(image.port, "/metrics").body.decode()
    lines = [line for line in text.splitlines() if line.startswith((name + " ", name + "{"))]
    return float(lines[0].rsplit(" ", 1)[1])


@site_case("limits/sessions", "--sessions=2", "--queue-timeout=300ms")
def requests_that_wait_too_long_are_told_503(image):
    busy = [Wire(image.port) for _ in range(2)]
    for wire in busy:
        wire.ask("/slow/1500")
    time.sleep(0.1)
    with Wire(image.port) as late:
        late.ask("/hello/late")
        answer = late.answer()
        expect_equal((answer.status, answer.field("connection")), (503, "close"), "a request that found no session")
        late.expect_closed()
    for wire in busy:
        expect_equal(wire.answer().body, b"at last\n", "the slow ones")
        wire.close()


@site_case("limits/sessions-queue", "--sessions=2", "--queue-timeout=20s")
def requests_that_find_no_session_wait_in_order(image):
    wires = [Wire(image.port) for _ in range(8)]
    for wire in wires:
        wire.ask("/slow/100")
    for wire in wires:
        expect_equal(wire.answer().body, b"at last\n", "each")
        wire.close()


@site_case("limits/buffers", "--buffers=2", "--header-timeout=400ms", "--queue-timeout=20s")
def half_a_head_holds_a_buffer_only_so_long(image):
    slow = [Wire(image.port) for _ in range(6)]
    for wire in slow:
        wire.send(b"GET / HTTP/1.1\r\n")
    with Wire(image.port) as wire:
        wire.ask("/hello/patient")
        expect_equal(wire.answer().body, b"hello, patient", "the request behind them")
    for wire in slow:
        expect_equal(wire.answer().status, 408, "a slow one")
        wire.close()


@site_case("limits/connections", "--connections=3")
def connections_over_the_limit_are_told_503(image):
    wires = [Wire(image.port) for _ in range(3)]
    for wire in wires:
        wire.ask("/hello/you")
        wire.answer()
    with Wire(image.port) as over:
        answer = over.answer()
        expect_equal((answer.status, answer.field("connection")), (503, "close"), "the fourth connection")
        over.expect_closed()
    wires.pop().close()
    wait_until(lambda: fetch(image.port, "/hello/you").status == 200, "one that closes makes room")
