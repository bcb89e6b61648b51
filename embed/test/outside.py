"""outside.py - drives the shared object from another language, in virtual time: a SYN to a closed port is reset, one to
an open port is answered, and again a second later (RFC 9293 3.10.7.1 and 3.10.7.2, RFC 6298 2.1).

SPDX-License-Identifier: ISC"""

import ctypes
import struct
import sys

NEVER = 2**64 - 1
SECOND = 10**9


class Part(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class Frame(ctypes.Structure):
    _fields_ = [("parts", ctypes.POINTER(Part)), ("count", ctypes.c_size_t), ("length", ctypes.c_size_t),
                ("checksum", ctypes.c_uint8), ("segments_family", ctypes.c_uint8), ("segment_bytes", ctypes.c_uint16),
                ("checksum_start", ctypes.c_uint16), ("checksum_offset", ctypes.c_uint16)]


SEND = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.POINTER(Frame))
ENTROPY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
OTHER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Host(ctypes.Structure):
    _fields_ = [("send", SEND), ("entropy", ENTROPY), ("wake", OTHER), ("panic", OTHER)]


class Option(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("value", ctypes.c_char_p)]


class Endpoint(ctypes.Structure):
    _fields_ = [("family", ctypes.c_uint8), ("bytes", ctypes.c_uint8 * 16), ("port", ctypes.c_uint16)]


def checksum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def syn(port):
    us, them = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 7])
    tcp = struct.pack("!HHIIBBHHH", 4000, port, 100, 0, 5 << 4, 2, 65535, 0, 0)
    tcp = tcp[:16] + struct.pack("!H", checksum(us + them + struct.pack("!HH", 6, len(tcp)) + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, us, them)
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp


def main():
    library = ctypes.CDLL(sys.argv[1])
    library.loom_stack_step.restype = ctypes.c_uint64
    sent = []

    def send(_, frame):
        sent.append(b"".join(ctypes.string_at(part.bytes, part.length)
                             for part in frame.contents.parts[:frame.contents.count]))
        return True

    host = Host(SEND(send), ENTROPY(lambda _, room, length: ctypes.memset(room, 7, length) and None))
    options = (Option * 2)(Option(b"link", b"ip"), Option(b"ipv4", b"192.0.2.7/24"))
    message, stack, listener = ctypes.create_string_buffer(200), ctypes.c_void_p(), ctypes.c_void_p()
    assert library.loom_stack_open(ctypes.byref(host), options, ctypes.c_size_t(2), ctypes.c_uint64(SECOND), message,
                                   ctypes.c_size_t(200), ctypes.byref(stack)) == 0, message.value

    def step(now):
        return library.loom_stack_step(stack, ctypes.c_uint64(now))

    def receive(frame, now):
        assert library.loom_stack_input(stack, frame, ctypes.c_size_t(len(frame))) == 0
        return step(now)

    receive(syn(9), SECOND)
    assert len(sent) == 1 and sent[0][33] == 0x14, sent  # RST, ACK
    local = Endpoint(port=7)
    assert library.loom_socket_open(stack, 1, ctypes.byref(listener)) == 0
    assert library.loom_bind(listener, ctypes.byref(local)) == 0
    assert library.loom_listen(listener, ctypes.c_size_t(4)) == 0
    next_ns = receive(syn(7), 2 * SECOND)
    assert sent[-1][33] == 0x12 and struct.unpack("!I", sent[-1][28:32])[0] == 101, sent  # SYN, ACK
    while next_ns < 4 * SECOND:
        count, now = len(sent), next_ns
        next_ns = step(now)
        if len(sent) > count:
            break
    assert sent[-1][33] == 0x12 and 3 * SECOND <= now <= 3 * SECOND + 1024, now
    library.loom_stack_close(stack)


main()
