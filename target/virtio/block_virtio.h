/* block_virtio.h - a block that is a disk of the machine (virtio 1.2, 5.2).
 *
 * What is submitted goes out together, when every fiber that can run has run, as far as the ring
 * has room; the rest waits, in order. Data stays where it lies: a descriptor for each part.
 *
 *     waiting --> ring: header | parts | status --> used --> told
 *
 * A request of more parts than the device takes, or of longer ones, becomes several chains, and
 * goes out bit by bit where the ring has no room for all of them. A device that cannot flush keeps
 * what it has told (5.2.6.2), and one that cannot discard is not asked to, or to write zeros where
 * that gives the blocks back; of a discard in more ranges than the header of a chain has room for
 * the rest is left as it is. How the blocks lie on what is behind the device
 * (VIRTIO_BLK_F_TOPOLOGY) is not asked, as `block` has nobody who would write otherwise for it.
 *
 * A disk that has grown or shrunk while it is used has more or fewer blocks from then on.
 *
 * The device is not trusted: one that gives back what it was not given is reset, all that was under
 * way fails, and so does all that comes.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BLOCK_VIRTIO_H
#define LOOM_BLOCK_VIRTIO_H

#include "block/block.h"
#include "fiber/fiber.h"
#include "target/virtio/machine_poller.h"
#include "target/virtio/virtio_watch.h"

#define BLOCK_VIRTIO_RANGES_MAX 4

struct block_virtio_chain;

/* How far the request is that is first in `waiting`. */
struct block_virtio_cut {
    struct block_request *request; /* NULL: it has not begun */
    size_t part, done_bytes;       /* of that part */
    uint64_t sector;
};

struct block_virtio {
    struct block block;
    struct virtio_device device;
    struct virtio_queue queue;
    struct machine_poller poller;
    struct list waiting;
    struct deferred turn;              /* in which what waits goes out */
    struct block_virtio_chain *chains; /* by their heads */
    struct span memory;
    struct virtio_watch watch; /* of its size */
    struct block_virtio_cut cut;
    size_t parts_max, part_bytes_max; /* of one chain's data */
    uint64_t discard_blocks_max;      /* of one range */
    size_t discard_ranges_max;        /* 0: it cannot */
    uint32_t discard_type, discard_flags;
    struct view *readable; /* of the chain that is being added: BLOCK_PARTS_MAX + 1 each */
    struct span *writable;
};

/* Opens the disk `name` of the machine. NOT_FOUND, UNSUPPORTED, FULL; INVALID: it is no disk of
 * blocks that we know. The log says what is wrong. */
enum result block_virtio_open(struct block_virtio *disk, struct view name) CHECKED;

/* No request may be under way. */
void block_virtio_close(struct block_virtio *disk);

/* ---- within block_virtio ---- */

/* Its size, and what it takes at once. INVALID as above. */
enum result block_virtio_take_config(struct block_virtio *disk) CHECKED;
bool block_virtio_config_changed(struct virtio_watch *watch);

#endif
