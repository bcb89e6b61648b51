"""rules.py - why our server and h11 may judge a request differently: each rule with what the RFCs say.

A rule does not trust our server's word. It says what the bytes must look like for the difference to be in order.

SPDX-License-Identifier: ISC"""

import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
KNOWN_METHODS = {b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"}
HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|(?:[0-9A-Za-z\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)(:\d{0,5})?")


class Case:
    """A request, taken apart no further than the rules need."""

    def __init__(self, text):
        self.text = text
        stripped = text[2:] if text.startswith(b"\r\n") else text
        end = re.search(rb"\r?\n\r?\n", stripped)
        self.head = stripped[:end.start()] if end else stripped
        self.body = stripped[end.end():] if end else b""
        self.lines = re.split(rb"\r?\n", self.head)
        self.words = self.lines[0].split(b" ")

    def values(self, name):
        return [line.split(b":", 1)[1].strip(b" \t") for line in self.lines[1:]
                if line.split(b":", 1)[0].strip(b" \t").lower() == name and b":" in line]

    @property
    def target(self):
        return self.words[1] if len(self.words) > 1 else b""


def bare_line_end(case):
    whole = case.text.replace(b"\r\n", b"")
    return b"\n" in whole or b"\r" in whole


def malformed_path(case):
    path = re.sub(rb"^http://[^/?]*", b"", case.target.split(b"?")[0], flags=re.I)
    if re.search(rb"%(?![0-9A-Fa-f]{2})|%00|%2f", path, re.I):
        return True
    depth = 0
    for segment in re.sub(rb"%2e", b".", path, flags=re.I).split(b"/")[1:]:
        depth += -1 if segment == b".." else 0 if segment == b"." else 1
        if depth < 0:
            return True
    return False


def other_target(case):
    """Not a path, not http://host/..., and not * for OPTIONS."""
    target = case.target
    if target == b"*":
        return case.words[0] != b"OPTIONS"
    if target.startswith(b"/"):
        return False
    absolute = re.match(rb"http://([^/?]*)", target, re.I)
    return not absolute or not absolute[1] or not HOST.fullmatch(absolute[1]) or bad_port(absolute[1])


def bad_port(authority):
    port = re.search(rb":(\d+)$", authority)
    return bool(port) and int(port[1]) > 65535


def bad_host(case):
    return any(not HOST.fullmatch(value) or bad_port(value) or (value.startswith(b"[") and b":" not in value.split(b"]")[0])
               or (value.startswith(b":")) for value in case.values(b"host"))


# (what, where it stands, the statuses that our server may answer, whether the bytes are so)
STRICTER = [
    ("a bare CR or LF", "RFC 9112 2.2, 11.1", {400}, bare_line_end),
    ("a control byte, NUL or DEL", "RFC 9110 5.5, RFC 9112 3", {400},
     lambda case: re.search(rb"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]", case.text)),
    ("a line that is folded", "RFC 9112 5.2", {400}, lambda case: re.search(rb"\n[ \t]", case.text)),
    ("a target with bytes that no URI has", "RFC 9112 3.2, RFC 3986 2", {400},
     lambda case: re.search(rb"[^\x21-\x7e]|#", case.target)),
    ("a form of target that no origin server is asked with", "RFC 9112 3.2", {400}, other_target),
    ("a path with malformed or unsafe parts", "RFC 3986 2.1, 5.2.4; RFC 9110 17.3", {400}, malformed_path),
    ("a Host that is no host", "RFC 9112 3.2, RFC 9110 7.2", {400}, bad_host),
    ("a Host with percent-encoding, which no name in the DNS has", "RFC 3986 3.2.2", {400},
     lambda case: b"%" in b"".join(case.values(b"host"))),
    ("no Host in a version after 1.1, which is answered as 1.1", "RFC 9112 3.2, RFC 9110 2.5", {400},
     lambda case: not case.values(b"host")),
    ("Content-Length and Transfer-Encoding", "RFC 9112 6.3 (3), 11.2", {400, 501},
     lambda case: case.values(b"content-length") and case.values(b"transfer-encoding")),
    ("several Content-Lengths", "RFC 9112 6.3 (5)", {400},
     lambda case: len(case.values(b"content-length")) > 1 or b"," in b"".join(case.values(b"content-length"))),
    ("Transfer-Encoding in HTTP/1.0", "RFC 9112 6.1", {400},
     lambda case: case.values(b"transfer-encoding") and case.lines[0].endswith(b"HTTP/1.0")),
    ("a Content-Length of more than 64 bits, or over body-bytes", "RFC 9110 8.6, 15.5.14", {413},
     lambda case: any(re.fullmatch(rb"\d{7,}", value) for value in case.values(b"content-length"))),
    ("an unknown expectation", "RFC 9110 10.1.1, 15.5.18", {417},
     lambda case: any(value.lower() != b"100-continue" for value in case.values(b"expect"))),
    ("an unknown method", "RFC 9110 9.1, 15.6.2", {501}, lambda case: case.words[0] not in KNOWN_METHODS),
    ("another major version", "RFC 9110 2.5, 15.6.6", {505}, lambda case: not re.search(rb"HTTP/1\.\d$", case.lines[0])),
    ("malformed chunks, extensions or trailers", "RFC 9112 7.1", {400},
     lambda case: case.values(b"transfer-encoding") and not well_chunked(case.body)),
]

# h11 refuses, our server does not.
LAXER = [
    ("an empty line first, which is skipped", "RFC 9112 2.2", lambda case: case.text.startswith(b"\r\n")),
]


def well_chunked(body):
    """The grammar of RFC 9112 7.1, to the letter: no blanks round the semicolon."""
    token = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
    extension = rb"(?:;" + token + rb"(?:=(?:" + token + rb"|\"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*\"))?)*"
    while True:
        line = re.match(rb"([0-9A-Fa-f]{1,16})" + extension + rb"\r\n", body)
        if not line:
            return False
        size, body = int(line[1], 16), body[line.end():]
        if size == 0:
            trailers = rb"(?:" + token + rb":[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n"
            return bool(re.match(trailers, body))
        if body[size:size + 2] != b"\r\n":
            return False
        body = body[size + 2:]
