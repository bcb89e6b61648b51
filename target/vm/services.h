/* services.h - what the start does for each ambient service, in this order.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_VM_SERVICES_H
#define LOOM_VM_SERVICES_H

#include <stdint.h>

#include "base/result.h"

/* Reads the boot pages' command line. */
COLD void arguments_open(void);

/* Takes over the free memory. */
COLD void memory_open(void);

/* Seeds the generator with what the boot pages give and with the processor's own, and erases it
 * there. */
COLD void entropy_open(void);

COLD void pollers_open(void);

/* Mixes into it what a device of the machine gives, for which it waits a moment, and gives later. A
 * machine without one has none. */
COLD void entropy_open_device(void);

/* A machine without a console runs, and says nothing. */
COLD void console_open(void);

/* One crossing that serves all queues and sleeps until something has come or until the deadline.
 * Polls nobody. */
void machine_sleep(uint64_t deadline_ns);

#endif
