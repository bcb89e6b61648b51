/* tcp_receive_queue.c - what has come and has not been read.
 *
 * A segment is taken in from its front: a part that was there already, a part that fills (some of)
 * a hole, and so on until it ends. Each round of that either takes bytes in for the first time or
 * passes those of a piece that is thereby joined with the one before it, so the work is paid for by
 * the segments that came earlier.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_receive_queue.h"

#include "base/units.h"
#include "tcp_core/tcp_piece.h"
#include "tcp_core/tcp_receive_budget.h"

/* So few bytes are copied behind the last ones while there is room: cheaper than a buffer held. */
#define SHORT_BYTES 512

/* A part of a buffer that goes into another one; the rest follows. */
#define PART_BYTES_MAX ((uint32_t)1536)
static_assert(PART_BYTES_MAX <= PACKET_PAYLOAD_MAX - sizeof(struct fragment), "fits a new packet");

/* A segment on its way into the queue. */
struct intake {
    struct tcp_receive_queue *queue;
    struct packet *frame;    /* what is left of it; NULL: nothing */
    struct tcp_range range;  /* where that belongs */
    uint32_t rcv_nxt;        /* as it moves */
    uint32_t promised_bytes; /* in the window, and nothing there yet */
    uint32_t limit_bytes;
    struct tcp_insertion done;
};

/* ---- what is left of the segment ---- */

/* Takes bytes off the front; empty packets go. */
static void pass(struct intake *intake, uint32_t length_bytes)
{
    struct packet *packet = intake->frame;
    intake->range.start += length_bytes;
    while (packet != NULL && length_bytes >= packet->length_bytes) {
        length_bytes -= packet->length_bytes;
        struct packet *rest = packet->rest;
        packet->rest = NULL;
        packet_drop(packet);
        packet = rest;
    }
    intake->frame = packet;
    assert(packet != NULL || length_bytes == 0);
    if (length_bytes > 0) packet_pull(packet, length_bytes);
}

/* Fits the segment into the window (RFC 9293 3.10.7.4: it is trimmed to what is new). */
static void trim_end(struct intake *intake, uint32_t end)
{
    if (!sequence_before(end, intake->range.end)) return;
    uint32_t kept_bytes = sequence_before(intake->range.start, end) ? end - intake->range.start : 0;
    packet_trim(intake->frame, kept_bytes);
    intake->range.end = intake->range.start + kept_bytes;
}

/* A queue writes into the rooms of its packets, so it must be the only one who does, and fragments
 * are somebody's whose memory it must not hold up: such frames are copied. They come from the same
 * process, over net_loop and its like. */
static bool is_own(const struct packet *packet)
{
    for (; packet != NULL; packet = packet->rest) {
        if (packet->fragment_count > 0 || packet->payload.references > 1) return false;
    }
    return true;
}

static void make_own(struct intake *intake)
{
    if (is_own(intake->frame)) return;
    struct packet *copy = packet_copy(intake->frame, intake->frame->pool, PACKET_FOR_RECEIVE);
    packet_drop(intake->frame);
    intake->frame = copy;
    if (copy == NULL) intake->done.dropped_bytes = range_bytes(intake->range);
}

static void drop_left(struct intake *intake)
{
    intake->done.dropped_bytes += range_bytes(intake->range);
    if (intake->frame != NULL) packet_drop(intake->frame);
    intake->frame = NULL;
}

/* ---- buffers ---- */

static void link_packet(struct tcp_buffers *buffers, struct packet *packet)
{
    packet->next = NULL;
    if (buffers->last == NULL) {
        buffers->first = packet;
    } else {
        buffers->last->next = packet;
    }
    buffers->last = packet;
}

/* Takes the first packet out and drops it. */
static void drop_first(struct tcp_receive_queue *queue, struct tcp_buffers *buffers)
{
    struct packet *packet = buffers->first;
    buffers->first = packet->next;
    if (buffers->first == NULL) buffers->last = NULL;
    queue->buffer_count--;
    packet_drop(packet);
}

static void drop_all(struct tcp_receive_queue *queue, struct tcp_buffers *buffers)
{
    while (buffers->first != NULL)
        drop_first(queue, buffers);
}

static size_t room_behind(const struct tcp_buffers *buffers)
{
    return buffers->last == NULL ? 0 : packet_room_behind(buffers->last);
}

/* Moves all of `from` behind `to`; a few bytes are copied, so that their buffers come free. The
 * first may be empty but for a piece's record, which is not needed any more. */
