/* virtio_mmio.h - devices behind registers in memory (virtio 1.2, 4.2), as QEMU's microvm and
 * Firecracker have them.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_VIRTIO_MMIO_H
#define LOOM_VIRTIO_MMIO_H

#include "target/virtio/virtio_device.h"

extern const struct virtio_transport virtio_mmio;

#endif
