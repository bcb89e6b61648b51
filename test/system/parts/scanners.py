"""scanners.py - what nmap and hping3 make of our own stack.

SPDX-License-Identifier: ISC"""

import re
import subprocess
import time

from harness.direct import CROWD, IMAGE, linux_case
from harness.prometheus import scrape, value_of
from harness.report import expect, expect_equal, expect_in
from harness.space import ask
from harness.wire import fetch

NMAP = ("nmap", "nmap")
HPING = ("hping3", "hping3")
PORTS = "1-1000,8080"
FLOOD_SECONDS = 2


def scan(*options):
    return ask("nmap", "-n", "-Pn", "--max-retries", 2, *options, IMAGE, seconds=120)


@linux_case("scanners/nmap-os", NMAP, alone=True, long=True)
def numbers_that_nobody_guesses(link):
    """RFC 6528, RFC 7739: initial sequence numbers, and IP identifications that do not tell of traffic to others."""
    with link.started("site"):
        said = scan("-O", "-v", "-p", "8080,9", "--osscan-guess")
        found = re.search(r"TCP Sequence Prediction: Difficulty=(\d+) \((.*)\)", said)
        expect(found, f"no prediction: {said}")
        expect_equal((int(found[1]) >= 250, found[2]), (True, "Good luck!"), f"how hard to predict, with {found[1]}")
        found = re.search(r"IP ID Sequence Generation: (.*)", said)
        expect(found, f"no word of identifications: {said}")
        expect(found[1] in ("All zeros", "Randomized"), f"identifications: {found[1]}")


@linux_case("scanners/nmap-service", NMAP, long=True, alone=True)
def a_scan_of_services(link):
    with link.started("site"):
        said = scan("-sV", "-p", "8080", "--version-intensity", 3)
        expect(re.search(r"8080/tcp open\s+http", said), said)


@linux_case("scanners/nmap-ports", NMAP, long=True, alone=True)
def scans_by_odd_flags_tell_nothing_but_by_the_letter(link):
    """RFC 9293 3.10.7.1: a closed port answers all but a reset with a reset. 3.10.7.2: a listener drops what has neither SYN
    nor ACK nor RST, and resets an ACK."""
    with link.started("site") as image:
        for kind in ("-sS", "-sT"):
            said = scan(kind, "-p", PORTS)
            expect_in("Not shown: 1000 closed", said, kind)
            expect(re.search(r"8080/tcp open ", said), f"{kind}: {said}")
        for kind in ("-sX", "-sN", "-sF"):
            said = scan(kind, "-p", PORTS)
            expect_in("Not shown: 1000 closed", said, kind)
            expect(re.search(r"8080/tcp open\|filtered ", said), f"{kind}: {said}")
        for kind in ("-sA", "-sW", "-sM"):
            said = scan(kind, "-p", PORTS)
            expect(re.search(r"All 1001 scanned ports .* (unfiltered|closed|in ignored states)", said), f"{kind}: {said}")
        expect_equal(fetch(image.port, "/hello/you").status, 200, "afterwards")


@linux_case("scanners/nmap-fragments", NMAP, alone=True)
def a_scan_in_tiny_fragments(link):
    """Eight bytes of the TCP header in a fragment, so that its flags stand apart from its ports: RFC 3128 4 drops that."""
    with link.started("site") as image:
        said = scan("-sS", "-f", "-p", "8080,9")
        expect(re.search(r"9/tcp +filtered ", said) and re.search(r"8080/tcp +filtered ", said), said)
        expect(value_of(scrape(image.port), "ipv4_reassembly_failed_total") >= 2, "no fragments came")


@linux_case("scanners/nmap-protocols", NMAP, alone=True)
def which_protocols_there_are(link):
    """RFC 1122 3.2.2.1: others are answered by protocol unreachable."""
    with link.started("site"):
        said = scan("-sO", "-p", "1,6,17,47,132")
        for number, state in ((1, "open"), (6, "open"), (17, r"open"), (47, "closed"), (132, "closed")):
            expect(re.search(rf"\n{number} +{state}", said), f"protocol {number}: {said}")


