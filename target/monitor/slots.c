/* slots.c - finds the devices behind virtio's registers in memory (virtio 1.2, 4.2): those that the
 * command line tells of, as Firecracker does, or those in the slots of QEMU's microvm.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "target/monitor/devices.h"
#include "target/monitor/monitor.h"

/* QEMU, include/hw/i386/microvm.h and hw/i386/microvm.c: with a second I/O APIC it has 24 slots,
 * each on the pin of its number. */
#define SLOTS_START 0xfeb00000
#define SLOT_BYTES  512
#define SLOTS       24
#define IOAPIC_1    0xfec00000
#define IOAPIC_2    0xfec10000
#define SLOT_PIN_1  16 /* of the first controller, where there is no second */

#define MAGIC            0x74726976
#define VERSION          2
#define REGISTER_VERSION 4
#define REGISTER_KIND    8

static bool is_ours(uint64_t registers)
{
    if (register_read(registers) != MAGIC) return false;
    if (register_read(registers + REGISTER_VERSION) != VERSION) return false;
    uint32_t kind = register_read(registers + REGISTER_KIND);
    return kind >= MACHINE_NET && kind <= MACHINE_ENTROPY;
}

/* Where it interrupts. */
struct pin {
    uint64_t controller;
    uint32_t number;
};

static void add(struct devices *devices, uint64_t registers, struct pin pin)
{
    if (!is_ours(registers)) return;
    const uint32_t number = devices->count;
    if (devices_show(devices, registers, SLOT_BYTES) == 0)
        refuse_to_run("it has devices in too many places");
    struct machine_device *device = devices_add(
        devices, (uint8_t)register_read(registers + REGISTER_KIND), MACHINE_MMIO);
    if (device == NULL) return;
    device->registers = registers;
    monitor_device_registers[number] = (uint32_t)registers;
    interrupts_route(pin.controller, pin.number, (uint8_t)(VECTOR_DEVICE + number));
}

void slots_find(struct devices *devices)
{
    bool has_second = interrupts_has_controller(IOAPIC_2);
    /* They are filled from the last on. */
    for (uint32_t i = SLOTS; i-- > 0;) {
        struct pin pin = { has_second ? IOAPIC_2 : IOAPIC_1, has_second ? i : SLOT_PIN_1 + i };
        add(devices, SLOTS_START + i * SLOT_BYTES, pin);
    }
}

/* A device lies above all memory that is used, and is seen in the image's tables. */
static bool can_be_mapped(uint64_t registers)
{
    return registers % 4 == 0 && registers >= 3 * GIB && registers <= UINT32_MAX - SLOT_BYTES;
}

void slots_find_told(struct devices *devices, const struct words *words)
{
    for (size_t i = 0; i < words->device_count; i++) {
        struct pin pin = { IOAPIC_1, words->devices[i].interrupt };
        if (!can_be_mapped(words->devices[i].registers))
            refuse_to_run("a device on its command line is where none can be");
        add(devices, words->devices[i].registers, pin);
    }
}
