"""report.py - cases, what they expect, and the lines and counts in which they are told.

A case is a function with one argument, the workshop:

    @case("pages/head")
    def head_has_no_body(workshop):
        ...
        expect_equal(answer.body, b"", "the body of a response to HEAD")

SPDX-License-Identifier: ISC"""

import sys
import time
import traceback

CASES = []


class Failure(Exception):
    """What was expected did not happen."""


class Skip(Exception):
    """It cannot be tested on this machine; the reason is its text."""


def case(name, long=False):
    """Registers a case; a long one runs only with --long."""
    def register(function):
        CASES.append((name, function, long))
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
    def __init__(self, verbose):
        self.verbose = verbose
        self.passed = self.failed = self.skipped = 0
        self.seconds = {}

    def run(self, name, function, workshop):
        start = time.monotonic()
        try:
            function(workshop)
        except Skip as reason:
            self.skipped += 1
            self.line(f"skip {name} - {reason}")
        except Failure as why:
            self.failed += 1
            self.line(f"not ok {name} - {' '.join(str(why).split())}")
            if self.verbose:
                traceback.print_exc()
        except Exception as error:  # a part that breaks must not hide the others
            self.failed += 1
            self.line(f"not ok {name} - {type(error).__name__}: {' '.join(str(error).split())}")
            traceback.print_exc()
        else:
            self.passed += 1
            self.line(f"ok {name}")
        seconds = time.monotonic() - start
        part = name.split("/")[0]
        self.seconds[part] = self.seconds.get(part, 0) + seconds
        if self.verbose:
            print(f"   {seconds:.1f} s", file=sys.stderr)

    @staticmethod
    def line(text):
        print(text, flush=True)

    def finish(self):
        if self.verbose:
            for part, seconds in self.seconds.items():
                print(f"{part:12} {seconds:6.1f} s", file=sys.stderr)
        self.line(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return self.failed == 0
