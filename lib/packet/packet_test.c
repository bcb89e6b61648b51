/* packet_test.c - pools and frames, beside a model that is an array of bytes.
 *
 * SPDX-License-Identifier: ISC */
#include "packet/packet.h"

#include "test/death.h"
#include "test/test.h"

#define POOL_COUNT  256
#define MODEL_BYTES 16384
#define LOAN_COUNT  8
#define ROUNDS      4000

/* ---- the pool ---- */

TEST(a_packet_is_fresh)
{
    struct packet_pool pool;
    expect_ok(packet_pool_open(&pool, 16));
    for (unsigned round = 0; round < 2; round++) {
        struct packet *packet = packet_take(&pool, PACKET_FOR_DATA);
        expect(packet != NULL);
        expect_that(packet->offset, ==, PACKET_HEADROOM);
        expect_that(packet_total_bytes(packet), ==, 0);
        expect_that(packet_room_behind(packet), ==, PACKET_PAYLOAD_MAX);
        expect_that(packet->payload.references, ==, 1);
        expect(packet->next == NULL && packet->rest == NULL && packet->fragment_count == 0);
        expect_that(packet->checksum, ==, PACKET_CHECKSUM_UNKNOWN);
        expect_that(packet->segmentation, ==, PACKET_SEGMENT_NONE);
        /* Leaves as much as it can behind, for the next one to be found clean. */
        packet_borrow(packet, VIEW("constant"), NULL);
        packet_put(packet, 10);
        packet->checksum = PACKET_CHECKSUM_PARTIAL;
        packet->segment_count = 3;
        packet_drop(packet);
    }
    packet_pool_close(&pool);
}

TEST(uses_give_way_to_each_other)
{
    struct packet_pool pool;
    struct packet *taken[64];
    size_t count = 0;
    expect_ok(packet_pool_open(&pool, 64));
    expect_that(packet_pool_left(&pool, PACKET_FOR_DATA), ==, 48);
    expect_that(packet_pool_left(&pool, PACKET_FOR_RECEIVE), ==, 60);
    expect_that(packet_pool_left(&pool, PACKET_FOR_CONTROL), ==, 64);
    while ((taken[count] = packet_take(&pool, PACKET_FOR_DATA)) != NULL)
        count++;
    expect_that(count, ==, 48);
    while ((taken[count] = packet_take(&pool, PACKET_FOR_RECEIVE)) != NULL)
        count++;
    expect_that(count, ==, 60);
    expect_that(packet_pool_left(&pool, PACKET_FOR_DATA), ==, 0);
    expect_that(packet_pool_left(&pool, PACKET_FOR_CONTROL), ==, 4);
    while (count < 64)
        taken[count++] = packet_take(&pool, PACKET_FOR_CONTROL);
    expect(taken[63] != NULL && packet_take(&pool, PACKET_FOR_CONTROL) == NULL);
    for (enum packet_use use = 0; use < PACKET_USES; use++)
        expect_that(pool.refused[use], ==, 1);
    expect_that(pool.least_free_count, ==, 0);
    while (count > 0)
        packet_drop(taken[--count]);
    expect_that(pool.free_count, ==, 64);
    packet_pool_close(&pool);
}

static void drop_twice(void)
{
    struct packet_pool pool;
    expect_ok(packet_pool_open(&pool, 16));
    struct packet *packet = packet_take(&pool, PACKET_FOR_DATA);
    packet_drop(packet);
    packet_drop(packet);
}

static void leak(void)
{
    struct packet_pool pool;
    expect_ok(packet_pool_open(&pool, 16));
    (void)packet_take(&pool, PACKET_FOR_DATA);
    packet_pool_close(&pool);
}

static void push_too_much(void)
{
    struct packet_pool pool;
    expect_ok(packet_pool_open(&pool, 16));
    packet_push(packet_take(&pool, PACKET_FOR_DATA), PACKET_HEADROOM + 1);
}

