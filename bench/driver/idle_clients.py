"""idle_clients.py - a client that holds connections open: each asks for one page and then says
nothing more; with the path - it says nothing at all.

    idle_clients.py ADDRESS PORT PATH COUNT SOURCE

Prints "ready" when all are answered, and ends when its standard input does.

SPDX-License-Identifier: ISC
"""
import socket
import sys


def connect(server, path, source):
    connection = socket.socket()
    connection.bind((source, 0))
    connection.settimeout(30)
    connection.connect(server)
    if path == "-":
        return connection
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
    answer = b""
    while b"</html>" not in answer:
        piece = connection.recv(4096)
        if not piece:
            raise SystemExit(f"a connection was closed after {answer[:64]!r}")
        answer += piece
    return connection


def main():
    address, port, path, count, source = sys.argv[1:]
    connections = [connect((address, int(port)), path, source) for _ in range(int(count))]
    print("ready", flush=True)
    sys.stdin.read()
    for connection in connections:
        connection.close()


if __name__ == "__main__":
    main()
