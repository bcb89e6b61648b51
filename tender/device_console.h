/* device_console.h - the machine's console (virtio 1.2, 5.3): what the image writes goes to stdout,
 * what comes on stdin goes to the image.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_DEVICE_CONSOLE_H
#define LOOM_DEVICE_CONSOLE_H

#include <stdbool.h>

#include "tender/device.h"
#include "tender/queue.h"

#define CONSOLE_BURST_BYTES 4096

struct device_console {
    struct device device;
    int input, output;           /* descriptors */
    int lent_input, lent_output; /* those that it was given; of a terminal it opens its own */
    struct queue receiving, transmitting;
    struct queue_chain chain;
    bool input_ended; /* the guest has been told: by a chain with nothing in it */
    bool is_stalled;  /* the output takes nothing: no more patience with it until it does */
    size_t burst_bytes;
    uint8_t burst[CONSOLE_BURST_BYTES];
};

/* Describes itself in `shared`, in the boot page. The descriptors stay the caller's. */
void device_console_open(struct device_console *console, struct machine_device *shared, int input,
                         int output);

#endif