static void put_over_a_record(void)
{
    struct packet_pool pool;
    expect_ok(packet_pool_open(&pool, 16));
    struct packet *packet = packet_take(&pool, PACKET_FOR_DATA);
    packet_borrow(packet, VIEW("x"), NULL);
    packet_put(packet, PACKET_PAYLOAD_MAX - sizeof(struct fragment) + 1);
}

static void borrow_without_room(void)
{
    struct packet_pool pool;
    expect_ok(packet_pool_open(&pool, 16));
    struct packet *packet = packet_take(&pool, PACKET_FOR_DATA);
    packet_put(packet, PACKET_PAYLOAD_MAX - sizeof(struct fragment) + 1);
    packet_borrow(packet, VIEW("x"), NULL);
}

TEST(mistakes_are_caught)
{
    expect_death(drop_twice, "references");
    expect_death(leak, "free_count");
    expect_death(push_too_much, "length_bytes <= ");
    expect_death(put_over_a_record, "length_bytes <= ");
    expect_death(borrow_without_room, "packet_can_borrow");
}

TEST(a_payload_outlives_its_frame)
{
    struct packet_pool pool;
    expect_ok(packet_pool_open(&pool, 16));
    struct packet *data = packet_take(&pool, PACKET_FOR_DATA);
    struct packet *header = packet_take(&pool, PACKET_FOR_CONTROL);
    (void)span_copy(packet_put(data, 5), VIEW("hello"));
    packet_borrow(header, packet_view(data), &data->payload);
    packet_drop(data);
    expect_that(pool.free_count, ==, 14);
    expect_view(packet_fragment(header, 0)->bytes, VIEW("hello"));
    packet_drop(header);
    expect_that(pool.free_count, ==, 16);
    packet_pool_close(&pool);
}

TEST(a_long_chain_goes_whole)
{
    struct packet_pool pool;
    expect_ok(packet_pool_open(&pool, 16384));
    struct packet *frame = NULL, *held = NULL;
    for (unsigned i = 0; i < 10000; i++) {
        struct packet *packet = packet_take(&pool, PACKET_FOR_RECEIVE);
        expect(packet != NULL);
        packet->rest = frame;
        frame = packet;
        if (i == 5000) held = packet;
    }
    payload_hold(&held->payload);
    packet_drop(frame);
    expect_that(pool.free_count, ==, 16384 - 5001);
    packet_drop(held);
    packet_pool_close(&pool);
}

/* ---- frames, at random ---- */

struct loan {
    struct payload payload;
    uint8_t bytes[1024];
    bool released;
};

static void loan_released(struct payload *payload)
{
    CONTAINER_OF(payload, struct loan, payload)->released = true;
}

struct bench {
    struct packet_pool pool, other;
    uint64_t random;
    struct loan loans[LOAN_COUNT];
    struct packet *frame;
    uint8_t model[MODEL_BYTES];
    size_t model_bytes;
};

static uint64_t below(struct bench *bench, uint64_t bound)
{
    return test_random(&bench->random) % bound;
}

static void model_append(struct bench *bench, struct view bytes)
{
    (void)span_copy(span_from_offset(SPAN_OF(bench->model), bench->model_bytes), bytes);
    bench->model_bytes += bytes.length_bytes;
}

static void put_some(struct bench *bench, struct packet *packet, size_t max_bytes)
{
    size_t room_bytes = packet_room_behind(packet);
    size_t length_bytes = (size_t)below(bench, MIN(max_bytes, room_bytes) + 1);
    struct span room = packet_put(packet, length_bytes);
    for (size_t i = 0; i < length_bytes; i++)
        room.bytes[i] = (uint8_t)test_random(&bench->random);
    model_append(bench, span_view(room));
}

static void borrow_some(struct bench *bench, struct packet *packet)
{
    size_t index = (size_t)below(bench, LOAN_COUNT + 1);
    struct loan *loan = &bench->loans[index % LOAN_COUNT];
    size_t offset = (size_t)below(bench, sizeof loan->bytes);
    size_t length_bytes = (size_t)below(bench, sizeof loan->bytes - offset + 1);
    struct view bytes = view_slice(VIEW_OF(loan->bytes), offset, length_bytes);
    packet_borrow(packet, bytes, index == LOAN_COUNT ? NULL : &loan->payload);
    model_append(bench, bytes);
}

