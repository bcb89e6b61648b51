# Loom. The two commands that matter:
#
#   make run        builds the home page's unikernel and serves it (PORT=8080)
#   make check      runs every test (VARIANTS="debug clang release")
#
# and the others:
#
#   make            builds the `loom` command and what runs machines: build/loom, build/loom-tender
#   make install    installs it with what it needs (PREFIX=/usr/local, DESTDIR=)
#   make lib         builds the stack as a library for other programs: build/lib
#   make check-unit a folder's tests only (TESTS=lib/kv VARIANTS=debug)
#   make check-long the tests against strangers, with those that take minutes
#   make check-matrix every application on everything that it runs on (CELLS=homepage/vm)
#   make net-demo   shows the home page on our own stack, over a tap (root) or passt
#   make sim        runs simulated worlds under many seeds (SEEDS=1000)
#   make lint       clang-tidy, cppcheck and the tree's own form
#   make format     formats all C code
#   make fuzz       fuzzes every parser (FUZZ_SECONDS=60, FUZZ=name)
#   make bench      measures Loom beside its peers (BENCH=http,yield)
#   make coverage   which lines the tests reach
#   make clean
#
# Libraries and their tests are built here; images are built by `loom`, with ninja. V=1 shows the commands.
#
# SPDX-License-Identifier: ISC

.SECONDEXPANSION:
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all

BUILD := build
PORT  ?= 8080
JOBS  ?= $(shell nproc)

V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = @$(if $(filter 1,$(V)),:,echo "  $(patsubst $(BUILD)/%,%,$(1))")

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wundef -Wcast-qual -Wwrite-strings -Wimplicit-fallthrough -Wframe-larger-than=1024 -Werror
COMMON   := -std=gnu17 -D_GNU_SOURCE -g -fno-omit-frame-pointer -I. -Ilib $(WARNINGS)

include tool/tool.mk
include test/test.mk
include target/sim/sim.mk
include tool/crunch/crunch.mk
include lint/lint.mk
include fuzz/fuzz.mk
include bench/bench.mk
include test/system/system.mk
include test/matrix/matrix.mk
include test/net-demo.mk
include embed/embed.mk
include tender/tender.mk
include target/monitor/monitor.mk
include target/virtio/virtio.mk

.PHONY: all run check install clean help packages-run packages-check
packages-run:
	@tool/packages run

packages-check:
	@tool/packages check

all: tool tender

run: packages-run
	@$(MAKE) -s -j$(JOBS) tool build/loom-crunch
	@build/loom run apps/homepage -- --port=$(PORT)

check: packages-check
	@test/check

install: install-tool install-tender install-lib

clean:
	rm -rf $(BUILD) apps/*/build

help:
	@sed -n 's/^#   make/make/p' Makefile
