# tender.mk - builds loom-tender, which runs an image as a machine under KVM.
#
# Included by the root Makefile, from the root, and gives:
#   tender            build/loom-tender
#   install-tender    it, beside the command
#   check-tender      machines that are hostile to it, for real, that are killed, and gdb inside of machines
#   check-tender-long more kills, and 10,000 starts; part of `make check-long`
#
# It is linked statically: a start is some milliseconds in all, of which a dynamic loader would take one.
#
# SPDX-License-Identifier: ISC
TENDER_CC    ?= gcc
TENDER_FLAGS := -O2 -fPIE -fsanitize=bounds,signed-integer-overflow,shift,null,unreachable,return \
                -fsanitize-undefined-trap-on-error -ftrivial-auto-var-init=zero -fstack-protector-strong \
                -fstack-clash-protection -ffunction-sections -fdata-sections

# What is not needed of these is not linked.
TENDER_SOURCES := $(filter-out %_test.c %_suite.c %_sanitizer.c,$(wildcard tender/*.c target/machine/*.c \
                      $(addsuffix /*.c,$(addprefix lib/,base fiber log metrics parameter packet net)))) \
                  lib/image/crash_report.c $(addprefix target/unix/,block_file_disk.c clock.c console.c entropy.c poll.c \
                      process.c signals.c net_tap_interface.c net_host_choice.c net_passt_process.c) \
                  $(filter-out %_test.c %/main.c,$(wildcard target/hosted/*.c))
TENDER_OBJECTS := $(TENDER_SOURCES:%.c=$(BUILD)/tender/%.o) $(patsubst %.S,$(BUILD)/tender/%.o,$(wildcard lib/fiber/*.S))

.PHONY: tender install-tender check-tender check-tender-long
tender: $(BUILD)/loom-tender

$(BUILD)/loom-tender: $(TENDER_OBJECTS)
	$(call say,$@)
	@rm -f $(BUILD)/tender/all.a
	$(Q)ar rcs $(BUILD)/tender/all.a $(filter-out %/tender/main.o,$^)
	$(Q)$(TENDER_CC) -static-pie -Wl,-z,relro,-z,now,--gc-sections -o $@ $(BUILD)/tender/tender/main.o \
	    $(BUILD)/tender/all.a

$(BUILD)/tender/%.o: %.c
	@mkdir -p $(@D)
	$(call say,$@)
	$(Q)$(TENDER_CC) $(COMMON) $(TENDER_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/tender/%.o: %.S
	@mkdir -p $(@D)
	$(Q)$(TENDER_CC) -g -c $< -o $@

-include $(TENDER_OBJECTS:.o=.d)

install-tender: $(BUILD)/loom-tender
	@install -d "$(DESTDIR)$(PREFIX)/bin"
	@install $(BUILD)/loom-tender "$(DESTDIR)$(PREFIX)/bin/"

check-tender: tool tender
	@test/run-each tender/test/run tender/test/debug tender/test/kill

check-long: check-tender-long
check-tender-long: tool tender
	@test/run-each "tender/test/kill --rounds 300 --starts 10000 --seed 2"
