/* tcp_receive_queue.h - what has come and has not been read: the bytes in order, and pieces out of
 * order that wait for a hole to be filled.
 *
 *     first          last      rcv_nxt                                           window.edge
 *     [packet]->[packet]          | hole | [piece: packet->packet] | hole | [piece: packet] |
 *
 * The packets that came are linked in as they are; bytes are copied only where that makes many
 * small segments fit into few buffers. What a connection can make us hold is bounded: buffers count
 * whole, and at every moment
 *
 *     buffers held  +  enough for what is still promised, packed tightly  <=  2 x window.limit
 *
 * A promise (the window) is given only where this holds, and data comes in only if it still holds
 * after it. So bytes in order always find their place, and what is out of order is never thrown
 * away once it is in: where there is no room, or no place among at most TCP_PIECES_MAX, the newest
 * is dropped as it comes. Buffers are the stack's: where they grow scarce, a queue takes no more
 * than a share of those left; out of order data feels it first.
 *
 * Where segments overlap, the bytes that were there first stay.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_RECEIVE_QUEUE_H
#define LOOM_TCP_RECEIVE_QUEUE_H

#include "packet/packet.h"
#include "tcp_core/tcp_receive_window.h"
#include "tcp_core/tcp_sequence.h"

/* Each is found in some twenty steps. A slow start that outruns its path loses every other segment
 * for a round trip; with 1,460 bytes each this holds what was left of 3 MB. */
#define TCP_PIECES_MAX   1024
#define TCP_PIECE_LEVELS 3

struct tcp_piece;

/* Packets linked by `next`, none of them empty. */
struct tcp_buffers {
    struct packet *first, *last;
};

/* A zeroed queue is an empty one, and an empty one holds nothing. */
struct tcp_receive_queue {
    struct tcp_buffers in_order;
    struct tcp_piece *pieces[TCP_PIECE_LEVELS]; /* by sequence number: a skip list's heads */
    struct tcp_piece *recent;                   /* the piece that was added to last (RFC 2018 4) */
    uint32_t length_bytes;                      /* in order */
    uint32_t out_of_order_bytes;
    uint32_t buffer_count; /* packets held, of both */
    uint16_t piece_count;
    uint16_t dice;              /* from which the pieces' levels are drawn */
    struct tcp_range duplicate; /* came twice and was not yet told (RFC 2883); empty: none */
};
static_assert(sizeof(struct tcp_receive_queue) == 72, "an idle connection is to cost little");

/* What one segment did. */
struct tcp_insertion {
    uint32_t advanced_bytes; /* rcv_nxt is to move so far; more than came where a hole was filled */
    uint32_t out_of_order_bytes; /* new, and behind a hole */
    uint32_t duplicate_bytes;
    uint32_t dropped_bytes; /* at its end, for which there was no room */
};

/* Takes the packet, which starts with the segment's payload: `range` says where it belongs and is
 * not empty; what lies outside [rcv_nxt, window->edge) is cut off. An acknowledgement is due at
 * once (RFC 5681 4.2) unless all of it was in order and no piece is left: see
 * tcp_insertion_is_plain. */
struct tcp_insertion tcp_receive_queue_insert(struct tcp_receive_queue *queue,
                                              struct packet *packet, struct tcp_range range,
                                              uint32_t rcv_nxt,
                                              const struct tcp_receive_window *window);

/* Whether the segment came in order, filled no hole and left none: its acknowledgement may wait. */
static inline bool tcp_insertion_is_plain(const struct tcp_insertion *insertion,
                                          const struct tcp_receive_queue *queue,
                                          uint32_t segment_bytes)
{
    return insertion->advanced_bytes == segment_bytes && queue->piece_count == 0;
}

/* A segment outside the window repeated these bytes: the next acknowledgement says so (RFC 2883
 * 4). Of a range that was not all received before `rcv_nxt` nothing is told. */
void tcp_receive_queue_note_duplicate(struct tcp_receive_queue *queue, struct tcp_range range,
                                      uint32_t rcv_nxt);

/* Whether an acknowledgement has blocks to carry. */
static inline bool tcp_receive_queue_has_blocks(const struct tcp_receive_queue *queue)
{
    return queue->piece_count > 0 || range_bytes(queue->duplicate) > 0;
}

/* What ends before `end` has been added to again, as by a FIN: it is told of first. */
void tcp_receive_queue_recall(struct tcp_receive_queue *queue, uint32_t end);

/* The blocks of the next acknowledgement, at most `max`, and gives how many: what came twice first,
 * once (RFC 2883 4); then the pieces, those added to last first (RFC 2018 4). */
size_t tcp_receive_queue_blocks(struct tcp_receive_queue *queue, struct tcp_range blocks[],
                                size_t max);

/* The next bytes in order, as far as a buffer goes; empty: none. They stay in place until they are
 * consumed, whatever comes in. */
static inline struct view tcp_receive_queue_peek(const struct tcp_receive_queue *queue)
{
    if (queue->in_order.first == NULL) return (struct view){ 0 };
    return packet_view(queue->in_order.first);
}

/* Takes bytes away that may be of several buffers; they must be there. */
void tcp_receive_queue_consume(struct tcp_receive_queue *queue, size_t length_bytes);

void tcp_receive_queue_clear(struct tcp_receive_queue *queue);

#endif
