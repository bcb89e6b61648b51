"""compare.py - A B A B: two things measured in alternation, and what their ratios say.

On a shared machine absolute figures move by factors within minutes; the ratio of two neighbours
does not. So pairs are formed of runs that follow each other, and the median of their ratios is the
claim, with the lowest and the highest beside it.

SPDX-License-Identifier: ISC
"""
from statistics import median

PAIRS = 5
DISTURBED_SHARE = 0.15


def disturbance(pair):
    """The share of our cores that others used meanwhile, in the worse of the two runs."""
    return max(run.get("others_share", 0.0) for run in pair)


def alternate(first, second, pairs=PAIRS, said=lambda words: None):
    """Calls both in turn; gives a list of pairs of what they gave.

    While others disturb, more pairs are measured, at most as many again, and those least disturbed
    are taken."""
    found = []
    while len(found) < 2 * pairs:
        calm = sum(disturbance(pair) < DISTURBED_SHARE for pair in found)
        if calm >= pairs:
            break
        said(f"pair {len(found) + 1}, {calm} of {pairs} undisturbed")
        found.append((first(), second()))
    return sorted(found, key=disturbance)[:pairs]


class Ratios:
    """The ratios of one quantity over all pairs."""

    def __init__(self, pairs, key):
        self.first = [one[key] for one, _ in pairs]
        self.second = [other[key] for _, other in pairs]
        self.ratios = [one / other for one, other in zip(self.first, self.second) if other > 0]

    def as_claim(self):
        if not self.ratios:
            raise ValueError("no pair gave a ratio")
        return {
            "value": median(self.first),
            "peer_value": median(self.second),
            "ratio": median(self.ratios),
            "ratio_low": min(self.ratios),
            "ratio_high": max(self.ratios),
            "values": self.first,
            "peer_values": self.second,
        }
