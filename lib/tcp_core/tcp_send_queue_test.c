/* tcp_send_queue_test.c - what is sent is what was handed over, and each loan ends once, not before
 * its bytes are acknowledged and nobody borrows from them.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_send_queue.h"

#include "test/test.h"

#define LIMIT_BYTES  (64 * KIB)
#define PACKET_COUNT 256
#define LOAN_COUNT   16

static struct packet_pool packets;
static struct tcp_send_pool pool;
static struct tcp_send_queue queue;

static void open_pools(size_t packet_count, uint64_t limit_bytes, size_t loan_count)
{
    expect_ok(packet_pool_open(&packets, packet_count));
    expect_ok(tcp_send_pool_open(&pool, &packets, limit_bytes, loan_count));
    queue = (struct tcp_send_queue){ 0 };
}

static void close_pools(void)
{
    tcp_send_queue_clear(&queue);
    expect(queue.first == NULL && queue.last == NULL && queue.sent == NULL && queue.resent == NULL);
    expect_that(queue.buffer_count + queue.loan_count, ==, 0);
    tcp_send_pool_close(&pool);
    packet_pool_close(&packets);
}

/* The byte at each position of the stream. */
static uint8_t stream_byte(uint64_t position)
{
    return (uint8_t)(position * 2654435761u >> 13);
}

static void fill_stream(struct span span, uint64_t position)
{
    for (size_t i = 0; i < span.length_bytes; i++)
        span.bytes[i] = stream_byte(position + i);
}

static void expect_stream(const struct packet *packet, uint64_t position)
{
    static uint8_t bytes[PACKET_TOTAL_MAX];
    size_t length_bytes = packet_total_bytes(packet);
    packet_copy_out(packet, 0, span_from(bytes, length_bytes));
    for (size_t i = 0; i < length_bytes; i++)
        expect_that(bytes[i], ==, stream_byte(position + i));
}

static size_t copy_stream(size_t length_bytes)
{
    static uint8_t bytes[128 * KIB];
    struct span span = span_from(bytes, length_bytes);
    fill_stream(span, queue.start + queue.length_bytes);
    return tcp_send_queue_copy(&queue, &pool, span_view(span));
}

static struct packet *borrow(uint64_t offset_bytes, size_t length_bytes)
{
    struct packet *packet = packet_take(&packets, PACKET_FOR_CONTROL);
    expect(packet != NULL);
    expect_that(tcp_send_queue_borrow(&queue, offset_bytes, length_bytes, packet), ==,
                length_bytes);
    expect_that(packet_total_bytes(packet), ==, length_bytes);
    expect_stream(packet, queue.start + offset_bytes);
    return packet;
}

/* ---- copies ---- */

TEST(copied_bytes_are_borrowed_where_they_stand)
{
    open_pools(PACKET_COUNT, LIMIT_BYTES, LOAN_COUNT);
    expect_that(copy_stream(5000), ==, 5000);
    struct packet *packet = borrow(1000, 3000);
    expect_that(packet->length_bytes, ==, 0);
    expect_that(packet->fragments_bytes, ==, 3000);
    packet_drop(packet);
    close_pools();
}

TEST(small_writes_share_a_buffer)
{
    open_pools(PACKET_COUNT, LIMIT_BYTES, LOAN_COUNT);
    for (size_t i = 0; i < 1000; i++)
        expect_that(copy_stream(1), ==, 1);
    expect_that(queue.buffer_count, ==, 1);
    packet_drop(borrow(0, 1000));
    close_pools();
}

TEST(bytes_are_appended_behind_those_that_are_borrowed)
{
    open_pools(PACKET_COUNT, LIMIT_BYTES, LOAN_COUNT);
    copy_stream(500);
    struct packet *packet = borrow(0, 500);
    copy_stream(500);
    expect_that(queue.buffer_count, ==, 1);
    expect_stream(packet, 0);
    packet_drop(packet);
    packet_drop(borrow(0, 1000));
    close_pools();
}

TEST(few_bytes_are_copied_into_the_segment)
{
    open_pools(PACKET_COUNT, LIMIT_BYTES, LOAN_COUNT);
    copy_stream(1900);
    copy_stream(200);
    struct packet *packet = borrow(1860, 100); /* from two buffers */
    expect_that(packet->fragment_count, ==, 0);
    expect_that(packet->length_bytes, ==, 100);
    tcp_send_queue_acknowledge(&queue, 2100);
    expect_stream(packet, 1860);
    packet_drop(packet);
    close_pools();
}

