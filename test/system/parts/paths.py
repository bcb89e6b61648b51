"""paths.py - our own stack behind routers that lose packets, or whose next link is narrow.

    Linux --wire-- router --wire-- router --tap-- image
      10.8.0.2    .1   10.7.0.1    .2   10.9.0.1  10.9.0.2

The first router is the client's, the second the image's; each is a namespace of its own.

SPDX-License-Identifier: ISC"""

import re
from contextlib import ExitStack, contextmanager

from harness.direct import IMAGE, Link, TAP
from harness.pattern import pattern
from harness.place import images_at
from harness.prometheus import scrape, value_of
from harness.report import case, expect, expect_equal
from harness.service import Service, read_all
from harness.site import page
from harness.space import Space, ask, join, need, need_spaces
from harness.wire import Wire, fetch

CLIENT = "10.8.0.2"
NARROW_BYTES = 1280
TRANSFER_BYTES = 3_000_000
ROUNDS_MAX = 20


class Path:
    """The client's namespace is where the thread is; the image runs in its router's."""

    def __init__(self, workshop, client, near, far):
        self.link, self.client, self.near, self.far = Link(workshop, far, "direct"), client, near, far

    @contextmanager
    def started(self, name, *parameters, **options):
        with ExitStack() as held:
            with self.far.inside():
                image = self.link.started(name, *parameters, **options).__enter__()
            held.push(image.__exit__)
            yield image

    def narrow(self):
        """The link between the routers takes no more than NARROW_BYTES."""
        for router in (self.near, self.far):
            with router.inside():
                ask("ip", "link", "set", "wire" if router is self.far else "far", "mtu", NARROW_BYTES)

    def lose(self, percent):
        """The image's router loses so many of a hundred packets, each way."""
        with self.far.inside():
            ask("nft", "add table inet path; add chain inet path through { type filter hook forward priority 0; }; "
                f"add rule inet path through numgen random mod 1000 < {round(percent * 10)} drop")

    def silence(self):
        """Neither router says that a packet was too large."""
        for router in (self.near, self.far):
            with router.inside():
                ask("nft", "add table inet quiet; add chain inet quiet out { type filter hook output priority 0; }; "
                    "add rule inet quiet out icmp type destination-unreachable drop")


@contextmanager
def open_path(workshop):
    need_spaces()
    need("nft", "nftables")
    with Space("client") as client, Space("near") as near, Space("far") as far:
        join(client, f"{CLIENT}/24", near, "10.8.0.1/24")
        with near.inside():
            ask("ip", "link", "add", "far", "type", "veth", "peer", "name", "wire", "netns", far.name)
            ask("ip", "addr", "add", "10.7.0.1/24", "dev", "far")
            ask("ip", "link", "set", "far", "up")
            ask("sysctl", "-qw", "net.ipv4.ip_forward=1")
        with far.inside():
            ask("ip", "addr", "add", "10.7.0.2/24", "dev", "wire")
            ask("ip", "link", "set", "wire", "up")
            ask("ip", "tuntap", "add", "dev", TAP, "mode", "tap")
            ask("ip", "addr", "add", "10.9.0.1/16", "dev", TAP)
            ask("ip", "link", "set", TAP, "up")
            ask("ip", "route", "add", "10.8.0.0/24", "via", "10.7.0.1")
            ask("sysctl", "-qw", "net.ipv4.ip_forward=1")
        with near.inside():
            ask("ip", "route", "add", "10.9.0.0/16", "via", "10.7.0.2")
        with client.inside(), images_at(IMAGE):
            ask("ip", "route", "add", "default", "via", "10.8.0.1")
            yield Path(workshop, client, near, far)


def path_case(name, long=False):
    def register(function):
        def run_over_path(workshop):
            with open_path(workshop) as path:
                function(path)
        case(name, long=long)(run_over_path)
        return function
    return register


def bytes_both_ways(image, length):
    service = Service(CLIENT, read_all)
    expect_equal(fetch(image.port, f"/push/{CLIENT}/{service.port}/{length}").body.decode(), f"ok {length} bytes\n", "a push")
    expect(service.result() == pattern(length), "what came is not what was sent")
    service = Service(CLIENT, lambda flow: flow.sendall(pattern(length)))
    expect_equal(fetch(image.port, f"/pull/{CLIENT}/{service.port}").body.decode(), f"ok {length} bytes\n", "a pull")
    service.result()


@path_case("paths/routed")
def the_way_through_two_routers(path):
    with path.started("site") as image:
        bytes_both_ways(image, TRANSFER_BYTES)
        expect_equal(value_of(scrape(image.port), "ipv4_path_mtu_lowered_total"), 0, "paths that are narrow")


def over_loss(name, percent, length, long=False):
    @path_case(name, long=long)
    def arrives(path):
        path.lose(percent)
        with path.started("site") as image:
            # Long segments are few frames on this path, and chance may spare them all.
            for _ in range(ROUNDS_MAX):
                bytes_both_ways(image, length)
                if value_of(scrape(image.port), "tcp_segments_retransmitted_total") > 0:
                    return
            expect(False, "nothing was lost")


over_loss("paths/loss-1", 1, TRANSFER_BYTES)
over_loss("paths/loss-5", 5, 1_000_000)
over_loss("paths/loss-20", 20, 100_000, long=True)
over_loss("paths/loss-1-long", 1, 50_000_000, long=True)


@path_case("paths/narrow")
def routers_tell_of_a_narrow_link(path):
    """RFC 1191, both ways: the image's segments, and an answer to a ping, which goes in fragments."""
    path.narrow()
    with path.started("site") as image:
        bytes_both_ways(image, TRANSFER_BYTES)
        expect(value_of(scrape(image.port), "ipv4_path_mtu_lowered_total") >= 1, "the path was not found to be narrow")
        said = ask("ping", "-n", "-c", 1, "-W", 5, "-M", "dont", "-s", 3000, IMAGE)
        expect(" 0% packet loss" in said, said)


@path_case("paths/black-hole")
def a_narrow_link_of_which_nobody_tells(path):
    """RFC 4821's idea: what is lost whenever it is long is sent shorter."""
    path.narrow()
    path.silence()
    with path.started("site") as image, Wire(image.port) as wire:
        wire.ask("/length/300000")
        expect_equal(len(wire.answer().body), 300000, "what came through")


@path_case("paths/narrows")
def a_link_that_becomes_narrow(path):
    """In the middle of a connection, whose segments were longer until then."""
    with path.started("site") as image, Wire(image.port) as wire:
        whole = page("big.txt")
        for narrow in (False, True):
            if narrow:
                path.narrow()
            wire.ask("/big.txt")
            expect(wire.answer().body == whole, f"what came through a {'narrow' if narrow else 'wide'} link")
        expect(value_of(scrape(image.port), "ipv4_path_mtu_lowered_total") >= 1, "the path was not found to be narrow")


@path_case("paths/traceroute")
def traceroute_shows_the_routers(path):
    need("traceroute", "traceroute")
    with path.started("site") as image:
        said = ask("traceroute", "-n", "-q", 1, "-m", 5, "-w", 2, "-T", "-p", image.port, IMAGE)
        expect_equal(re.findall(r"\n \d  ([\d.]+)", said), ["10.8.0.1", "10.7.0.2", IMAGE], f"the hops: {said}")
