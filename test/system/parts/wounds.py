"""wounds.py - what has broken other stacks, packet by packet, on the wire of ours.

SPDX-License-Identifier: ISC"""

import random
import struct
import time

from harness.pattern import pattern
from harness.report import expect, expect_equal
from harness.stranger import BROADCAST, IMAGE, PORT, STATION, STRANGER, Flow, stranger_case

ECHO = ("--tcp-port=7007", "--left-port=7007", "--right-port=7008", "--metrics-port=8080")


# ---- frames and IP ----

@stranger_case("wounds/truncated")
def frames_cut_at_every_length(image, stranger):
    inet = stranger.inet
    options = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)]
    for packet in (stranger.ip() / inet.TCP(dport=PORT, flags="S", options=options) / b"data",
                   stranger.ip() / inet.UDP(sport=9, dport=9) / b"data", stranger.ip() / inet.ICMP() / b"data",
                   stranger.ip() / inet.ICMP(type=3, code=4, nexthopmtu=1280) / stranger.ip(src=IMAGE, dst=STRANGER)
                   / inet.TCP(sport=PORT, dport=9)):
        frame = bytes(stranger.l2.Ether(src=STATION, dst=stranger.image_station) / packet)
        for length in range(1, len(frame)):
            stranger.send_bytes(frame[:length])
    arp = bytes(stranger.l2.Ether(src=STATION, dst=BROADCAST) / stranger.l2.ARP(op=1, hwsrc=STATION, psrc=STRANGER, pdst=IMAGE))
    for length in range(1, 42):
        stranger.send_bytes(arp[:length])
    stranger.silence("frames that are cut")
    stranger.echoes()


@stranger_case("wounds/lengths")
def lengths_that_disagree(image, stranger):
    """Ripple20: IP's total length and header length, UDP's length and TCP's data offset past the end, or too short."""
    inet = stranger.inet
    for fields in ({"len": 65535}, {"len": 19}, {"len": 0}, {"ihl": 4}, {"ihl": 15}, {"version": 6}, {"chksum": 1}):
        stranger.send(stranger.ip(**fields) / inet.ICMP() / bytes(8))
    for length in (0, 7, 17, 65535):
        stranger.send(stranger.ip() / inet.UDP(sport=9, dport=9, len=length) / bytes(8))
    for offset in (0, 4, 6, 15):
        stranger.send(stranger.ip() / inet.TCP(dport=PORT, flags="S", dataofs=offset))
    stranger.silence("lengths that disagree")
    stranger.echoes()