static void join_buffers(struct tcp_receive_queue *queue, struct tcp_buffers *to,
                         struct tcp_buffers from, uint32_t length_bytes)
{
    if (from.first->length_bytes == 0) drop_first(queue, &from);
    if (length_bytes <= SHORT_BYTES && length_bytes <= room_behind(to)) {
        for (struct packet *packet = from.first; packet != NULL; packet = packet->next)
            (void)span_copy(packet_put(to->last, packet->length_bytes), packet_view(packet));
        drop_all(queue, &from);
    } else if (to->last == NULL) {
        *to = from;
    } else {
        to->last->next = from.first;
        to->last = from.last;
    }
}

/* ---- taking bytes in ---- */

/* The part of `packet` at its front that is to come into a buffer of its own: the packet itself
 * where all of it is wanted. NULL: no buffer. */
static struct packet *cut_off(struct intake *intake, uint32_t length_bytes)
{
    struct packet *packet = intake->frame;
    if (length_bytes == packet->length_bytes) {
        intake->frame = packet->rest;
        packet->rest = NULL;
        intake->range.start += length_bytes;
        pass(intake, 0);
        return packet;
    }
    struct packet *part = packet_take(packet->pool, PACKET_FOR_RECEIVE);
    if (part == NULL) return NULL;
    (void)span_copy(packet_put(part, length_bytes), view_first(packet_view(packet), length_bytes));
    pass(intake, length_bytes);
    return part;
}

/* Moves the bytes to where there is the most room behind them. */
static void move_to_front(struct packet *packet)
{
    if (packet->offset <= TCP_BUDGET_OFFSET_MAX) return;
    struct view bytes = packet_view(packet);
    __builtin_memmove(packet->room, bytes.bytes, bytes.length_bytes);
    packet->offset = 0;
}

/* What is left to applications is shared: nobody takes more than half of it, so that it does not
 * run out. Two segments that nobody has read are everybody's, as the window promises them, even
 * where many buffers are held for what waits for a hole to be filled: or it would wait for ever.
 * The last eighth of the pool is for what passes through: acknowledgements in, segments out. */
static bool may_hold_another(const struct intake *intake, bool in_order)
{
    const struct tcp_receive_queue *queue = intake->queue;
    const struct packet_pool *pool = intake->frame->pool;
    size_t left = packet_pool_left(pool, PACKET_FOR_DATA);
    if (!in_order) return queue->buffer_count < left / 4;
    return queue->buffer_count < left / 2 ||
           (queue->length_bytes < PACKET_BYTES && pool->free_count > pool->count / 8);
}

/* Whether all that is promised still finds a place when a buffer more is held for `length_bytes` of
 * it. */
static bool is_affordable(const struct intake *intake, uint32_t length_bytes, uint32_t holes)
{
    const struct tcp_receive_queue *queue = intake->queue;
    uint32_t promised_bytes = intake->promised_bytes - length_bytes;
    return tcp_budget_need(queue->buffer_count + 1, queue->piece_count + holes, promised_bytes) <=
           tcp_budget(intake->limit_bytes);
}

static void fill_last(struct intake *intake, struct tcp_buffers *buffers, uint32_t length_bytes)
{
    struct view bytes = view_first(packet_view(intake->frame), length_bytes);
    (void)span_copy(packet_put(buffers->last, length_bytes), bytes);
    pass(intake, length_bytes);
}

static bool link_first(struct intake *intake, struct tcp_buffers *buffers, uint32_t length_bytes,
                       bool in_order)
{
    if (!may_hold_another(intake, in_order)) return false;
    struct packet *packet = cut_off(intake, length_bytes);
    if (packet == NULL) return false;
    link_packet(buffers, packet);
    intake->queue->buffer_count++;
    return true;
}

/* Takes bytes from the front of the segment into buffers, and gives how many. In plenty packets are
 * linked in as they are. Where that would take from what is promised the last one is filled up
 * first; then what is in order takes a new one, as was reckoned with, and the rest nothing. */
static uint32_t take_in(struct intake *intake, struct tcp_buffers *buffers, uint32_t length_bytes,
                        bool in_order)
{
    uint32_t left_bytes = length_bytes;
    while (left_bytes > 0) {
        uint32_t part_bytes = MIN(left_bytes, intake->frame->length_bytes);
        size_t room_bytes = room_behind(buffers);
        bool affordable = is_affordable(intake, part_bytes, buffers->first == NULL && !in_order);
        if (room_bytes > 0 && (!affordable || part_bytes <= MIN(room_bytes, SHORT_BYTES))) {
            part_bytes = (uint32_t)MIN(part_bytes, room_bytes);
            fill_last(intake, buffers, part_bytes);
        } else {
            if (!affordable && !in_order) break;
            if (part_bytes < intake->frame->length_bytes)
                part_bytes = MIN(part_bytes, PART_BYTES_MAX);
            if (!link_first(intake, buffers, part_bytes, in_order)) break;
            if (!affordable) move_to_front(buffers->last);
        }
        left_bytes -= part_bytes;
        intake->promised_bytes -= part_bytes;
    }
    return length_bytes - left_bytes;
}

