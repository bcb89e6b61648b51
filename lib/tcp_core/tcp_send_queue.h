/* tcp_send_queue.h - what the application handed over and the peer has not acknowledged: a chain of
 * chunks, copied bytes and loans in the order in which they came.
 *
 *      first                                                last
 *     +--------------+    +------------------------+    +------------------+
 *     | packet       |    | lent record            |    | packet           |
 *     | chunk| bytes |--->| chunk, payload, loan --|-.->| chunk| bytes ..  |
 *     +--------------+    +------------------------+ |  +------------------+
 *        ^ snd_una                                   v      new bytes go here
 *                                        the application's bytes
 *
 * Segments borrow from it and never copy. A chunk lives until its bytes are acknowledged and no
 * packet borrows from it any more, whichever comes last: a retransmission may still be in the net's
 * ring when the acknowledgement of the first transmission comes in.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_SEND_QUEUE_H
#define LOOM_TCP_SEND_QUEUE_H

#include "base/loan.h"
#include "packet/packet.h"

struct tcp_chunk;
struct tcp_lent;

/* A stack's: where the buffers and the loans' records come from. */
struct tcp_send_pool {
    struct packet_pool *packets;
    uint64_t limit_bytes; /* a connection's unacknowledged and unsent bytes */
    struct span memory;   /* of the loans' records */
    struct tcp_lent *free;
    size_t count, free_count;
    size_t touched_count; /* those behind the first so many were never taken */
};

/* Takes memory for the records of `loan_count` loans. FULL: there is not so much. */
enum result tcp_send_pool_open(struct tcp_send_pool *pool, struct packet_pool *packets,
                               uint64_t limit_bytes, size_t loan_count) CHECKED;

/* Every loan is back: close it after the net has dropped its packets. */
void tcp_send_pool_close(struct tcp_send_pool *pool);

/* A zeroed queue is an empty one, and an empty one holds nothing. Positions count all bytes ever
 * queued and do not wrap. */
struct tcp_send_queue {
    struct tcp_chunk *first, *last;
    struct tcp_chunk *sent;   /* where the farthest borrow ended: new data is sent from there */
    struct tcp_chunk *resent; /* where the last one before it ended: retransmissions go on there */
    uint64_t start;           /* position of the first byte, which is snd_una's */
    uint64_t length_bytes;    /* not acknowledged */
    uint32_t buffer_count;    /* packets held */
    uint32_t loan_count;      /* records held */
};
static_assert(sizeof(struct tcp_send_queue) == 56, "an idle connection is to cost little");

/* The number of bytes that a copy or a loan may add; 0: WRITABLE once the peer has acknowledged. */
static inline uint64_t tcp_send_queue_room(const struct tcp_send_queue *queue,
                                           const struct tcp_send_pool *pool)
{
    return queue->length_bytes < pool->limit_bytes ? pool->limit_bytes - queue->length_bytes : 0;
}

/* Whether a buffer would be given for a copy now, whatever the limit. While they are scarce a queue
 * holds no more than are left but for an eighth of the pool, so that those who send to a peer that
 * does not read leave some to the others; out of that eighth everybody has one. A quarter of the
 * pool is kept from all of them. */
static inline bool tcp_send_queue_may_copy(const struct tcp_send_queue *queue,
                                           const struct tcp_send_pool *pool)
{
    size_t left = packet_pool_left(pool->packets, PACKET_FOR_DATA);
    return queue->buffer_count == 0 ? left > 0
                                    : queue->buffer_count + pool->packets->count / 8 <= left;
}

/* And a record for a loan: a queue holds no more than are free. */
static inline bool tcp_send_queue_may_lend(const struct tcp_send_queue *queue,
                                           const struct tcp_send_pool *pool)
{
    return queue->loan_count < pool->free_count;
}

/* Copies what there is room for and gives how much: less than all when the queue is at its limit,
 * or no buffer is given. */
size_t tcp_send_queue_copy(struct tcp_send_queue *queue, struct tcp_send_pool *pool,
                           struct view bytes);

/* Takes the loan whatever its length (not 0). Its `done` is called once its bytes are acknowledged,
 * or the queue is cleared, and no packet borrows from it any more: that may be inside
 * tcp_send_queue_acknowledge, _clear or packet_drop. FULL: the queue is at its limit, or no record
 * is given. */
enum result tcp_send_queue_lend(struct tcp_send_queue *queue, struct tcp_send_pool *pool,
                                struct loan *loan) CHECKED;

/* Attaches up to `length_bytes` from `offset_bytes` behind snd_una to the end of `packet`, whose
 * header is pushed in front later, and gives how many: fewer only where the packet has its most
 * fragments or no room for another. Short ones are copied instead: that is cheaper than a fragment.
 * All of the range must be in the queue. */
size_t tcp_send_queue_borrow(struct tcp_send_queue *queue, uint64_t offset_bytes,
                             size_t length_bytes, struct packet *packet);

/* The first `length_bytes` are acknowledged; they must be there. */
void tcp_send_queue_acknowledge(struct tcp_send_queue *queue, uint64_t length_bytes);

/* Lets go of all. */
void tcp_send_queue_clear(struct tcp_send_queue *queue);

#endif
