/* last.c - a machine's end, and the monitor's own words, which go to the first serial port.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "target/machine/virtqueue.h"
#include "target/monitor/monitor.h"

#define SERIAL 0x3f8

/* QEMU, hw/misc/debugexit.c: the process ends with twice the value and one, so that 0 cannot be
 * told by it, nor more than 127. */
#define EXIT_PORT 0x501
#define EXIT_MAX  127

/* So who wants all of it puts QEMU's isa-debugcon there, and is told the status as one byte. */
#define STATUS_PORT 0x505

/* The keyboard controller's line to the processor's reset: what Firecracker's machines end by
 * (docs/api_requests/actions.md), as those of QEMU do with -no-reboot. */
#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_RESET   0xfe

#define STATUS_REFUSED 125
#define DRAIN_NS       S_NS
#define END_TICKS      100000000 /* some 30 to 100 ms */

__attribute__((noreturn)) void monitor_end_with(uint32_t command, int32_t status);

void say(struct view text)
{
    for (size_t i = 0; i < text.length_bytes; i++)
        port_write(SERIAL, view_byte(text, i));
}

/* The soft-off state of ACPI (6.4, 4.8.3): QEMU's machines, and Cloud Hypervisor's. */
static void switch_off(void)
{
    const struct acpi *acpi = &monitor_acpi;
    if (acpi->pm1_control != 0) port_write_u16(acpi->pm1_control, acpi->pm1_value);
    if (acpi->sleep_control == 0) return;
    if (acpi->is_sleep_port)
        port_write((uint16_t)acpi->sleep_control, acpi->sleep_value);
    else
        *(volatile uint8_t *)physical_pointer(acpi->sleep_control) = acpi->sleep_value;
}

static void wait_a_moment(void)
{
    const uint64_t start = tsc_now();
    while (tsc_now() - start < END_TICKS)
        __asm__ volatile("pause");
}

/* A status that no device takes is told in words. */
static void say_status(uint32_t status)
{
    uint8_t digits[3] = { (uint8_t)('0' + status / 100 % 10), (uint8_t)('0' + status / 10 % 10),
                          (uint8_t)('0' + status % 10) };
    if (status == 0) return;
    say(VIEW("loom: the machine ends with status "));
    say(view_from_offset(VIEW_OF(digits), status < 10 ? 2 : status < 100 ? 1 : 0));
    say(VIEW("\r\n"));
}

/* By the status, where somebody listens; else without it. Whatever is not there is not heard, and
 * what is heard may take a moment. */
__attribute__((noreturn)) static void end_machine(int32_t status)
{
    port_write(STATUS_PORT, (uint8_t)status);
    if (status != 0) port_write_u32(EXIT_PORT, (uint32_t)MIN(status, EXIT_MAX));
    say_status((uint8_t)status);
    switch_off();
    wait_a_moment();
    port_write(KEYBOARD_COMMAND, KEYBOARD_RESET);
    wait_a_moment();
    /* An exception without a gate, nor one for that, resets what is left. */
    span_fill(physical_span(PLACE_GATES, MACHINE_PAGE_BYTES), 0);
    __asm__ volatile("int3");
    for (;;)
        __asm__ volatile("pause");
}

void refuse_to_run(const char *why)
{
    say(VIEW("loom: this machine cannot run: "));
    say(view_from_string(why));
    say(VIEW("\r\n"));
    end_machine(STATUS_REFUSED);
}

static void say_place(const char *file)
{
    say(view_from_string(file));
    say(VIEW(": "));
}

void panic_at(const char *file, unsigned line, const char *words, ...)
{
    (void)line;
    say_place(file);
    refuse_to_run(words);
}

void panic_condition(const char *file, unsigned line, const char *condition)
{
    (void)line;
    say_place(file);
    refuse_to_run(condition);
}

void panic_values(const char *file, unsigned line, const char *condition, uint64_t left,
                  uint64_t right)
{
    (void)line, (void)left, (void)right;
    say_place(file);
    refuse_to_run(condition);
}

/* ---- what the image has left in its queues ---- */

static const volatile uint16_t *index_at(uint64_t ring)
{
    uint64_t place = ring + offsetof(struct virtq_ring, index);
    if (ring % 2 != 0 || ring < PLACE_IMAGE || ring > UINT32_MAX - MACHINE_PAGE_BYTES) return NULL;
    return physical_pointer(place);
}

static bool is_drained(const struct machine_device *device)
{
    if (device->status != MACHINE_DEVICE_READY || device->queue_count < 2) return true;
    const volatile uint16_t *available = index_at(device->queues[1].available);
    const volatile uint16_t *used = index_at(device->queues[1].used);
    return available == NULL || used == NULL || *available == *used;
}

static bool all_are_drained(const struct machine_boot *boot)
{
    for (size_t i = 0; i < MIN(boot->device_count, (uint32_t)MACHINE_DEVICES_MAX); i++)
        if (!is_drained(&boot->devices[i])) return false;
    return true;
}

/* Devices work beside the machine: they get some time for what was given to them. */
void monitor_end_with(uint32_t command, int32_t status)
{
    const uint64_t boot_address = (uintptr_t)monitor_entry_state.rdi;
    const struct machine_boot *boot = physical_pointer(boot_address - monitor_slide);
    uint64_t start = tsc_now();
    while (!all_are_drained(boot)) {
        uint64_t scaled = (tsc_now() - start) >> 10; /* so that the product fits */
        if ((scaled * (monitor_tsc_scale >> 12)) >> 10 >= DRAIN_NS) break;
    }
    bool is_known = command == MACHINE_EXIT || command == MACHINE_CRASH;
    if (!is_known) say(VIEW("loom: the image has asked for something that there is not\r\n"));
    end_machine(is_known ? status & 0xff : EXIT_MAX);
}
