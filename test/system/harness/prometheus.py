"""prometheus.py - a reader of the Prometheus text format 0.0.4 that takes nothing a scraper could stumble over.

https://prometheus.io/docs/instrumenting/exposition_formats/

SPDX-License-Identifier: ISC"""

import re

from harness.report import expect, expect_equal, expect_in
from harness.wire import fetch

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\+Inf|-Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


class Family:
    def __init__(self, name):
        self.name, self.help, self.kind = name, None, None
        self.samples = {}


def scrape(port):
    """All samples by (name, labels), a frozenset of pairs."""
    answer = fetch(port, "/metrics")
    expect_equal(answer.status, 200, "/metrics")
    expect_equal(answer.field("content-type"), "text/plain; version=0.0.4; charset=utf-8", "its type")
    return read(answer.body.decode("utf-8"))


def read(text):
    expect(text.endswith("\n"), "the last line has no end")
    families, current = {}, None
    for line in text[:-1].split("\n"):
        if found := re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line):
            what, name, words = found.groups()
            if current is None or current.name != name:
                expect(name not in families, f"the family {name} is in two places")
                current = families[name] = Family(name)
            expect(not current.samples, f"{what} of {name} behind its samples")
            take_comment(current, what, words)
            continue
        found = SAMPLE.fullmatch(line)
        expect(found, f"no line of this format: {line!r}")
        take_sample(current, *found.groups())
    for family in families.values():
        expect(family.samples, f"{family.name} has no samples")
        if family.kind == "histogram":
            check_histogram(family)
    return {key: value for family in families.values() for key, value in family.samples.items()}


def take_comment(family, what, words):
    if what == "HELP":
        expect(family.help is None, f"{family.name} has two HELP lines")
        family.help = words
    else:
        expect(family.kind is None, f"{family.name} has two TYPE lines")
        expect_in(words, ("counter", "gauge", "histogram"), f"the type of {family.name}")
        family.kind = words


def take_sample(family, name, labels, value):
    expect(family is not None and family.help and family.kind, f"{name} stands before its HELP and TYPE")
    suffixes = ("_bucket", "_sum", "_count") if family.kind == "histogram" else ("",)
    expect(name in [family.name + suffix for suffix in suffixes], f"{name} stands among {family.name}")
    pairs, rest = [], labels or ""
    while rest:
        found = LABEL.match(rest)
        expect(found, f"no labels: {labels!r}")
        pairs.append(found.groups())
        rest = rest[found.end():]
    expect_equal(len({label for label, _ in pairs}), len(pairs), f"the labels of {name}, once each")
    key = name, frozenset(pairs)
    expect(key not in family.samples, f"{name} with {pairs} is there twice")
    family.samples[key] = float(value)
    if family.kind == "counter":
        expect(name.endswith("_total"), f"a counter that is called {name}")
        expect(float(value) >= 0, f"{name} is {value}")


def check_histogram(family):
    series = {}
    for (name, labels), value in family.samples.items():
        bare = frozenset(pair for pair in labels if pair[0] != "le")
        bound = dict(labels).get("le")
        series.setdefault(bare, {})[bound or name.removeprefix(family.name)] = value
    for labels, values in series.items():
        buckets = [(float(bound), value) for bound, value in values.items() if not bound.startswith("_")]
        expect(buckets == sorted(buckets), f"the buckets of {family.name} are not in order")
        counts = [count for _, count in buckets]
        expect(counts == sorted(counts), f"the buckets of {family.name} do not add up")
        expect(buckets[-1][0] == float("inf"), f"{family.name} has no bucket +Inf")
        expect_equal(buckets[-1][1], values["_count"], f"the last bucket of {family.name}{set(labels)}")
        expect("_sum" in values, f"{family.name} has no sum")


def value_of(samples, name, **labels):
    """The only sample of the name that has these labels, and maybe others."""
    found = [value for (key, has), value in samples.items() if key == name and set(labels.items()) <= has]
    expect_equal(len(found), 1, f"how many samples are called {name} {labels}")
    return found[0]
