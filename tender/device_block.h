/* device_block.h - a disk of the machine (virtio 1.2, 5.2) in a file of the host, or on one of its
 * block devices.
 *
 * Requests are carried out straight between the file and the guest's memory, while the guest stands
 * still: reads and writes that follow each other by one call of the host. What the host cannot do
 * is told in the request's status and never ends the guest.
 *
 * Once a flush has been told, what was written and told before it is on the disk. A guest that does
 * not accept VIRTIO_BLK_F_FLUSH has each write there before it is told (5.2.6.2).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_DEVICE_BLOCK_H
#define LOOM_TENDER_DEVICE_BLOCK_H

#include "tender/block_run.h"

/* Parts of a request's data: the header and the status have one each. */
#define BLOCK_DATA_PARTS_MAX (QUEUE_PARTS_MAX - 2)

#define BLOCK_DISCARD_RANGES_MAX 16

/* Of one request's data; one with more is refused. Parts may overlap, so a chain can ask for 4 GiB
 * of a guest that has little, and no signal is heard meanwhile. An image asks for 1 MiB at most
 * (lib/block). */
#define BLOCK_REQUEST_DATA_MAX ((uint32_t)16 << 20)

/* So much is read and written while it is served once, and a request more: the machine is also to
 * hear of other things. */
#define BLOCK_TURN_BYTES_MAX ((uint64_t)64 << 20)

struct device_block {
    struct device device;
    struct block_store store;
    uint64_t offered;
    bool writes_through; /* each write lasts once it is told */
    bool told_failure;   /* on stderr */
    struct queue queue;
    struct queue_chain chain;
    struct block_run run; /* empty, but while it is served */
    struct iovec data[QUEUE_PARTS_MAX];
    uint64_t failures;
};

/* The store belongs to the device from now on. Fills the device's place in the boot page. */
void device_block_open(struct device_block *block, struct machine_device *shared, struct view name,
                       const struct block_store *store);

#endif
