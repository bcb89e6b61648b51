"""apart.py - one image with two web servers, two stores of a kind and two echo services, that do not see each other.

SPDX-License-Identifier: ISC"""

import re
import socket

from harness.prometheus import scrape, value_of
from harness.report import case, expect_equal
from harness.wire import Wire, fetch


def started(workshop, *parameters):
    return workshop.started("pairs", "debug", "--left-web-port=0", "--right-web-port=0", *parameters, ports=2)


def sides(image):
    """The web ports of left and right, by asking each who it is."""
    ports = {fetch(port, "/list").body.split(b"\n")[0].decode(): port for port in image.ports}
    expect_equal(set(ports), {"left", "right"}, "the two sides")
    return ports["left"], ports["right"]


@case("apart/stores")
def what_one_keeps_the_other_has_not(workshop):
    with started(workshop) as image:
        left, right = sides(image)
        for port, value in ((left, b"of the left"), (right, b"of the right")):
            expect_equal(fetch(port, "/keep/both", method="PUT", body=value).status, 204, "PUT")
        expect_equal(fetch(left, "/keep/only-left", method="PUT", body=b"x").status, 204, "PUT")
        expect_equal(fetch(left, "/keep/both").body, b"of the left", "the left's value")
        expect_equal(fetch(right, "/keep/both").body, b"of the right", "the right's value")
        expect_equal(fetch(right, "/keep/only-left").status, 404, "a key of the left at the right")
        expect_equal(fetch(right, "/keep/only-left", method="DELETE").status, 404, "removing it there")
        expect_equal(fetch(left, "/list").body, b"left\nboth 11\nonly-left 1\n", "the left's keys")
        expect_equal(fetch(right, "/list").body, b"right\nboth 12\n", "the right's keys")
        expect_equal(fetch(left, "/keep/both", method="DELETE").status, 204, "removing the left's")
        expect_equal(fetch(right, "/keep/both").body, b"of the right", "the right's, after that")


@case("apart/stores-full")
def one_that_is_full_leaves_the_other_room(workshop):
    with started(workshop, "--left-store-kv-entries=4") as image:
        left, right = sides(image)
        statuses = [fetch(left, f"/keep/{i}", method="PUT", body=b"x").status for i in range(6)]
        expect_equal(statuses, [204] * 4 + [503] * 2, "six keys in a store of four")
        statuses = [fetch(right, f"/keep/{i}", method="PUT", body=b"x").status for i in range(6)]
        expect_equal(statuses, [204] * 6, "six keys in the other")


@case("apart/echoes")
def each_echo_answers_for_itself(workshop):
    with started(workshop) as image:
        ports = dict(re.findall(r"(\w+) echo on UDP port (\d+)", image.log()))
        expect_equal(set(ports), {"left", "right"}, "the echoes")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            for number in range(200):
                for side, port in ports.items():
                    client.sendto(b"%d" % number, ("127.0.0.1", int(port)))
                    data, peer = client.recvfrom(1000)
                    expect_equal((data, peer[1]), (f"{side}: {number}".encode(), int(port)), f"the {side} echo")


@case("apart/limits")
def each_web_has_its_own_limits(workshop):
    with started(workshop, "--left-web-connections=2", "--left-web-body-bytes=10") as image:
        left, right = sides(image)
        held = [Wire(left), Wire(left)]
        for wire in held:
            wire.ask("/list")
            wire.answer()
        with Wire(left) as over:
            expect_equal(over.answer().status, 503, "a third connection to the left")
        more = [Wire(right) for _ in range(5)]
        for wire in more:
            wire.ask("/list")
            expect_equal(wire.answer().status, 200, "five to the right")
        held[0].ask("/keep/x", "PUT", body=b"x" * 11)
        expect_equal(held[0].answer().status, 413, "a large body to the left")
        more[0].ask("/keep/x", "PUT", body=b"x" * 11)
        expect_equal(more[0].answer().status, 204, "the same to the right")
        for wire in held + more:
            wire.close()


@case("apart/figures")
def each_has_figures_of_its_own(workshop):
    with started(workshop) as image:
        left, right = sides(image)
        for _ in range(5):
            fetch(left, "/nothing")
        samples = scrape(right)
        expect_equal(value_of(samples, "http_responses_total", instance=f"http-{left}", code="4xx"), 5, "4xx of the left")
        expect_equal(value_of(samples, "http_responses_total", instance=f"http-{right}", code="4xx"), 0, "4xx of the right")
