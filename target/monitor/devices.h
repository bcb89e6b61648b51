/* devices.h - the devices of the machine, as the set-up finds them, and the pages of their
 * registers, which the image is to see.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_MONITOR_DEVICES_H
#define LOOM_MONITOR_DEVICES_H

#include <stdbool.h>

#include "base/view.h"
#include "target/machine/layout.h"
#include "target/monitor/words.h"

struct devices {
    struct machine_device list[MACHINE_DEVICES_MAX];
    uint32_t count;
    struct machine_fixed_pages fixed[MACHINE_FIXED_MAX]; /* the monitor's own pages are the first */
    size_t fixed_count;
};

/* ---- devices.c ---- */

void devices_open(struct devices *devices);

/* Shows the image registers. 0: it cannot, else where it and the set-up see them. A register page
 * once shown stays shown, whether or not its device is added. */
uint64_t devices_show(struct devices *devices, uint64_t physical, uint64_t length_bytes);

/* With its kind, transport and number of queues. NULL: no more can be. */
struct machine_device *devices_add(struct devices *devices, uint8_t kind,
                                   enum machine_transport transport);

/* Gives them the names that the manifest has for them. */
void devices_name(struct devices *devices, struct view manifest);

/* ---- slots.c ---- */

/* Adds what is told of. */
void slots_find_told(struct devices *devices, const struct words *words);
/* Adds what is in the slots of QEMU's microvm. */
void slots_find(struct devices *devices);

/* ---- pci_access.c ---- */

/* Whether configuration space is behind two ports: it is a PC then, and no microvm. */
bool pci_has_ports(void);

/* Adds what is on the machine's PCI bus, whose configuration space lies at `ecam` or, where that is
 * 0 or cannot be, behind the ports. `memory_end`: of the memory below it. */
void pci_add_all(struct devices *devices, uint64_t ecam, bool has_ports, uint64_t memory_end);

#endif
