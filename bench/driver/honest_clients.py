"""honest_clients.py - one after another they connect, ask for a page, and give it a second.

    honest_clients.py ADDRESS PORT PATH COUNT SECONDS

They begin at even distances over so many seconds. Prints how many were answered in time, and how
long the slowest of these took.

SPDX-License-Identifier: ISC
"""
import socket
import sys
import time

LIMIT_S = 1.0


def fetch(address, port, path):
    """One connection and one answer; gives the seconds, or None when they are more than allowed."""
    began = time.monotonic()
    try:
        with socket.create_connection((address, port), LIMIT_S) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
                               .encode())
            answer = b""
            while b"</html>" not in answer:
                connection.settimeout(max(0.001, began + LIMIT_S - time.monotonic()))
                piece = connection.recv(4096)
                if not piece:
                    return None
                answer += piece
    except OSError:
        return None
    took = time.monotonic() - began
    return took if answer.startswith(b"HTTP/1.1 200") and took <= LIMIT_S else None


def main():
    address, port, path, count, seconds = sys.argv[1:]
    count, seconds = int(count), float(seconds)
    began = time.monotonic()
    took = []
    for number in range(count):
        time.sleep(max(0.0, began + number * seconds / count - time.monotonic()))
        took.append(fetch(address, int(port), path))
    answered = [one for one in took if one is not None]
    print(f"answered {len(answered)}\nslowest_ms {max(answered, default=0) * 1000:.1f}\n"
          f"took_s {time.monotonic() - began:.1f}")


if __name__ == "__main__":
    main()
