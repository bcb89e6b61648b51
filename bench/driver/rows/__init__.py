"""__init__.py - the rows of the benchmark, in the order in which they run.

Each is a module with WORDS, which introduce it, and run(bench).

SPDX-License-Identifier: ISC
"""
from driver.rows import (crowd, fiber_sleepers, fiber_yield, flood, hardening, http, idle, loss,
                         loss_sweep, machine, machines, method, size, soak, start, tap_bulk,
                         tap_http, tap_udp)

ROWS = {
    "http": http,
    "yield": fiber_yield,
    "sleepers": fiber_sleepers,
    "idle": idle,
    "start": start,
    "size": size,
    "hardening": hardening,
    "soak": soak,
    "bulk": tap_bulk,
    "tap": tap_http,
    "udp": tap_udp,
    "loss": loss,
    "sweep": loss_sweep,
    "crowd": crowd,
    "flood": flood,
    "machine": machine,
    "machines": machines,
    "method": method,
}
ONLY_WHEN_NAMED = ("method", "sweep")
