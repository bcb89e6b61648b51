# test.mk - builds and runs the library's own tests.
#
# Every NAME_test.c becomes a program over the unix target, every NAME_sim_test.c one in virtual time. Three variants:
#   debug     gcc with the address and undefined-behaviour sanitizers
#   clang     the same with clang
#   release   gcc with the hardening of a release image
# `make build/test/debug/lib/kv/kv_memory_test` builds one, `make check-unit TESTS=lib/kv VARIANTS=debug` runs a folder's.

VARIANTS ?= debug clang release
TESTS    ?= lib target tender

HARDENED := -O2 -fsanitize=bounds,signed-integer-overflow,shift,null,unreachable,return \
            -fsanitize-undefined-trap-on-error -ftrivial-auto-var-init=zero -fstack-protector-strong \
            -fstack-clash-protection
# Redzones make frames large: their size is a release build's concern. Position-independent, because the nodes of the
# simulator are shared objects, and the sanitizers' own variables are elsewhere then.
SANITIZED := -O1 -fPIC -fsanitize=address,undefined -fno-sanitize-recover=all -Wno-frame-larger-than

CC_debug      := gcc
CC_clang      := clang
CC_release    := gcc
CFLAGS_debug   = $(SANITIZED)
CFLAGS_clang   = $(SANITIZED)
CFLAGS_release = $(HARDENED)

# The fibers' own tests run once more as clang compiles them without sanitizers (`make check`). It adds up
# the frames of what it inlines, so the same code counts for more.
CC_plain         := clang
CFLAGS_plain     := -O2 -fstack-protector-strong -Wframe-larger-than=1536
FOLDERS_plain    := base fiber image ip log metrics parameter test # what they stand on, and no more is compiled

# And another for `make coverage`: which lines the tests reach.
CC_coverage      := gcc
CFLAGS_coverage  := -O0 --coverage -fsanitize=signed-integer-overflow -fsanitize-undefined-trap-on-error -Wno-frame-larger-than

$(foreach variant,$(VARIANTS),$(if $(CC_$(variant)),,\
    $(error VARIANTS=$(variant): there is no such variant; there are debug, clang, release and coverage)))

LIB_SOURCES  := $(filter-out %_test.c lib/test/test_main.c,$(wildcard lib/*/*.c)) $(wildcard lib/*/*.S)
HOST_SOURCES := $(filter-out %_test.c %/main.c,$(wildcard target/hosted/*.c target/machine/*.c target/virtio/*.c))
# Of a machine what runs anywhere; its functions of a C library are called libc_NAME here.
HOST_SOURCES += $(addprefix target/vm/,chacha20.c generator.c page_runs.c red_zones.c) \
                $(filter-out %/broken.c,$(wildcard target/vm/libc/*.c)) \
                $(addprefix target/monitor/,acpi.c pci.c start_info.c words.c)
UNIX_SOURCES := $(filter-out %_test.c %/main.c,$(wildcard target/unix/*.c tender/*.c))
SIM_SOURCES  := $(filter-out %_test.c,$(wildcard target/sim/*.c))
TEST_SOURCES := $(wildcard lib/*/*_test.c target/*/*_test.c tender/*_test.c)

# A variant's own, where it has fewer.
LIB_SOURCES_plain := $(filter $(FOLDERS_plain:%=lib/%/%),$(LIB_SOURCES))
lib_sources        = $(or $(LIB_SOURCES_$(1)),$(LIB_SOURCES))

# The objects of a list of sources, in the variant of the target that asks.
objects = $(addsuffix .o,$(basename $(addprefix $(BUILD)/test/$(1)/,$(2))))

LINK_LIBRARIES = -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group -lbearssl -lpthread

# Each output is written beside its place and moved there, so that two builds at once do not see halves.
define variant_rules
$(BUILD)/test/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$$(call say,$$@)
	$(Q)$$(CC_$(1)) $(COMMON) $$(CFLAGS_$(1)) -MMD -MP -MT $$@ -MF $$(@:.o=.d) -c $$< -o $$@.$$$$$$$$ && mv $$@.$$$$$$$$ $$@

$(BUILD)/test/$(1)/%.o: %.S
	@mkdir -p $$(@D)
	$$(call say,$$@)
	$(Q)$$(CC_$(1)) -g -c $$< -o $$@

$(BUILD)/test/$(1)/libloom.a: $(call objects,$(1),$(call lib_sources,$(1)) $(HOST_SOURCES))
$(BUILD)/test/$(1)/libunix.a: $(call objects,$(1),$(UNIX_SOURCES))
$(BUILD)/test/$(1)/libsim.a:  $(call objects,$(1),$(SIM_SOURCES))
$(BUILD)/test/$(1)/%.a:
	$(Q)ar rcs $$@.$$$$$$$$ $$^ && mv $$@.$$$$$$$$ $$@

# Virtual time first: the more particular pattern.
$(BUILD)/test/$(1)/%_sim_test: $(BUILD)/test/$(1)/%_sim_test.o $(BUILD)/test/$(1)/lib/test/test_main.o \
                               $(BUILD)/test/$(1)/libloom.a $(BUILD)/test/$(1)/libsim.a
	$$(call say,$$@)
	$(Q)$$(CC_$(1)) $$(CFLAGS_$(1)) $$(filter %.o,$$^) $(LINK_LIBRARIES) -o $$@

$(BUILD)/test/$(1)/%_test: $(BUILD)/test/$(1)/%_test.o $(BUILD)/test/$(1)/lib/test/test_main.o \
                           $(BUILD)/test/$(1)/libloom.a $(BUILD)/test/$(1)/libunix.a
	$$(call say,$$@)
	$(Q)$$(CC_$(1)) $$(CFLAGS_$(1)) $$(filter %.o,$$^) $(LINK_LIBRARIES) -o $$@
endef
$(foreach variant,$(VARIANTS),$(eval $(call variant_rules,$(variant))))

# A shell's completion ends a folder's name with a slash. What selects nothing would pass.
WANTED   := $(patsubst %/,%,$(TESTS))
SELECTED := $(filter $(addsuffix /%,$(WANTED)) $(WANTED),$(TEST_SOURCES))
ifneq ($(filter check-unit,$(MAKECMDGOALS)),)
$(foreach name,$(WANTED),$(if $(filter $(name)/% $(name),$(TEST_SOURCES)),,\
    $(error TESTS=$(name): no test stands there; name a folder such as lib/kv, or one lib/kv/NAME_test.c)))
endif
PROGRAMS := $(foreach variant,$(VARIANTS),$(patsubst %.c,$(BUILD)/test/$(variant)/%,$(SELECTED)))

.PHONY: check-unit
check-unit: $(PROGRAMS)
	@test/run-each $(PROGRAMS)

.SECONDARY:
-include $(shell find $(BUILD)/test -name '*.d' 2>/dev/null)

# Each application's own tests, the conformance suites of what its modules implement, and its worlds.
APPS_WITH_WORLDS := $(sort $(dir $(wildcard apps/*/*_world_test.c)))

.PHONY: check-apps
check-apps: tool build/loom-crunch
	@test/run-each $(patsubst %/config.c,"build/loom test %",$(wildcard apps/*/config.c)) \
	    $(APPS_WITH_WORLDS:%/="build/loom test -t sim %")

# Machines for real, all of them: hostile to the tender, in gdb's hands, broken, under QEMU.
.PHONY: check-machines
check-machines: tool tender
	@test/run-each tender/test/run tender/test/debug tender/test/kill target/vm/test/run target/monitor/test/run
