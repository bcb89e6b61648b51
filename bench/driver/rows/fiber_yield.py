"""fiber_yield.py - what it costs to let the next fiber run, at 100 fibers.

SPDX-License-Identifier: ISC
"""
from driver.results import Target, claim_of_values
from driver.rows import inside

WORDS = "from one fiber to the next, 100 fibers that yield in turn"


def run(bench):
    found, _ = inside.measure(inside.build(), "yield", "--fibers=100", "--rounds=21")
    yields = found["yields"][0]
    each = [elapsed / yields for elapsed in found["elapsed_ns"]]
    bench.claim("yield", "a fiber yield, 100 fibers", "ns", claim_of_values(each, better="less"),
                target=Target("at most", 10, "value"))
