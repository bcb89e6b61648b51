"""results.py - what a row of the benchmark gives: claims, each with its target, and what was
skipped.

SPDX-License-Identifier: ISC
"""
import json
import os
from statistics import median


class Skip(Exception):
    """A row, or a part of one, cannot be measured here; the words tell why and what helps."""


class Target:
    """What is asked of a claim: `of` is "ratio" or "value"."""

    def __init__(self, sense, bound, of="ratio"):
        self.sense = sense
        self.bound = bound
        self.of = of

    def is_met(self, claim):
        found = claim[self.of]
        return found >= self.bound if self.sense == "at least" else found <= self.bound

    def as_json(self):
        return {"sense": self.sense, "bound": self.bound, "of": self.of}


def claim_of_values(values, **more):
    """A claim without a peer, from measurements repeated."""
    return {"value": median(values), "value_low": min(values), "value_high": max(values),
            "values": values, **more}


class Results:
    def __init__(self, machine, peer, method):
        self.machine = machine
        self.peer = peer
        self.method = method
        self.claims = []
        self.skipped = []
        self.failed = []

    def claim(self, row, words, unit, claim, target=None, peer=None, note=""):
        """Adds a claim; gives it, with whether its target is met (None: it has none)."""
        claim = {"row": row, "words": words, "unit": unit, **claim, "peer": peer, "note": note,
                 "target": target.as_json() if target else None,
                 "met": target.is_met(claim) if target else None}
        self.claims.append(claim)
        return claim

    def write(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"machine": self.machine, "peer": self.peer, "method": self.method,
                       "claims": self.claims, "skipped": self.skipped, "failed": self.failed},
                      file, indent=2)
            file.write("\n")
