/* interrupts.c - the local APIC, whose timer ends a wait, and the I/O APICs, whose pins do.
 *
 * Intel SDM 3A, 10.4 and 10.5; 82093AA I/O APIC, 3.0.
 *
 * SPDX-License-Identifier: ISC */
#include "target/monitor/monitor.h"

#define LAPIC_PRIORITY 0x080
#define LAPIC_SPURIOUS 0x0f0
#define LAPIC_TIMER    0x320
#define LAPIC_LINT0    0x350
#define LAPIC_LINT1    0x360
#define LAPIC_DIVIDE   0x3e0

#define LAPIC_ENABLED 0x100u
#define LAPIC_MASKED  0x10000u
#define DIVIDE_BY_1   0xbu

#define IOAPIC_DATA     0x10
#define IOAPIC_VERSION  1u
#define IOAPIC_PINS_MAX 240u
#define IOAPIC_PIN(pin) (0x10u + 2u * (pin))

#define PIC_1 0x21
#define PIC_2 0xa1

/* ACPI 6.4, 4.8.3.1.2: PM1_EN with PWRBTN_EN, where QEMU's q35 and pc have it once their firmware
 * has run. Its microvm's generic event device pulses the same pin by itself. */
#define IOAPIC           0xfec00000
#define BUTTON_PIN       9
#define PM1_ENABLE       0x602
#define PM1_POWER_BUTTON 0x100

void interrupts_open(void)
{
    port_write(PIC_1, 0xff);
    port_write(PIC_2, 0xff);
    register_write(LAPIC + LAPIC_SPURIOUS, LAPIC_ENABLED | VECTOR_SPURIOUS);
    register_write(LAPIC + LAPIC_PRIORITY, 0);
    register_write(LAPIC + LAPIC_LINT0, LAPIC_MASKED);
    register_write(LAPIC + LAPIC_LINT1, LAPIC_MASKED);
    register_write(LAPIC + LAPIC_DIVIDE, DIVIDE_BY_1);
    register_write(LAPIC + LAPIC_TIMER, VECTOR_TIMER);
}

static uint32_t ioapic_read(uint64_t registers, uint32_t index)
{
    register_write(registers, index);
    return register_read(registers + IOAPIC_DATA);
}

static void ioapic_write(uint64_t registers, uint32_t index, uint32_t value)
{
    register_write(registers, index);
    register_write(registers + IOAPIC_DATA, value);
}

static uint32_t pins_of(uint64_t registers)
{
    return (ioapic_read(registers, IOAPIC_VERSION) >> 16 & 0xff) + 1;
}

bool interrupts_has_controller(uint64_t registers)
{
    uint32_t version = ioapic_read(registers, IOAPIC_VERSION);
    return version != UINT32_MAX && version != 0 && pins_of(registers) <= IOAPIC_PINS_MAX;
}

/* To the first processor, in physical mode, active high. */
void interrupts_route(uint64_t registers, uint32_t pin, uint8_t vector)
{
    if (!interrupts_has_controller(registers) || pin >= pins_of(registers)) return;
    ioapic_write(registers, IOAPIC_PIN(pin) + 1, register_read(LAPIC + 0x20) & 0xff000000);
    ioapic_write(registers, IOAPIC_PIN(pin), vector);
}

/* The first request is an edge on both; a second would tell the image nothing new. */
void interrupts_listen_to_button(void)
{
    interrupts_route(IOAPIC, BUTTON_PIN, VECTOR_BUTTON);
    __asm__ volatile("outw %0, %1" : : "a"((uint16_t)PM1_POWER_BUTTON), "Nd"((uint16_t)PM1_ENABLE));
}
