/* pci_access.c - the machine's own PCI bus, and what is found on it as the image is told of it.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "target/monitor/devices.h"
#include "target/monitor/monitor.h"
#include "target/monitor/pci.h"

/* PCI Local Bus 3.0, 3.2.2.3.2: configuration mechanism #1. */
#define ADDRESS_PORT 0xcf8
#define DATA_PORT    0xcfc
#define ENABLE       0x80000000u

/* PCI Express 4.0, 7.2.2: a page a function, 1 MiB a bus. */
#define ECAM_FUNCTION_SHIFT 12
#define ECAM_BYTES          (256 * MIB)

/* QEMU, include/hw/i386/microvm.h and hw/pci-host/gpex.c: no table tells of its microvm's bus. */
#define MICROVM_ECAM   0xe0000000
#define MICROVM_BRIDGE 0x00081b36

/* Where BARs go for which no firmware has found a place: above memory, and below the I/O APICs and
 * what PCs have near to them. */
#define WINDOW_START 0xc0000000
#define WINDOW_END   0xfe000000
#define WINDOW_STEP  (16 * MIB)

#define NOTIFY_MAX (64 * KIB)
#define DEVICE_MAX (4 * KIB)

/* Virtio 1.2, 4.1.5.1.2, and PCI Local Bus 3.0, 6.8.2: one entry, to the first processor. */
#define MSIX_ADDRESS 0xfee00000u

/* How often a machine is looked at that has devices without interrupts. */
#define POLL_NS 1000000

static uint32_t read_by_ports(const struct pci_space *space, uint32_t function, uint32_t offset)
{
    (void)space;
    port_write_u32(ADDRESS_PORT, ENABLE | function << 8 | offset);
    return port_read_u32(DATA_PORT);
}

static void write_by_ports(const struct pci_space *space, uint32_t function, uint32_t offset,
                           uint32_t value)
{
    (void)space;
    port_write_u32(ADDRESS_PORT, ENABLE | function << 8 | offset);
    port_write_u32(DATA_PORT, value);
}

static uint64_t ecam_place(const struct pci_space *space, uint32_t function, uint32_t offset)
{
    return space->registers + ((uint64_t)function << ECAM_FUNCTION_SHIFT) + offset;
}

static uint32_t read_by_memory(const struct pci_space *space, uint32_t function, uint32_t offset)
{
    return register_read(ecam_place(space, function, offset));
}

static void write_by_memory(const struct pci_space *space, uint32_t function, uint32_t offset,
                            uint32_t value)
{
    register_write(ecam_place(space, function, offset), value);
}

bool pci_has_ports(void)
{
    port_write_u32(ADDRESS_PORT, ENABLE);
    return port_read_u32(ADDRESS_PORT) == ENABLE;
}

static bool is_ecam(uint64_t ecam, uint64_t memory_end)
{
    return ecam != 0 && ecam >= memory_end && ecam <= 4 * GIB - ECAM_BYTES;
}

/* Of a machine without ports. 0: it has no bus. */
static uint64_t microvm_ecam(uint64_t memory_end)
{
    if (!is_ecam(MICROVM_ECAM, memory_end)) return 0;
    return register_read(MICROVM_ECAM) == MICROVM_BRIDGE ? MICROVM_ECAM : 0;
}

static struct pci_window window_above(uint64_t memory_end, uint64_t ecam)
{
    const uint64_t end = MIN(memory_end, WINDOW_END);
    struct pci_window window = {
        .start = MAX(WINDOW_START, (end + WINDOW_STEP - 1) / WINDOW_STEP * WINDOW_STEP),
        .end = WINDOW_END,
    };
    if (ecam >= window.start && ecam < window.end) window.end = ecam;
    return window;
}

/* ---- a device ---- */

/* The vector is that of the device's number. 0: it has no MSI-X, or it lies where nobody sees it.
 */
static bool connect(struct devices *devices, const struct pci_space *space,
                    const struct pci_device *device, uint32_t vector)
{
    if (device->msix_table == 0) return false;
    const uint64_t entry = devices_show(devices, device->msix_table, 16);
    if (entry == 0) return false;
    register_write(entry, MSIX_ADDRESS | (register_read(LAPIC + 0x20) >> 24) << 12);
    register_write(entry + 4, 0);
    register_write(entry + 8, vector);
    register_write(entry + 12, 0); /* not masked */
    pci_enable_msix(space, device);
    return true;
}

static void add(struct devices *devices, const struct pci_space *space,
                const struct pci_device *found)
{
    struct machine_pci places = {
        .notify_bytes = (uint32_t)MIN(found->notify.length_bytes, NOTIFY_MAX),
        .notify_multiplier = found->notify_multiplier,
        .device_bytes = (uint32_t)MIN(found->device.length_bytes, DEVICE_MAX),
        .vector = MACHINE_PCI_NO_VECTOR,
    };
    uint64_t common = devices_show(devices, found->common.address, MACHINE_PCI_COMMON_BYTES);
    places.notify = devices_show(devices, found->notify.address, places.notify_bytes);
    if (places.device_bytes > 0)
        places.device = devices_show(devices, found->device.address, places.device_bytes);
    bool is_shown = common != 0 && places.notify != 0;
    if (places.device_bytes > 0 && places.device == 0) is_shown = false;
    struct machine_device *device = is_shown ? devices_add(devices, found->kind, MACHINE_PCI)
                                             : NULL;
    if (device == NULL) {
        say(VIEW("loom: a device is left out: there are too many, or it lies too far away\r\n"));
        return;
    }
    if (connect(devices, space, found, VECTOR_DEVICE + devices->count - 1))
        places.vector = 0;
    else
        monitor_wait_max = monitor_wait_forever = POLL_NS;
    device->registers = common;
    (void)span_copy(SPAN_OF(device->config), VIEW_OF(places));
}

void pci_add_all(struct devices *devices, uint64_t ecam, bool has_ports, uint64_t memory_end)
{
    static struct pci_device found[MACHINE_DEVICES_MAX];
    struct pci_space space = { .read = read_by_ports, .write = write_by_ports };
    if (!is_ecam(ecam, memory_end)) ecam = has_ports ? 0 : microvm_ecam(memory_end);
    if (ecam == 0 && !has_ports) return;
    if (ecam != 0) space = (struct pci_space){ read_by_memory, write_by_memory, ecam };
    struct pci_window window = window_above(memory_end, ecam);
    size_t count = pci_find(&space, &window, found, LENGTH_OF(found));
    for (size_t i = 0; i < count; i++)
        add(devices, &space, &found[i]);
}
