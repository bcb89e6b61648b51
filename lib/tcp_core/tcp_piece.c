/* tcp_piece.c - pieces out of order: a skip list by sequence number, and a list by age.
 *
 * A list alone would cost a peer who sends in random order nothing and us a walk over a thousand
 * records a segment. How high a piece stands is drawn from a generator that he could follow, and by
 * filling holes he could leave the low ones: then a step is a step again, and TCP_PIECES_MAX bounds
 * it.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_piece.h"

static struct tcp_piece **link_behind(struct tcp_receive_queue *queue, struct tcp_piece *piece,
                                      size_t level)
{
    return piece == NULL ? &queue->pieces[level] : &piece->next[level];
}

struct tcp_piece_place tcp_piece_find(struct tcp_receive_queue *queue, uint32_t seq)
{
    struct tcp_piece_place place = { 0 };
    for (size_t level = TCP_PIECE_LEVELS; level-- > 0;) {
        struct tcp_piece **link = link_behind(queue, place.before, level);
        while (*link != NULL && sequence_at_most((*link)->range.start, seq)) {
            place.before = *link;
            link = &place.before->next[level];
        }
        place.links[level] = link;
    }
    return place;
}

/* One in eight stands a level higher, as 1,024 = 16 x 8 x 8 wants it. The generator's high bits are
 * the good ones. */
static size_t draw_levels(struct tcp_receive_queue *queue)
{
    queue->dice = (uint16_t)(queue->dice * 25173u + 13849u);
    if (queue->dice >> 13 != 0) return 1;
    return (queue->dice >> 10 & 7) != 0 ? 2 : 3;
}

static void add_recent(struct tcp_receive_queue *queue, struct tcp_piece *piece)
{
    piece->newer = NULL;
    piece->older = queue->recent;
    if (queue->recent != NULL) queue->recent->newer = piece;
    queue->recent = piece;
}

static void remove_recent(struct tcp_receive_queue *queue, struct tcp_piece *piece)
{
    if (piece->newer == NULL) {
        queue->recent = piece->older;
    } else {
        piece->newer->older = piece->older;
    }
    if (piece->older != NULL) piece->older->newer = piece->newer;
}

struct tcp_piece *tcp_piece_add(struct tcp_receive_queue *queue,
                                const struct tcp_piece_place *place, struct tcp_range range,
                                struct tcp_buffers buffers)
{
    assert(tcp_piece_fits(buffers.first));
    void *room = buffers.first->room;
    struct tcp_piece *piece = room;
    *piece = (struct tcp_piece){ .range = range, .buffers = buffers };
    size_t levels = draw_levels(queue);
    for (size_t level = 0; level < levels; level++) {
        piece->next[level] = *place->links[level];
        *place->links[level] = piece;
    }
    add_recent(queue, piece);
    queue->piece_count++;
    return piece;
}

void tcp_piece_remove(struct tcp_receive_queue *queue, struct tcp_piece *piece)
{
    struct tcp_piece_place place = tcp_piece_find(queue, piece->range.start - 1);
    for (size_t level = 0; level < TCP_PIECE_LEVELS; level++) {
        if (*place.links[level] == piece) *place.links[level] = piece->next[level];
    }
    remove_recent(queue, piece);
    queue->piece_count--;
}

void tcp_piece_touch(struct tcp_receive_queue *queue, struct tcp_piece *piece)
{
    if (queue->recent == piece) return;
    remove_recent(queue, piece);
    add_recent(queue, piece);
}
