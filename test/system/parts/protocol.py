"""protocol.py - HTTP/1 as it is spoken on one connection: keeping it, framing bodies both ways, routes and hosts.

SPDX-License-Identifier: ISC"""

import http.client

from harness import place
from harness.curl import curl
from harness.report import expect, expect_equal, expect_in
from harness.site import page, site_case
from harness.wire import Wire, fetch, request

BODY = bytes(range(256)) * 400


# ---- connections ----

@site_case("protocol/keep-alive")
def one_connection_serves_many_requests(image):
    answer = curl(image, "/hello/curl", "--next", "-q", "--silent", "--output", "/dev/null",
                  f"http://{place.address()}:{image.port}/style.css")
    expect_equal(answer.connections, 1, "the first request's connections")
    client = http.client.HTTPConnection(place.address(), image.port, timeout=20)
    client.connect()
    first = client.sock
    for number in range(200):
        client.request("GET", f"/hello/{number}")
        answer = client.getresponse()
        expect_equal((answer.status, answer.read()), (200, f"hello, {number}".encode()), "the body")
        expect(client.sock is first, f"the server closed after {number + 1} requests")
    client.close()


@site_case("protocol/requests-per-connection", "--requests-per-connection=3")
def the_last_request_of_a_connection_is_told(image):
    with Wire(image.port) as wire:
        for wanted in (None, None, "close"):
            wire.ask("/hello/you")
            expect_equal(wire.answer().field("connection"), wanted, "Connection")
        wire.expect_closed()


@site_case("protocol/pipelining")
def requests_that_come_together_are_answered_in_order(image):
    targets = [f"/hello/{i}" for i in range(100)] + ["/style.css", "/nothing", "/stream/20", "/about/x?y"]
    with Wire(image.port) as wire:
        wire.send(b"".join(request(target) for target in targets))
        for i in range(100):
            expect_equal(wire.answer().body, f"hello, {i}".encode(), f"answer {i}")
        expect_equal(wire.answer().body, page("style.css"), "/style.css")
        expect_equal(wire.answer().status, 404, "/nothing")
        expect_equal(wire.answer().body, b"".join(b"line %d\n" % i for i in range(20)), "/stream/20")
        expect_in(b"query y\n", wire.answer().body, "/about/x?y")
        expect_equal(wire.buffer, b"", "what is left")


