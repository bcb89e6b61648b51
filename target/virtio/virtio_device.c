/* virtio_device.c - sets devices up, over whichever transport they are reached by.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/virtio_device.h"

#include "base/units.h"
#include "target/virtio/machine_memory.h"
#include "target/virtio/virtio_mmio.h"
#include "target/virtio/virtio_pci.h"
#include "target/virtio/virtio_shared.h"

#define LOG_MODULE "virtio"
#include "log/log.h"

/* Absent (their addresses are NULL) from an image that our tender alone is to start, and weak here
 * alone, so that whoever means one of them has it. */
extern const struct virtio_transport virtio_mmio __attribute__((weak));
extern const struct virtio_transport virtio_pci __attribute__((weak));

static const struct virtio_transport *transport_of(const struct machine_device *said)
{
    switch (said->transport) {
    case MACHINE_SHARED: return &virtio_shared;
    case MACHINE_MMIO: return &virtio_mmio;
    case MACHINE_PCI: return &virtio_pci;
    default: return NULL;
    }
}

static struct view name_of(const struct machine_device *said)
{
    struct view name = VIEW_OF(said->name);
    return view_first(name, view_find_byte(name, 0));
}

static enum result refuse(const struct machine_device *said, const char *why)
{
    log_error("%.*s: this device %s", VIEW_FORMAT(name_of(said)), why);
    return UNSUPPORTED;
}

enum result virtio_device_open(struct virtio_device *device, enum machine_device_kind kind,
                               struct view name)
{
    struct machine_device *said = machine_device_find(kind, name);
    if (said == NULL) {
        log_error("the machine has no device \"%.*s\" of this kind", VIEW_FORMAT(name));
        return NOT_FOUND;
    }
    *device = (struct virtio_device){ .transport = transport_of(said), .said = said };
    if (device->transport == NULL) return refuse(said, "is on a bus that is not ours");
    if (virtio_device_offers(device, VIRTIO_F_VERSION_1) == 0)
        return refuse(said, "is older than virtio 1.0");
    return OK;
}

enum result virtio_device_agree(struct virtio_device *device, uint64_t features)
{
    device->features = features | VIRTIO_F_VERSION_1;
    if (!device->transport->accept(device, device->features))
        return refuse(device->said, "does not agree to the features that it has offered");
    return OK;
}

void virtio_device_start(struct virtio_device *device, const struct virtio_queue *const queues[],
                         unsigned count)
{
    assert_that(count, <=, MACHINE_QUEUES_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct machine_queue place = virtio_queue_place(queues[i]);
        device->transport->set_queue(device, i, &place);
    }
    device->transport->start(device);
}

bool virtio_device_reset(struct virtio_device *device)
{
    if (device->transport->reset(device)) return true;
    log_error("%.*s: this device does not let go of its queues",
              VIEW_FORMAT(name_of(device->said)));
    return false;
}

void virtio_device_broken(struct virtio_device *device)
{
    if (device->is_broken) return;
    device->is_broken = true;
    log_error("%.*s: this device gives back what it was not given, and is not used any more",
              VIEW_FORMAT(name_of(device->said)));
}
