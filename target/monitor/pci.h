/* pci.h - finds virtio's devices on a PCI bus and gives them a place (PCI Local Bus 3.0, 6; virtio
 * 1.2, 4.1), by nothing but accesses to configuration space: so it is tested over a made one.
 *
 * Bus 0 is searched, and up to PCI_BUSES_MAX buses behind bridges that firmware has numbered.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_MONITOR_PCI_H
#define LOOM_MONITOR_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_BUSES_MAX 16

/* Configuration space. A function is its bus << 8 | device << 3 | function; `offset` is one of 32
 * bits. What is not there reads as all ones. */
struct pci_space {
    uint32_t (*read)(const struct pci_space *space, uint32_t function, uint32_t offset);
    void (*write)(const struct pci_space *space, uint32_t function, uint32_t offset,
                  uint32_t value);
    uint64_t registers; /* the implementation's: where it is */
};

/* Physical addresses for what firmware has given none: the first is free, the last is not. */
struct pci_window {
    uint64_t start, end;
};

/* Within a BAR, physical. */
struct pci_place {
    uint64_t address;
    uint32_t length_bytes; /* 0: there is none */
};

/* A device of virtio 1.x with all that it must have; it decodes its memory and masters the bus. */
struct pci_device {
    struct pci_place common, notify, device;
    uint64_t msix_table;      /* its first entry, physical; 0: it has no MSI-X */
    uint32_t msix_capability; /* offset */
    uint32_t notify_multiplier;
    uint32_t function;
    uint8_t kind; /* enum machine_device_kind */
};

/* Returns how many; more than `max` are left alone. */
size_t pci_find(const struct pci_space *space, struct pci_window *window, struct pci_device found[],
                size_t max);

/* Lets the device interrupt by its MSI-X table. */
void pci_enable_msix(const struct pci_space *space, const struct pci_device *device);

#endif