@site_case("protocol/pipelining-bodies")
def bodies_do_not_run_into_the_next_request(image):
    with Wire(image.port) as wire:
        wire.send(request("/echo", "POST", body=b"GET /hello/smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
                  + request("/ignore", "POST", body=b"GET /hello/smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
                  + request("/count", "POST", "Transfer-Encoding: chunked", b"3;a=b\r\nabc\r\n0\r\nTrailer: x\r\n\r\n")
                  + request("/hello/last"))
        expect_equal(wire.answer().body, b"GET /hello/smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "the echo")
        expect_equal(wire.answer().body, b"not read\n", "the handler that does not read")
        expect_equal(wire.answer().body, b"3 bytes\n", "the chunked body")
        expect_equal(wire.answer().body, b"hello, last", "the last")


@site_case("protocol/http-1.0")
def http_1_0(image):
    with Wire(image.port) as wire:
        wire.ask("/hello/old", version="1.0")
        answer = wire.answer()
        expect_equal(answer.body, b"hello, old", "the body")
        wire.expect_closed()
    with Wire(image.port) as wire:
        for _ in range(3):
            wire.ask("/hello/old", version="1.0", fields="Connection: keep-alive")
            expect_equal(wire.answer().field("connection"), "keep-alive", "Connection")
    with Wire(image.port) as wire:
        wire.ask("/stream/50", version="1.0")
        answer = wire.answer()
        expect(not answer.chunked, "chunks to HTTP/1.0")
        expect_equal(answer.body, b"".join(b"line %d\n" % i for i in range(50)), "the body, ended by the close")
    expect_equal(curl(image, "/hello/curl", "--http1.0").body, b"hello, curl", "to curl --http1.0")


@site_case("protocol/close")
def a_client_that_wants_to_close_is_told_so(image):
    with Wire(image.port) as wire:
        wire.send(request("/hello/you", fields="Connection: close") + request("/hello/more"))
        expect_equal(wire.answer().field("connection"), "close", "Connection")
        wire.expect_closed()


# ---- bodies of requests ----

@site_case("protocol/upload")
def uploads_come_back(image):
    for options in ((), ("--header", "Transfer-Encoding: chunked")):
        for body in (b"x", BODY, BODY * 9):
            (folder := page_file(image)).write_bytes(body)
            answer = curl(image, "/echo", "--data-binary", f"@{folder}", *options)
            expect_equal((answer.status, answer.body), (200, body), f"{len(body)} bytes {options}")
            expect_equal(answer.field("transfer-encoding"), "chunked" if options else None, "Transfer-Encoding")
    answer = curl(image, "/echo", "--upload-file", folder)
    expect_equal((answer.status, answer.body), (200, body), "PUT")


def page_file(image):
    return image.program.parent / "upload.bin"


@site_case("protocol/chunks")
def chunks_of_every_size_and_in_every_piece(image):
    chunks = [b"a", b"b" * 15, b"c" * 16, b"d" * 255, b"e" * 256, b"f" * 4095, b"g" * 4096, b"h" * 70000]
    coded = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    with Wire(image.port) as wire:
        for step in (len(coded), 1000, 77):
            wire.send(request("/count", "POST", "Transfer-Encoding: chunked"))
            for start in range(0, len(coded), step):
                wire.send(coded[start:start + step])
            expect_equal(wire.answer().body, b"%d bytes\n" % sum(map(len, chunks)), f"in steps of {step}")


@site_case("protocol/chunks-malformed")
def malformed_chunks_are_refused(image):
    for body in (b"x\r\n", b"-1\r\n", b"3\nabc\r\n0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"3 \r\nabc\r\n0\r\n\r\n",
                 b"0x3\r\nabc\r\n0\r\n\r\n", b"11111111111111111\r\n", b"3\r\nabc\r\n0\r\nbad trailer\r\n\r\n",
                 b"\r\n0\r\n\r\n"):
        with Wire(image.port) as wire:
            wire.ask("/count", "POST", "Transfer-Encoding: chunked", body)
            expect_equal(wire.answer().status, 400, f"{body!r}")
            wire.expect_closed()


@site_case("protocol/expect")
def a_client_that_waits_is_told_to_go_on(image):
    with Wire(image.port) as wire:
        wire.send(request("/echo", "POST", "Expect: 100-continue\r\nContent-Length: 5"))
        expect_equal(wire.answer(interim=True).status, 100, "the interim response")
        wire.send(b"hello")
        expect_equal(wire.answer().body, b"hello", "the echo")
    answer = curl(image, "/count", "--header", "Expect: 100-continue", "--data-binary", "x" * 2000)
    expect_equal((answer.before, answer.body), ([100], b"2000 bytes\n"), "to curl")


@site_case("protocol/expect-refused", "--body-bytes=1000")
def a_client_that_waits_is_not_asked_for_what_is_refused(image):
    for target, length, status in (("/count", 5000, 413), ("/nothing", 5, 404), ("/ignore", 5, 200), ("/style.css", 5, 405)):
        with Wire(image.port) as wire:
            wire.send(request(target, "GET" if target == "/nothing" else "POST",
                              f"Expect: 100-continue\r\nContent-Length: {length}"))
            answer = wire.answer()
            expect_equal(answer.status, status, target)
            expect_equal(answer.field("connection"), "close", f"Connection after {target}, whose body may still come")
    with Wire(image.port) as wire:
        wire.ask("/count", "POST", "Expect: tea\r\nContent-Length: 5")
        expect_equal(wire.answer().status, 417, "another expectation")


# ---- bodies of responses ----

@site_case("protocol/streams")
def streams(image):
    answer = curl(image, "/stream/5000")
    expect_equal(answer.body, b"".join(b"line %d\n" % i for i in range(5000)), "a chunked body")
    expect_equal(answer.field("transfer-encoding"), "chunked", "Transfer-Encoding")
    answer = curl(image, "/length/3000001")
    expect_equal(answer.body, b"x" * 3000001, "a body of a known length")
    expect_equal(fetch(image.port, "/stream/0").body, b"", "a stream of nothing")
    expect_equal(fetch(image.port, "/length/0").body, b"", "a length of nothing")
    for target in ("/stream/5", "/length/500"):
        with Wire(image.port) as wire:
            wire.ask(target, "HEAD")
            expect_equal(wire.answer("HEAD").status, 200, f"HEAD {target}")
            wire.ask("/hello/next")
            expect_equal(wire.answer().body, b"hello, next", "what follows")


@site_case("protocol/drip")
def pieces_go_out_as_they_are_written(image):
    with Wire(image.port) as wire:
        wire.ask("/drip/100")
        wire.head()
        pieces = 0
        while pieces < 10 and wire.more():
            pieces += 1
            if len(wire.buffer) == 10:
                break
        expect(pieces >= 5, f"ten pieces came in {pieces}")


# ---- routes ----

@site_case("protocol/routes")
def routes_with_parameters(image):
    for target, body in (("/hello/you", b"hello, you"), ("/hello/you/from/here", b"hello, you from here"),
                         ("/hello/a%20b", b"hello, a b"), ("/hello/%C3%A9", "hello, é".encode()),
                         ("/hello/x?name=y", b"hello, x")):
        expect_equal(fetch(image.port, target).body, body, target)
    expect_in(b"path /hello/world\n", fetch(image.port, "/hello/world").body, "a literal before a parameter")
    expect_equal(fetch(image.port, "/hello/").status, 404, "an empty parameter")
    expect_equal(fetch(image.port, "/hello/a/b").status, 404, "one segment too many")


@site_case("protocol/about")
def what_a_handler_knows_of_its_request(image):
    answer = curl(image, "/about/a/%7Eb?c=%20d&e", "--request", "DELETE", "--user-agent", "the tests", "--http1.1")
    lines = dict(line.partition(" ")[::2] for line in answer.body.decode().splitlines())
    expect_equal(lines, {"method": "DELETE", "version": "1.1", "target": "/about/a/%7Eb?c=%20d&e", "path": "/about/a/~b",
                         "query": "c=%20d&e", "host": place.address(), "agent": "the tests", "fields": "3"}, "the request")
    with Wire(image.port) as wire:
        wire.ask("http://other.test:81/about/absolute?q", fields="Host: ignored.test")
        expect_in(b"path /about/absolute\nquery q\nhost other.test\n", wire.answer().body, "the absolute form")


@site_case("protocol/hosts")
def virtual_hosts(image):
    hosts = {"localhost": "index.html", "any.test": "index.html", "wild.test": "index.html"}
    for host, name in hosts.items():
        expect_equal(curl(image, "/", "--header", f"Host: {host}").body, page(name), f"Host: {host}")
    other = (image.program.parents[2] / "other" / "index.html").read_bytes()
    for host in ("a.wild.test", "A.Wild.TEST:8080", "a.b.wild.test"):
        expect_equal(curl(image, "/", "--header", f"Host: {host}").body, other, f"Host: {host}")
    for host in ("admin.test", "ADMIN.test:80", "admin.wild.test"):
        expect_equal(curl(image, "/", "--header", f"Host: {host}").body, b"the admin's own\n", f"Host: {host}")


@site_case("protocol/options")
def options_tell_the_methods(image):
    answer = fetch(image.port, "/echo", method="OPTIONS")
    expect(answer.status in (200, 204), f"OPTIONS /echo: {answer.status}")
    expect({"POST", "PUT"} <= {word.strip() for word in answer.field("allow").split(",")}, f"Allow: {answer.field('allow')}")
    expect(fetch(image.port, "*", method="OPTIONS").status in (200, 204), "OPTIONS *")


# ---- errors ----

@site_case("protocol/errors")
def error_pages(image):
    for status in (400, 403, 404, 405, 410, 418, 429, 500, 501, 503, 599):
        answer = curl(image, f"/error/{status}")
        expect_equal(answer.status, status, f"/error/{status}")
        expect_in(str(status).encode(), answer.body, "the page's words")
        expect_in("text/", answer.field("content-type"), "Content-Type")
    for name, status in {"ok": 500, "not-found": 404, "invalid": 400, "denied": 403, "too-large": 413, "timed-out": 408,
                         "full": 503, "unsupported": 501, "failed": 500}.items():
        expect_equal(curl(image, f"/result/{name}").status, status, f"/result/{name}")


@site_case("protocol/redirects")
def redirects(image):
    for status in (301, 302, 303, 307, 308):
        answer = curl(image, f"/redirect/{status}", "--location")
        expect_equal((answer.before, answer.status, answer.body), ([status], 200, b"hello, redirected"), f"{status}")


@site_case("protocol/smuggling")
def what_could_be_read_in_two_ways_is_refused(image):
    host = "Host: a\r\n"
    heads = {
        "both lengths": f"POST /echo HTTP/1.1\r\n{host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "two lengths": f"POST /echo HTTP/1.1\r\n{host}Content-Length: 3\r\nContent-Length: 4\r\n\r\n",
        "a list of lengths": f"POST /echo HTTP/1.1\r\n{host}Content-Length: 3, 3\r\n\r\n",
        "a signed length": f"POST /echo HTTP/1.1\r\n{host}Content-Length: +3\r\n\r\n",
        "bare line feeds": "GET / HTTP/1.1\nHost: a\n\n",
        "a bare line feed": "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
        "a bare carriage return": "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
        "a folded line": f"GET / HTTP/1.1\r\n{host}X: y\r\n z\r\n\r\n",
        "two hosts": f"GET / HTTP/1.1\r\n{host}{host}\r\n",
        "no host": "GET / HTTP/1.1\r\n\r\n",
        "a space before a colon": f"GET / HTTP/1.1\r\n{host}Content-Length : 3\r\n\r\n",
        "a NUL": f"GET / HTTP/1.1\r\n{host}X: a\0b\r\n\r\n",
        "two spaces": f"GET  / HTTP/1.1\r\n{host}\r\n",
        "a lower-case version": f"GET / http/1.1\r\n{host}\r\n",
        "chunked in HTTP/1.0": "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "chunked twice": f"POST /echo HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    }
    for what, head in heads.items():
        with Wire(image.port) as wire:
            wire.send(head.encode("latin-1") + b"0\r\n\r\nGET /hello/smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            expect_equal(wire.answer().status, 400, what)
            wire.expect_closed()
    for coding in ("gzip, chunked", "identity", "xchunked", "chunked, chunked"):
        with Wire(image.port) as wire:
            wire.send(f"POST /echo HTTP/1.1\r\n{host}Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n".encode())
            expect(wire.answer().status in (400, 501), coding)
            wire.expect_closed()
    expect_equal(fetch(image.port, "/", version="2.0").status, 505, "HTTP/2.0")
