/* tcp_receive_window_test.c - what the peer is promised.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_receive_window.h"

#include "tcp_core/tcp_receive_queue.h"
#include "test/test.h"

#define PACKET_COUNT 4096
#define LIMIT_BYTES  ((uint32_t)(128 * KIB))
#define MSS_BYTES    1448
#define SHIFT        7

static struct packet_pool packets;
static struct tcp_receive_queue queue;
static struct tcp_receive_window window;
static uint32_t rcv_nxt;

static void open_window(uint32_t limit_bytes, uint32_t promised_bytes)
{
    expect_ok(packet_pool_open(&packets, PACKET_COUNT));
    queue = (struct tcp_receive_queue){ 0 };
    rcv_nxt = UINT32_MAX - 3000;
    tcp_receive_window_init(&window, limit_bytes, rcv_nxt, promised_bytes);
}

static void close_window(void)
{
    tcp_receive_queue_clear(&queue);
    packet_pool_close(&packets);
}

static uint32_t offer_scaled(uint8_t shift)
{
    uint32_t field = tcp_receive_window_offer(&window, &queue, rcv_nxt, shift, MSS_BYTES, &packets);
    return field << shift;
}

static uint32_t offer(void)
{
    return offer_scaled(SHIFT);
}

static bool opens(void)
{
    return tcp_receive_window_opens(&window, &queue, rcv_nxt, MSS_BYTES, &packets);
}

static void receive(uint32_t length)
{
    while (length > 0) {
        struct packet *packet = packet_take(&packets, PACKET_FOR_RECEIVE);
        expect(packet != NULL);
        uint32_t part = MIN(length, MSS_BYTES);
        span_fill(packet_put(packet, part), 'r');
        struct tcp_insertion insertion = tcp_receive_queue_insert(
            &queue, packet, (struct tcp_range){ rcv_nxt, rcv_nxt + part }, rcv_nxt, &window);
        expect_that(insertion.advanced_bytes, ==, part);
        rcv_nxt += part;
        length -= part;
    }
}

TEST(the_window_is_what_the_limit_leaves)
{
    open_window(LIMIT_BYTES, UINT16_MAX);
    expect_that(offer(), ==, LIMIT_BYTES);
    receive(10000);
    expect_that(offer(), <=, LIMIT_BYTES - 10000 + 128);
    expect_that(offer(), >=, LIMIT_BYTES - 10000);
    tcp_receive_queue_consume(&queue, 10000);
    expect_that(offer(), ==, LIMIT_BYTES);
    close_window();
}

/* RFC 7323 2.2: a field of 16 bits, whatever the limit. */
TEST(without_a_scale_the_window_is_at_most_65535)
{
    open_window(LIMIT_BYTES, UINT16_MAX);
    expect_that(offer_scaled(0), ==, UINT16_MAX);
    receive(20000);
    expect_that(offer_scaled(0), ==, UINT16_MAX);
    close_window();
}

/* RFC 9293 3.8.6: "shrinking the window" is strongly discouraged. */
TEST(the_edge_never_moves_back)
{
    open_window(LIMIT_BYTES, UINT16_MAX);
    uint32_t edge = rcv_nxt + offer();
    for (uint32_t i = 0; rcv_nxt + 3000 - edge > UINT32_MAX / 2; i++) {
        receive(1 + i * 37 % 3000);
        uint32_t next_edge = rcv_nxt + offer();
        expect(next_edge - edge < UINT32_MAX / 2);
        edge = next_edge;
    }
    close_window();
}

/* RFC 7323 2.4: a byte at a time makes the units run out of step with the edge. It may creep an
 * eighth of the limit and no more. */
TEST(a_peer_cannot_creep_past_the_limit)
{
    open_window(LIMIT_BYTES, UINT16_MAX);
    uint32_t start = rcv_nxt, edge = rcv_nxt + offer_scaled(10);
    while (tcp_receive_window_bytes(&window, rcv_nxt) > 0) {
        receive(1);
        uint32_t next_edge = rcv_nxt + offer_scaled(10);
        expect_that(edge - next_edge + 1024, <, 1024 + 1024); /* back by less than a unit */
        edge = next_edge;
    }
    expect_that(rcv_nxt - start, <=, LIMIT_BYTES + LIMIT_BYTES / 8);
    close_window();
}

/* RFC 9293 3.8.6.2.2: the edge stays until it can move by a segment. */
TEST(the_edge_moves_by_whole_segments)
{
    open_window(UINT16_MAX, UINT16_MAX);
    receive(UINT16_MAX);
    expect_that(offer_scaled(0), ==, 0);
    tcp_receive_queue_consume(&queue, MSS_BYTES - 1);
    expect_that(offer_scaled(0), ==, 0);
    expect(!opens());
    tcp_receive_queue_consume(&queue, 1);
    expect(opens());
    expect_that(offer_scaled(0), ==, MSS_BYTES);
    expect(!opens());
    close_window();
}