TEST(a_copy_stops_at_the_limit)
{
    open_pools(PACKET_COUNT, LIMIT_BYTES, LOAN_COUNT);
    expect_that(copy_stream(LIMIT_BYTES + 1), ==, LIMIT_BYTES);
    expect_that(copy_stream(1), ==, 0);
    expect_that(tcp_send_queue_room(&queue, &pool), ==, 0);
    tcp_send_queue_acknowledge(&queue, 10);
    expect_that(tcp_send_queue_room(&queue, &pool), ==, 10);
    expect_that(copy_stream(20), ==, 10);
    close_pools();
}

TEST(an_acknowledged_buffer_goes_back)
{
    open_pools(PACKET_COUNT, LIMIT_BYTES, LOAN_COUNT);
    copy_stream(10000);
    expect_that(packets.free_count, ==, PACKET_COUNT - queue.buffer_count);
    tcp_send_queue_acknowledge(&queue, 9999);
    expect_that(queue.buffer_count, ==, 1);
    packet_drop(borrow(0, 1));
    tcp_send_queue_acknowledge(&queue, 1);
    expect_that(packets.free_count, ==, PACKET_COUNT);
    close_pools();
}

/* One who does not read at the other end leaves buffers to the others. */
TEST(a_queue_holds_no_more_buffers_than_are_left)
{
    open_pools(PACKET_COUNT, MIB, LOAN_COUNT);
    size_t taken_bytes;
    do {
        taken_bytes = copy_stream(64 * KIB);
    } while (taken_bytes > 0);
    size_t shared = PACKET_COUNT * 3 / 4;
    expect_that(queue.buffer_count, ==, (shared - PACKET_COUNT / 8) / 2 + 1);
    struct tcp_send_queue others[8] = { 0 };
    for (size_t i = 0; i < LENGTH_OF(others); i++)
        expect_that(tcp_send_queue_copy(&others[i], &pool, VIEW("a few bytes")), ==, 11);
    for (size_t i = 0; i < LENGTH_OF(others); i++)
        tcp_send_queue_clear(&others[i]);
    close_pools();
}

/* However many there are: each who comes finds less, and the last eighth goes by one buffer each.
 */
TEST(many_queues_leave_one_buffer_each_to_those_who_come_later)
{
    static struct tcp_send_queue queues[30];
    open_pools(PACKET_COUNT, MIB, LOAN_COUNT);
    static const uint8_t bytes[64 * 1024];
    for (size_t i = 0; i < LENGTH_OF(queues); i++) {
        queues[i] = (struct tcp_send_queue){ 0 };
        expect_that(tcp_send_queue_copy(&queues[i], &pool, VIEW_OF(bytes)), >, 0);
    }
    expect_that(packet_pool_left(&packets, PACKET_FOR_DATA), >, 0);
    for (size_t i = 0; i < LENGTH_OF(queues); i++)
        tcp_send_queue_clear(&queues[i]);
    close_pools();
}

TEST(without_a_buffer_nothing_is_taken)
{
    open_pools(16, LIMIT_BYTES, LOAN_COUNT);
    struct packet *held[12];
    for (size_t i = 0; i < LENGTH_OF(held); i++)
        held[i] = packet_take(&packets, PACKET_FOR_DATA);
    expect_that(copy_stream(100), ==, 0);
    expect_that(queue.length_bytes, ==, 0);
    packet_drop(held[0]);
    expect_that(copy_stream(100), ==, 100);
    for (size_t i = 1; i < LENGTH_OF(held); i++)
        packet_drop(held[i]);
    close_pools();
}

/* RFC 9293 3.8.1: what was sent may be sent again until it is acknowledged; one burst of segments
 * of 64 KiB is one borrow. */
TEST(a_burst_of_64_kib_is_borrowed_at_once)
{
    open_pools(PACKET_COUNT, MIB, LOAN_COUNT);
    copy_stream(100);
    copy_stream(2 * (size_t)65535);
    for (uint64_t offset_bytes = 0; offset_bytes < 65000; offset_bytes += 997) {
        struct packet *packet = borrow(offset_bytes, 65535 - 40);
        expect_that(packet->fragment_count, <=, PACKET_FRAGMENTS_MAX);
        packet_drop(packet);
    }
    close_pools();
}

/* ---- loans ---- */

struct lending {
    struct loan loan;
    uint8_t bytes[3000];
    uint64_t position;
    unsigned done_count;
    bool is_out, lends_again;
};

/* Whoever still reads it afterwards sees other bytes. */
static void lending_done(struct loan *loan)
{
    struct lending *lending = CONTAINER_OF(loan, struct lending, loan);
    lending->done_count++;
    lending->is_out = false;
    span_fill(SPAN_OF(lending->bytes), 0xee);
    if (!lending->lends_again) return;
    lending->lends_again = false;
    expect_ok(tcp_send_queue_lend(&queue, &pool, loan));
}

