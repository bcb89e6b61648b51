/* device.h - a device of the machine, as the tender has it: the other side of its virtqueues.
 *
 * While the guest runs nobody serves a queue. At each crossing the tender lets every device serve
 * what is in its queues, and sleeps on their descriptors when none had anything.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_DEVICE_H
#define LOOM_TENDER_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "target/machine/machine.h"

/* The guest's memory, from physical 0 on. It may change under our eyes. */
struct guest_memory {
    struct span bytes;
    /* The image's code and constants, which no device writes to: physical, and 0 where there are
     * none. */
    uint64_t sealed_from, sealed_end;
};

struct device {
    const struct device_ops *ops;
    /* In the boot page, which the guest can write: read once, when it says that it is ready. */
    struct machine_device *shared;
    char name[MACHINE_DEVICE_NAME_MAX + 1]; /* as in there, and out of the guest's reach */
    /* Something that poll(2) waits for: input that the guest has room for. -1: nothing now. */
    int descriptor;
    short events;   /* of poll(2) */
    bool is_ready;  /* the guest has set it up, and what it said was sound */
    bool is_broken; /* it said something unsound: never served again, and told once on stderr */
};

struct device_ops {
    /* The guest is ready: takes over accepted features and queues. False: they are not sound, and
     * the device is broken. */
    bool (*start)(struct device *device, const struct guest_memory *memory,
                  const struct machine_device *said);
    /* Serves all queues as far as that goes without waiting, at most one turn of each ring. True:
     * the guest has something to look at. */
    bool (*serve)(struct device *device, const struct guest_memory *memory);
    /* The guest has reset it: lets go of its queues and of all that it has taken from them. `start`
     * may come again. */
    void (*stop)(struct device *device);
    void (*close)(struct device *device);
};

/* The guest has said something unsound to it, or in its queues: it is not served any more, which is
 * told on stderr the first time. */
void device_break(struct device *device, const char *problem);

/* A line on stderr about it: what the host has done to it, and what helps. */
__attribute__((format(printf, 2, 3))) void device_warn(const struct device *device,
                                                       const char *words, ...);

/* What the boot page says of a device before the guest starts: `kind`, `name`, the number of queues
 * and what is offered. */
void device_present(struct device *device, struct machine_device *shared,
                    const struct machine_device *presented);

#endif