@linux_case("scanners/hping-fragments", HPING)
def fragments_of_hping(link):
    with link.started("site") as image:
        for options in (("-1", "-d", 3000, "-m", 576, "-f"), ("-1", "-d", 100, "-f", "-m", 8)):
            said = ask("hping3", "-c", 3, "-i", "u50000", *options, IMAGE, may_fail=True)
            expect_in("3 packets received", said, f"echoes in fragments {options}")
        expect(value_of(scrape(image.port), "ipv4_reassembled_total") >= 6, "fragments were put together")


def flooded(image, *options):
    """For some seconds, with everybody else served meanwhile; the samples behind it."""
    flood = subprocess.Popen(["hping3", "-q", *options, IMAGE], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end, number = time.monotonic() + FLOOD_SECONDS, 0
        while time.monotonic() < end:
            expect_equal(fetch(image.port, f"/hello/{number}").body, b"hello, %d" % number, "an honest one")
            number += 1
        expect(number > 20, f"only {number} honest ones were served in {FLOOD_SECONDS} s")
        return scrape(image.port)
    finally:
        flood.terminate()
        flood.wait()


@linux_case("scanners/syn-flood", HPING, alone=True)
def spoofed_syns_lock_nobody_out(link):
    """RFC 4987: some ten thousand a second, from everywhere; beyond the cache there are cookies."""
    with link.started("site", "--tcp-half-open=64", "--access-log=off", variant="release") as image:
        samples = flooded(image, "-i", "u100", "-S", "--rand-source", "-p", str(image.port))
        expect(value_of(samples, "tcp_syn_cookies_sent_total") > 100, "the flood never filled the cache")
        expect_equal(value_of(samples, "tcp_connections"), 1, "connections of strangers")
        expect(value_of(samples, "tcp_syn_cookies_received_total") > 10, "no honest connection came by a cookie")


@linux_case("scanners/udp-flood", HPING, long=True, alone=True)
def datagrams_to_closed_ports_draw_few_errors(link):
    """RFC 1812 4.3.2.8: errors are limited."""
    with link.started("site", "--access-log=off", variant="release") as image:
        samples = flooded(image, "-i", "u100", "-2", "--rand-source", "-p", "++1")
        expect(value_of(samples, "icmp_errors_limited_total") + value_of(samples, "icmp_errors_sent_total") > 50, "no flood")
        seconds = value_of(samples, "loom_uptime_seconds")
        expect(value_of(samples, "icmp_errors_sent_total") <= 1000 * (seconds + 1), "more than a thousand a second")


@linux_case("scanners/fragment-flood", HPING, alone=True)
def fragments_without_an_end_fill_a_pool_and_no_more(link):
    """FragmentSmack: memory and work are bounded, and others' datagrams are still put together."""
    with link.started("site", "--access-log=off", variant="release") as image:
        samples = flooded(image, "-i", "u200", "-2", "--rand-source", "-x", "-d", "64", "-p", "9")
        expect(value_of(samples, "stack_pool_held", pool="reassembly_packets")
               <= value_of(samples, "stack_pool_size", pool="reassembly_packets"), "more than the pool")
        expect(value_of(samples, "ipv4_reassembly_failed_total") > 20, "the flood gave nothing up")
        expect_in(" 0% packet loss", ask("ping", "-n", "-c", 1, "-W", 5, "-s", 4000, IMAGE), "a ping in fragments")


@linux_case("scanners/ack-flood", HPING, long=True, alone=True)
def segments_of_no_connection_cost_a_reset_each_at_most(link):
    with link.started("site", "--access-log=off", variant="release") as image:
        samples = flooded(image, "-i", "u100", "-A", "-a", CROWD[0], "-p", str(image.port))
        expect_equal(value_of(samples, "tcp_connections"), 1, "connections of strangers")