/* ---- in order ---- */

/* The first piece begins where what is in order ends. */
static void absorb_first(struct intake *intake)
{
    struct tcp_receive_queue *queue = intake->queue;
    struct tcp_piece *piece = queue->pieces[0];
    uint32_t length_bytes = range_bytes(piece->range);
    tcp_piece_remove(queue, piece);
    intake->rcv_nxt += length_bytes;
    queue->length_bytes += length_bytes;
    queue->out_of_order_bytes -= length_bytes;
    join_buffers(queue, &queue->in_order, piece->buffers, length_bytes);
}

/* False: not all of it found a place. */
static bool take_in_order(struct intake *intake, uint32_t length_bytes)
{
    struct tcp_receive_queue *queue = intake->queue;
    uint32_t taken_bytes = take_in(intake, &queue->in_order, length_bytes, true);
    queue->length_bytes += taken_bytes;
    intake->rcv_nxt += taken_bytes;
    if (queue->pieces[0] != NULL && queue->pieces[0]->range.start == intake->rcv_nxt)
        absorb_first(intake);
    return taken_bytes == length_bytes;
}

/* ---- out of order ---- */

static void join_pieces(struct tcp_receive_queue *queue, struct tcp_piece *piece,
                        struct tcp_piece *behind)
{
    uint32_t length_bytes = range_bytes(behind->range);
    struct tcp_buffers buffers = behind->buffers;
    tcp_piece_remove(queue, behind);
    piece->range.end += length_bytes;
    join_buffers(queue, &piece->buffers, buffers, length_bytes);
}

/* Sees to it that a record fits before the first bytes. */
static bool make_room_for_record(struct intake *intake, struct tcp_buffers *buffers)
{
    if (tcp_piece_fits(buffers->first)) return true;
    if (!is_affordable(intake, 0, 1)) return false;
    struct packet *head = packet_take(buffers->first->pool, PACKET_FOR_RECEIVE);
    if (head == NULL) return false;
    head->next = buffers->first;
    buffers->first = head;
    intake->queue->buffer_count++;
    return true;
}

/* Takes bytes into a piece of their own; *taken_bytes is how many. NULL: none. */
static struct tcp_piece *take_new_piece(struct intake *intake, const struct tcp_piece_place *place,
                                        uint32_t length_bytes, uint32_t *taken_bytes)
{
    struct tcp_buffers buffers = { 0 };
    struct tcp_range range = { intake->range.start, intake->range.start };
    *taken_bytes = 0;
    if (intake->queue->piece_count == TCP_PIECES_MAX) return NULL;
    uint32_t part_bytes = take_in(intake, &buffers, length_bytes, false);
    if (part_bytes == 0) return NULL;
    if (!make_room_for_record(intake, &buffers)) {
        drop_all(intake->queue, &buffers);
        intake->promised_bytes += part_bytes;
        intake->done.dropped_bytes += part_bytes;
        return NULL;
    }
    *taken_bytes = part_bytes;
    range.end += part_bytes;
    return tcp_piece_add(intake->queue, place, range, buffers);
}

static bool take_out_of_order(struct intake *intake, const struct tcp_piece_place *place,
                              uint32_t length_bytes)
{
    struct tcp_receive_queue *queue = intake->queue;
    struct tcp_piece *piece = place->before, *behind = tcp_piece_behind(place);
    uint32_t taken_bytes;
    if (piece != NULL && piece->range.end == intake->range.start) {
        taken_bytes = take_in(intake, &piece->buffers, length_bytes, false);
        piece->range.end += taken_bytes;
        if (taken_bytes > 0) tcp_piece_touch(queue, piece);
    } else {
        piece = take_new_piece(intake, place, length_bytes, &taken_bytes);
    }
    queue->out_of_order_bytes += taken_bytes;
    intake->done.out_of_order_bytes += taken_bytes;
    if (taken_bytes < length_bytes) return false;
    if (behind != NULL && behind->range.start == piece->range.end)
        join_pieces(queue, piece, behind);
    return true;
}

/* ---- a segment ---- */

/* Bytes up to `end` were there already. The first such stretch of a segment is told (RFC 2883 4).
 */
