# bench.mk - measures Loom beside its peers.
#
# Included by the root Makefile, from the root.
#   make bench                      everything: about ten minutes
#   make bench BENCH=http,yield     some rows; an unknown name lists them
#   make bench BENCH_SECONDS=2      shorter runs of load (8), and a shorter long one (60)
#   make check-bench                tests of the driver
#
# SPDX-License-Identifier: ISC
BENCH         ?= all
BENCH_SECONDS ?=
BENCH_PYTHON  := /usr/bin/python3

.PHONY: bench
bench: tool build/loom-crunch build/bench/first_answer
	@tool/packages bench || echo "packages: going on without them; what needs them is skipped"
	@$(BENCH_PYTHON) -B bench/bench.py --rows="$(BENCH)" --seconds="$(BENCH_SECONDS)"

# The driver's own tests.
.PHONY: check-bench
check-bench:
	@$(BENCH_PYTHON) -B bench/test_driver.py

build/bench/first_answer: bench/host/first_answer.c
	@mkdir -p $(@D)
	@$(CC) $(COMMON) -O2 -o $@ $<
