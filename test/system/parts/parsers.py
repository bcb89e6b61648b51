"""parsers.py - what we make of a request, beside what others make of it: every difference has a rule, or is a failure.

SPDX-License-Identifier: ISC"""

import re
import subprocess
from collections import Counter

from harness.report import Failure, Skip, case, expect, expect_equal
from harness.requests import make
from harness.rules import LAXER, STRICTER, Case
from harness.wire import Reset, Wire
from harness.workshop import ROOT, WORK

ORACLE_REQUESTS = 100000
SERVER_REQUESTS = 30000
UNREAD = {204, 301, 404, 405}  # no handler has seen the request
REFUSALS = {400, 408, 413, 414, 417, 431, 501, 505}


def oracle(count):
    """fuzz/oracle: the parser alone beside llhttp, and a tenth of the requests beside h11."""
    done = subprocess.run([ROOT / "fuzz" / "oracle" / "run", str(count)], cwd=ROOT, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    (WORK / "oracle.txt").write_text(output, encoding="utf-8")
    if skipped := re.search(r"^skip +(.*)", output, re.M):
        raise Skip(skipped[1])
    expect_equal(done.returncode, 0, f"fuzz/oracle/run, which says {output[-1500:]}")
    expect(f"oracle_llhttp: {count} requests" in output and "oracle_h11" in output, output[-500:])


@case("parsers/oracle")
def the_parser_beside_llhttp_and_h11(_):
    oracle(ORACLE_REQUESTS)


@case("parsers/oracle-long", long=True)
def the_parser_beside_llhttp_and_h11_for_longer(_):
    oracle(3000000)


# ---- the whole server beside h11 ----

def server_verdict(port, text):
    """Status and body of the first answer; status None: closed without one."""
    with Wire(port) as wire:
        try:
            wire.send(text)
            wire.shut_down()
            while wire.more():
                pass
        except (Reset, OSError) as error:
            # The echo has begun to answer when it finds its body malformed: it can only break off.
            if b" /echo " in text:
                return 400, b""
            raise Failure(f"{error} after {text!r}") from error
        data = wire.buffer
    data = re.sub(rb"\AHTTP/1\.1 100 Continue\r\n\r\n", b"", data)
    if not data:
        return None, b""
    found = re.match(rb"HTTP/1\.1 (\d\d\d) [^\r\n]*\r\n", data)
    expect(found, f"no response: {data[:100]!r} after {text!r}")
    return int(found[1]), data


def h11_verdict(h11, text):
    """The request with its fields, or None; and its body, None where it is refused or never whole."""
    connection = h11.Connection(h11.SERVER)
    request, body = None, b""
    try:
        connection.receive_data(text)
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return request, body
            else:
                return request, None
    except h11.RemoteProtocolError:
        return request, None


def compare_values(request, body, data, text):
    """Both took it: then they read the same."""
    head, _, content = data.partition(b"\r\n\r\n")
    if request.method == b"HEAD" or b" 200 " not in head[:20]:
        return
    if content.startswith(b"method "):
        lines = dict(line.partition(b" ")[::2] for line in content.split(b"\n"))
        expect_equal(lines[b"method"], request.method, f"the method of {text!r}")
        expect_equal(lines[b"target"], request.target, f"the target of {text!r}")
        expect_equal(int(lines[b"fields"]), len(request.headers), f"the fields of {text!r}")
        agents = [value for name, value in request.headers if name == b"user-agent"]
        expect_equal(lines[b"agent"], agents[0] if agents else b"", f"the agent of {text!r}")
    elif request.target == b"/echo":
        expect_equal(echoed(head, content), body, f"the body of {text!r}")


def echoed(head, content):
    if b"transfer-encoding: chunked" not in head.lower():
        return content[:int(re.search(rb"content-length: (\d+)", head.lower())[1])] if b"content-length" in head.lower() else content
    body = b""
    while True:
        size, _, content = content.partition(b"\r\n")
        if int(size, 16) == 0:
            return body
        body, content = body + content[:int(size, 16)], content[int(size, 16) + 2:]


def is_read(status, data):
    """Whether the handler that answered reads bodies: pages do not, and where there is no handler nobody does."""
    return status not in UNREAD and not (status == 200 and data.partition(b"\r\n\r\n")[2].startswith(b"<!doctype"))


def explain(text, status, data, request, body, counts):
    """Counts the difference under its rule; raises where there is none."""
    one = Case(text)
    if request is not None and body is None and not is_read(status, data):
        counts["answered without reading the body, and closed (RFC 9112 9.3)"] += 1
        return
    if body is not None:
        for what, section, statuses, holds in STRICTER:
            if status in statuses and holds(one):
                counts[f"we refuse: {what} ({section})"] += 1
                return
        raise Failure(f"our server answers {status} to what h11 takes: {text!r}")
    for what, section, holds in LAXER:
        if holds(one):
            counts[f"h11 refuses: {what} ({section})"] += 1
            return
    raise Failure(f"our server answers {status} to what h11 refuses: {text!r}")


def server_beside_h11(workshop, seeds):
    try:
        import h11
    except ImportError:
        raise Skip("there is no h11 (apt-get install python3-h11)") from None
    counts = Counter()
    with workshop.started("site", "debug", "--access-log=off") as image:
        for seed in seeds:
            text = make(seed)
            status, data = server_verdict(image.port, text)
            request, body = h11_verdict(h11, text)
            ours_takes = status is not None and status not in REFUSALS
            if ours_takes and body is not None:
                compare_values(request, body, data, text)
                counts["taken by both"] += 1
            elif not ours_takes and body is None:
                counts["refused by both"] += 1
            else:
                explain(text, status, data, request, body, counts)
    told = "\n".join(f"{count:7} {what}" for what, count in counts.most_common())
    (WORK / "h11.txt").write_text(told + "\n", encoding="utf-8")
    expect(counts["taken by both"] > len(seeds) / 10, f"hardly any were taken: {told}")
    for what, section, *_ in STRICTER + LAXER:
        if len(seeds) >= SERVER_REQUESTS:
            rules = [name for name in counts if f"{what} ({section})" in name]
            expect(rules, f"a rule that explains nothing: {what}")


@case("parsers/server")
def the_server_beside_h11(workshop):
    server_beside_h11(workshop, range(SERVER_REQUESTS))


@case("parsers/server-long", long=True)
def the_server_beside_h11_for_longer(workshop):
    server_beside_h11(workshop, range(1000000, 1300000))