@stranger_case("wounds/ip-options")
def ip_options_of_every_length(image, stranger):
    """RFC 1122 3.2.1.8; a source route is not followed (RFC 7126): nothing goes to where it leads."""
    inet = stranger.inet
    for kind in (7, 68, 130, 131, 137, 148, 200):
        for length in (0, 1, 2, 3, 4, 11, 39, 40, 255):
            for pointer in (0, 4, 255):
                option = bytes([kind, length, pointer]) + bytes(max(0, min(length, 40) - 3))
                option = (option + bytes(-len(option) % 4))[:40]
                header = bytearray(bytes(stranger.ip(proto=1, ihl=5 + len(option) // 4, len=20 + len(option) + 8, chksum=0))[:20])
                header += option
                header[10:12] = checksum(header).to_bytes(2, "big")
                stranger.send_bytes(bytes(stranger.l2.Ether(src=STATION, dst=stranger.image_station, type=0x800)) + bytes(header)
                                    + bytes(inet.ICMP()))
    while packet := stranger.receive(seconds=0.2):
        expect_equal(packet.dst, STRANGER, "where an answer goes")
    stranger.echoes()


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", bytes(data)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def pieces_of(stranger, payload, cuts, identification, protocol=1):
    """The IP payload in fragments: cuts are (begin, end, is_last)."""
    for begin, end, is_last in cuts:
        yield stranger.ip(id=identification, proto=protocol, frag=begin // 8, flags=0 if is_last else "MF") / payload[begin:end]


@stranger_case("wounds/fragments")
def fragments_that_overlap(image, stranger):
    """RFC 5722 4 for IPv6, and wise here, too: a datagram whose pieces overlap is given up. In any order without it is whole;
    doubled pieces do no harm."""
    inet = stranger.inet
    echo = bytes(inet.ICMP(id=7, seq=1) / pattern(1992))

    def answers(cuts, number):
        stranger.waiting.clear()
        for piece in pieces_of(stranger, echo, cuts, number):
            stranger.send(piece)
        return stranger.receive(lambda packet: inet.ICMP in packet and packet[inet.ICMP].type == 0, 0.3)
    whole = [(0, 800, False), (800, 1600, False), (1600, 2000, True)]
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0), (0, 0, 1, 1, 2)):
        answer = answers([whole[i] for i in order], random.randrange(1, 65536))
        expect(answer is not None, f"fragments in the order {order} are not put together")
    for cuts in ([(0, 800, False), (792, 1600, False), (1600, 2000, True)],  # by eight bytes
                 [(0, 1600, False), (800, 1200, False), (1600, 2000, True)],  # one within another
                 [(0, 800, False), (800, 1600, False), (1200, 2000, True)],
                 [(0, 800, False), (0, 1600, False), (1600, 2000, True)],  # both begin together
                 [(1600, 2000, True), (0, 800, False), (800, 2000, True)]):  # two ends
        expect(answers(cuts, random.randrange(1, 65536)) is None, f"fragments that overlap are put together: {cuts}")
    stranger.echoes()


@stranger_case("wounds/fragments-odd")
def fragments_that_cannot_be(image, stranger):
    """The ping of death (a datagram past 65535 bytes), pieces of no multiple of eight, empty ones, an end before the beginning."""
    inet = stranger.inet
    stranger.send(stranger.ip(id=1, frag=8189, flags=0, proto=1) / bytes(1400))
    stranger.send(stranger.ip(id=1, frag=0, flags="MF", proto=1) / bytes(1400))
    stranger.send(stranger.ip(id=2, frag=0, flags="MF", proto=1) / bytes(13))
    stranger.send(stranger.ip(id=3, frag=0, flags="MF", proto=1))
    stranger.send(stranger.ip(id=4, frag=100, flags=0, proto=1) / bytes(8))
    stranger.send(stranger.ip(id=4, frag=200, flags="MF", proto=1) / bytes(8))
    for number in range(3000):  # one datagram in more pieces than anybody sends, none of them the first
        stranger.send_bytes(bytes(stranger.l2.Ether(src=STATION, dst=stranger.image_station)
                                  / stranger.ip(id=5, frag=2 * number + 2, flags="MF", proto=17) / bytes(8)))
        if number % 500 == 0:
            stranger.echoes(f"after {number} pieces")
    echo = bytes(inet.ICMP(id=7, seq=1) / pattern(1992))
    for piece in pieces_of(stranger, echo, [(0, 1000, False), (1000, 2000, True)], 77):
        stranger.send(piece)
    expect(stranger.receive(lambda packet: inet.ICMP in packet and packet[inet.ICMP].type == 0), "another's datagram")


@stranger_case("wounds/tunnel")
def an_ip_packet_within_another(image, stranger):
    """IP-in-IP is no protocol of ours: an error at most, and the inner one has no effect (RFC 1122 3.2.2.1)."""
    inet = stranger.inet
    stranger.send(stranger.ip() / inet.IP(src="10.9.0.77", dst=IMAGE) / inet.ICMP() / b"x")
    answer = stranger.receive(seconds=1)
    expect(answer is None or answer[inet.ICMP].type == 3 and answer[inet.ICMP].code == 2, f"an answer: {answer and answer.summary()}")
    stranger.silence("what is inside")


@stranger_case("wounds/sources")
def sources_that_nobody_has(image, stranger):
    """RFC 1122 3.2.1.3: nothing is said to broadcast, multicast, loopback or our own address (the land attack)."""
    inet = stranger.inet
    for source in (IMAGE, "127.0.0.1", "255.255.255.255", "10.9.255.255", "224.0.0.1", "0.0.0.0", "240.0.0.1"):
        stranger.send(stranger.ip(src=source) / inet.TCP(sport=PORT, dport=PORT, flags="S"))
        stranger.send(stranger.ip(src=source) / inet.ICMP() / b"x")
        stranger.send(stranger.ip(src=source) / inet.UDP(sport=9, dport=9) / b"x")
    stranger.silence("sources that nobody has")
    for destination in ("255.255.255.255", "10.9.255.255", "224.0.0.1", "10.9.0.77"):  # and for others
        frame = stranger.l2.Ether(src=STATION, dst=BROADCAST)
        stranger.send_frame(frame / stranger.ip(dst=destination) / inet.TCP(sport=9, dport=PORT, flags="S"))
        stranger.send_frame(frame / stranger.ip(dst=destination) / inet.UDP(sport=9, dport=9) / b"x")
    stranger.send_frame(stranger.l2.Ether(src=STATION, dst=BROADCAST) / stranger.ip() / inet.TCP(sport=9, dport=PORT, flags="S"))
    stranger.silence("broadcasts, which nothing is said to (RFC 1122 3.2.2, 4.2.3.10)")
    stranger.echoes()


@stranger_case("wounds/arp")
def no_station_is_learnt_from_a_stranger(image, stranger):
    """RFC 826's merge flag only: an answer that nobody asked for fills no table, and moves no known station by broadcast."""
    for number in range(600):
        stranger.send_frame(stranger.l2.Ether(src=STATION, dst=stranger.image_station)
                            / stranger.l2.ARP(op=2, hwsrc=STATION, psrc=f"10.9.{number // 250 + 2}.{number % 250 + 1}",
                                              hwdst=stranger.image_station, pdst=IMAGE))
    flow = Flow(stranger).open()
    flow.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    text = flow.read(b"udp_truncated_total{")
    held = next(line for line in text.split(b"\n") if line.startswith(b"stack_pool_held") and b'"arp"' in line)
    expect(int(held.split()[-1]) <= 2, f"stations learnt: {held}")
    flow.abort()


# ---- ICMP ----

@stranger_case("wounds/icmp-mtu")
def lies_about_the_path(image, stranger):
    """RFC 1191 with RFC 5927: claims about what is not under way, or that are no less than what was sent, change nothing.
    Of what is: nothing under 576 is believed, and a path that claims less may cut for itself."""
    inet = stranger.inet
    flow = Flow(stranger, window=4000).open()
    flow.write(b"GET /big.txt HTTP/1.1\r\nHost: a\r\n\r\n")

    def next_long():
        packet = stranger.receive(lambda packet: flow.is_mine(packet) and len(packet) > 500)
        expect(packet is not None, "no long segment comes")
        return packet

    def go_on(packet):
        """Acknowledges it, and takes what follows."""
        flow.peer_next = (packet[inet.TCP].seq + len(packet) - 20 - 4 * packet[inet.TCP].dataofs) % (1 << 32)
        flow.send("A")
        return next_long()

    def claim(mtu, sequence):
        quoted = inet.IP(src=IMAGE, dst=STRANGER, len=1500, flags="DF") / inet.TCP(sport=PORT, dport=flow.own, seq=sequence % (1 << 32), flags="A")
        stranger.send(stranger.ip() / inet.ICMP(type=3, code=4, nexthopmtu=mtu) / bytes(quoted)[:28])
    packet = next_long()
    under_way = packet[inet.TCP].seq
    for mtu, sequence in ((68, under_way + (1 << 30)), (0, under_way - 100_000), (1280, under_way + (1 << 31)), (9000, under_way)):
        claim(mtu, sequence)
    for _ in range(10):
        packet = go_on(packet)
        expect_equal((len(packet), str(packet.flags)), (1500, "DF"), "a segment after lies")
    for mtu, wanted in ((1280, (1280, "DF")), (68, (576, ""))):
        claim(mtu, packet[inet.TCP].seq)
        for _ in range(10):
            packet = go_on(packet)
        expect_equal((len(packet), str(packet.flags)), wanted, f"a segment after a claim of {mtu}")
    flow.abort()


@stranger_case("wounds/icmp-errors")
def hard_errors_do_not_end_a_connection(image, stranger):
    """RFC 5927 5.2, RFC 1122 4.2.3.9: an established connection takes them as hints; a source quench is ignored (RFC 6633)."""
    inet = stranger.inet
    flow = Flow(stranger).open()
    for kind, code in ((3, 0), (3, 1), (3, 2), (3, 3), (3, 13), (4, 0), (5, 1), (11, 0), (12, 0)):
        quoted = inet.IP(src=IMAGE, dst=STRANGER) / inet.TCP(sport=PORT, dport=flow.own, seq=flow.peer_next, ack=flow.next, flags="A")
        stranger.send(stranger.ip() / inet.ICMP(type=kind, code=code) / bytes(quoted)[:28])
    flow.is_alive("after errors")
    flow.abort()
    for kind in (13, 15, 17, 10, 18, 42):  # timestamps, information, masks, routers: nobody asks any more
        stranger.send(stranger.ip() / inet.ICMP(type=kind) / bytes(12))
    stranger.silence("ICMP that nobody needs", lambda packet: inet.ICMP in packet)


# ---- TCP ----

@stranger_case("wounds/flags")
def every_combination_of_flags(image, stranger):
    """RFC 9293 3.10.7.1 and 3.10.7.2: to a closed port and to a listener, all 64 of FIN, SYN, RST, PSH, ACK and URG."""
    for number in range(64):
        flags = "".join(letter for bit, letter in enumerate("FSRPAU") if number >> bit & 1)
        reset, acknowledges, opens = ("R" in flags), ("A" in flags), ("S" in flags)
        for port, wanted in ((9, "" if reset else "R" if acknowledges else "RA"),
                             (PORT, "" if reset else "R" if acknowledges else "SA" if opens else "")):
            flow = Flow(stranger, port)
            flow.send(flags, acknowledge=12345)
            answer = flow.receive(1 if wanted else 0.02)
            got = str(answer.flags) if answer is not None else ""
            if port == PORT and opens and "F" in flags and not reset and not acknowledges:
                expect(got in ("", "SA"), f"a SYN with FIN: {got}")  # the FIN cannot be ours to judge yet
            else:
                expect_equal(got, wanted, f"the answer of port {port} to {flags or 'none'}")
            if got == "R":
                expect_equal(answer.seq, 12345, "a reset's number is that of the acknowledgement")
            if got == "RA":
                length = opens + ("F" in flags)
                expect_equal((answer.seq, answer.ack), (0, (flow.next + length) % (1 << 32)), f"of the reset for {flags}")
            if got == "SA":
                flow.peer_next = answer.seq + 1
                flow.send("R", sequence=flow.next + 1)
    stranger.echoes()


@stranger_case("wounds/options")
def tcp_options_of_every_length(image, stranger):
    """RFC 9293 3.1: lengths of 0 and 1, past the end, and of what other options have; and a tiny MSS."""
    for kind in (2, 3, 4, 5, 8, 19, 28, 34, 254):
        for length in (0, 1, 2, 3, 4, 9, 10, 11, 40, 255):
            for tail in range(0, 3):
                option = bytes([1] * tail + [kind, length] + [0x7f] * max(0, min(length, 38 - tail) - 2))
                option += bytes(-len(option) % 4)
                raw = bytearray(bytes(Flow(stranger).segment("S"))[20:])
                raw[12] = (5 + len(option) // 4) << 4
                segment = bytes(raw) + option
                packet = stranger.ip(proto=6) / fix_checksum(segment)
                stranger.send(packet)
    while stranger.receive(seconds=0.1):
        pass
    stranger.echoes()


def fix_checksum(segment):
    """Of a TCP segment between the stranger and the image."""
    segment = bytearray(segment)
    segment[16:18] = b"\0\0"
    pseudo = bytes([10, 9, 0, 66, 10, 9, 0, 2, 0, 6]) + len(segment).to_bytes(2, "big")
    data = pseudo + bytes(segment)
    segment[16:18] = checksum(data + bytes(len(data) % 2)).to_bytes(2, "big")
    return bytes(segment)


@stranger_case("wounds/tiny-mss", "--send-rate=0")
def a_tiny_mss_costs_no_more_than_a_small_one(image, stranger):
    """RFC 9293 3.7.1 sets no least; a stack that believes in one byte sends forty for each."""
    for mss in (0, 1, 8, 47):
        flow = Flow(stranger, options=(("MSS", mss),)).open()
        flow.write(b"GET /length/3000 HTTP/1.1\r\nHost: a\r\n\r\n")
        segments, received, end = 0, 0, time.monotonic() + 3
        while received < 3000 and time.monotonic() < end:
            segment = flow.receive(0.5)
            if segment is None:
                continue
            length = segment.underlayer.len - 20 - 4 * segment.dataofs
            if length and segment.seq == flow.peer_next:
                flow.peer_next = (flow.peer_next + length) % (1 << 32)
                segments, received = segments + 1, received + length
                flow.send("A")
        expect(received >= 3000, f"only {received} bytes came with an MSS of {mss}")
        expect(received / segments >= 40, f"{received} bytes came in {segments} segments with an MSS of {mss}")
        flow.abort()


@stranger_case("wounds/urgent", *ECHO, application="echo")
def urgent_pointers(image, stranger):
    """URGENT/11, RFC 6093: at 0, within, at and past the end, with and without data: all bytes come, in line."""
    flow = Flow(stranger, 7007).open()
    for pointer in (0, 1, 3, 4, 5, 100, 65535):
        flow.send("PAU", b"data", urgptr=pointer)
        flow.next = (flow.next + 4) % (1 << 32)
        expect_equal(flow.read(b"data"), b"data", f"the echo of an urgent pointer of {pointer}")
    for pointer in (0, 1, 65535):
        flow.send("AU", urgptr=pointer)
    flow.write(b"more")
    expect_equal(flow.read(b"more"), b"more", "after urgent pointers without data")
    flow.abort()


@stranger_case("wounds/syn-data")
def a_syn_with_data(image, stranger):
    """RFC 9293 3.4: it may be kept until the handshake is complete, or come once more; it is never doubled."""
    flow = Flow(stranger)
    payload = b"GET /hello/early HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = flow.ask("S", payload, options=flow.options)
    expect_equal(str(answer.flags), "SA", "the answer")
    taken = (answer.ack - flow.next - 1) % (1 << 32)
    expect(taken in (0, len(payload)), f"{taken} bytes of it are acknowledged")
    flow.next, flow.peer_next = (flow.next + 1) % (1 << 32), (answer.seq + 1) % (1 << 32)
    flow.send("A", sequence=flow.next + taken)
    flow.write(payload)
    expect(flow.read(b"hello, early").count(b"HTTP/1.1 200") == 1, "one answer")
    flow.abort()


@stranger_case("wounds/blind")
def blind_resets_and_syns_in_the_window(image, stranger):
    """RFC 5961 3.2, 4.2, 5.2: each is answered by a challenge at most, and the connection goes on."""
    flow = Flow(stranger).open()
    flow.is_alive("before")
    flow.receive(0.1)
    for offset in (1, 100, 30000):
        answer = flow.ask("R", sequence=flow.next + offset)
        expect(answer is None or str(answer.flags) == "A", f"a reset {offset} bytes into the window: {answer}")
        answer = flow.ask("S", sequence=flow.next + offset)
        expect(answer is None or str(answer.flags) == "A" and answer.ack == flow.next, f"a SYN {offset} bytes in: {answer}")
    for offset in (-1, 1 << 20, 1 << 31):
        flow.send("R", sequence=flow.next + offset)
    flow.send("A", acknowledge=flow.peer_next + (1 << 30))
    flow.send("PA", b"GET /hello/forged HTTP/1.1\r\nHost: a\r\n\r\n", acknowledge=flow.peer_next - (1 << 30))
    time.sleep(0.05)
    flow.is_alive("after them all")
    flow.send("R")  # this one is exact
    flow.receive(0.05)
    answer = flow.ask("A")
    expect(answer is not None and "R" in answer.flags, f"an exact reset ends it: {answer}")


@stranger_case("wounds/challenges")
def challenges_are_limited_each_connection_for_itself(image, stranger):
    """RFC 5961 7, and what CVE-2016-5696 took from a limit that all share: others' challenges say nothing of this one."""
    one, other = Flow(stranger).open(), Flow(stranger).open()
    for number in range(500):
        one.send("S", sequence=one.next + 7 + number)
    time.sleep(0.3)
    challenges = 0
    while stranger.receive(one.is_mine, 0.1):
        challenges += 1
    expect(0 < challenges < 100, f"{challenges} challenges for 500 SYNs of one connection")
    answer = other.ask("S", sequence=other.next + 7)
    expect(answer is not None and str(answer.flags) == "A", "the other connection is still answered")
    one.is_alive("the first one")
    other.is_alive("the other one")
    one.abort()
    other.abort()


@stranger_case("wounds/ack-storm")
def two_who_disagree_do_not_talk_for_ever(image, stranger):
    """RFC 9293 3.10.7.4: an acknowledgement of what was never sent draws one; ours are limited, so no storm begins."""
    flow = Flow(stranger).open()
    for _ in range(300):
        flow.send("A", acknowledge=flow.peer_next + 5000)
    answers = 0
    while flow.receive(0.1):
        answers += 1
    expect(answers < 100, f"{answers} answers to 300 acknowledgements of nothing")
    flow.is_alive("afterwards")
    flow.abort()


@stranger_case("wounds/sequence-numbers")
def initial_sequence_numbers(image, stranger):
    """RFC 6528: for one pair of endpoints they grow with time; between pairs nothing can be told. NUMBER:JACK."""
    numbers = []
    for own in range(30000, 30200):
        flow = Flow(stranger)
        flow.own = own
        numbers.append(flow.ask("S").seq)
        flow.send("R", sequence=flow.next + 1)
    steps = [(b - a) % (1 << 32) for a, b in zip(numbers, numbers[1:])]
    expect(len(set(numbers)) == len(numbers) and len(set(steps)) == len(steps), "a number, or a step, comes again")
    near = sum(step < 1 << 24 or step > (1 << 32) - (1 << 24) for step in steps)
    expect(near < 10, f"{near} of {len(steps)} steps are small")
    bits = [sum(number >> bit & 1 for number in numbers) for bit in range(32)]
    expect(all(55 < ones < 145 for ones in bits[:31]), f"bits that are not even: {bits}")


@stranger_case("wounds/out-of-order", *ECHO, application="echo")
def a_thousand_holes(image, stranger):
    """SegmentSmack: 2000 one-byte segments with holes between cost bounded work, and what fills them is put in order."""
    flow = Flow(stranger, 7007, options=(("MSS", 1460), ("SAckOK", b""))).open()
    payload = pattern(4000)
    start = time.monotonic()
    for offset in range(1, 4000, 2):
        flow.send("A", payload[offset:offset + 1], sequence=flow.next + offset)
        if offset % 500 == 1:
            while stranger.take_one(0):
                pass
    stranger.waiting.clear()
    stranger.echoes("in the middle")
    expect(time.monotonic() - start < 20, "it took its time")
    blocks = flow.ask("A", payload[3999:], sequence=flow.next + 3999)
    expect(blocks is not None and "SAck" in dict(blocks.options), "what came out of order is told (RFC 2018)")
    flow.write(payload[:1000])  # it fills holes, and covers what came
    flow.write(payload[1000:2460])
    flow.write(payload[2460:])
    expect(flow.read(payload) == payload, "the echo")
    flow.abort()


@stranger_case("wounds/overlap", *ECHO, application="echo")
def segments_that_overlap(image, stranger):
    """RFC 9293 3.10.7.4: each byte counts once, whichever segment brings it."""
    flow = Flow(stranger, 7007).open()
    payload = pattern(600)
    for begin, end in ((100, 200), (150, 300), (50, 350), (500, 600), (0, 120), (300, 510), (0, 600)):
        flow.send("A", payload[begin:end], sequence=flow.next + begin)
    flow.next = (flow.next + len(payload)) % (1 << 32)
    expect(flow.read(payload) == payload, "the echo")
    flow.abort()


@stranger_case("wounds/simultaneous-open")
def both_sides_open_at_once(image, stranger):
    """RFC 9293 3.5, figure 8: SYN crosses SYN; both are established by a SYN with ACK."""
    inet = stranger.inet
    caller = Flow(stranger).open()
    caller.write(b"GET /push/10.9.0.66/7000/5000 HTTP/1.1\r\nHost: a\r\n\r\n")
    first = stranger.receive(lambda packet: inet.TCP in packet and packet[inet.TCP].dport == 7000)
    expect(first is not None and str(first[inet.TCP].flags) == "S", "no SYN of the image's")
    flow = Flow(stranger, first[inet.TCP].sport)
    flow.own = 7000
    answer = flow.ask("S", options=flow.options)
    expect_equal((str(answer.flags), answer.seq, answer.ack), ("SA", first[inet.TCP].seq, (flow.next + 1) % (1 << 32)),
                 "the answer to a SYN that crosses")
    flow.peer_next = (answer.seq + 1) % (1 << 32)
    flow.send("SA", options=flow.options)
    flow.next = (flow.next + 1) % (1 << 32)
    expect(flow.read(pattern(5000)) == pattern(5000), "what the image sent")
    flow.peer_next += 1  # its FIN
    flow.send("FA")
    caller.read(b"ok 5000 bytes")
    caller.abort()


@stranger_case("wounds/vanished-handshakes", "--tcp-half-open=64")
def handshakes_that_nobody_completes(image, stranger):
    """RFC 4987: beyond the cache there are cookies, and a connection that comes by one works like any other."""
    for _ in range(500):
        Flow(stranger).send("S")
    while stranger.receive(seconds=0.05):
        pass
    for _ in range(20):
        flow = Flow(stranger, options=(("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("WScale", 7)))
        answer = flow.ask("S", options=flow.options)
        expect_equal(str(answer.flags), "SA", "the answer")
        echoed = dict(answer.options).get("Timestamp", (0, 0))[0]
        flow.next, flow.peer_next = (flow.next + 1) % (1 << 32), (answer.seq + 1) % (1 << 32)
        stamp = [("NOP", None), ("NOP", None), ("Timestamp", (2, echoed))]
        flow.send("A", options=stamp)
        flow.send("PA", b"GET /hello/cookie HTTP/1.1\r\nHost: a\r\n\r\n", options=stamp)
        reply = flow.receive(2)
        while reply is not None and b"hello, cookie" not in bytes(reply.payload):
            reply = flow.receive(2)
        expect(reply is not None, "no answer on a connection that a cookie made")
        flow.send("R", sequence=flow.next + len(b"GET /hello/cookie HTTP/1.1\r\nHost: a\r\n\r\n"))
    flow = Flow(stranger)
    flow.peer_next = random.randrange(1 << 32)  # a guessed cookie
    answer = flow.ask("A")
    expect_equal(str(answer.flags), "R", "the answer to a guess")
