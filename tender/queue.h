/* queue.h - the device's side of a split virtqueue (virtio 1.2, 2.7) in the memory of a guest that
 * may be hostile.
 *
 *     descriptors, available       the guest's: each field is read once, and checked
 *     used                         ours: written, never read
 *
 * Where the rings lie is checked once, at open; nothing that the guest writes later moves them. A
 * chain that is unsound breaks the queue for good: `problem` says why, and nothing is taken from it
 * any more. What has been taken stays in bounds whatever the guest does to its memory meanwhile,
 * but the bytes there may change: what must not change between a check and its use is copied first.
 *
 * A zeroed one has nothing. The guest's memory is given once, and neither moves nor shrinks as long
 * as the queue is used.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_QUEUE_H
#define LOOM_TENDER_QUEUE_H

#include <sys/uio.h>

#include "target/machine/machine.h"
#include "target/machine/virtqueue.h"
#include "tender/device.h"

#define QUEUE_PARTS_MAX MACHINE_CHAIN_MAX

struct queue_available;
struct queue_used;

struct queue {
    struct span memory; /* the guest's */
    uint64_t sealed_from, sealed_end;
    const volatile struct virtq_desc *descriptors;
    const volatile struct queue_available *available;
    volatile struct queue_used *used;
    uint16_t size;
    bool has_indirect;   /* VIRTIO_F_INDIRECT_DESC is accepted */
    uint16_t seen;       /* of the available ring's index: what is before it may be taken */
    uint16_t taken;      /* these three count chains, round and round; */
    uint16_t given;      /* given back into the used ring, */
    uint16_t published;  /* and told of */
    const char *problem; /* in words; NULL: none */
};

/* A chain's buffers, as the host has them: those to be read come first, those to be written behind
 * them (2.7.4.2). None is empty, and all lie in the guest's memory; they may overlap. */
struct queue_chain {
    uint32_t head;
    uint32_t readable_count, writable_count;
    uint32_t readable_bytes, writable_bytes; /* together below 4 GiB (2.7.5) */
    struct iovec parts[QUEUE_PARTS_MAX];
};

/* The chain's parts of either kind. */
static inline const struct iovec *queue_readable(const struct queue_chain *chain)
{
    return chain->parts;
}

static inline const struct iovec *queue_writable(const struct queue_chain *chain)
{
    return &chain->parts[chain->readable_count];
}

/* Takes over a queue that the guest has set up; `said` is our copy. False: it is not sound, and
 * `problem` says why. Tells the guest not to kick (2.7.10): its queues are served when it waits. */
bool queue_open(struct queue *queue, const struct guest_memory *memory,
                const struct machine_queue *said, uint64_t accepted);

/* The next chain that the guest has made available, in order. False: there is none, or the queue is
 * broken. It is the device's until it is given back, or put back. */
bool queue_take(struct queue *queue, struct queue_chain *chain);

/* As if the chain that was taken last had not been taken: it is read anew next time. Again: the one
 * before it. Only for chains since which none was given back that was taken later. */
void queue_put_back(struct queue *queue);

/* The device is done with a chain and has written so many bytes of it, from the first writable one
 * on. In any order. The guest sees it when it is published. */
void queue_give_back(struct queue *queue, uint32_t head, uint32_t written_bytes);

/* Shows the guest what has been given back. True: there was something. Once a burst: each time the
 * guest sees a new index it has to look. */
bool queue_publish(struct queue *queue);

/* Whether the guest wants to be told of what is published (VIRTQ_AVAIL_NO_INTERRUPT, 2.7.7). */
bool queue_wants_notice(const struct queue *queue);

/* Whether the guest has made chains available that are not taken. False for one that is broken. */
bool queue_has_more(struct queue *queue);

#endif
