"""oracle_h11.py - the cases that oracle wrote, as h11 sees them: every difference explained or an error.

usage: oracle_h11.py FILE

SPDX-License-Identifier: ISC
"""

import sys
from collections import Counter

import h11

PARTIAL, REFUSED, WHOLE = range(3)

# We refuse, h11 does not.
STRICTER = {
    "a control byte, or a bare CR or LF": "it takes bare LF, and control bytes in values",
    "a malformed method": "it skips any number of empty lines",
    "a malformed request target": "it takes fragments and bytes above 0x7f",
    "a folded field, or a blank before a colon": "it unfolds, which RFC 9112 5.2 forbids",
    "more than one Content-Length": "it takes equal ones (RFC 9112 6.3 allows it)",
    "a malformed Content-Length": "it takes lists of equal numbers (RFC 9112 6.3 allows it)",
    "both Content-Length and Transfer-Encoding": "it lets Transfer-Encoding win (RFC 9112 6.3)",
    "Transfer-Encoding in HTTP/1.0": "it takes it; RFC 9112 6.1 calls it faulty framing",
    "a malformed Host": "it leaves Host to its user",
    '"*" for a method that is not OPTIONS': "it leaves targets to its user",
    "a request target that is neither a path nor an http URL": "it leaves targets to its user",
    "a malformed authority in the request target": "it leaves targets to its user",
    "an unknown method": "it takes every token; we answer 501",
    "an unknown expectation": "it leaves Expect to its user",
    "malformed chunks": "it is laxer within chunk lines and trailers",
    "a version of HTTP that is not 1.x": "it takes every version",
    "a Content-Length of more than 64 bits": "it has numbers of any size",
}

# h11 refuses, we do not.
LAXER = {
    "no request line received": "it skips no empty line before the first (RFC 9112 2.2 asks for it)",
}


def verdict(request):
    connection = h11.Connection(h11.SERVER)
    fields = 0
    try:
        connection.receive_data(request)
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                return PARTIAL, 0, 0, ""
            if isinstance(event, h11.Request):
                fields = len(event.headers)
            if isinstance(event, h11.EndOfMessage):
                return WHOLE, len(request) - len(connection.trailing_data[0]), fields, ""
    except h11.RemoteProtocolError as error:
        return REFUSED, 0, 0, str(error)


def judge(ours, theirs):
    """The class of the difference; None: there is none; "": it is not explained."""
    if ours[0] == theirs[0]:
        return None if ours[:3] == theirs[:3] else ""
    if PARTIAL in (ours[0], theirs[0]) and REFUSED in (ours[0], theirs[0]):
        return "one waits for more where the other refuses at once"
    if ours[0] == REFUSED:
        words = STRICTER.get(ours[3])
        return words and f"we refuse {ours[3]}: {words}"
    if theirs[0] == REFUSED:
        words = LAXER.get(theirs[3])
        return words and f"h11 refuses, {theirs[3]}: {words}"
    return ""


def main():
    counts, bad, alike = Counter(), 0, 0
    for line in open(sys.argv[1]):
        kind, end, fields, why, text = line.rstrip("\n").split("\t")
        ours = int(kind), int(end), int(fields), why
        request = bytes.fromhex(text)
        theirs = verdict(request)
        found = judge(ours, theirs)
        if found is None:
            alike += 1
        elif found:
            counts[found] += 1
        else:
            bad += 1
            if bad <= 20:
                print("unexplained:", ours, theirs, request)
    print(f"{alike} decided alike by h11")
    for words, count in counts.most_common():
        print(f"{count:8}  {words}")
    print(f"{bad} unexplained")
    return bad > 0


sys.exit(main())
