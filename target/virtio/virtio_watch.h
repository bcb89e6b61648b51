/* virtio_watch.h - notices that a device's configuration has changed: a link that went down, a disk
 * that has grown (virtio 1.2, 2.5).
 *
 * The device tells it by an interrupt of its own, which ends a sleep but is counted nowhere that a
 * driver could see without a register; and a register costs as much as some hundred frames. So the
 * driver looks at the configuration's generation before a sleep that follows another, at most once
 * in VIRTIO_WATCH_NS: sooner than that an alarm looks, which also looks while the machine is busy.
 * A machine that sleeps is woken by the change itself, and by nothing else for this.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_VIRTIO_WATCH_H
#define LOOM_VIRTIO_WATCH_H

#include "fiber/fiber.h"
#include "target/virtio/virtio_device.h"

#define VIRTIO_WATCH_NS S_NS

struct virtio_watch {
    /* The configuration may have changed: reads it. True: it has, and somebody was told. In the
     * loop; does not wait. */
    bool (*changed)(struct virtio_watch *watch);

    struct virtio_device *device; /* NULL: nothing is watched */
    struct alarm alarm;
    uint64_t next_ns; /* when it may be looked again */
    bool is_owed;     /* the machine may have slept since the last look */
    bool keeps_awake; /* something was done on the way to a sleep: the loop has to turn */
};

/* `changed` is set. */
void virtio_watch_start(struct virtio_watch *watch, struct virtio_device *device);
/* One that was not started is ignored. */
void virtio_watch_stop(struct virtio_watch *watch);

/* Within the driver's `poll`, which had something to tell of or not; and within its `arm`. What
 * they return has the meaning of theirs. */
bool virtio_watch_poll(struct virtio_watch *watch, bool had_something);
bool virtio_watch_arm(struct virtio_watch *watch);

#endif