static enum result lend(struct lending *lending, size_t length_bytes)
{
    struct span span = span_from(lending->bytes, length_bytes);
    lending->position = queue.start + queue.length_bytes;
    fill_stream(span, lending->position);
    lending->loan = (struct loan){ span_view(span), lending_done };
    lending->is_out = true;
    enum result result = tcp_send_queue_lend(&queue, &pool, &lending->loan);
    if (result != OK) *lending = (struct lending){ .done_count = lending->done_count };
    return result;
}

TEST(a_loan_is_done_when_it_is_acknowledged)
{
    static struct lending lending;
    open_pools(PACKET_COUNT, LIMIT_BYTES, LOAN_COUNT);
    expect_ok(lend(&lending, 3000));
    packet_drop(borrow(0, 3000));
    tcp_send_queue_acknowledge(&queue, 2999);
    expect_that(lending.done_count, ==, 0);
    tcp_send_queue_acknowledge(&queue, 1);
    expect_that(lending.done_count, ==, 1);
    close_pools();
}

TEST(a_loan_is_not_done_while_a_packet_borrows_from_it)
{
    static struct lending lending;
    open_pools(PACKET_COUNT, LIMIT_BYTES, LOAN_COUNT);
    expect_ok(lend(&lending, 3000));
    struct packet *first = borrow(0, 3000), *again = borrow(1000, 1000);
    tcp_send_queue_acknowledge(&queue, 3000);
    expect_that(queue.loan_count, ==, 0);
    packet_drop(first);
    expect_that(lending.done_count, ==, 0);
    expect_stream(again, 1000);
    packet_drop(again);
    expect_that(lending.done_count, ==, 1);
    close_pools();
}

TEST(a_cleared_queue_ends_its_loans)
{
    static struct lending lendings[3];
    open_pools(PACKET_COUNT, LIMIT_BYTES, LOAN_COUNT);
    for (size_t i = 0; i < LENGTH_OF(lendings); i++) {
        expect_ok(lend(&lendings[i], 300));
        copy_stream(100);
    }
    struct packet *packet = borrow(450, 300);
    tcp_send_queue_clear(&queue);
    expect_that(lendings[0].done_count, ==, 1);
    expect_that(lendings[1].done_count, ==, 0);
    expect_that(lendings[2].done_count, ==, 1);
    packet_drop(packet);
    expect_that(lendings[1].done_count, ==, 1);
    close_pools();
}

TEST(a_loan_may_be_lent_again_when_it_is_done)
{
    static struct lending lending;
    open_pools(PACKET_COUNT, LIMIT_BYTES, 1);
    lending.lends_again = true;
    expect_ok(lend(&lending, 100));
    tcp_send_queue_acknowledge(&queue, 100);
    expect_that(lending.done_count, ==, 1);
    expect_that(queue.length_bytes, ==, 100);
    close_pools();
    expect_that(lending.done_count, ==, 2);
}

TEST(a_loan_may_go_over_the_limit_when_there_is_some_room)
{
    static struct lending lendings[2];
    open_pools(PACKET_COUNT, 1000, LOAN_COUNT);
    expect_that(copy_stream(999), ==, 999);
    expect_ok(lend(&lendings[0], 3000));
    expect_result(lend(&lendings[1], 1), FULL);
    expect_that(lendings[1].done_count, ==, 0);
    close_pools();
}

/* The records are shared like the buffers. */
TEST(a_queue_holds_no_more_loans_than_are_left)
{
    static struct lending lendings[LOAN_COUNT], another;
    open_pools(PACKET_COUNT, LIMIT_BYTES, LOAN_COUNT);
    size_t count = 0;
    while (lend(&lendings[count], 1) == OK)
        count++;
    expect_that(count, ==, LOAN_COUNT / 2);
    struct tcp_send_queue other = { 0 };
    another.loan = (struct loan){ VIEW("of another"), lending_done };
    expect_ok(tcp_send_queue_lend(&other, &pool, &another.loan));
    tcp_send_queue_clear(&other);
    close_pools();
}

TEST(many_small_chunks_take_several_segments)
{
    static struct lending lendings[100];
    open_pools(PACKET_COUNT, LIMIT_BYTES, 256);
    for (size_t i = 0; i < LENGTH_OF(lendings); i++)
        expect_ok(lend(&lendings[i], 10));
    uint64_t offset_bytes = 0;
    size_t segments = 0;
    while (offset_bytes < 1000) {
        struct packet *packet = packet_take(&packets, PACKET_FOR_CONTROL);
        size_t length_bytes = 1000 - (size_t)offset_bytes;
        size_t taken_bytes = tcp_send_queue_borrow(&queue, offset_bytes, length_bytes, packet);
        expect_that(taken_bytes, ==, MIN(length_bytes, PACKET_FRAGMENTS_MAX * (size_t)10));
        expect_stream(packet, offset_bytes);
        offset_bytes += taken_bytes;
        segments++;
        packet_drop(packet);
    }
    expect_that(segments, ==, 3);
    close_pools();
}

