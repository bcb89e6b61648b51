#!/usr/bin/python3
"""http_stranger_origin.py - an origin for the tests of the client, made of h11: a parser that is not ours and as strict.

Prints its port, and serves on the loopback until it is ended.

SPDX-License-Identifier: ISC"""

import socket
import threading

import h11

LARGE = bytes(i * 31 % 256 for i in range(3_000_000))


def answers(target, method, body):
    """Status, fields and pieces of the body; None for fields that frame: h11 then chunks, or closes."""
    if target == "/length":
        return 200, [("Content-Length", "5")], [b"hello"]
    if target == "/chunked":
        return 200, [("Transfer-Encoding", "chunked")], [b"he", b"l", b"lo"]
    if target == "/close":
        return 200, [("Connection", "close"), ("Content-Length", "5")], [b"hello"]
    if target == "/redirect":
        return 302, [("Location", "length"), ("Content-Length", "9")], [b"elsewhere"]
    if target == "/large":
        return 200, [("Transfer-Encoding", "chunked")], [LARGE[i:i + 70_000] for i in range(0, len(LARGE), 70_000)]
    if target == "/count":
        words = f"{method} {len(body)} {sum(body)}".encode()
        return 200, [("Content-Length", str(len(words)))], [words]
    return 404, [("Content-Length", "0")], []


def next_event(connection, peer):
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(peer.recv(65536))
    return event


def answer(connection, peer, request):
    body = b""
    while isinstance(event := next_event(connection, peer), h11.Data):
        body += bytes(event.data)
    target = request.target.decode()
    if target == "/interim":
        peer.sendall(connection.send(h11.InformationalResponse(status_code=103, headers=[("Link", "</a>")])))
        target = "/length"
    status, fields, pieces = answers(target, request.method.decode(), body)
    peer.sendall(connection.send(h11.Response(status_code=status, headers=fields)))
    if request.method != b"HEAD":
        for piece in pieces:
            peer.sendall(connection.send(h11.Data(data=piece)))
    has_trailers = ("Transfer-Encoding", "chunked") in fields and request.method != b"HEAD"
    peer.sendall(connection.send(h11.EndOfMessage(headers=[("X-Trailer", "yes")] if has_trailers else [])))


def serve(peer):
    connection = h11.Connection(h11.SERVER)
    with peer:
        while isinstance(request := next_event(connection, peer), h11.Request):
            answer(connection, peer, request)
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()


def serve_quietly(peer):
    try:
        serve(peer)
    except h11.RemoteProtocolError as error:
        peer.close()
        print("refused:", error, flush=True)
    except OSError:
        pass


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve_quietly, args=(listener.accept()[0],), daemon=True).start()
