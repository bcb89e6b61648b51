# embed.mk - the stack as a library: one archive, one header, nothing else of the house.
#
#   make lib            build/lib/libloomstack.a, build/lib/libloomstack.so, build/lib/include/loom/stack.h, and the examples
#   make check-embed    its tests, as part of `make check`
#   make check-embed-long   those with the address sanitizer, as part of `make check-long`
#   install-lib         all of it below PREFIX, as part of `make install`
#
# Everything is linked into one object first, in which all symbols but the interface's become local: it clashes with
# nothing in the program that it becomes part of, another copy of Loom included.
#
# SPDX-License-Identifier: ISC
EMBED_SOURCES  := $(sort $(wildcard embed/embed*.c))
EMBED_CORE     := $(filter-out %_test.c %_suite.c %_model.c,$(wildcard $(addprefix lib/,$(addsuffix /*.c,base ip packet \
                  parameter net ethernet arp ipv4 icmp udp_core tcp_core stack_core))))
EMBED_TESTS    := $(patsubst embed/test/%.c,%,$(wildcard embed/test/*_test.c))
EMBED_EXAMPLES := $(patsubst embed/example/%.c,%,$(wildcard embed/example/*.c))

# How the library is built, and how its tests see it: with the sanitizers, and with the one for threads.
CC_embed          := gcc
CFLAGS_embed      := $(HARDENED) -fPIC
CC_embed-debug    := gcc
CFLAGS_embed-debug := $(SANITIZED)
CC_embed-thread   := gcc
CFLAGS_embed-thread := -O1 -fPIC -fsanitize=thread -Wno-frame-larger-than
EMBED_VARIANTS    := embed embed-debug embed-thread
$(foreach variant,$(EMBED_VARIANTS),$(eval $(call variant_rules,$(variant))))

.PHONY: lib install-lib check-embed check-embed-long
lib: $(BUILD)/lib/libloomstack.a $(BUILD)/lib/libloomstack.so $(BUILD)/lib/include/loom/stack.h \
     $(addprefix $(BUILD)/lib/example/,$(EMBED_EXAMPLES))

$(BUILD)/lib/include/loom/stack.h: embed/loom/stack.h
	@mkdir -p $(@D)
	$(Q)cp $< $@

# The tests are ordinary programs, with the stacks of such.
$(BUILD)/test/embed/embed/test/%.o: CFLAGS_embed += -Wno-frame-larger-than

# `ld -r` takes of the cores' archive what is needed, and objcopy hides what is not the interface.
define embed_rules
$(BUILD)/test/$(1)/libloomcores.a: $(call objects,$(1),$(EMBED_CORE))

$(BUILD)/test/$(1)/loomstack.o: $(call objects,$(1),$(EMBED_SOURCES)) $(BUILD)/test/$(1)/libloomcores.a embed/loom/stack.h
	$$(call say,$$@)
	$(Q)ld -r -o $$@.all $$(filter %.o,$$^) $$(filter %.a,$$^)
	$(Q)sed -n 's/^.*\b\(loom_[a-z_]*\)(.*$$$$/\1/p' embed/loom/stack.h | sort -u >$$@.names
	$(Q)objcopy --keep-global-symbols=$$@.names $$@.all $$@
	$(Q)rm -f $$@.all

$(BUILD)/test/$(1)/embed/test/%_test: $(BUILD)/test/$(1)/embed/test/%_test.o $(BUILD)/test/$(1)/embed/test/harness.o $(BUILD)/test/$(1)/embed/test/wire.o \
                                      $(BUILD)/test/$(1)/loomstack.o
	$$(call say,$$@)
	$(Q)$$(CC_$(1)) $$(CFLAGS_$(1)) $$^ -lpthread -o $$@
endef
$(foreach variant,$(EMBED_VARIANTS),$(eval $(call embed_rules,$(variant))))

$(BUILD)/lib/libloomstack.a: $(BUILD)/test/embed/loomstack.o
	@mkdir -p $(@D)
	$(call say,$@)
	$(Q)rm -f $@ && ar rcs $@ $<

$(BUILD)/lib/libloomstack.so: $(BUILD)/test/embed/loomstack.o
	@mkdir -p $(@D)
	$(call say,$@)
	$(Q)gcc -shared -Wl,-z,relro,-z,now,-z,defs -Wl,-soname,libloomstack.so -o $@ $< -lpthread

# As anybody's program is built: with the installed header and the archive, and nothing of the house.
$(BUILD)/lib/example/%: embed/example/%.c $(BUILD)/lib/libloomstack.a $(BUILD)/lib/include/loom/stack.h
	@mkdir -p $(@D)
	$(call say,$@)
	$(Q)gcc -std=c11 -D_GNU_SOURCE -O2 -g $(WARNINGS) -Wno-frame-larger-than -I$(BUILD)/lib/include $< $(BUILD)/lib/libloomstack.a -lpthread -o $@

install-lib: lib
	@install -d "$(DESTDIR)$(PREFIX)/lib" "$(DESTDIR)$(PREFIX)/include/loom"
	@install -m 644 $(BUILD)/lib/libloomstack.a "$(DESTDIR)$(PREFIX)/lib/"
	@install $(BUILD)/lib/libloomstack.so "$(DESTDIR)$(PREFIX)/lib/"
	@install -m 644 $(BUILD)/lib/include/loom/stack.h "$(DESTDIR)$(PREFIX)/include/loom/"

embed_programs = $(foreach variant,$(1),$(addprefix $(BUILD)/test/$(variant)/embed/test/,$(EMBED_TESTS)))
EMBED_PROGRAMS := $(call embed_programs,embed embed-thread)
EMBED_LONG     := $(call embed_programs,embed-debug)

check-embed: lib $(EMBED_PROGRAMS)
	@test/run-each $(EMBED_PROGRAMS) embed/test/outside

# Compiling the cores once more takes longer than the tests; they have sanitizers in their own.
check-embed-long: $(EMBED_LONG)
	@test/run-each $(EMBED_LONG)