/* ---- against a model ---- */

struct flight {
    struct packet *packet;
    uint64_t position;
};

static struct lending model_lendings[64];
static struct flight flights[12];

static void drop_flight(struct flight *flight)
{
    if (flight->packet == NULL) return;
    expect_stream(flight->packet, flight->position);
    packet_drop(flight->packet);
    flight->packet = NULL;
}

static void send_some(uint64_t *state)
{
    struct flight *flight = &flights[test_random(state) % LENGTH_OF(flights)];
    drop_flight(flight);
    if (queue.length_bytes == 0) return;
    struct packet *packet = packet_take(&packets, PACKET_FOR_CONTROL);
    if (packet == NULL) return;
    uint64_t offset_bytes = test_random(state) % queue.length_bytes;
    size_t most_bytes = (size_t)MIN(queue.length_bytes - offset_bytes, 65000);
    if (test_random(state) % 2 == 0) most_bytes = MIN(most_bytes, 300);
    size_t length_bytes = 1 + test_random(state) % most_bytes;
    size_t taken_bytes = tcp_send_queue_borrow(&queue, offset_bytes, length_bytes, packet);
    expect(taken_bytes == length_bytes || packet->fragment_count == PACKET_FRAGMENTS_MAX);
    *flight = (struct flight){ packet, queue.start + offset_bytes };
    expect_stream(packet, flight->position);
}

static void hand_over_some(uint64_t *state)
{
    size_t length_bytes = test_random(state) % 2 == 0 ? test_random(state) % 20
                                                      : test_random(state) % 3000;
    struct lending *lending = &model_lendings[test_random(state) % LENGTH_OF(model_lendings)];
    if (test_random(state) % 2 == 0 || lending->is_out || length_bytes == 0) {
        uint64_t room_bytes = tcp_send_queue_room(&queue, &pool);
        size_t taken_bytes = copy_stream(length_bytes);
        expect(taken_bytes == MIN(length_bytes, room_bytes) ||
               !tcp_send_queue_may_copy(&queue, &pool));
    } else {
        unsigned done_before = lending->done_count;
        uint64_t room_bytes = tcp_send_queue_room(&queue, &pool);
        enum result result = lend(lending, length_bytes);
        expect(result == OK || room_bytes == 0 || !tcp_send_queue_may_lend(&queue, &pool));
        expect_that(lending->done_count, ==, done_before);
    }
}

static void expect_loans_sound(void)
{
    for (size_t i = 0; i < LENGTH_OF(model_lendings); i++) {
        const struct lending *lending = &model_lendings[i];
        uint64_t end = lending->position + lending->loan.bytes.length_bytes;
        if (lending->is_out) {
            bool is_borrowed = false;
            for (size_t k = 0; k < LENGTH_OF(flights); k++)
                is_borrowed |= flights[k].packet != NULL;
            expect(end > queue.start || is_borrowed);
        } else if (lending->loan.done != NULL) {
            expect(end <= queue.start);
        }
    }
}

static void run_model(uint64_t seed)
{
    uint64_t state = seed;
    open_pools(64, 40 * KIB, 40);
    queue.start = UINT32_MAX - 20000; /* positions do not wrap */
    for (size_t i = 0; i < LENGTH_OF(model_lendings); i++)
        model_lendings[i] = (struct lending){ 0 };
    unsigned appetite = 2 + (unsigned)(seed % 3);
    for (size_t step = 0; step < 2000; step++) {
        switch (test_random(&state) % (appetite + 2)) {
        case 0: send_some(&state); break;
        case 1:
            tcp_send_queue_acknowledge(&queue, test_random(&state) % (queue.length_bytes + 1));
            break;
        default: hand_over_some(&state); break;
        }
        expect_loans_sound();
    }
    if (seed % 2 == 0) tcp_send_queue_clear(&queue);
    for (size_t i = 0; i < LENGTH_OF(flights); i++)
        drop_flight(&flights[i]);
    close_pools();
    for (size_t i = 0; i < LENGTH_OF(model_lendings); i++)
        expect(!model_lendings[i].is_out);
}

TEST(any_order_of_calls_keeps_the_stream_and_ends_each_loan_once)
{
    for (uint64_t seed = 0; seed < 60; seed++)
        run_model(seed);
}
