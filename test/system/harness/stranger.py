"""stranger.py - a peer made of single packets: an image whose network is a socket that this process holds, and scapy.

No kernel is between the two, so it needs no root, and what is sent arrives as it is. Each frame is a datagram.

    @stranger_case("wounds/land")
    def land(image, stranger):
        stranger.send(IP(src=IMAGE, dst=IMAGE) / TCP(...))
        answer = stranger.receive(TCP)

SPDX-License-Identifier: ISC"""

import logging
import random
import socket
import time

from harness.direct import IMAGE, DirectImage
from harness.report import Failure, Skip, case, expect
from harness.workshop import Workshop

STRANGER, STATION = "10.9.0.66", "02:00:00:00:00:42"
BROADCAST = "ff:ff:ff:ff:ff:ff"
PORT = 8080
PATIENCE_SECONDS = 3
QUIET_SECONDS = 0.15


def scapy():
    """Scapy's layers, which take a second to import."""
    try:
        logging.getLogger("scapy").setLevel(logging.ERROR)
        from scapy.layers import inet, l2  # pylint: disable=import-outside-toplevel
    except ImportError:
        raise Skip("there is no scapy (apt-get install python3-scapy)") from None
    return inet, l2


class StrangerImage(DirectImage):
    """Its network is one end of a pair of sockets."""

    def __init__(self, program, parameters, **options):
        self.near, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(program, [f"--net=fd:{self.far.fileno()}", f"--ipv4={IMAGE}/16", f"--ipv4-gateway={STRANGER}", *parameters],
                         process_options={"pass_fds": (self.far.fileno(),)}, **options)

    def __enter__(self):
        super().__enter__()
        self.far.close()
        return self


class Stranger:
    """Has one address, and answers ARP for it; everything else it does only when it is told."""

    def __init__(self, wire):
        self.inet, self.l2 = scapy()
        self.wire = wire
        self.image_station = None
        self.waiting = []
        self.greet()

    def greet(self):
        """Finds the image's station."""
        self.send_frame(self.l2.Ether(src=STATION, dst=BROADCAST)
                        / self.l2.ARP(op=1, hwsrc=STATION, psrc=STRANGER, pdst=IMAGE))
        end = time.monotonic() + PATIENCE_SECONDS
        while self.image_station is None and time.monotonic() < end:
            self.take_one(0.1)
        expect(self.image_station, "the image does not answer ARP")

    def send_frame(self, frame):
        self.send_bytes(bytes(frame))

    def send_bytes(self, data):
        self.wire.send(data)

    def send(self, packet):
        self.send_frame(self.l2.Ether(src=STATION, dst=self.image_station) / packet)

    def take_one(self, seconds):
        """One frame into `waiting`, but for ARP; False: none came."""
        self.wire.settimeout(max(seconds, 0.001))
        try:
            data = self.wire.recv(1 << 17)
        except (TimeoutError, BlockingIOError):
            return False
        if not data:
            raise Failure("the image has closed its network")
        frame = self.l2.Ether(data)
        if self.l2.ARP in frame:
            self.take_arp(frame[self.l2.ARP])
        elif self.inet.IP in frame:
            self.waiting.append(frame[self.inet.IP])
        return True

    def take_arp(self, arp):
        if arp.psrc == IMAGE:
            self.image_station = arp.hwsrc
        if arp.op == 1 and arp.pdst == STRANGER:
            self.send_frame(self.l2.Ether(src=STATION, dst=arp.hwsrc)
                            / self.l2.ARP(op=2, hwsrc=STATION, psrc=STRANGER, hwdst=arp.hwsrc, pdst=arp.psrc))

    def receive(self, chosen=lambda packet: True, seconds=PATIENCE_SECONDS):
        """The next packet that is chosen, or None; others are dropped."""
        end = time.monotonic() + seconds
        while True:
            while self.waiting:
                packet = self.waiting.pop(0)
                if chosen(packet):
                    return packet
            if time.monotonic() > end or not self.take_one(end - time.monotonic()):
                return None

    def silence(self, what, chosen=lambda packet: True):
        packet = self.receive(chosen, QUIET_SECONDS)
        expect(packet is None, f"{what}: an answer, {packet and packet.summary()}")

    def ask(self, packet, chosen=lambda packet: True):
        self.waiting.clear()
        self.send(packet)
        return self.receive(chosen)

    def ip(self, **fields):
        return self.inet.IP(**{"src": STRANGER, "dst": IMAGE, **fields})

    def echoes(self, what="afterwards"):
        """The image is well: it answers a ping."""
        inet = self.inet
        number = random.randrange(65536)
        answer = self.ask(self.ip() / inet.ICMP(id=number) / b"well?", lambda packet: inet.ICMP in packet and packet[inet.ICMP].id == number)
        expect(answer is not None and answer[inet.ICMP].type == 0, f"{what}: no echo")


