"""loss.py - goodput over a bad wire, beside Linux with cubic on the same wire under the same seeds:
the short form here, all of it by `make bench-loss`.

SPDX-License-Identifier: ISC
"""
import os
from statistics import median

from driver import sweep, sweep_drawing
from driver.images import OUTPUT, image_build
from driver.results import Target
from driver.sweep import Cell

WORDS = "one stream over a bad wire of 100 Mbit/s, cubic, beside Linux with cubic"
CELLS = (Cell(1, 0), Cell(20, 1), Cell(100, 0.01))
RUNS = 3
BOUND = 0.9


def spread(pairs):
    """How many times the worst run the best one is, of either side."""
    return max(max(values) / min(values) for values in zip(*pairs))


def cell_measured(bench, cell, first, second, runs):
    """Alternating runs; each pair has a seed of its own, and both of it the same. Where luck makes
    one run more than twice another, three times as many tell."""
    pairs = []
    while len(pairs) < runs or (len(pairs) < 3 * runs and spread(pairs) > 2):
        bench.say(f"{cell.words}: pair {len(pairs) + 1}")
        seed = 1000 + len(pairs)
        pairs.append((first(cell, seed), second(cell, seed)))
    return pairs


def claim_of(pairs):
    """The ratio of the medians: seeds make good and bad luck, which a ratio of two runs keeps."""
    own, peer = [list(values) for values in zip(*pairs)]
    ratios = [one / other for one, other in pairs if other > 0]
    return {"value": median(own), "value_low": min(own), "value_high": max(own),
            "peer_value": median(peer), "ratio": median(own) / median(peer),
            "ratio_low": min(ratios), "ratio_high": max(ratios), "values": own,
            "peer_values": peer, "better": "more"}


def measure_all(bench, row, cells, runs):
    bench.needs_taps()
    wire = image_build("bench/wire")
    image = image_build("bench/stream", stack="direct")
    found = []
    for cell in cells:
        claim = claim_of(cell_measured(bench, cell, sweep.loom(image, wire), sweep.linux(wire),
                                       runs))
        bench.claim(row, cell.words, "Mbit/s", claim, target=Target("at least", BOUND),
                    peer="Linux")
        bench.tell(f"Loom {min(claim['values']):.2f} to {max(claim['values']):.2f}, "
                   f"Linux {min(claim['peer_values']):.2f} to {max(claim['peer_values']):.2f}")
        found.append((cell, claim))
    return found


def draw(found):
    path = os.path.join(OUTPUT, "loss.svg")
    sweep_drawing.write(found, path)
    return os.path.relpath(path)


def run(bench):
    measure_all(bench, "loss", CELLS, RUNS)
