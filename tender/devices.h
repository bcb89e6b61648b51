/* devices.h - all devices of a machine, in the order of the boot page.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_DEVICES_H
#define LOOM_TENDER_DEVICES_H

#include "tender/device.h"

struct devices {
    struct guest_memory memory;
    struct device *list[MACHINE_DEVICES_MAX];
    size_t count;
};

/* One turn: takes note of what the guest has set up, and serves all queues. True: the guest has
 * something to look at. */
bool devices_serve(struct devices *devices);

#endif
