/* virtio_pci.c - devices on a PCI bus, by the structures that the monitor has found.
 *
 * As with registers in memory each access leaves the machine, and the notification is the only one
 * of a hot path. Interrupts come by MSI-X and want no acknowledgement.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/virtio_pci.h"

#include "base/units.h"

/* virtio 1.2, 4.1.4.3: of 4 bytes, but those with a width in their comment. */
enum pci_common {
    DEVICE_FEATURE_SELECT = 0,
    DEVICE_FEATURE = 4,
    DRIVER_FEATURE_SELECT = 8,
    DRIVER_FEATURE = 12,
    CONFIG_VECTOR = 16,     /* 2 */
    STATUS = 20,            /* 1 */
    CONFIG_GENERATION = 21, /* 1 */
    QUEUE_SELECT = 22,      /* 2, as all that follow it */
    QUEUE_SIZE = 24,
    QUEUE_VECTOR = 26,
    QUEUE_ENABLE = 28,
    QUEUE_NOTIFY_OFF = 30,
    QUEUE_DESCRIPTORS = 32, /* 8, as these */
    QUEUE_DRIVER = 40,
    QUEUE_DEVICE = 48,
};
static_assert(QUEUE_DEVICE + 8 == MACHINE_PCI_COMMON_BYTES, "what the monitor has mapped");

/* 2.1. */
#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER      2u
#define STATUS_DRIVER_OK   4u
#define STATUS_FEATURES_OK 8u

#define RESET_READS  1000
#define NOTIFY_BYTES 2u

static struct machine_pci places_of(const struct virtio_device *device)
{
    struct machine_pci places;
    (void)span_copy(SPAN_OF(places), view_first(VIEW_OF(device->said->config), sizeof places));
    return places;
}

static volatile void *common_at(const struct virtio_device *device, enum pci_common place)
{
    return (volatile void *)(uintptr_t)(device->said->registers + place); // NOLINT
}

static uint8_t get_8(const struct virtio_device *device, enum pci_common place)
{
    return *(volatile uint8_t *)common_at(device, place);
}

static uint16_t get_16(const struct virtio_device *device, enum pci_common place)
{
    return *(volatile uint16_t *)common_at(device, place);
}

static uint32_t get_32(const struct virtio_device *device, enum pci_common place)
{
    return *(volatile uint32_t *)common_at(device, place);
}

static void set_8(const struct virtio_device *device, enum pci_common place, uint8_t value)
{
    *(volatile uint8_t *)common_at(device, place) = value;
}

static void set_16(const struct virtio_device *device, enum pci_common place, uint16_t value)
{
    *(volatile uint16_t *)common_at(device, place) = value;
}

static void set_32(const struct virtio_device *device, enum pci_common place, uint32_t value)
{
    *(volatile uint32_t *)common_at(device, place) = value;
}

/* 4.1.3.1: in halves. */
static void set_address(const struct virtio_device *device, enum pci_common place, uint64_t address)
{
    volatile uint32_t *halves = common_at(device, place);
    halves[0] = (uint32_t)address;
    halves[1] = (uint32_t)(address >> 32);
}

static uint64_t pci_offered(struct virtio_device *device)
{
    set_32(device, DEVICE_FEATURE_SELECT, 0);
    uint64_t features = get_32(device, DEVICE_FEATURE);
    set_32(device, DEVICE_FEATURE_SELECT, 1);
    return features | (uint64_t)get_32(device, DEVICE_FEATURE) << 32;
}

/* 4.1.4.3.2: it is reset when it reads as 0. */
static bool stop(struct virtio_device *device)
{
    set_8(device, STATUS, 0);
    for (unsigned reads = 0; reads < RESET_READS; reads++)
        if (get_8(device, STATUS) == 0) return true;
    return false;
}

/* 4.1.5.1.2.2: a device that has no room for the vector reads otherwise. */
static bool set_vector(struct virtio_device *device, enum pci_common place)
{
    const uint16_t vector = places_of(device).vector;
    set_16(device, place, vector);
    return get_16(device, place) == vector;
}

