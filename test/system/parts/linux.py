"""linux.py - our own stack and Linux: both directions, and what Linux's own tools ask of a host on the network.

SPDX-License-Identifier: ISC"""

import errno
import re
import socket
import subprocess
import time

from harness.direct import CROWD, IMAGE, LINUX, PREFIX_BITS, TAP, linux_case
from harness.pattern import pattern
from harness.prometheus import scrape, value_of
from harness.report import expect, expect_equal, expect_in
from harness.service import Service, read_all
from harness.space import ask
from harness.wire import Wire, fetch, request, wait_until

ECHO = ("--tcp-port=7007", "--left-port=7007", "--right-port=7008", "--metrics-port=8080")
BULK_BYTES, LONG_BYTES = 20_000_000, 100_000_000


# ---- bytes ----

@linux_case("linux/curl", ("curl", "curl"))
def curl_asks_many_at_once(link):
    with link.started("site", "--access-log=off") as image:
        said = ask("curl", "-q", "-sS", "--parallel", "--parallel-immediate", "--parallel-max", 100, "--max-time", 60,
                   "--no-progress-meter", "-o", "/dev/null", "-w", "%{http_code} %{size_download}\n", f"http://{IMAGE}:{image.port}/length/100000?[1-300]")
        expect_equal(said.split("\n")[:-1], ["200 100000"] * 300, "300 transfers, 100 at once")


def called(image, route, service):
    answer = fetch(image.port, f"/{route[0]}/{LINUX}/{service.port}{''.join(f'/{word}' for word in route[1:])}")
    return answer.body.decode()


def bytes_go(image, length):
    service = Service(LINUX, read_all)
    expect_equal(called(image, ("push", length), service), f"ok {length} bytes\n", "what the image says it sent")
    expect(service.result() == pattern(length), "what came is not what was sent")


def bytes_come(image, length):
    service = Service(LINUX, lambda flow: flow.sendall(pattern(length)))
    expect_equal(called(image, ("pull",), service), f"ok {length} bytes\n", "what the image says has come")
    service.result()


@linux_case("linux/push", alone=True)
def what_an_image_sends_is_intact(link):
    with link.started("site") as image:
        for length in (0, 1, 1459, 1460, 1461, BULK_BYTES):
            bytes_go(image, length)


@linux_case("linux/pull", alone=True)
def what_an_image_reads_is_intact(link):
    with link.started("site") as image:
        for length in (0, 1, 1459, 1460, 1461, BULK_BYTES):
            bytes_come(image, length)


@linux_case("linux/bulk", long=True, alone=True)
def a_release_image_moves_100_megabytes_each_way(link):
    with link.started("site", variant="release") as image:
        bytes_go(image, LONG_BYTES)
        bytes_come(image, LONG_BYTES)


@linux_case("linux/half-close", ("nc", "netcat-openbsd"))
def netcat_closes_its_side_and_reads_on(link):
    payload = pattern(500_000)
    with link.started("echo", *ECHO):
        done = subprocess.run(["nc", "-N", "-w", "20", IMAGE, "7007"], input=payload, capture_output=True, timeout=60, check=False)
        expect_equal((done.returncode, done.stdout == payload), (0, True), f"nc -N, which says {done.stderr!r}")


@linux_case("linux/zero-window")
def both_windows_close_and_open_again(link):
    """RFC 9293 3.8.6.1: a peer that reads nothing for a while, in both directions at once, loses nothing."""
    payload = pattern(64_000_000)
    with link.started("echo", *ECHO) as image, socket.socket() as flow:
        flow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        flow.connect((IMAGE, 7007))
        flow.settimeout(1.5)
        sent = 0
        try:
            while True:
                sent += flow.send(payload[sent:sent + 100_000])
        except TimeoutError:
            pass
        expect(0 < sent < len(payload), f"the image took {sent} bytes though nobody read what it sent")
        flow.settimeout(20)
        back, left = [], sent
        while left > 0:
            back.append(flow.recv(65536))
            expect(back[-1], f"{left} bytes short")
            left -= len(back[-1])
        expect(b"".join(back) == payload[:sent], "the echo differs")
        expect_equal(value_of(scrape(image.port), "tcp_connections"), 2, "connections, the scraper's among them")


