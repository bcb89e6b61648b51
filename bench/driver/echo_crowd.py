"""echo_crowd.py - starts many machines at once, asks each over UDP until it has answered, and keeps
them until its standard input ends.

    echo_crowd.py PORT COMMAND...

Each command is a line of words for one machine, of which the first is its address. Prints "started"
and the nanoseconds until the last had been started, then "answered", how many have, and the
nanoseconds until the last of them did.

SPDX-License-Identifier: ISC
"""
import os
import select
import signal
import socket
import sys
import time

GIVE_UP_SECONDS, AGAIN_SECONDS = 60, 0.02


def start(words):
    """Fork and exec without what subprocess does round it: two hundred at once are measured."""
    return os.posix_spawn(words[0], words, os.environ, file_actions=[
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])


def ask_all(addresses, port):
    """When each answered first; those that never did are left out."""
    asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    waiting, answered = set(addresses), {}
    end = time.monotonic() + GIVE_UP_SECONDS
    while waiting and time.monotonic() < end:
        for address in waiting:
            asker.sendto(b"are you there", (address, port))
        again = time.monotonic() + AGAIN_SECONDS
        while waiting and select.select([asker], [], [], max(0, again - time.monotonic()))[0]:
            address = asker.recvfrom(64)[1][0]
            if address in waiting:
                waiting.discard(address)
                answered[address] = time.monotonic_ns()
    return answered


def end_all(numbers):
    for number in numbers:
        os.kill(number, signal.SIGTERM)
    for number in numbers:
        os.waitpid(number, 0)


def stop(number, _frame):
    raise SystemExit(128 + number)


def main():
    port, *lines = sys.argv[1:]
    machines = [line.split() for line in lines]
    signal.signal(signal.SIGTERM, stop)
    numbers = []
    began = time.monotonic_ns()
    try:
        for _, *words in machines:
            numbers.append(start(words))
        print("started", time.monotonic_ns() - began, flush=True)
        answered = ask_all([address for address, *_ in machines], int(port))
        print("answered", len(answered), max(answered.values(), default=began) - began, flush=True)
        sys.stdin.read()
    finally:
        end_all(numbers)


if __name__ == "__main__":
    main()
