"""peers.py - peers that are slow, that stop half-way, or that vanish; and more of them than there is room for.

SPDX-License-Identifier: ISC"""

import resource
import socket
import time

from harness.direct import linux_case
from harness.prometheus import scrape, value_of
from harness.report import Skip, case, expect, expect_equal
from harness.site import page, site_case
from harness.wire import Wire, fetch, request, wait_until

CONNECTIONS, LIMIT = 2000, 1000


@site_case("peers/slow-writer")
def a_request_that_comes_a_byte_at_a_time(image):
    text = (request("/echo", "POST", "X-Long: " + "y" * 50 + "\r\nTransfer-Encoding: chunked")
            + b"5;ext=1\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n" + request("/hello/next", fields="Connection: close"))
    with Wire(image.port) as wire:
        for byte in text:
            wire.send(bytes([byte]))
            time.sleep(0.001)
        first = wire.answer()
        expect_equal(first.body, b"hello0123456789", "the echo")
        if first.field("connection") != "close":
            expect_equal(wire.answer().body, b"hello, next", "the next")


@site_case("peers/slow-writers", "--sessions=4", "--buffers=500")
def slow_writers_hold_no_session(image):
    """A hundred of them in the middle of a head, and four sessions: everybody else is served at once."""
    slow = [Wire(image.port) for _ in range(100)]
    for wire in slow:
        wire.send(b"GET /hello/slow HTTP/1.1\r\nHost: a\r\n")
    start = time.monotonic()
    for number in range(50):
        expect_equal(fetch(image.port, f"/hello/{number}").status, 200, "others")
    expect(time.monotonic() - start < 5, "others waited")
    expect_equal(value_of(scrape(image.port), "http_sessions"), 1, "sessions: the scraper's own")
    for wire in slow:
        wire.send(b"\r\n")
    for wire in slow:
        expect_equal(wire.answer().body, b"hello, slow", "a slow one, in the end")
        wire.close()


@site_case("peers/slow-reader")
def a_response_that_is_read_slowly_is_whole(image):
    whole = page("big.txt")
    with Wire(image.port, receive_bytes=2048) as wire:
        wire.ask("/big.txt")
        answer = wire.head()
        body = wire.buffer
        while len(body) < len(whole):
            data = wire.socket.recv(4096)
            expect(data, f"it ended after {len(body)} of {len(whole)} bytes")
            body += data
            time.sleep(0.0005)
        expect_equal(answer.field("content-length"), str(len(whole)), "Content-Length")
        expect(body == whole, "the bytes differ")


@site_case("peers/slow-readers", "--sessions=20")
def slow_readers_do_not_hold_up_others(image):
    slow = [Wire(image.port, receive_bytes=2048) for _ in range(10)]
    for wire in slow:
        wire.ask("/length/50000000")
    start = time.monotonic()
    for number in range(50):
        expect_equal(fetch(image.port, f"/hello/{number}").status, 200, "others")
    expect(time.monotonic() - start < 5, "others waited")
    for wire in slow:
        wire.reset()
    wait_until(lambda: value_of(scrape(image.port), "http_sessions") == 1, "the sessions of those that left are free")


@site_case("peers/half-closed")
def a_client_that_has_sent_everything_still_gets_its_answers(image):
    with Wire(image.port) as wire:
        wire.send(b"".join(request(f"/hello/{i}") for i in range(10)) + request("/slow/200"))
        wire.shut_down()
        for number in range(10):
            expect_equal(wire.answer().body, f"hello, {number}".encode(), "an answer")
        expect_equal(wire.answer().body, b"at last\n", "the slow one")
        wire.expect_closed()
    for start, status in ((b"", None), (b"GET /hello/half HTTP/1.1\r\n", None),
                          (request("/count", "POST", "Content-Length: 9") + b"half", 400),
                          (request("/count", "POST", "Transfer-Encoding: chunked") + b"9\r\nhalf", 400)):
        with Wire(image.port) as wire:
            wire.send(start)
            wire.shut_down()
            if status:
                expect_equal(wire.answer().status, status, f"what will never be whole: {start!r}")
            wire.expect_closed()


@site_case("peers/rst")
def clients_that_reset_cost_nothing(image):
    for start in (b"", b"GET ", request("/hello/gone"), request("/length/90000000"), request("/slow/300"),
                  request("/stream/1000000"), request("/echo", "POST", "Content-Length: 100") + b"abc",
                  request("/drip/30")):
        for pause in (0, 0.02):
            wire = Wire(image.port)
            wire.send(start)
            time.sleep(pause)
            wire.reset()
    wait_until(lambda: value_of(scrape(image.port), "http_connections") == 1, "their connections are gone")
    wait_until(lambda: value_of(scrape(image.port), "http_sessions") == 1, "their sessions are free")
    expect_equal(fetch(image.port, "/hello/you").status, 200, "others")


