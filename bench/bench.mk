# bench.mk - measures Loom beside its peers.
#
# Included by the root Makefile, from the root.
#   make bench                      everything: about fifty minutes
#   make bench BENCH=http,yield     some rows; an unknown name lists them
#   make bench BENCH_SECONDS=2      shorter runs of load (8), and a shorter long one (60)
#   make bench-loss                 the whole loss sweep, with a plot: three quarters of an hour
#   make check-bench                tests of the driver
#
# SPDX-License-Identifier: ISC
BENCH         ?= all
BENCH_SECONDS ?=
BENCH_PYTHON  := /usr/bin/python3

# Programs of Linux's side: peers, loads, and what a tap can carry without any stack.
BENCH_HOST := $(patsubst bench/host/%.c,build/bench/%,$(wildcard bench/host/*.c))

.PHONY: bench
bench: tool tender build/loom-crunch $(BENCH_HOST)
	@tool/packages bench || echo "packages: going on without them; what needs them is skipped"
	@$(BENCH_PYTHON) -B bench/bench.py --rows="$(BENCH)" --seconds="$(BENCH_SECONDS)"

.PHONY: bench-loss
bench-loss:
	@$(MAKE) -s bench BENCH=sweep

# The driver's own tests.
.PHONY: check-bench
check-bench:
	@$(BENCH_PYTHON) -B bench/test_driver.py

$(BENCH_HOST): build/bench/%: bench/host/%.c
	@mkdir -p $(@D)
	@$(CC) $(COMMON) -O2 -o $@ $<
