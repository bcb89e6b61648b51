# tool.mk - builds the `loom` command and the library that a config.c is linked with.
#
# Included by the root Makefile, from the root. It adds to nobody's variables but its own, and gives:
#   build/loom  build/libloom-config.a      what `make` leaves
#   tool                                    both, and loom-crunch, which tool/crunch/crunch.mk builds
#   install-tool                            the command and everything it needs to PREFIX, below DESTDIR
#   check-tool                              the command's own tests
#
# SPDX-License-Identifier: ISC
TOOL_CC     ?= $(CC)
TOOL_FLAGS  := -std=gnu17 -O2 -g -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE \
               -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
               -Wvla -Wundef -Wcast-qual -Wwrite-strings -Wimplicit-fallthrough -Werror -I. -Ilib -Itool

TOOL_SHARED := tool/target.c tool/text.c
# passt is started as an image starts it.
TOOL_LOOM   := $(wildcard tool/*.c tool/size/*.c) target/unix/net_passt_process.c lib/base/view.c lib/base/format.c
TOOL_CONFIG := $(wildcard tool/config/*.c) $(TOOL_SHARED)

TOOL_LOOM_OBJECTS   := $(TOOL_LOOM:%.c=build/host/%.o)
TOOL_CONFIG_OBJECTS := $(TOOL_CONFIG:%.c=build/host/%.o)

PREFIX ?= /usr/local

.PHONY: tool install-tool check-tool
tool: build/loom build/libloom-config.a build/loom-crunch build/loom-monitor

build/loom: $(TOOL_LOOM_OBJECTS)
	@$(TOOL_CC) -pie -Wl,-z,relro,-z,now -o $@ $^

build/libloom-config.a: $(TOOL_CONFIG_OBJECTS)
	@rm -f $@ && ar rcs $@ $^

$(sort $(TOOL_LOOM_OBJECTS) $(TOOL_CONFIG_OBJECTS)): build/host/%.o: %.c
	@mkdir -p $(@D)
	@$(TOOL_CC) $(TOOL_FLAGS) -MMD -MP -c $< -o $@ || { tool/packages --hint run; exit 1; }

-include $(sort $(TOOL_LOOM_OBJECTS:.o=.d) $(TOOL_CONFIG_OBJECTS:.o=.d))

# What an application is built from; not its tests' leftovers and not what was built.
TOOL_HOUSE := lib target tool/loom tool/template tool/gdb

install-tool: tool
	@install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/share/loom" "$(DESTDIR)$(PREFIX)/share/man/man1" \
	    "$(DESTDIR)$(PREFIX)/share/bash-completion/completions" "$(DESTDIR)$(PREFIX)/share/zsh/site-functions" \
	    "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d"
	@install build/loom build/loom-crunch "$(DESTDIR)$(PREFIX)/bin/"
	@install -m 644 build/loom-monitor "$(DESTDIR)$(PREFIX)/bin/"
	@install -m 644 build/libloom-config.a "$(DESTDIR)$(PREFIX)/share/loom/"
	@for folder in $$(find $(wildcard $(TOOL_HOUSE)) -type d -not -name build); do \
	    install -d "$(DESTDIR)$(PREFIX)/share/loom/$$folder"; \
	done
	@for file in $$(find $(wildcard $(TOOL_HOUSE)) -type f -not -path '*/build/*' -not -name '*_test.c'); do \
	    install -m 644 "$$file" "$(DESTDIR)$(PREFIX)/share/loom/$$file"; \
	done
	@install -m 644 docs/loom.1 "$(DESTDIR)$(PREFIX)/share/man/man1/"
	@install -m 644 tool/completion/loom.bash "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/loom"
	@install -m 644 tool/completion/loom.zsh "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_loom"
	@install -m 644 tool/completion/loom.fish "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/"

check-tool: tool tender
	@tool/test/run
