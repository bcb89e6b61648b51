"""__init__.py - the rows of the benchmark, in the order in which they run.

Each is a module with WORDS, which introduce it, and run(bench).

SPDX-License-Identifier: ISC
"""
from driver.rows import (fiber_sleepers, fiber_yield, hardening, http, idle, method, size, soak,
                         start)

ROWS = {
    "http": http,
    "yield": fiber_yield,
    "sleepers": fiber_sleepers,
    "idle": idle,
    "start": start,
    "size": size,
    "hardening": hardening,
    "soak": soak,
    "method": method,
}
ONLY_WHEN_NAMED = ("method",)
