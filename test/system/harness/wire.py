"""wire.py - a connection on which every byte is the test's own, and a reader of HTTP/1 responses that forgives nothing.

SPDX-License-Identifier: ISC"""

import re
import socket
import struct
import time

from harness import place
from harness.report import Failure, expect

PATIENCE_SECONDS = 20


class Closed(Failure):
    """The peer has closed, cleanly, before the first byte of what was waited for."""


class Reset(Failure):
    """The peer has reset the connection."""


class Answer:
    """One response: status, fields (names in lower case, in order), body."""

    def __init__(self, status, reason, fields):
        self.status, self.reason, self.fields = status, reason, fields
        self.body = b""
        self.chunked = False

    def field(self, name):
        """The value of the only field of this name, or None."""
        values = [value for key, value in self.fields if key == name]
        expect(len(values) <= 1, f"{name} is there {len(values)} times: {values}")
        return values[0] if values else None


class Wire:
    def __init__(self, port, address=None, receive_bytes=None):
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE_SECONDS)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect((address or place.address(), port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise Reset(f"while sending: {error}") from error

    def ask(self, target, method="GET", fields="", body=b"", version="1.1"):
        self.send(request(target, method, fields, body, version))

    def shut_down(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError as error:
            raise Reset(f"while reading: {error}") from error
        except TimeoutError as error:
            raise Failure(f"nothing came within {self.socket.gettimeout()} s") from error
        self.buffer += data
        return bool(data)

    def take(self, size):
        while len(self.buffer) < size:
            expect(self.more(), f"the connection ended {size - len(self.buffer)} bytes early")
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def line(self):
        while b"\r\n" not in self.buffer:
            expect(self.more(), f"the connection ended within a line: {self.buffer!r}")
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        expect(b"\n" not in line and b"\r" not in line, f"a bare line end in {line!r}")
        return line.decode("latin-1")

    def rest(self):
        """All until the peer closes."""
        while self.more():
            pass
        rest, self.buffer = self.buffer, b""
        return rest

    def head(self):
        if not self.buffer and not self.more():
            raise Closed("the connection was closed before a response")
        found = re.fullmatch(r"HTTP/1\.1 ([1-5]\d\d) ([\t\x20-\x7e]*)", line := self.line())
        expect(found, f"not a status line: {line!r}")
        fields = []
        while line := self.line():
            field = re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", line)
            expect(field, f"not a field line: {line!r}")
            fields.append((field[1].lower(), field[2]))
        return Answer(int(found[1]), found[2], fields)

    def answer(self, method="GET", interim=False):
        """Reads one response; with `interim` also one of 100 to 199."""
        answer = self.head()
        expect(interim or answer.status >= 200, f"an interim response: {answer.status}")
        length, coding = answer.field("content-length"), answer.field("transfer-encoding")
        expect(not (length and coding), "both Content-Length and Transfer-Encoding")
        if method == "HEAD" or answer.status < 200 or answer.status in (204, 304):
            return answer
        if coding:
            expect(coding == "chunked", f"Transfer-Encoding: {coding}")
            answer.chunked = True
            answer.body = self.chunks()
        elif length is not None:
            expect(re.fullmatch(r"\d+", length), f"Content-Length: {length}")
            answer.body = self.take(int(length))
        else:
            answer.body = self.rest()
        return answer

    def chunks(self):
        body = []
        while True:
            line = self.line()
            expect(re.fullmatch(r"[0-9A-Fa-f]+", line), f"not a chunk's size: {line!r}")
            size = int(line, 16)
            if size == 0:
                expect(self.line() == "", "a trailer that nobody asked for")
                return b"".join(body)
            body.append(self.take(size))
            expect(self.take(2) == b"\r\n", "a chunk without its end")

    def expect_closed(self, seconds=PATIENCE_SECONDS):
        """The peer closes, cleanly and without another byte."""
        self.socket.settimeout(seconds)
        rest = self.rest()
        self.socket.settimeout(PATIENCE_SECONDS)
        expect(rest == b"", f"more than was asked for: {rest[:200]!r}")

    def expect_silence(self, seconds):
        """Nothing comes, and the connection stays."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(1)
        except TimeoutError:
            return
        finally:
            self.socket.settimeout(PATIENCE_SECONDS)
        raise Failure(f"{'an end' if not data else repr(data)} where silence was due")


def request(target, method="GET", fields="", body=b"", version="1.1"):
    """The bytes of a request; `fields` are whole lines without the last line end."""
    lines = [f"{method} {target} HTTP/{version}"]
    if version == "1.1" and "host:" not in fields.lower():
        lines.append("Host: localhost")
    lines += [fields] if fields else []
    if body and "transfer-encoding" not in fields.lower() and "content-length" not in fields.lower():
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def fetch(port, target, **options):
    """One request on a connection of its own."""
    with Wire(port) as wire:
        wire.ask(target, **options)
        return wire.answer(options.get("method", "GET"))


def wait_until(condition, why, seconds=PATIENCE_SECONDS):
    end = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < end, f"not within {seconds} s: {why}")
        time.sleep(0.02)
