/* virtio_device.h - a device of the machine as its driver sets it up (virtio 1.2, 3.1): features,
 * queues, start, reset, over whichever transport it is reached by.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_VIRTIO_DEVICE_H
#define LOOM_VIRTIO_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"
#include "base/view.h"
#include "target/machine/machine.h"
#include "target/virtio/virtio_queue.h"

struct virtio_device {
    const struct virtio_transport *transport;
    struct machine_device *said; /* in the boot pages */
    uint64_t features;           /* accepted */
    uint32_t generation;         /* of the configuration, when it was asked for last */
    uint64_t notify_places[MACHINE_QUEUES_MAX]; /* over PCI: each queue's register */
    bool is_broken;
};

struct virtio_transport {
    uint64_t (*offered)(struct virtio_device *device);
    /* False: the device does not agree. */
    bool (*accept)(struct virtio_device *device, uint64_t features);
    void (*read_config)(struct virtio_device *device, struct span room);
    /* A number that is another one when the configuration has changed; it may be another one when
     * it has not. */
    uint32_t (*config_generation)(struct virtio_device *device);
    /* The most entries that the device has for that queue; 0: there is no such queue. After
     * `accept`. */
    uint32_t (*queue_size_max)(struct virtio_device *device, unsigned index);
    /* Before `start`; not longer than that. */
    void (*set_queue)(struct virtio_device *device, unsigned index,
                      const struct machine_queue *queue);
    void (*start)(struct virtio_device *device);
    void (*notify)(struct virtio_device *device, unsigned index);
    /* False: the device does not let go of its queues. */
    bool (*reset)(struct virtio_device *device);
};

/* Finds the device. The log says what is wrong: NOT_FOUND: the machine has none of that kind and
 * name (an empty name: of that kind); UNSUPPORTED: its transport is not ours, or it is older than
 * virtio 1.0. */
COLD enum result virtio_device_open(struct virtio_device *device, enum machine_device_kind kind,
                                    struct view name) CHECKED;

/* Of `wanted` what it offers. */
static inline uint64_t virtio_device_offers(struct virtio_device *device, uint64_t wanted)
{
    return device->transport->offered(device) & wanted;
}

/* Agrees on these features, all of them offered, and on VIRTIO_F_VERSION_1. UNSUPPORTED: the device
 * does not; the log has said so. */
enum result virtio_device_agree(struct virtio_device *device, uint64_t features) CHECKED;

static inline bool virtio_device_has(const struct virtio_device *device, uint64_t feature)
{
    return (device->features & feature) != 0;
}

/* The first bytes of its configuration, as virtio lays it out. */
static inline void virtio_device_config(struct virtio_device *device, struct span room)
{
    device->transport->read_config(device, room);
}

/* Whether it may have changed since this was asked last. Leaves the machine where registers do: not
 * for hot paths. */
static inline bool virtio_device_config_changed(struct virtio_device *device)
{
    uint32_t before = device->generation;
    device->generation = device->transport->config_generation(device);
    return device->generation != before;
}

/* How long that queue may be: a power of two (virtio 1.2, 2.7), at most `wanted`, which is one; 0:
 * the device has no such queue. Once it has agreed. */
static inline uint16_t virtio_device_queue_size(struct virtio_device *device, unsigned index,
                                                uint16_t wanted)
{
    uint32_t size_max = device->transport->queue_size_max(device, index);
    while (wanted > size_max)
        wanted /= 2;
    return wanted;
}

/* Gives it its queues, the first `count`, as they are, and lets it run. */
void virtio_device_start(struct virtio_device *device, const struct virtio_queue *const queues[],
                         unsigned count);

/* Shows it what was added to a queue. */
static inline void virtio_device_publish(struct virtio_device *device, struct virtio_queue *queue,
                                         unsigned index)
{
    if (virtio_queue_publish(queue)) device->transport->notify(device, index);
}

/* Stops it: when this returns true it uses none of the memory that it was given; it may be started
 * again. Crosses. False: it does not let go, and the log has said so. */
bool virtio_device_reset(struct virtio_device *device);

/* One of its queues is broken, or what it wrote makes no sense: the log says so, once. Its driver
 * gives it nothing any more. */
void virtio_device_broken(struct virtio_device *device);

#endif
