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

/* ACPI 6.4, 4.8.3.7: SLP_EN, and SLP_TYP 5: the soft-off state, as QEMU's microvm numbers it. */
#define MICROVM_SLEEP_CONTROL 0xfea00200
#define SLEEP_OFF             0x34
/* The same for its other machines, by PM1a_CNT (4.8.3.2.1). */
#define PM1_CONTROL 0x604
#define PM1_OFF     0x2000

#define STATUS_REFUSED 125
#define DRAIN_NS       S_NS

__attribute__((noreturn)) void monitor_end_with(uint32_t command, int32_t status);

void say(struct view text)
{
    for (size_t i = 0; i < text.length_bytes; i++)
        port_write(SERIAL, view_byte(text, i));
}

static void port_write_u32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static void port_write_u16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

/* By the status, where somebody listens; else without it. */
__attribute__((noreturn)) static void end_machine(int32_t status)
{
    port_write(STATUS_PORT, (uint8_t)status);
    if (status != 0) port_write_u32(EXIT_PORT, (uint32_t)MIN(status, EXIT_MAX));
    *(volatile uint8_t *)physical_pointer(MICROVM_SLEEP_CONTROL) = SLEEP_OFF;
    port_write_u16(PM1_CONTROL, PM1_OFF);
    /* Nobody heard. An exception without a gate, nor one for that, resets a machine, and those that
     * are started with -no-reboot, and Firecracker's, end with it. */
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
