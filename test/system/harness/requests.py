"""requests.py - requests that are made from a grammar full of doubtful parts, and then mutated; the same for a seed.

SPDX-License-Identifier: ISC"""

import random

METHODS = [b"GET"] * 6 + [b"POST"] * 6 + [b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH", b"get", b"BREW", b"CONNECT",
                                          b"G(T", b"", b"GET\t"]
TARGETS = [b"/about/a"] * 8 + [b"/echo"] * 6 + [
    b"/about/a?b=c", b"/about/%41", b"/about/%zz", b"/about/%", b"/about/%00", b"/about/a%2fb", b"/about/../about/x",
    b"/../about", b"/about/\xe9", b"/about/a#b", b"/about/a b", b"*", b"about", b"http://a.test/about/x", b"http:///about",
    b"https://a.test/about/x", b"http://u@a.test/about", b"HTTP://A.test:80/about/y?z", b"//about/a", b"/about/{}|", b"",
    b"/about/./a/.", b"a.test:80", b"/about/\"<>"]
VERSIONS = [b"HTTP/1.1"] * 12 + [b"HTTP/1.0"] * 3 + [b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.10", b"http/1.1", b"HTTP/1",
                                                     b"HTTP/1.1 ", b"", b"HTTP/11"]
HOSTS = [b"Host: localhost"] * 14 + [b"Host: a.test:8080", b"Host:", b"Host: [::1]:80", b"host:b.test", b"Host: a b",
                                     b"Host: a/b", b"Host: a,b", b"Host: a@b", b"Host: [::1", b"Host: a:port",
                                     b"Host: \xe9.test", b"Host: a\r\nHost: b", b"Host: a:99999", b"X: no host"]
FIELDS = [b"Accept: */*", b"User-Agent: tests", b"User-Agent:\t tests \t", b"X-Empty:", b"X-Tab: a\tb", b"X-Fold: a\r\n b",
          b"X-Latin: \xe9\xff", b"X-Blank : a", b" X-Lead: a", b"X-Nul: a\0b", b"X-Del: a\x7fb", b"X-Bell: a\x07b", b"X-Cr: a\rb",
          b"X-Lf: a\nX-More: b", b"X(Y): a", b": nameless", b"no colon", b"X-Quote: \"a\\\"b\"", b"Connection: close",
          b"Connection: keep-alive", b"Connection: Keep-Alive, x", b"Expect: 100-continue", b"Expect: tea", b"Upgrade: h2c",
          b"Cookie: a=b; c=d", b"X-\xe9: a", b"X-Long: " + b"y" * 300]
BODIES = [b"hello", b"", b"0123456789" * 20]
CHUNKED = [b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n", b"005\r\nhello\r\n0\r\n\r\n", b"A\r\n0123456789\r\n0\r\n\r\n",
           b"5;a=b\r\nhello\r\n0\r\n\r\n", b"5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n", b"5 ;a\r\nhello\r\n0\r\n\r\n", b"5;\r\nhello\r\n0\r\n\r\n",
           b"5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", b"5\r\nhello\r\n0\r\nbad trailer\r\n\r\n", b"5\nhello\n0\n\n",
           b"5\r\nhello0\r\n\r\n", b"x\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n00\r\n\r\n",
           b"FFFFFFFFFFFFFFFFF\r\n", b"5\r\nhello\r\n0\r\n", b"5\r\nhel", b"0\r\n\r\n"]
CODINGS = [b"Transfer-Encoding: chunked"] * 8 + [
    b"Transfer-Encoding: Chunked", b"Transfer-Encoding:\tchunked ", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: identity", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"Transfer-Encoding:", b"Transfer-Encoding: \"chunked\""]


def length_fields(rng, body):
    size = b"%d" % len(body)
    return rng.choice([b"Content-Length: " + size] * 10 + [
        b"content-length:" + size, b"Content-Length: 0" + size, b"Content-Length: +" + size, b"Content-Length: " + size + b"0",
        b"Content-Length: " + size + b", " + size, b"Content-Length: " + size + b"\r\nContent-Length: " + size,
        b"Content-Length: " + size + b"\r\nContent-Length: 1", b"Content-Length:", b"Content-Length: 0x5",
        b"Content-Length: " + size + b" ", b"Content-Length: -1", b"Content-Length: 99999999999999999999999"])


def pick(rng, choices):
    """Mostly the first, which is beyond doubt: where everything is doubtful, nothing is ever taken."""
    return choices[0] if rng.random() < 0.75 else rng.choice(choices)


def make(seed):
    rng = random.Random(seed)
    fields = [pick(rng, HOSTS)] + [pick(rng, FIELDS) for _ in range(rng.choice((0, 0, 1, 1, 2, 4)))]
    body = b""
    kind = rng.random()
    if kind < 0.3:
        body = pick(rng, BODIES)
        fields.append(length_fields(rng, body))
    elif kind < 0.6:
        body = pick(rng, CHUNKED)
        fields.append(pick(rng, CODINGS))
    elif kind < 0.63:
        body = pick(rng, CHUNKED)
        fields += [pick(rng, CODINGS), length_fields(rng, body)]
    if rng.random() < 0.5:
        rng.shuffle(fields)
    line = b" ".join((rng.choice(METHODS[:12]) if rng.random() < 0.8 else rng.choice(METHODS),
                      rng.choice(TARGETS[:14]) if rng.random() < 0.7 else rng.choice(TARGETS), pick(rng, VERSIONS)))
    text = rng.choice([b""] * 20 + [b"\r\n", b"\r\n\r\n", b"\n", b" "]) + b"\r\n".join([line, *fields]) + b"\r\n\r\n" + body
    return mutate(rng, text) if rng.random() < 0.3 else text


def mutate(rng, text):
    text = bytearray(text)
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(text))
        how = rng.randrange(5)
        if how == 0:
            text[at] = rng.choice(b" \t\r\n\0:;,/%\"()\x7f\x80AZ09")
        elif how == 1:
            del text[at]
        elif how == 2:
            text.insert(at, rng.choice(b" \t\r\n\0:;,/%A0"))
        elif how == 3:
            text[at:at] = text[at:at + rng.randrange(1, 20)]
        else:
            del text[rng.randrange(len(text)):]
        if not text:
            return b"\r\n"
    return bytes(text)
