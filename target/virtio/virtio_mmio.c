/* virtio_mmio.c - devices behind registers in memory.
 *
 * Each access leaves the machine, so that on a hot path there is one alone: the notification. What
 * an interrupt has to have acknowledged is the monitor's business (target/monitor/entry.S).
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/virtio_mmio.h"

#include "base/units.h"

/* virtio 1.2, 4.2.2. */
enum mmio_register {
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SELECT = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SELECT = 0x024,
    QUEUE_SELECT = 0x030,
    QUEUE_SIZE_MAX = 0x034,
    QUEUE_SIZE = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    STATUS = 0x070,
    QUEUE_DESCRIPTORS = 0x080,
    QUEUE_AVAILABLE = 0x090,
    QUEUE_USED = 0x0a0,
    CONFIG_GENERATION = 0x0fc,
    CONFIG = 0x100,
};

/* 2.1. */
#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER      2u
#define STATUS_DRIVER_OK   4u
#define STATUS_FEATURES_OK 8u

#define RESET_READS 1000

static volatile uint32_t *register_at(struct virtio_device *device, uint32_t offset_bytes)
{
    return (volatile uint32_t *)(uintptr_t)(device->said->registers + offset_bytes); // NOLINT
}

static uint32_t get(struct virtio_device *device, enum mmio_register place)
{
    return *register_at(device, place);
}

static void set(struct virtio_device *device, enum mmio_register place, uint32_t value)
{
    *register_at(device, place) = value;
}

/* The lower half, and the upper one behind it. */
static void set_address(struct virtio_device *device, enum mmio_register place, uint64_t address)
{
    set(device, place, (uint32_t)address);
    *register_at(device, (uint32_t)place + 4) = (uint32_t)(address >> 32);
}

static uint64_t mmio_offered(struct virtio_device *device)
{
    set(device, DEVICE_FEATURES_SELECT, 0);
    uint64_t features = get(device, DEVICE_FEATURES);
    set(device, DEVICE_FEATURES_SELECT, 1);
    return features | (uint64_t)get(device, DEVICE_FEATURES) << 32;
}

/* 4.2.3.1.1: the device answers 0 when it has let go of everything. */
static bool stop(struct virtio_device *device)
{
    set(device, STATUS, 0);
    for (unsigned reads = 0; reads < RESET_READS; reads++)
        if (get(device, STATUS) == 0) return true;
    return false;
}

/* 3.1.1, up to the sixth step. */
static bool mmio_accept(struct virtio_device *device, uint64_t features)
{
    const uint32_t status = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
    if (!stop(device)) return false;
    set(device, STATUS, STATUS_ACKNOWLEDGE);
    set(device, STATUS, status);
    set(device, DRIVER_FEATURES_SELECT, 0);
    set(device, DRIVER_FEATURES, (uint32_t)features);
    set(device, DRIVER_FEATURES_SELECT, 1);
    set(device, DRIVER_FEATURES, (uint32_t)(features >> 32));
    set(device, STATUS, status | STATUS_FEATURES_OK);
    device->said->accepted = features;
    return (get(device, STATUS) & STATUS_FEATURES_OK) != 0;
}

static void read_bytes(struct virtio_device *device, struct span room)
{
    uint64_t config = device->said->registers + CONFIG;
    for (size_t i = 0; i < room.length_bytes; i++)
        room.bytes[i] = *(volatile uint8_t *)(uintptr_t)(config + i); // NOLINT
}

/* 2.5: what was read while it changed is read again. */
static void mmio_read_config(struct virtio_device *device, struct span room)
{
    uint32_t generation;
    unsigned tries = 0;
    do {
        generation = get(device, CONFIG_GENERATION);
        read_bytes(device, room);
    } while (get(device, CONFIG_GENERATION) != generation && ++tries < RESET_READS);
}

static uint32_t mmio_config_generation(struct virtio_device *device)
{
    return get(device, CONFIG_GENERATION);
}

static uint32_t mmio_queue_size_max(struct virtio_device *device, unsigned index)
{
    set(device, QUEUE_SELECT, index);
    return get(device, QUEUE_SIZE_MAX);
}

/* 4.2.3.2. A device that has no room for the length that it has told of stays without. */
static void mmio_set_queue(struct virtio_device *device, unsigned index,
                           const struct machine_queue *queue)
{
    if (mmio_queue_size_max(device, index) < queue->size) {
        virtio_device_broken(device);
        return;
    }
    device->said->queues[index] = *queue;
    set(device, QUEUE_SIZE, queue->size);
    set_address(device, QUEUE_DESCRIPTORS, queue->descriptors);
    set_address(device, QUEUE_AVAILABLE, queue->available);
    set_address(device, QUEUE_USED, queue->used);
    set(device, QUEUE_READY, 1);
}

static void mmio_start(struct virtio_device *device)
{
    if (device->is_broken) return;
    set(device, STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
    __atomic_store_n(&device->said->status, MACHINE_DEVICE_READY, __ATOMIC_RELEASE);
}

static void mmio_notify(struct virtio_device *device, unsigned index)
{
    set(device, QUEUE_NOTIFY, index);
}

/* Then it agrees to the same again, so that it can be started. */
static bool mmio_reset(struct virtio_device *device)
{
    if (!stop(device)) return false;
    device->said->status = 0;
    return mmio_accept(device, device->features);
}

const struct virtio_transport virtio_mmio = {
    .offered = mmio_offered,
    .accept = mmio_accept,
    .read_config = mmio_read_config,
    .config_generation = mmio_config_generation,
    .queue_size_max = mmio_queue_size_max,
    .set_queue = mmio_set_queue,
    .start = mmio_start,
    .notify = mmio_notify,
    .reset = mmio_reset,
};