@linux_case("linux/slow-reader")
def an_image_that_reads_slowly_slows_its_peer(link):
    """A session that does not read at all for a second: the window closes, and what was sent is whole."""
    with link.started("site", "--sessions=1", "--body-bytes=64MiB") as image, Wire(image.port) as slow, Wire(image.port) as upload:
        slow.ask("/slow/1500")
        upload.socket.settimeout(0.7)
        sent, body = 0, bytes(8_000_000)
        upload.send(request("/count", "POST", f"Content-Length: {len(body)}"))
        try:
            while True:
                sent += upload.socket.send(body[sent:sent + 100_000])
        except TimeoutError:
            pass
        expect(sent < len(body), "all was taken, though nobody read")
        expect_equal(slow.answer().body, b"at last\n", "the slow one")
        upload.socket.settimeout(20)
        upload.send(body[sent:])
        expect_equal(upload.answer().body, b"8000000 bytes\n", "what was read")


@linux_case("linux/udp")
def datagrams_of_all_sizes(link):
    """In fragments where they are longer than a frame, both ways (RFC 791)."""
    payload = pattern(65507)
    with link.started("echo", *ECHO) as image, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect((IMAGE, 7007))
        for size in (0, 1, 1471, 1472, 1473, 2960, 30000, 65506, 65507):
            client.send(payload[:size])
            expect(client.recv(65536) == payload[:size], f"{size} bytes")
        expect(value_of(scrape(image.port), "ipv4_reassembled_total") >= 5, "datagrams put together")


@linux_case("linux/options", ("ss", "iproute2"))
def linux_and_the_image_agree_on_options(link):
    """1448 bytes in a segment, because each has a timestamp."""
    with link.started("site") as image, Wire(image.port) as wire:
        wire.ask("/length/200000")
        wire.answer()
        said = ask("ss", "-Htin", "dst", IMAGE)
        for option in (r"wscale:7,\d+", r"\bmss:1448", r"rcvmss:1448"):
            expect(re.search(option, said), f"no {option} in what ss says: {said}")


# ---- nobody there ----

@linux_case("linux/refused")
def a_closed_port_is_refused_at_once(link):
    """RFC 9293 3.10.7.1: a reset; RFC 1122 4.1.3.1: a port unreachable, which Linux tells the socket."""
    with link.started("site"):
        start = time.monotonic()
        for port in (1, 80, 65535):
            try:
                socket.create_connection((IMAGE, port), 5).close()
                raise AssertionError(f"somebody listens on {port}")
            except ConnectionRefusedError:
                pass
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.connect((IMAGE, 9))
            client.send(b"?")
            try:
                client.recv(10)
                raise AssertionError("an answer from a closed UDP port")
            except ConnectionRefusedError:
                pass
        expect(time.monotonic() - start < 2, "it took its time")


@linux_case("linux/call-refused")
def an_image_is_told_that_nobody_listens(link):
    with link.started("site") as image:
        for peer, word in ((f"{LINUX}/9", "refused"), ("10.9.77.77/80", "unreachable")):
            expect_equal(fetch(image.port, f"/pull/{peer}").body.decode(), f"{word} 0 bytes\n", f"a call to {peer}")


@linux_case("linux/vanished", ("nft", "nftables"))
def a_peer_that_vanishes_is_given_up(link):
    """RFC 5482: with data under way, after the user timeout; a closed window whose probes are answered is no reason."""
    with link.started("site", "--tcp-user-timeout=2s", "--send-timeout=60s", "--send-rate=0") as image:
        with Wire(image.port, receive_bytes=4096) as busy:
            busy.ask("/length/90000000")
            time.sleep(3)
            expect_equal(value_of(scrape(image.port), "tcp_connections"), 2, "connections while the peer reads nothing")
            port = busy.socket.getsockname()[1]
            ask("nft", "add table inet gone; add chain inet gone out { type filter hook output priority 0; }; "
                "add chain inet gone in { type filter hook input priority 0; }; "
                f"add rule inet gone out tcp sport {port} drop; add rule inet gone in tcp dport {port} drop")
            wait_until(lambda: value_of(scrape(image.port), "tcp_connections") == 1, "it is given up", 10)


