"""table.py - cells that are told as a table when all have run, and that end in a bounded time.

SPDX-License-Identifier: ISC"""

import signal
from contextlib import contextmanager

from harness.report import Failure, Report

CELL_SECONDS = 120
MARKS = {"ok": "ok", "not ok": "FAILED", "skip": "-"}


@contextmanager
def bounded(seconds=CELL_SECONDS):
    def late(_number, _frame):
        raise Failure(f"the cell did not end within {seconds} s")
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class TableReport(Report):
    """Remembers how each cell went: applications by places."""

    def __init__(self, verbose):
        super().__init__(verbose)
        self.cells = {}

    def tell(self, name, outcome, why, trace, seconds):
        super().tell(name, outcome, why, trace, seconds)
        application, _, place = name.partition("/")
        self.cells.setdefault(place, {})[application] = MARKS[outcome]

    def show(self, applications):
        """Only what has run: a line a place."""
        width = max(len(place) for place in self.cells)
        print(f"\n{'':{width}}  " + "  ".join(f"{application:8}" for application in applications))
        for place, row in self.cells.items():
            if set(row) & set(applications):
                print(f"{place:{width}}  " + "  ".join(f"{row.get(application, ''):8}" for application in applications))
        print()
