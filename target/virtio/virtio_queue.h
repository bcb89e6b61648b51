/* virtio_queue.h - the driver's side of a split virtqueue (virtio 1.2, 2.7).
 *
 * What the driver knows of its chains lies in memory of its own; the device sees copies of it. Of
 * what the device writes each field is read once and checked: a device that gives back what it was
 * not given, or claims to have written more than it was given room for, is broken, and its queue
 * takes and gives nothing any more.
 *
 *     add, add, ... publish         chains become visible to the device, a burst at a time
 *     take_used, take_used, ...     chains that the device has done with, in its order
 *
 * A chain is known by its head, the index of its first descriptor, below `size`: who needs to know
 * more of it keeps an array of its own, indexed by that.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_VIRTIO_QUEUE_H
#define LOOM_VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"
#include "base/view.h"
#include "target/machine/machine.h"
#include "target/machine/virtqueue.h"

struct virtio_chain;

struct virtio_queue {
    struct virtq_desc *descriptors; /* these the device sees */
    struct virtq_ring *available, *used;
    uint16_t *available_heads, *used_event; /* parts of `available`: the second is its end */
    struct virtq_used_element *used_elements;
    uint16_t *available_event; /* the end of `used` */
    struct virtq_desc *tables; /* indirect ones, of `table_parts` each */

    struct virtio_chain *chains; /* by index of descriptor */
    uint16_t *free_tables;
    uint16_t table_count, table_parts, free_table_count;
    uint64_t slide;
    uint16_t size;
    uint16_t room; /* free descriptors */
    uint16_t first_free;
    uint16_t added_index, published_index; /* of the available ring; they wrap at 2^16 */
    uint16_t used_index, seen_index;       /* taken; and seen to have been used */
    uint16_t given_count;                  /* chains that were published and have not come back */
    bool has_event_index;
    bool is_broken;
    struct span memory;
};

struct virtio_queue_options {
    uint16_t size; /* a power of two, at most MACHINE_QUEUE_SIZE_MAX */
    bool has_event_index;
    /* With VIRTIO_F_INDIRECT_DESC: so many tables for chains of up to so many parts. */
    uint16_t table_count, table_parts;
};

/* Takes memory for it. FULL: there is not so much. */
COLD enum result virtio_queue_open(struct virtio_queue *queue,
                                   const struct virtio_queue_options *options) CHECKED;
/* An empty one is ignored. */
void virtio_queue_close(struct virtio_queue *queue);

/* Where its rings are, for the device. */
struct machine_queue virtio_queue_place(const struct virtio_queue *queue);

/* Forgets all chains: the device has let go of the queue, or has not had it yet. */
void virtio_queue_reset(struct virtio_queue *queue);

/* The head that the next chain will have, where there is room for one. */
static inline uint16_t virtio_queue_next_head(const struct virtio_queue *queue)
{
    return queue->first_free;
}

/* Whether a chain of so many parts goes into a table and takes one descriptor of the queue: where
 * it would take more than a quarter of those that are free. Devices have to map each table, so that
 * a queue that is not short of room is faster without: QEMU's card by some per cent. */
static inline bool virtio_queue_has_table(const struct virtio_queue *queue, size_t part_count)
{
    return part_count > 1 && 4 * part_count > queue->room && part_count <= queue->table_parts &&
           queue->free_table_count > 0;
}

/* Whether a chain of so many parts can be added now. */
static inline bool virtio_queue_has_room(const struct virtio_queue *queue, size_t part_count)
{
    return queue->room >= (virtio_queue_has_table(queue, part_count) ? 1 : part_count);
}

/* Adds a chain: parts for the device to read, then parts for it to write, at least one in all and
 * no more than there is room for; none is empty. They stay as they are until the chain comes back.
 * Gives its head. */
uint16_t virtio_queue_add(struct virtio_queue *queue, const struct view readable[],
                          size_t readable_count, const struct span writable[],
                          size_t writable_count);

/* Shows the device what was added. True: it asks to be notified. */
bool virtio_queue_publish(struct virtio_queue *queue);

/* The next chain that the device has done with, whose descriptors are free again, and how many
 * bytes it says that it has written, at most those there was room for. False: none now. */
bool virtio_queue_take_used(struct virtio_queue *queue, uint16_t *head, uint32_t *written_bytes);

/* How many of those wait. */
uint16_t virtio_queue_used_count(struct virtio_queue *queue);

/* Whether the device is to interrupt when it has done with another chain. True, where it is: it has
 * done with one already. */
bool virtio_queue_interrupts(struct virtio_queue *queue, bool are_wanted);

#endif