static void pass_duplicate(struct intake *intake, uint32_t end)
{
    uint32_t length_bytes = MIN(end - intake->range.start, range_bytes(intake->range));
    if (intake->done.duplicate_bytes == 0) {
        intake->queue->duplicate = (struct tcp_range){ intake->range.start,
                                                       intake->range.start + length_bytes };
    }
    intake->done.duplicate_bytes += length_bytes;
    pass(intake, length_bytes);
}

/* One stretch of the segment. False: there was no room for all of it. */
static bool take_stretch(struct intake *intake)
{
    struct tcp_receive_queue *queue = intake->queue;
    if (sequence_before(intake->range.start, intake->rcv_nxt)) {
        pass_duplicate(intake, intake->rcv_nxt);
        return true;
    }
    struct tcp_piece_place place = tcp_piece_find(queue, intake->range.start);
    if (place.before != NULL && sequence_before(intake->range.start, place.before->range.end)) {
        tcp_piece_touch(queue, place.before);
        pass_duplicate(intake, place.before->range.end);
        return true;
    }
    const struct tcp_piece *behind = tcp_piece_behind(&place);
    uint32_t length_bytes = range_bytes(intake->range);
    if (behind != NULL) length_bytes = MIN(length_bytes, behind->range.start - intake->range.start);
    if (intake->range.start == intake->rcv_nxt) return take_in_order(intake, length_bytes);
    return take_out_of_order(intake, &place, length_bytes);
}

static void take_segment(struct intake *intake)
{
    while (range_bytes(intake->range) > 0) {
        if (!take_stretch(intake)) break;
    }
    drop_left(intake);
}

struct tcp_insertion tcp_receive_queue_insert(struct tcp_receive_queue *queue,
                                              struct packet *packet, struct tcp_range range,
                                              uint32_t rcv_nxt,
                                              const struct tcp_receive_window *window)
{
    assert(range_bytes(range) > 0);
    struct intake intake = {
        .queue = queue,
        .frame = packet,
        .range = range,
        .rcv_nxt = rcv_nxt,
        .promised_bytes = window->edge - rcv_nxt - queue->out_of_order_bytes,
        .limit_bytes = window->limit_bytes,
    };
    trim_end(&intake, window->edge);
    make_own(&intake);
    if (intake.frame == NULL) return intake.done;
    pass(&intake, 0);
    if (range.start == rcv_nxt && queue->piece_count == 0) {
        (void)take_in_order(&intake, range_bytes(intake.range));
        drop_left(&intake);
    } else {
        take_segment(&intake);
    }
    intake.done.advanced_bytes = intake.rcv_nxt - rcv_nxt;
    return intake.done;
}

/* ---- acknowledgements ---- */

void tcp_receive_queue_note_duplicate(struct tcp_receive_queue *queue, struct tcp_range range,
                                      uint32_t rcv_nxt)
{
    if (sequence_before(rcv_nxt, range.end)) return;
    queue->duplicate = range;
}

void tcp_receive_queue_recall(struct tcp_receive_queue *queue, uint32_t end)
{
    struct tcp_piece_place place = tcp_piece_find(queue, end - 1);
    if (place.before != NULL && place.before->range.end == end)
        tcp_piece_touch(queue, place.before);
}

size_t tcp_receive_queue_blocks(struct tcp_receive_queue *queue, struct tcp_range blocks[],
                                size_t max)
{
    size_t count = 0;
    if (range_bytes(queue->duplicate) > 0 && max > 0) {
        blocks[count++] = queue->duplicate;
        queue->duplicate = (struct tcp_range){ 0 };
    }
    const struct tcp_piece *piece = queue->recent;
    for (; piece != NULL && count < max; piece = piece->older)
        blocks[count++] = piece->range;
    return count;
}

/* ---- reading ---- */

void tcp_receive_queue_consume(struct tcp_receive_queue *queue, size_t length_bytes)
{
    assert_that(length_bytes, <=, queue->length_bytes);
    queue->length_bytes -= (uint32_t)length_bytes;
    while (length_bytes > 0) {
        struct packet *packet = queue->in_order.first;
        size_t part_bytes = MIN(length_bytes, packet->length_bytes);
        packet_pull(packet, part_bytes);
        length_bytes -= part_bytes;
        if (packet->length_bytes == 0) drop_first(queue, &queue->in_order);
    }
}

void tcp_receive_queue_clear(struct tcp_receive_queue *queue)
{
    drop_all(queue, &queue->in_order);
    while (queue->pieces[0] != NULL) {
        struct tcp_piece *piece = queue->pieces[0];
        struct tcp_buffers buffers = piece->buffers;
        tcp_piece_remove(queue, piece);
        drop_all(queue, &buffers);
    }
    assert_that(queue->buffer_count, ==, 0);
    *queue = (struct tcp_receive_queue){ 0 };
}