# ---- one after another ----

@linux_case("linux/ports-again")
def a_client_uses_its_port_again(link):
    """RFC 6191, RFC 9293 3.6.1: the image closes first and keeps TIME-WAIT; Linux comes again from the same port at once."""
    with link.started("site", "--access-log=off") as image:
        for number in range(300):
            start = time.monotonic()
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                client.settimeout(10)
                client.bind((LINUX, 45454))
                wait_until(lambda client=client: is_connected(client, image), "the last connection is over for Linux, too")
                client.sendall(request(f"/hello/{number}", fields="Connection: close"))
                answer = read_all(client)
            expect(answer.endswith(b"hello, %d" % number), f"connection {number}: {answer!r}")
            expect(time.monotonic() - start < 0.9, f"connection {number} had to try twice")
        samples = scrape(image.port)
        expect(value_of(samples, "stack_pool_held", pool="time_wait") <= 3, "one record of it, not three hundred")


def is_connected(client, image):
    """Linux does not let the port go before the image has acknowledged its FIN."""
    try:
        client.connect((IMAGE, image.port))
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        return False
    return True


@linux_case("linux/many", alone=True)
def connections_by_the_thousand(link):
    """From sixteen addresses, a request each; the pools are as they were before."""
    with link.started("site", "--access-log=off") as image:
        before = scrape(image.port)
        outcome = link.crowd(image, "/hello/crowd", clients=256, connections=5000, seconds=60).outcome()
        expect_equal(outcome["answers"], 5000, f"answers of {outcome}")
        pools = ("connections", "syn", "reassembly_packets", "udp_packets")
        for pool in pools:
            wait_until(lambda pool=pool: value_of(scrape(image.port), "stack_pool_held", pool=pool)
                       == value_of(before, "stack_pool_held", pool=pool), f"what the pool {pool} held before")
        samples = scrape(image.port)
        expect(value_of(samples, "stack_packets_free") >= value_of(before, "stack_packets_free") - 4, "packets are missing")
        expect_equal(value_of(samples, "tcp_bad_checksums_total"), 0, "bad checksums")


@linux_case("linux/leaks", long=True, alone=True)
def nothing_is_left_of_100000_connections(link):
    with link.started("site", "--access-log=off", variant="release") as image:
        outcome = link.crowd(image, "/hello/crowd", clients=64, connections=20000, seconds=300).outcome()
        expect_equal(outcome["answers"], 20000, f"answers of {outcome}")
        resident, free = image.resident_bytes(), value_of(scrape(image.port), "stack_packets_free")
        outcome = link.crowd(image, "/hello/crowd", clients=64, connections=100000, seconds=300).outcome()
        expect_equal(outcome["answers"], 100000, f"answers of {outcome}")
        expect(image.resident_bytes() - resident < 1 << 20, "more memory is resident")
        expect(value_of(scrape(image.port), "stack_packets_free") >= free - 4, "packets are missing")


@linux_case("linux/processes", ("curl", "curl"), alone=True)
def twelve_processes_ask_at_once(link):
    """Each curl has an address of its own, and a hundred transfers on as many connections as it likes."""
    with link.started("site", "--access-log=off") as image:
        target = f"http://{IMAGE}:{image.port}/length/5000?[1-100]"
        curls = [subprocess.Popen(["curl", "-q", "-sS", "--no-progress-meter", "--interface", address, "--parallel", "--parallel-max", "10", "-o",
                                   "/dev/null", "-w", "%{http_code} %{size_download}\\n", target], stdout=subprocess.PIPE, text=True)
                 for address in CROWD[:12]]
        for curl in curls:
            said, _ = curl.communicate(timeout=60)
            expect_equal(said.split("\n")[:-1], ["200 5000"] * 100, "the transfers of one of them")