/* 3.1.1, up to the sixth step. */
static bool pci_accept(struct virtio_device *device, uint64_t features)
{
    const uint8_t status = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
    if (!stop(device)) return false;
    set_8(device, STATUS, STATUS_ACKNOWLEDGE);
    set_8(device, STATUS, status);
    set_32(device, DRIVER_FEATURE_SELECT, 0);
    set_32(device, DRIVER_FEATURE, (uint32_t)features);
    set_32(device, DRIVER_FEATURE_SELECT, 1);
    set_32(device, DRIVER_FEATURE, (uint32_t)(features >> 32));
    set_8(device, STATUS, status | STATUS_FEATURES_OK);
    device->said->accepted = features;
    return (get_8(device, STATUS) & STATUS_FEATURES_OK) != 0 && set_vector(device, CONFIG_VECTOR);
}

/* What the device has not got reads as 0. */
static void read_bytes(const struct machine_pci *places, struct span room)
{
    span_fill(room, 0);
    room = span_first(room, MIN(room.length_bytes, places->device_bytes));
    for (size_t i = 0; i < room.length_bytes; i++)
        room.bytes[i] = *(volatile uint8_t *)(uintptr_t)(places->device + i); // NOLINT
}

/* 4.1.4.3.1: what was read while it changed is read again. */
static void pci_read_config(struct virtio_device *device, struct span room)
{
    const struct machine_pci places = places_of(device);
    uint8_t generation;
    unsigned tries = 0;
    do {
        generation = get_8(device, CONFIG_GENERATION);
        read_bytes(&places, room);
    } while (get_8(device, CONFIG_GENERATION) != generation && ++tries < RESET_READS);
}

static uint32_t pci_config_generation(struct virtio_device *device)
{
    return get_8(device, CONFIG_GENERATION);
}

static uint32_t pci_queue_size_max(struct virtio_device *device, unsigned index)
{
    set_16(device, QUEUE_SELECT, (uint16_t)index);
    return get_16(device, QUEUE_SIZE);
}

/* 4.1.4.4: of the queue that is selected. False: it lies outside of the notification structure. */
static bool find_notify_place(struct virtio_device *device, unsigned index)
{
    const struct machine_pci places = places_of(device);
    uint64_t offset = (uint64_t)get_16(device, QUEUE_NOTIFY_OFF) * places.notify_multiplier;
    if (offset % NOTIFY_BYTES != 0 || places.notify_bytes < NOTIFY_BYTES) return false;
    if (offset > places.notify_bytes - NOTIFY_BYTES) return false;
    device->notify_places[index] = places.notify + offset;
    return true;
}

/* 4.1.5.1.3. A device that has no room for the length that it has told of, or for the vector, stays
 * without. */
static void pci_set_queue(struct virtio_device *device, unsigned index,
                          const struct machine_queue *queue)
{
    if (pci_queue_size_max(device, index) < queue->size || !find_notify_place(device, index) ||
        !set_vector(device, QUEUE_VECTOR)) {
        virtio_device_broken(device);
        return;
    }
    device->said->queues[index] = *queue;
    set_16(device, QUEUE_SIZE, (uint16_t)queue->size);
    set_address(device, QUEUE_DESCRIPTORS, queue->descriptors);
    set_address(device, QUEUE_DRIVER, queue->available);
    set_address(device, QUEUE_DEVICE, queue->used);
    set_16(device, QUEUE_ENABLE, 1);
}

static void pci_start(struct virtio_device *device)
{
    if (device->is_broken) return;
    set_8(device, STATUS,
          STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
    __atomic_store_n(&device->said->status, MACHINE_DEVICE_READY, __ATOMIC_RELEASE);
}

static void pci_notify(struct virtio_device *device, unsigned index)
{
    *(volatile uint16_t *)(uintptr_t)device->notify_places[index] = (uint16_t)index; // NOLINT
}

/* Then it agrees to the same again, so that it can be started. */
static bool pci_reset(struct virtio_device *device)
{
    if (!stop(device)) return false;
    device->said->status = 0;
    return pci_accept(device, device->features);
}

const struct virtio_transport virtio_pci = {
    .offered = pci_offered,
    .accept = pci_accept,
    .read_config = pci_read_config,
    .config_generation = pci_config_generation,
    .queue_size_max = pci_queue_size_max,
    .set_queue = pci_set_queue,
    .start = pci_start,
    .notify = pci_notify,
    .reset = pci_reset,
};
