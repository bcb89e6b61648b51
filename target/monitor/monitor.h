/* monitor.h - what the parts of the set-up share. It runs in ring 3 with all of the machine below
 * 4 GiB at hand, each byte where it physically is, and asks ring 0 (entry.S) for little.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_MONITOR_H
#define LOOM_MONITOR_H

#include "base/view.h"
#include "target/machine/layout.h"
#include "target/monitor/acpi.h"
#include "target/monitor/places.h"
#include "target/monitor/words.h"

/* ---- entry.S ---- */

/* What ring 0 loads when the image begins. */
struct monitor_entry_state {
    uint64_t cr3;
    struct {
        uint16_t limit;
        uint8_t address[8]; /* not aligned */
        uint8_t reserved[6];
    } gdt, idt;
    uint64_t rip, rsp, rdi;
};
static_assert(sizeof(struct monitor_entry_state) == 64, "as entry.S has it");

extern struct monitor_entry_state monitor_entry_state;
extern struct machine_control *monitor_control; /* as the image's tables have it */
extern uint64_t monitor_tsc_base, monitor_tsc_scale;
extern uint64_t monitor_slide;
extern uint32_t monitor_device_registers[MACHINE_DEVICES_MAX];
/* Nanoseconds: the longest wait at a time, and how long one without a deadline is (0: for ever). */
extern uint32_t monitor_wait_max, monitor_wait_forever;

void monitor_serve_setup(void);
void monitor_cross(void);
void monitor_timer(void);
void monitor_button(void);
void monitor_spurious(void);
extern uint8_t monitor_devices[MACHINE_DEVICES_MAX][16];

static inline void ring0(uint64_t what, uint64_t first, uint64_t second)
{
    __asm__ volatile("int3" : "+d"(second) : "D"(what), "S"(first) : "rax", "rcx", "memory");
}

/* ---- setup.c ---- */

extern struct acpi monitor_acpi; /* nothing in it before it has been read */

/* ---- the machine ---- */

static inline void *physical_pointer(uint64_t address)
{
    return (void *)(uintptr_t)address; // NOLINT: every address is where it physically is
}

static inline struct span physical_span(uint64_t address, uint64_t length_bytes)
{
    return span_from(physical_pointer(address), length_bytes);
}

static inline uint32_t register_read(uint64_t address)
{
    return *(volatile uint32_t *)physical_pointer(address);
}

static inline void register_write(uint64_t address, uint32_t value)
{
    *(volatile uint32_t *)physical_pointer(address) = value;
}

static inline void port_write(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t port_read(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_write_u16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void port_write_u32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint32_t port_read_u32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint64_t tsc_now(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* ---- clock.c ---- */

/* tsc_base, tsc_scale and wall_ns of the boot page. The LAPIC is on. */
void clock_fill(struct machine_boot *boot);

/* ---- interrupts.c ---- */

void interrupts_open(void);
/* The interrupt of a pin of an I/O APIC at `registers` goes to this vector, on its edges. */
void interrupts_route(uint64_t registers, uint32_t pin, uint8_t vector);
bool interrupts_has_controller(uint64_t registers);
/* The power button asks the image to end. A device that is told of may take its pin. */
void interrupts_listen_to_button(void);

/* ---- last.c ---- */

void say(struct view text);
/* Ends the machine because it cannot run, saying why. */
__attribute__((noreturn, cold)) void refuse_to_run(const char *why);

#endif
