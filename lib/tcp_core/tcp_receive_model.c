/* tcp_receive_model.c - a receive queue beside a model of it.
 *
 * The model knows nothing of buffers: where the queue says that it had no room for the end of a
 * segment, the model believes it, but for bytes in order only when the pool is short.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_receive_model.h"

#include "base/units.h"

#define PART_BYTES_MAX 1600

static size_t at(uint32_t seq)
{
    return seq % TCP_RECEIVE_MODEL_BYTES;
}

void tcp_receive_model_open(struct tcp_receive_model *model, uint32_t rcv_nxt, uint32_t limit_bytes,
                            size_t packet_count)
{
    assert_that(limit_bytes, <=, TCP_RECEIVE_MODEL_BYTES / 4);
    model->queue = (struct tcp_receive_queue){ 0 };
    model->read_nxt = model->rcv_nxt = rcv_nxt;
    model->time = 0;
    model->duplicate = (struct tcp_range){ 0 };
    __builtin_memset(model->came, 0, sizeof model->came);
    enum result result = packet_pool_open(&model->packets, packet_count);
    assert_that(result, ==, OK);
    tcp_receive_window_init(&model->window, limit_bytes, rcv_nxt, MIN(limit_bytes, UINT16_MAX));
}

void tcp_receive_model_close(struct tcp_receive_model *model)
{
    tcp_receive_queue_clear(&model->queue);
    packet_pool_close(&model->packets);
}

/* ---- a segment's buffers ---- */

static uint8_t segment_byte(const struct tcp_receive_model_segment *segment, uint32_t index)
{
    return (uint8_t)(segment->byte + index * 7);
}

static void fill(struct span span, const struct tcp_receive_model_segment *segment, uint32_t index)
{
    for (size_t i = 0; i < span.length_bytes; i++)
        span.bytes[i] = segment_byte(segment, index + (uint32_t)i);
}

static struct packet *make_part(struct tcp_receive_model *model,
                                const struct tcp_receive_model_segment *segment, uint32_t index,
                                uint32_t length_bytes)
{
    static const uint16_t offsets[] = { 0, PACKET_HEADROOM, 194, 300 };
    struct packet *packet = packet_take(&model->packets, PACKET_FOR_RECEIVE);
    if (packet == NULL) return NULL;
    packet->offset = offsets[segment->shape % 4];
    if ((segment->shape & 8) == 0) {
        fill(packet_put(packet, length_bytes), segment, index);
        return packet;
    }
    struct packet *owner = packet_take(&model->packets, PACKET_FOR_RECEIVE);
    if (owner != NULL) {
        fill(packet_put(owner, length_bytes), segment, index);
        packet_borrow(packet, packet_view(owner), &owner->payload);
        packet_drop(owner);
        return packet;
    }
    packet_drop(packet);
    return NULL;
}

static struct packet *make_frame(struct tcp_receive_model *model,
                                 const struct tcp_receive_model_segment *segment)
{
    struct packet *frame = NULL, *last = NULL;
    uint32_t most = (segment->shape & 4) != 0 ? 1 + (uint32_t)segment->shape * 3 : PART_BYTES_MAX;
    for (uint32_t index = 0; index < segment->length_bytes;) {
        uint32_t part = MIN(segment->length_bytes - index, most);
        struct packet *packet = make_part(model, segment, index, part);
        if (packet == NULL) {
            if (frame != NULL) packet_drop(frame);
            return NULL;
        }
        if (last == NULL) {
            frame = packet;
        } else {
            last->rest = packet;
        }
        last = packet;
        index += part;
    }
    return frame;
}

/* ---- the model ---- */

/* The bytes that the model had already, and the first stretch of them. */
struct expectation {
    uint32_t duplicate_bytes;
    struct tcp_range duplicate;
    bool stretch_is_over;
};

static bool has(const struct tcp_receive_model *model, uint32_t seq)
{
    return sequence_before(seq, model->rcv_nxt) || model->came[at(seq)] != 0;
}

static void note_duplicate(struct expectation *expectation, uint32_t seq)
{
    expectation->duplicate_bytes++;
    if (expectation->stretch_is_over) return;
    if (range_bytes(expectation->duplicate) == 0) expectation->duplicate.start = seq;
    expectation->duplicate.end = seq + 1;
}

static void take(struct tcp_receive_model *model, const struct tcp_receive_model_segment *segment,
                 struct tcp_range range, struct expectation *expectation)
{
    for (uint32_t seq = range.start; seq != range.end; seq++) {
        if (has(model, seq)) {
            note_duplicate(expectation, seq);
        } else {
            model->bytes[at(seq)] = segment_byte(segment, seq - range.start);
            model->came[at(seq)] = 1;
            expectation->stretch_is_over = range_bytes(expectation->duplicate) > 0;
        }
    }
}

/* The piece that the segment begins in or makes is the one added to last. */
static void stamp(struct tcp_receive_model *model, uint32_t start)
{
    if (sequence_before(start, model->rcv_nxt)) return;
    for (uint32_t seq = start; model->came[at(seq)] != 0; seq++)
        model->came[at(seq)] = model->time;
    for (uint32_t seq = start - 1; model->came[at(seq)] != 0 && model->came[at(start)] != 0; seq--)
        model->came[at(seq)] = model->time;
}

/* Bytes in order are not "came" any more: their place says it. */
static void advance(struct tcp_receive_model *model)
{
    for (; model->came[at(model->rcv_nxt)] != 0; model->rcv_nxt++)
        model->came[at(model->rcv_nxt)] = 0;
}

