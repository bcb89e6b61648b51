/* virtio_shared.c - the transport of our own tender.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/virtio_shared.h"

#include "base/units.h"
#include "target/virtio/machine_poller.h"

static uint64_t shared_offered(struct virtio_device *device)
{
    return device->said->offered;
}

/* Whether it agrees the tender says when it starts: by serving the queues, or not. */
static bool shared_accept(struct virtio_device *device, uint64_t features)
{
    device->said->accepted = features;
    return true;
}

static void shared_read_config(struct virtio_device *device, struct span room)
{
    struct view config = VIEW_OF(device->said->config);
    (void)span_copy(room, view_first(config, room.length_bytes));
}

/* It counts nothing, and is in memory: who asks may as well look. */
static uint32_t shared_config_generation(struct virtio_device *device)
{
    return device->generation + 1u;
}

static uint32_t shared_queue_size_max(struct virtio_device *device, unsigned index)
{
    return index < device->said->queue_count ? MACHINE_QUEUE_SIZE_MAX : 0;
}

static void shared_set_queue(struct virtio_device *device, unsigned index,
                             const struct machine_queue *queue)
{
    device->said->queues[index] = *queue;
}

static void shared_start(struct virtio_device *device)
{
    __atomic_store_n(&device->said->status, MACHINE_DEVICE_READY, __ATOMIC_RELEASE);
}

/* It looks at every crossing: the driver's poller says when one is due. */
static void shared_notify(struct virtio_device *device, unsigned index)
{
    (void)device, (void)index;
}

static bool shared_reset(struct virtio_device *device)
{
    if (__atomic_load_n(&device->said->status, __ATOMIC_RELAXED) == 0) return true;
    __atomic_store_n(&device->said->status, MACHINE_DEVICE_RESET, __ATOMIC_RELEASE);
    machine_serve();
    return __atomic_load_n(&device->said->status, __ATOMIC_ACQUIRE) == 0;
}

const struct virtio_transport virtio_shared = {
    .offered = shared_offered,
    .accept = shared_accept,
    .read_config = shared_read_config,
    .config_generation = shared_config_generation,
    .queue_size_max = shared_queue_size_max,
    .set_queue = shared_set_queue,
    .start = shared_start,
    .notify = shared_notify,
    .reset = shared_reset,
};