class Flow:
    """A TCP connection that the test keeps by hand."""

    def __init__(self, stranger, port=PORT, options=(("MSS", 1460),), window=65535):
        self.stranger, self.inet = stranger, stranger.inet
        self.port, self.own = port, random.randrange(20000, 60000)
        self.next, self.window = random.randrange(1 << 32), window
        self.options = list(options)
        self.peer_next = 0

    def segment(self, flags, payload=b"", sequence=None, acknowledge=None, **fields):
        return self.stranger.ip() / self.inet.TCP(
            sport=self.own, dport=self.port, flags=flags, seq=(self.next if sequence is None else sequence) % (1 << 32),
            ack=(self.peer_next if acknowledge is None else acknowledge) % (1 << 32) if "A" in flags else 0, window=self.window,
            **fields) / payload

    def send(self, flags, payload=b"", **fields):
        self.stranger.send(self.segment(flags, payload, **fields))

    def is_mine(self, packet):
        return self.inet.TCP in packet and packet[self.inet.TCP].dport == self.own

    def receive(self, seconds=PATIENCE_SECONDS):
        packet = self.stranger.receive(self.is_mine, seconds)
        return packet and packet[self.inet.TCP]

    def ask(self, flags, payload=b"", **fields):
        self.stranger.waiting.clear()
        self.send(flags, payload, **fields)
        return self.receive()

    def open(self):
        answer = self.ask("S", options=self.options)
        expect(answer is not None and answer.flags == "SA", f"a SYN's answer: {answer and answer.summary()}")
        self.syn_options = answer.options
        self.next, self.peer_next = (self.next + 1) % (1 << 32), (answer.seq + 1) % (1 << 32)
        self.send("A")
        return self

    def write(self, payload):
        self.send("PA", payload)
        self.next = (self.next + len(payload)) % (1 << 32)

    def read(self, wanted, seconds=PATIENCE_SECONDS):
        """Until the pattern of bytes is in what came, in order; acknowledges it all."""
        data, end = b"", time.monotonic() + seconds
        while wanted not in data:
            expect(time.monotonic() < end, f"not within {seconds} s: {wanted!r}; only {data[-200:]!r}")
            segment = self.receive(0.5)
            if segment is None:
                continue
            expect("R" not in segment.flags, f"a reset after {data[-200:]!r}")
            payload = bytes(segment.payload)[:max(0, segment.underlayer.len - segment.underlayer.ihl * 4 - segment.dataofs * 4)]
            if payload and segment.seq == self.peer_next:
                data += payload
                self.peer_next = (self.peer_next + len(payload)) % (1 << 32)
                self.send("A")
        return data

    def is_alive(self, what):
        """It still carries a request and its answer."""
        self.write(b"GET /hello/alive HTTP/1.1\r\nHost: a\r\n\r\n")
        expect(self.read(b"hello, alive"), what)

    def abort(self):
        self.send("RA")


def stranger_case(name, *parameters, application="site", long=False, trouble_expected=False):
    def register(function):
        def run_as_stranger(workshop: Workshop):
            scapy()
            image = StrangerImage(workshop.program(application, "direct"), parameters, trouble_expected=trouble_expected)
            with image, image.near:
                function(image, Stranger(image.near))
        case(name, long=long)(run_as_stranger)
        return function
    return register


