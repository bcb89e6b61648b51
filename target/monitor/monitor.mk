# monitor.mk - builds loom-monitor, which starts an image as a machine where our tender does not: by PVH. It is woven into
# the file of each image (--boot=pvh), as it is to lie in memory.
#
# Included by the root Makefile, from the root, and gives:
#   monitor            build/loom-monitor; build/monitor/monitor.elf is the same for a debugger
#   check-monitor      machines under QEMU, for real
#   check-monitor-long those as well that take seconds each; part of `make check-long`
#
# By hand, with console, network card and exit status (twice the image's plus one, 0 for 0):
#
#   qemu-system-x86_64 -machine microvm -accel kvm -cpu host,-arch-capabilities -m 256 -nodefaults -no-reboot -display none \
#       -global virtio-mmio.force-legacy=false -device isa-debug-exit,iobase=0x501,iosize=4 \
#       -device virtio-serial-device -chardev stdio,id=c,signal=off -device virtconsole,chardev=c \
#       -netdev user,id=n,hostfwd=tcp:127.0.0.1:8080-:8080 -device virtio-net-device,netdev=n \
#       -kernel apps/homepage/build/vm/homepage \
#       -append "--ipv4=10.0.2.15/24 --ipv4-gateway=10.0.2.2"
#
# Without /dev/kvm: -accel tcg -cpu max.
#
# No instruction of it may touch a vector register: the first ones run before those are switched on, and where KVM is
# nested, ring 0 never has them.
#
# SPDX-License-Identifier: ISC
MONITOR_CC    ?= gcc
MONITOR_FLAGS := -std=gnu17 -Os -ffreestanding -fno-pic -no-pie -mno-red-zone -mgeneral-regs-only -fcf-protection=none \
                 -fno-stack-protector -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
                 -fno-delete-null-pointer-checks -fno-tree-loop-distribute-patterns \
                 -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
                 -Wcast-qual -Wwrite-strings -Wimplicit-fallthrough -Werror -I. -Ilib
MONITOR_LINK  := -static -nostdlib -Wl,--build-id=none,--gc-sections,-T,target/monitor/monitor.ld \
                 -Wl,-z,max-page-size=4096,-z,noexecstack,--no-warn-rwx-segments

MONITOR_SOURCES := $(filter-out %_test.c %_suite.c,$(wildcard target/monitor/*.c target/machine/*.c)) \
                   tender/manifest.c lib/base/view.c lib/base/calendar.c
MONITOR_OBJECTS := $(MONITOR_SOURCES:%.c=$(BUILD)/monitor/%.o) $(BUILD)/monitor/target/monitor/entry.o

# The set-up's own words for what cannot run are the test's here: so this stands in no archive.
$(foreach variant,$(VARIANTS),$(eval \
    $(BUILD)/test/$(variant)/target/monitor/devices_test: $(BUILD)/test/$(variant)/target/monitor/devices.o))

.PHONY: monitor check-monitor check-monitor-long check-long
monitor: $(BUILD)/loom-monitor

$(BUILD)/loom-monitor: $(MONITOR_OBJECTS) target/monitor/monitor.ld
	$(call say,$@)
	$(Q)$(MONITOR_CC) $(MONITOR_LINK) -o $(BUILD)/monitor/monitor.elf $(MONITOR_OBJECTS)
	$(Q)objcopy -O binary $(BUILD)/monitor/monitor.elf $@

$(BUILD)/monitor/%.o: %.c
	@mkdir -p $(@D)
	$(call say,$@)
	$(Q)$(MONITOR_CC) $(MONITOR_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/monitor/%.o: %.S target/monitor/places.h
	@mkdir -p $(@D)
	$(Q)$(MONITOR_CC) -I. -c $< -o $@

-include $(MONITOR_OBJECTS:.o=.d)

check-monitor: tool
	@target/monitor/test/run

check-monitor-long: tool
	@target/monitor/test/run --long

check-long: check-monitor-long