static void check_cost(const struct tcp_receive_model *model)
{
    uint64_t held = model->packets.count - model->packets.free_count;
    assert_that(held, ==, model->queue.buffer_count);
    assert_that(held * PACKET_BYTES, <=, (uint64_t)model->window.limit_bytes * 2);
}

static void check_counts(const struct tcp_receive_model *model)
{
    uint32_t out_of_order_bytes = 0;
    for (uint32_t seq = model->rcv_nxt; seq != model->window.edge; seq++)
        out_of_order_bytes += model->came[at(seq)] != 0;
    assert_that(model->queue.out_of_order_bytes, ==, out_of_order_bytes);
    assert_that(model->queue.length_bytes, ==, model->rcv_nxt - model->read_nxt);
}

void tcp_receive_model_insert(struct tcp_receive_model *model,
                              const struct tcp_receive_model_segment *segment)
{
    struct packet *frame = make_frame(model, segment);
    if (frame == NULL) return;
    uint32_t start = model->rcv_nxt + (uint32_t)segment->offset, before = model->rcv_nxt;
    struct tcp_range range = { start, start + segment->length_bytes };
    bool is_roomy = packet_pool_left(&model->packets, PACKET_FOR_DATA) / 2 >
                    model->queue.buffer_count + segment->length_bytes / 64;
    struct tcp_insertion insertion = tcp_receive_queue_insert(&model->queue, frame, range, before,
                                                              &model->window);

    if (sequence_before(model->window.edge, range.end))
        range.end = sequence_later(range.start, model->window.edge);
    assert_that(insertion.dropped_bytes, <=, range_bytes(range));
    range.end -= insertion.dropped_bytes;
    model->time++;
    struct expectation expectation = { 0 };
    take(model, segment, range, &expectation);
    if (range_bytes(range) > 0) stamp(model, start);
    advance(model);
    assert_that(insertion.advanced_bytes, ==, model->rcv_nxt - before);
    assert_that(insertion.duplicate_bytes, ==, expectation.duplicate_bytes);
    if (expectation.duplicate_bytes > 0) model->duplicate = expectation.duplicate;
    if (is_roomy && sequence_at_most(start, before)) assert_that(insertion.dropped_bytes, ==, 0);
    check_cost(model);
    if (model->time % 16 == 0) check_counts(model);
}

void tcp_receive_model_read(struct tcp_receive_model *model, size_t length_bytes)
{
    size_t left_bytes = MIN(length_bytes, model->queue.length_bytes);
    while (left_bytes > 0) {
        struct view view = tcp_receive_queue_peek(&model->queue);
        assert(view.length_bytes > 0);
        view = view_first(view, MIN(view.length_bytes, left_bytes));
        for (size_t i = 0; i < view.length_bytes; i++, model->read_nxt++)
            assert_that(view_byte(view, i), ==, model->bytes[at(model->read_nxt)]);
        tcp_receive_queue_consume(&model->queue, view.length_bytes);
        left_bytes -= view.length_bytes;
    }
}

void tcp_receive_model_offer(struct tcp_receive_model *model, uint8_t wind_shift)
{
    uint32_t edge = model->window.edge, limit_bytes = model->window.limit_bytes;
    uint64_t told_bytes = tcp_receive_window_offer(&model->window, &model->queue, model->rcv_nxt,
                                                   wind_shift, 1448, &model->packets);
    told_bytes <<= wind_shift;
    assert(sequence_at_most(edge, model->window.edge));
    assert_that(told_bytes, <=, tcp_receive_window_bytes(&model->window, model->rcv_nxt));
    assert_that(told_bytes + ((uint64_t)1 << wind_shift), >,
                tcp_receive_window_bytes(&model->window, model->rcv_nxt));
    assert_that(model->window.edge - model->read_nxt, <=, limit_bytes + limit_bytes / 8);
}

/* ---- blocks ---- */

/* The piece that was added to last before `time`. False: none. */
static bool next_block(const struct tcp_receive_model *model, uint32_t time,
                       struct tcp_range *block, uint32_t *block_time)
{
    *block_time = 0;
    struct tcp_range run = { model->rcv_nxt, model->rcv_nxt };
    uint32_t run_time = 0;
    for (uint32_t seq = model->rcv_nxt;; seq++) {
        uint32_t came = seq == model->window.edge ? 0 : model->came[at(seq)];
        if (came != 0) {
            run_time = MAX(run_time, came);
            continue;
        }
        run.end = seq;
        if (run_time > *block_time && run_time < time) {
            *block = run;
            *block_time = run_time;
        }
        if (seq == model->window.edge) return *block_time > 0;
        run = (struct tcp_range){ seq + 1, seq + 1 };
        run_time = 0;
    }
}

static void check_block(struct tcp_range block, struct tcp_range wanted)
{
    assert_that(block.start, ==, wanted.start);
    assert_that(block.end, ==, wanted.end);
}

void tcp_receive_model_check_blocks(struct tcp_receive_model *model, size_t max)
{
    struct tcp_range blocks[4], wanted;
    size_t count = tcp_receive_queue_blocks(&model->queue, blocks, MIN(max, LENGTH_OF(blocks)));
    size_t index = 0;
    uint32_t time = UINT32_MAX, block_time;
    if (range_bytes(model->duplicate) > 0 && max > 0) {
        assert_that(count, >, 0);
        check_block(blocks[index++], model->duplicate);
        model->duplicate = (struct tcp_range){ 0 };
    }
    while (index < max && next_block(model, time, &wanted, &block_time)) {
        assert_that(index, <, count);
        check_block(blocks[index++], wanted);
        time = block_time;
    }
    assert_that(index, ==, count);
}
