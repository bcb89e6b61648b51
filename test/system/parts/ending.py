"""ending.py - SIGTERM: nobody whose connection was complete is reset, and the image ends in time with status 0.

SPDX-License-Identifier: ISC"""

import signal
import time

from harness.report import case, expect, expect_equal
from harness.site import site_case
from harness.wire import Wire, request, wait_until

ROUNDS = 2
BOUND_SECONDS = 11  # drain-timeout is 8 s, stop-timeout 10 s


def end_under_load(workshop, variant, requests, seconds_before):
    with workshop.started("site", variant, "--access-log=off") as image:
        crowd = workshop.crowd(image, "/hello/crowd", clients=64, requests=requests, seconds=60)
        time.sleep(seconds_before)
        seconds = image.end()
        outcome = crowd.outcome()
    told = f"{outcome}, ended within {seconds:.1f} s"
    for trouble in ("resets", "cut", "others", "timed_out"):
        expect_equal(outcome[trouble], 0, f"{trouble} of the clients ({told})")
    expect(outcome["answers"] > 100, f"hardly any load: {told}")
    expect(outcome["refused"] + outcome["unreached"] > 0, f"the clients did not meet the end: {told}")
    expect(seconds < BOUND_SECONDS, told)


def under_load(name, variant, requests, rounds, long=False):
    @case(name, long=long, alone=True)
    def ends(workshop):
        for number in range(rounds):
            end_under_load(workshop, variant, requests, 0.4 + 0.13 * number)


under_load("ending/connection-a-request", "debug", 1, ROUNDS)
under_load("ending/keep-alive", "debug", 1000000, ROUNDS)
under_load("ending/connection-a-request-release", "release", 1, ROUNDS)
under_load("ending/keep-alive-release", "release", 1000000, ROUNDS)
under_load("ending/often", "release", 1, 40, long=True)
under_load("ending/often-keep-alive", "release", 20, 40, long=True)


@site_case("ending/in-flight")
def what_is_in_flight_is_finished(image):
    with Wire(image.port) as slow, Wire(image.port) as upload, Wire(image.port) as idle, Wire(image.port) as fresh:
        idle.ask("/hello/you")
        idle.answer()
        slow.ask("/slow/1000")
        upload.send(request("/count", "POST", "Content-Length: 6") + b"abc")
        time.sleep(0.2)
        image.ask_to_end()
        image.wait_for_log("stopping")
        idle.expect_closed()
        upload.send(b"def")
        fresh.ask("/hello/fresh")
        for wire, body in ((upload, b"6 bytes\n"), (slow, b"at last\n"), (fresh, b"hello, fresh")):
            answer = wire.answer()
            expect_equal((answer.status, answer.body, answer.field("connection")), (200, body, "close"), "in flight")
            wire.expect_closed()


@site_case("ending/bound", "--drain-timeout=1s", "--stop-timeout=3s")
def what_does_not_end_is_ended(image):
    with Wire(image.port) as slow, Wire(image.port) as half:
        slow.ask("/slow/30000")
        half.send(b"GET / HTTP/1.1\r\n")
        time.sleep(0.2)
        seconds = image.end()
        expect(0.8 < seconds < 3, f"ended after {seconds:.1f} s")


@site_case("ending/listener")
def nobody_else_is_let_in(image):
    with Wire(image.port) as slow:
        slow.ask("/slow/2500")
        time.sleep(0.1)
        image.ask_to_end()
        image.wait_for_log("stopping")
        wait_until(lambda: is_refused(image.port), "a connection is refused")
        expect_equal(slow.answer().body, b"at last\n", "what was in flight")


def is_refused(port):
    try:
        Wire(port).close()
    except ConnectionRefusedError:
        return True
    except TimeoutError:
        return False
    return False


@case("ending/twice")
def asked_twice_it_ends_at_once(workshop):
    with workshop.started("site", "debug", trouble_expected=True) as image:
        with Wire(image.port) as slow:
            slow.ask("/slow/30000")
            time.sleep(0.1)
            image.process.send_signal(signal.SIGTERM)
            image.wait_for_log("stopping")
            time.sleep(0.5)
            image.process.send_signal(signal.SIGINT)
            expect_equal(image.wait(), 128 + signal.SIGINT, "the status")


@case("ending/echo")
def one_request_may_come_as_two_signals(workshop):
    with workshop.started("site", "debug") as image:
        with Wire(image.port) as slow:
            slow.ask("/slow/500")
            time.sleep(0.1)
            image.process.send_signal(signal.SIGTERM)
            image.process.send_signal(signal.SIGTERM)
            expect_equal(slow.answer().status, 200, "what was in flight")
        expect_equal(image.wait(), 0, "the status")


@case("ending/interrupt")
def the_terminals_interrupt_is_a_stop_too(workshop):
    with workshop.started("site", "debug") as image:
        image.ask_to_end(signal.SIGINT)
        expect_equal(image.wait(), 0, "the status after SIGINT")
