/* tcp_piece.h - what came out of order: pieces without a hole, found by sequence number and by age.
 *
 * A piece's record stands in the room of its first packet, where the headers were that nobody needs
 * any more, so that a queue without pieces holds no memory for them.
 *
 *     pieces[2] ----------------------> o -------------------------> NULL      a skip list, by
 * start pieces[1] --------> o ----------> o -------------------------> NULL pieces[0] --> o --> o
 * --> o ----> o --> o -------------------> NULL recent -----------------> o -> ... in the order of
 * RFC 2018 4
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_PIECE_H
#define LOOM_TCP_PIECE_H

#include "tcp_core/tcp_receive_queue.h"

struct tcp_piece {
    struct tcp_piece *next[TCP_PIECE_LEVELS];
    struct tcp_piece *newer, *older;
    struct tcp_range range;
    struct tcp_buffers buffers; /* the first one may be empty but for this record */
};

/* Whether a piece may begin with this packet. */
static inline bool tcp_piece_fits(const struct packet *packet)
{
    return packet->offset >= sizeof(struct tcp_piece);
}

/* Where a sequence number belongs. */
struct tcp_piece_place {
    struct tcp_piece *before; /* the last that starts at it or before it; or NULL */
    struct tcp_piece **links[TCP_PIECE_LEVELS]; /* to the first behind it */
};

struct tcp_piece_place tcp_piece_find(struct tcp_receive_queue *queue, uint32_t seq);

/* The first piece behind the place; NULL: none. */
static inline struct tcp_piece *tcp_piece_behind(const struct tcp_piece_place *place)
{
    return *place->links[0];
}

/* Puts a record into the room of the first of the buffers, where it must fit, and the piece into
 * the queue as the one added to last. `place` is that of its start. */
struct tcp_piece *tcp_piece_add(struct tcp_receive_queue *queue,
                                const struct tcp_piece_place *place, struct tcp_range range,
                                struct tcp_buffers buffers);

/* The piece leaves; its buffers are the caller's. */
void tcp_piece_remove(struct tcp_receive_queue *queue, struct tcp_piece *piece);

/* A segment belonged into this piece: it is the one added to last. */
void tcp_piece_touch(struct tcp_receive_queue *queue, struct tcp_piece *piece);

#endif