# ---- below TCP ----

@linux_case("linux/ping", ("ping", "iputils-ping"))
def ping_of_all_sizes(link):
    with link.started("site"):
        for size in (0, 1, 56, 1471, 1472, 1473, 8000, 65507):
            said = ask("ping", "-n", "-c", 1, "-W", 5, "-s", size, IMAGE)
            expect_in(" 0% packet loss", said, f"ping -s {size}")
            expect("wrong data" not in said, said)
        expect_in(" 0% packet loss", ask("ping", "-n", "-c", 1, "-W", 5, "-M", "do", "-s", 1472, IMAGE), "with DF set")
        expect_in(" 0% packet loss", ask("ping", "-n", "-q", "-c", 300, "-i", 0.002, "-W", 5, IMAGE), "300 in a row")


@linux_case("linux/ping-broadcast", ("ping", "iputils-ping"))
def a_broadcast_is_not_answered(link):
    """RFC 1122 3.2.2.6 lets a host be silent; who answers takes part in a smurf attack."""
    with link.started("site"):
        for address in ("10.9.255.255", "255.255.255.255"):
            said = ask("ping", "-n", "-b", "-c", 2, "-i", 0.2, "-W", 1, "-I", TAP, address, may_fail=True)
            expect_in("100% packet loss", said, f"ping {address}")


@linux_case("linux/arping", ("arping", "iputils-arping"))
def arping_finds_one_station(link):
    with link.started("site"):
        said = ask("arping", "-c", 3, "-I", TAP, IMAGE)
        expect_in("Received 3 response(s)", said, "arping")
        said = ask("arping", "-D", "-c", 1, "-w", 2, "-I", TAP, IMAGE, may_fail=True)
        expect_in("Received 1 response(s)", said, "a probe for its address is answered (RFC 5227 2.4)")
        said = ask("arping", "-c", 1, "-w", 1, "-I", TAP, "10.9.0.99", may_fail=True)
        expect_in("Received 0 response(s)", said, "another's address is not")


@linux_case("linux/conflict", ("arping", "iputils-arping"))
def another_host_claims_our_address(link):
    """RFC 5227 2.4: it is told, defends itself once, says so, and goes on serving."""
    with link.started("site", trouble_expected=True) as image:
        ask("ip", "addr", "add", f"{IMAGE}/{PREFIX_BITS}", "dev", TAP)
        ask("arping", "-A", "-c", 1, "-I", TAP, "-s", IMAGE, IMAGE, may_fail=True)
        ask("ip", "addr", "del", f"{IMAGE}/{PREFIX_BITS}", "dev", TAP)
        image.wait_for_log(rf"{re.escape(IMAGE)} belongs to .* too")
        wait_until(lambda: value_of(scrape(image.port), "arp_conflicts_total") >= 1, "it is counted")
        expect_equal(fetch(image.port, "/hello/you").status, 200, "it goes on")


@linux_case("linux/probe", long=True)
def an_address_that_somebody_has_is_not_taken(link):
    """RFC 5227 2.1.1, with --arp-probe."""
    taken = "10.9.0.1"
    with link.started("site", "--arp-probe", address=taken, trouble_expected=True) as image:
        image.wait_for_log(rf"{re.escape(taken)} belongs to .* too", 15)
    with link.started("site", "--arp-probe") as image:
        image.wait_for_log(rf"{re.escape(IMAGE)} is ours", 15)
        expect_equal(fetch(image.port, "/hello/you").status, 200, "and it answers there")


@linux_case("linux/traceroute", ("traceroute", "traceroute"))
def traceroute_ends_at_the_image(link):
    with link.started("site") as image:
        for way in ((), ("-I",), ("-T", "-p", image.port)):
            said = ask("traceroute", "-n", "-q", 1, "-m", 3, "-w", 2, *way, IMAGE)
            expect(re.search(rf"\n 1  {re.escape(IMAGE)}  [\d.]+ ms\n", said), f"traceroute {way}: {said}")
