# Loom. The two that matter: `make run` and `make check`. `make help` lists the rest.
#
# The library's own tests are built here, in three variants; images are built by `loom`, with ninja.

.SECONDEXPANSION:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help

BUILD := build
PORT  ?= 8080

# `make V=1 ...` shows the commands.
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = @$(if $(filter 1,$(V)),:,echo "  $(patsubst $(BUILD)/%,%,$(1))")

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wundef -Wcast-qual -Wwrite-strings -Wimplicit-fallthrough -Wframe-larger-than=1024 -Werror
COMMON   := -std=gnu17 -D_GNU_SOURCE -g -fno-omit-frame-pointer -I. -Ilib $(WARNINGS)

-include tool/tool.mk
include test/test.mk
include tool/crunch.mk

.PHONY: help
help:
	@sed -n 's/^# *`make \([^`]*\)` */make \1: /p' Makefile