static void build(struct bench *bench)
{
    struct packet **end = &bench->frame;
    bench->model_bytes = 0;
    for (size_t parts = 1 + (size_t)below(bench, 4); parts > 0; parts--) {
        struct packet *packet = packet_take(&bench->pool, PACKET_FOR_DATA);
        expect(packet != NULL);
        *end = packet;
        end = &packet->rest;
        put_some(bench, packet, below(bench, 2) == 0 ? 100 : PACKET_PAYLOAD_MAX);
        for (size_t i = (size_t)below(bench, 4); i > 0 && packet_can_borrow(packet); i--)
            borrow_some(bench, packet);
    }
}

static void expect_model(const struct bench *bench, const struct packet *frame)
{
    static uint8_t copied[MODEL_BYTES];
    static struct view views[64];
    struct view model = view_from(bench->model, bench->model_bytes);
    expect_that(packet_total_bytes(frame), ==, model.length_bytes);
    struct span room = span_first(SPAN_OF(copied), model.length_bytes);
    packet_copy_out(frame, 0, room);
    expect(view_equal(span_view(room), model));
    size_t count = packet_gather(frame, views, LENGTH_OF(views));
    for (size_t i = 0; i < count; i++) {
        expect(views[i].length_bytes > 0);
        expect(view_equal(views[i], view_first(model, views[i].length_bytes)));
        model = view_from_offset(model, views[i].length_bytes);
    }
    expect_that(model.length_bytes, ==, 0);
    if (count > 0) expect_that(packet_gather(frame, views, count - 1), ==, 0);
}

static void step_push(struct bench *bench)
{
    size_t length_bytes = (size_t)below(bench, MIN(60, bench->frame->offset) + 1u);
    struct view model = view_from(bench->model, bench->model_bytes);
    if (bench->model_bytes + length_bytes > MODEL_BYTES) return;
    __builtin_memmove(&bench->model[length_bytes], model.bytes, model.length_bytes);
    bench->model_bytes += length_bytes;
    struct span room = packet_push(bench->frame, length_bytes);
    for (size_t i = 0; i < length_bytes; i++)
        bench->model[i] = room.bytes[i] = (uint8_t)i;
}

static void step_pull(struct bench *bench)
{
    size_t length_bytes = (size_t)below(bench, bench->frame->length_bytes + 1u);
    packet_pull(bench->frame, length_bytes);
    bench->model_bytes -= length_bytes;
    __builtin_memmove(bench->model, &bench->model[length_bytes], bench->model_bytes);
}

static void step_pull_up(struct bench *bench)
{
    size_t length_bytes = (size_t)below(bench, bench->model_bytes + 3);
    size_t room_bytes = bench->frame->length_bytes + packet_room_behind(bench->frame);
    bool fits = length_bytes <= bench->frame->length_bytes ||
                (length_bytes <= bench->model_bytes && length_bytes <= room_bytes);
    expect_that(packet_pull_up(bench->frame, length_bytes), ==, fits);
    if (fits) expect_that(bench->frame->length_bytes, >=, length_bytes);
}

static void step_trim(struct bench *bench)
{
    size_t cut_bytes = (size_t)below(bench, 3) == 0 ? bench->model_bytes : 200;
    size_t left_bytes = bench->model_bytes -
                        (size_t)below(bench, MIN(cut_bytes, bench->model_bytes) + 1);
    packet_trim(bench->frame, left_bytes);
    bench->model_bytes = left_bytes;
}

static void step_copy(struct bench *bench)
{
    bench->frame->checksum = PACKET_CHECKSUM_PARTIAL;
    bench->frame->checksum_start = (uint16_t)(bench->frame->offset + 34);
    bench->frame->checksum_offset = (uint16_t)(bench->frame->offset + 50);
    struct packet *copy = packet_copy(bench->frame, &bench->other, PACKET_FOR_RECEIVE);
    expect(copy != NULL && copy->pool == &bench->other && copy->fragment_count == 0);
    expect_model(bench, copy);
    expect_that(copy->checksum, ==, PACKET_CHECKSUM_PARTIAL);
    expect_that(copy->checksum_start - copy->offset, ==, 34);
    expect_that(copy->checksum_offset - copy->offset, ==, 50);
    for (const struct packet *part = copy; part->rest != NULL; part = part->rest)
        expect_that(packet_room_behind(part), ==, 0);
    packet_drop(copy);
}

