"""loss_sweep.py - all of the loss sweep: some three quarters of an hour. Runs only when it is named, as
`make bench-loss` does.

SPDX-License-Identifier: ISC
"""
from driver.rows import loss
from driver.sweep import Cell

WORDS = "one stream over a bad wire of 100 Mbit/s: loss, delay and reordering, 7 runs a cell or 21"
ROUND_TRIPS_MS = (1, 20, 100)
LOSSES = (0, 0.01, 0.1, 1, 5)
REORDERED = 1
RUNS = 7
CELLS = tuple(Cell(round_trip, lost) for round_trip in ROUND_TRIPS_MS for lost in LOSSES) + tuple(
    Cell(round_trip, 0, REORDERED) for round_trip in ROUND_TRIPS_MS)


def run(bench):
    found = loss.measure_all(bench, "sweep", CELLS, RUNS)
    worst, claim = min(found, key=lambda one: one[1]["ratio"])
    bench.tell(f"worst: {claim['ratio']:.2f} at {worst.words}; {loss.draw(found)}")