/* The same with Fr = 1/2, where half the buffer is less than a segment. */
TEST(half_of_a_small_buffer_is_a_step)
{
    open_window(TCP_RECEIVE_LIMIT_MIN, TCP_RECEIVE_LIMIT_MIN);
    receive(TCP_RECEIVE_LIMIT_MIN);
    tcp_receive_queue_consume(&queue, TCP_RECEIVE_LIMIT_MIN / 2);
    expect_that(tcp_receive_window_offer(&window, &queue, rcv_nxt, 0, 20000, &packets), ==,
                TCP_RECEIVE_LIMIT_MIN / 2);
    close_window();
}

/* While segments still come their acknowledgements tell it. */
TEST(an_update_by_itself_is_worth_it)
{
    open_window(LIMIT_BYTES, UINT16_MAX);
    (void)offer();
    receive(LIMIT_BYTES / 4);
    tcp_receive_queue_consume(&queue, LIMIT_BYTES / 4);
    expect(!opens());
    receive(LIMIT_BYTES / 4 + MSS_BYTES);
    expect(!opens());
    tcp_receive_queue_consume(&queue, LIMIT_BYTES / 4 + MSS_BYTES);
    expect(opens());
    close_window();
}

/* ---- growing ---- */

#define MAX_BYTES ((uint64_t)4 << 20)
#define RTT_NS    (10 * MS_NS)

static void read_for(uint64_t *now_ns, uint64_t bytes_a_round, size_t rounds)
{
    for (size_t i = 0; i < rounds * 10; i++) {
        *now_ns += RTT_NS / 10;
        tcp_receive_window_consumed(&window, bytes_a_round / 10, *now_ns, RTT_NS, MAX_BYTES,
                                    &packets);
    }
}

TEST(the_limit_grows_with_what_is_read_in_a_round_trip)
{
    uint64_t now_ns = S_NS;
    open_window(LIMIT_BYTES, UINT16_MAX);
    read_for(&now_ns, LIMIT_BYTES / 8, 20);
    expect_that(window.limit_bytes, ==, LIMIT_BYTES);
    read_for(&now_ns, LIMIT_BYTES, 2);
    expect_that(window.limit_bytes, >=, (uint64_t)LIMIT_BYTES * 4 - 64);
    expect_that(window.limit_bytes, <=, (uint64_t)LIMIT_BYTES * 4 + LIMIT_BYTES);
    /* No sender is held up by the window who doubles what he sends each round trip. */
    for (uint64_t round_bytes = 2 * (uint64_t)LIMIT_BYTES; round_bytes < MAX_BYTES / 4;
         round_bytes *= 2) {
        expect_that(window.limit_bytes, >=, round_bytes);
        read_for(&now_ns, round_bytes, 1);
    }
    close_window();
}

TEST(the_limit_grows_only_so_far)
{
    uint64_t now_ns = S_NS;
    open_window(LIMIT_BYTES, UINT16_MAX);
    read_for(&now_ns, 100 * MAX_BYTES, 3);
    uint64_t share_bytes = packet_pool_left(&packets, PACKET_FOR_DATA) * PACKET_BYTES / 4;
    expect_that(window.limit_bytes, ==, MIN(MAX_BYTES, share_bytes));
    close_window();
}

TEST(one_who_reads_seldom_needs_no_larger_buffer)
{
    uint64_t now_ns = S_NS;
    open_window(LIMIT_BYTES, UINT16_MAX);
    for (size_t i = 0; i < 20; i++) {
        now_ns += 100 * RTT_NS;
        tcp_receive_window_consumed(&window, LIMIT_BYTES, now_ns, RTT_NS, MAX_BYTES, &packets);
    }
    expect_that(window.limit_bytes, ==, LIMIT_BYTES);
    close_window();
}

/* ---- when buffers grow scarce ---- */

TEST(scarce_buffers_close_the_window_and_leave_two_segments_to_who_holds_none)
{
    open_window(LIMIT_BYTES, 2000);
    static struct packet *held[PACKET_COUNT];
    size_t count = 0;
    while (packet_pool_left(&packets, PACKET_FOR_DATA) > 0)
        held[count++] = packet_take(&packets, PACKET_FOR_DATA);
    expect_that(offer_scaled(0), ==, 2000);
    receive(2000);
    expect_that(offer_scaled(0), ==, 0);
    tcp_receive_queue_consume(&queue, 2000);
    expect_that(offer_scaled(0), ==, 2 * MSS_BYTES);
    while (count > 0)
        packet_drop(held[--count]);
    expect_that(offer(), ==, LIMIT_BYTES);
    close_window();
}
