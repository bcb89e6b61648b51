"""report.py - cases, what they expect, and the lines and counts in which they are told.

A case is a function with one argument, the workshop:

    @case("pages/head")
    def head_has_no_body(workshop):
        ...
        expect_equal(answer.body, b"", "the body of a response to HEAD")

SPDX-License-Identifier: ISC"""

import sys
import threading
import time
import traceback
from collections import namedtuple

CASES = []

Case = namedtuple("Case", "name function long alone")


class Failure(Exception):
    """What was expected did not happen."""


class Skip(Exception):
    """It cannot be tested on this machine; the reason is its text."""


def case(name, long=False, alone=False):
    """Registers a case. A long one runs only with --long; one that measures or puts load on the machine runs alone."""
    def register(function):
        CASES.append(Case(name, function, long, alone))
        return function
    return register


def expect(condition, why):
    if not condition:
        raise Failure(why)


def expect_equal(got, wanted, what):
    if got != wanted:
        raise Failure(f"{what}: {shorten(got)} instead of {shorten(wanted)}")


def expect_in(part, whole, what):
    if part not in whole:
        raise Failure(f"{what}: no {shorten(part)} in {shorten(whole)}")


def shorten(value, room=160):
    text = repr(value)
    return text if len(text) <= room else f"{text[:room // 2]} ... {text[-room // 2:]} ({len(value)} long)"


class Report:
    """Cases may run side by side; what is told of one stays together."""

    def __init__(self, verbose):
        self.verbose = verbose
        self.counts = {"ok": 0, "not ok": 0, "skip": 0}
        self.seconds = {}
        self.lock = threading.Lock()

    def run(self, name, function, workshop):
        start = time.monotonic()
        trace = ""
        try:
            function(workshop)
            outcome, why = "ok", ""
        except Skip as reason:
            outcome, why = "skip", f" - {reason}"
        except Failure as failure:
            outcome, why = "not ok", f" - {' '.join(str(failure).split())}"
            trace = traceback.format_exc() if self.verbose else ""
        except Exception as error:  # a case that breaks must not hide the others
            outcome, why = "not ok", f" - {type(error).__name__}: {' '.join(str(error).split())}"
            trace = traceback.format_exc()
        self.tell(name, outcome, why, trace, time.monotonic() - start)

    def tell(self, name, outcome, why, trace, seconds):
        with self.lock:
            self.counts[outcome] += 1
            part = name.split("/")[0]
            self.seconds[part] = self.seconds.get(part, 0) + seconds
            print(f"{outcome} {name}{why}", flush=True)
            if trace:
                print(trace, file=sys.stderr, flush=True)
            if self.verbose:
                print(f"{seconds:8.1f} s  {name}", file=sys.stderr, flush=True)

    def finish(self):
        if self.verbose:
            for part, seconds in self.seconds.items():
                print(f"{seconds:8.1f} s  {part}, all of it", file=sys.stderr)
        passed, failed, skipped = self.counts.values()
        print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
        return failed == 0