static void bench_open(struct bench *bench)
{
    bench->random = 7;
    expect_ok(packet_pool_open(&bench->pool, POOL_COUNT));
    expect_ok(packet_pool_open(&bench->other, 32));
    for (size_t i = 0; i < LOAN_COUNT; i++) {
        struct loan *loan = &bench->loans[i];
        loan->payload = (struct payload){ 1, loan_released };
        for (size_t j = 0; j < sizeof loan->bytes; j++)
            loan->bytes[j] = (uint8_t)test_random(&bench->random);
    }
}

TEST(frames_are_what_the_model_says)
{
    static struct bench bench;
    static void (*const steps[])(struct bench *) = { step_push, step_pull, step_pull_up, step_trim,
                                                     step_copy };
    bench_open(&bench);
    for (unsigned round = 0; round < ROUNDS; round++) {
        build(&bench);
        expect_model(&bench, bench.frame);
        for (unsigned i = 0; i < 8; i++) {
            steps[below(&bench, LENGTH_OF(steps))](&bench);
            expect_model(&bench, bench.frame);
        }
        packet_drop(bench.frame);
        expect_that(bench.pool.free_count, ==, POOL_COUNT);
    }
    for (size_t i = 0; i < LOAN_COUNT; i++) {
        expect_that(bench.loans[i].payload.references, ==, 1);
        payload_drop(&bench.loans[i].payload);
        expect(bench.loans[i].released);
    }
    packet_pool_close(&bench.other);
    packet_pool_close(&bench.pool);
}

TEST(neighbours_make_one_fragment)
{
    static const uint8_t bytes[64] = { 1, 2, 3 };
    struct packet_pool pool;
    static struct loan loan = { .payload = { 1, loan_released } };
    expect_ok(packet_pool_open(&pool, 16));
    struct packet *packet = packet_take(&pool, PACKET_FOR_DATA);
    for (size_t i = 0; i < sizeof bytes; i++)
        packet_borrow(packet, view_slice(VIEW_OF(bytes), i, 1), &loan.payload);
    expect_that(packet->fragment_count, ==, 1);
    expect_that(loan.payload.references, ==, 2);
    expect_view(packet_fragment(packet, 0)->bytes, VIEW_OF(bytes));
    packet_borrow(packet, VIEW_OF(bytes), NULL);
    packet_borrow(packet, view_first(VIEW_OF(bytes), 0), &loan.payload);
    expect_that(packet->fragment_count, ==, 2);
    packet_drop(packet);
    expect_that(loan.payload.references, ==, 1);
    packet_pool_close(&pool);
}

TEST(a_copy_needs_all_of_its_room)
{
    struct packet_pool pool, small;
    static uint8_t bytes[60000];
    expect_ok(packet_pool_open(&pool, 16));
    expect_ok(packet_pool_open(&small, 16));
    struct packet *packet = packet_take(&pool, PACKET_FOR_DATA);
    packet_borrow(packet, VIEW_OF(bytes), NULL);
    expect(packet_copy(packet, &small, PACKET_FOR_RECEIVE) == NULL);
    expect_that(small.free_count, ==, 16);
    expect_that(small.refused[PACKET_FOR_RECEIVE], ==, 1);
    packet_trim(packet, 15 * PACKET_ROOM_BYTES - PACKET_HEADROOM);
    struct packet *copy = packet_copy(packet, &small, PACKET_FOR_RECEIVE);
    expect(copy != NULL);
    expect_that(small.free_count, ==, 1);
    packet_drop(copy);
    packet_drop(packet);
    packet_pool_close(&small);
    packet_pool_close(&pool);
}