@site_case("peers/silent", "--header-timeout=500ms", "--body-timeout=500ms", "--send-timeout=500ms", "--idle-timeout=500ms",
           "--linger-timeout=500ms")
def clients_that_fall_silent_are_left(image):
    """They hold their end open and do nothing at all: what a peer whose cable is cut looks like."""
    silent = []
    for start in (b"", b"GET ", request("/hello/idle"), request("/echo", "POST", "Content-Length: 100") + b"abc",
                  request("/length/90000000"), request("/nothing", fields="Connection: close"), b"rubbish\r\n\r\n"):
        for _ in range(5):
            wire = Wire(image.port, receive_bytes=4096)
            wire.send(start)
            silent.append(wire)
    wait_until(lambda: value_of(scrape(image.port), "http_connections") == 1, "all of them are left", 30)
    expect_equal(value_of(scrape(image.port), "http_sessions"), 1, "sessions")
    for wire in silent:
        wire.close()


def ask_with_an_urgent_byte(image, answer):
    for pause in (0, 0.02, 0, 0.02, 0, 0):
        with Wire(image.port) as wire:
            wire.send(b"GET /hello/ur")
            time.sleep(pause)
            wire.socket.send(b"!", socket.MSG_OOB)
            wire.send(b"gent HTTP/1.1\r\nHost: a\r\n\r\n")
            expect_equal(wire.answer().body, answer, "the answer")


@site_case("peers/out-of-band", direct=False)
def urgent_data_is_not_part_of_the_stream(image):
    """Of the host's sockets, that is."""
    ask_with_an_urgent_byte(image, b"hello, urgent")


@linux_case("direct/peers/out-of-band")
def urgent_data_stays_in_line(link):
    """RFC 6093 6: to our own stack the urgent byte is one as any other."""
    with link.started("site") as image:
        ask_with_an_urgent_byte(image, b"hello, ur!gent")


def crowd_at_limit(workshop, variant):
    with workshop.started("site", variant, f"--connections={LIMIT}", "--access-log=off", "--header-timeout=60s") as image:
        fetch(image.port, "/hello/first")
        descriptors = image.settled_descriptors()
        allow_descriptors(CONNECTIONS + 100)
        wires = []
        try:
            for _ in range(CONNECTIONS):
                wires.append(Wire(image.port))
        except OSError as error:
            raise Skip(f"this machine lets a test have only {len(wires)} connections: {error}") from error
        served, refused = serve_all(wires)
        expect_equal((served, refused), (LIMIT, CONNECTIONS - LIMIT), "how many were served, and told 503")
        for wire in wires:
            wire.close()
        wait_until(lambda: image.descriptors() == descriptors, f"the {descriptors} descriptors from before")
        expect_equal(fetch(image.port, "/hello/after").body, b"hello, after", "afterwards")
        samples = scrape(image.port)
        expect_equal(value_of(samples, "http_connections"), 1, "connections open")
        expect_equal(value_of(samples, "http_connections_over_limit_total"), CONNECTIONS - LIMIT, "those over the limit")


def allow_descriptors(count):
    """For this process; an image sees to itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def serve_all(wires):
    """Those over the limit get 503 and a clean close without having asked; the others are served when they ask."""
    served = refused = 0
    for wire in wires[LIMIT:]:
        answer = wire.answer()
        expect_equal((answer.status, answer.field("connection")), (503, "close"), "one over the limit")
        wire.expect_closed()
        wire.close()
        refused += 1
    for wire in wires[:LIMIT]:
        wire.ask("/hello/you")
    for wire in wires[:LIMIT]:
        expect_equal(wire.answer().body, b"hello, you", "one within the limit")
        served += 1
    return served, refused


@case("peers/crowd", alone=True)
def two_thousand_connections_against_a_limit_of_one_thousand(workshop):
    crowd_at_limit(workshop, "debug")


@case("peers/crowd-release", alone=True)
def the_same_of_a_release_image(workshop):
    crowd_at_limit(workshop, "release")


@site_case("peers/late-data", "--requests-per-connection=1")
def data_after_the_last_answer_is_no_reset(image):
    """RFC 9112 9.6: the answer must reach a client that was still sending when the server closed."""
    for _ in range(20):
        with Wire(image.port) as wire:
            wire.ask("/hello/last")
            for _ in range(5):
                wire.send(request("/hello/more"))
                time.sleep(0.001)
            expect_equal(wire.answer().body, b"hello, last", "the last answer")
            wire.expect_closed()
