/* virtio_pci.h - devices on a PCI bus (virtio 1.2, 4.1), as QEMU's q35 and pc and Cloud Hypervisor
 * have them. The monitor has found them (target/monitor/pci.c).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_VIRTIO_PCI_H
#define LOOM_VIRTIO_PCI_H

#include "target/virtio/virtio_device.h"

extern const struct virtio_transport virtio_pci;

#endif
