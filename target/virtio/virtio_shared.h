/* virtio_shared.h - the transport of our own tender: fields of the boot pages, read at a crossing
 * (MACHINE_SHARED in target/machine/machine.h).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_VIRTIO_SHARED_H
#define LOOM_VIRTIO_SHARED_H

#include "target/virtio/virtio_device.h"

extern const struct virtio_transport virtio_shared;

#endif
