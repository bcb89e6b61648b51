/* acpi.h - what a machine's tables tell (ACPI 6.4, 5.2): where the configuration space of its PCI
 * bus lies in memory, and how it is switched off.
 *
 * Nothing in them has to be there: what is not found, or lies where nothing can be, stays 0.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_MONITOR_ACPI_H
#define LOOM_MONITOR_ACPI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

struct acpi {
    uint64_t ecam; /* of segment 0, from bus 0 on (PCI Firmware 3.0, 4.1.2) */
    /* Writing `sleep_value` into the sleep control register, of one byte, ends a machine of reduced
     * hardware (4.8.3.7); into PM1a_CNT, of two, another (4.8.3.2.1). 0: it has no such register.
     * PM1a_CNT is a port, and the other one where `is_sleep_port`. */
    uint64_t sleep_control;
    bool is_sleep_port;
    uint16_t pm1_control;
    uint8_t sleep_value;
    uint16_t pm1_value;
};

/* `memory` is the machine's from physical 0 on, as far as it can be read; `rsdp` is where the root
 * pointer lies, and where that is 0 it is looked for. */
void acpi_read(struct acpi *acpi, struct view memory, uint64_t rsdp);

#endif
