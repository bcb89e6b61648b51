"""pattern.py - bytes in which everything that is lost, doubled or out of its place shows; site/calls.c has the same.

SPDX-License-Identifier: ISC"""

import struct

PIECE_BYTES = 512
ROWS = [bytes((7 * i + number) & 0xff for i in range(8, PIECE_BYTES)) for number in range(256)]


def pattern(length):
    pieces = -(-length // PIECE_BYTES)
    return b"".join(struct.pack(">Q", number) + ROWS[number & 255] for number in range(pieces))[:length]
