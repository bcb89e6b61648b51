/* tcp_memory_test.c - what strangers can make a stack hold: a thousand connections whose peers send
 * a byte at a time or out of order, or never acknowledge, and whose users never read.
 *
 * Each holds at most twice its window; those who come later still have buffers to be served with;
 * and all is given back. The pool is small enough that all windows together are four times as much.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_wire.h"
#include "test/test.h"

#define PACKETS      8192
#define GUESTS       1000
#define FIRST_PORT   10000
#define SERVED_PORT  80
#define GUEST_ISS    0xffffff00u
#define GUEST_WINDOW 60000

/* A peer that the test plays, and the connection it has made. */
struct guest {
    struct tcp_connection *connection;
    uint16_t port;
    uint32_t seq;       /* its next byte */
    uint32_t told, wnd; /* what of it is acknowledged, and how much may follow */
    uint8_t wind_shift;
    uint32_t heard; /* the next byte that it waits for */
};

static struct tcp_wire wire;
static struct tcp_acceptor *acceptor;
static struct guest guests[GUESTS], honest;

static struct tcp_wire_host *host(void)
{
    return &wire.hosts[0];
}

static void acceptable(struct tcp_acceptor_user *user)
{
    (void)user;
}

static void told(struct tcp_user *user, unsigned events)
{
    (void)user;
    (void)events;
}

static struct tcp_acceptor_user acceptor_user = { acceptable };
static struct tcp_user user = { told };

/* ---- guests ---- */

static struct guest *guest_at(uint16_t port)
{
    return port == FIRST_PORT + GUESTS ? &honest : &guests[port - FIRST_PORT];
}

/* Every guest hears what was sent to it. */
static void hear(void)
{
    struct tcp_wire_record record;
    while (tcp_wire_take(&wire, &record)) {
        const struct tcp_segment *segment = &record.segment;
        struct guest *guest = guest_at(segment->destination_port);
        expect((segment->flags & TCP_RST) == 0);
        if ((segment->flags & TCP_SYN) != 0) {
            guest->wind_shift = segment->wind_shift;
            guest->heard = segment->seq;
        }
        if (segment->seq == guest->heard) guest->heard += segment_length(segment);
        guest->told = segment->ack;
        guest->wnd = (uint32_t)segment->window
                     << ((segment->flags & TCP_SYN) != 0 ? 0 : guest->wind_shift);
    }
}

/* False: the device has no buffer to receive into. */
static bool say(struct guest *guest, unsigned flags, uint32_t seq, size_t length_bytes)
{
    if (packet_pool_left(&host()->pool, PACKET_FOR_RECEIVE) == 0) return false;
    static const uint8_t bytes[1400] = { 'g' };
    struct tcp_wire_injection injection = {
        .segment = {
            .source_port = guest->port,
            .destination_port = SERVED_PORT,
            .seq = seq,
            .ack = (flags & TCP_ACK) != 0 ? guest->heard : 0,
            .flags = (uint8_t)flags,
            .window = GUEST_WINDOW,
        },
        .payload = view_first(VIEW_OF(bytes), length_bytes),
    };
    if ((flags & TCP_SYN) != 0) {
        injection.segment.options = TCP_OPTION_MSS | TCP_OPTION_SACK_PERMITTED |
                                    TCP_OPTION_WINDOW_SCALE;
        injection.segment.mss = 1400;
    }
    tcp_wire_inject(&wire, &injection);
    hear();
    return true;
}

/* What may still follow the bytes that it has sent. */
static uint32_t room_of(const struct guest *guest)
{
    int32_t room = sequence_past(guest->told + guest->wnd, guest->seq);
    return room > 0 ? (uint32_t)room : 0;
}

static void let_pass(uint64_t duration_ns)
{
    tcp_wire_run(&wire, duration_ns);
    hear();
}

static void arrive(struct guest *guest, uint16_t port)
{
    *guest = (struct guest){ .port = port, .seq = GUEST_ISS };
    expect(say(guest, TCP_SYN, guest->seq++, 0));
    expect_that(guest->told, ==, guest->seq);
    expect(say(guest, TCP_ACK, guest->seq, 0));
    guest->connection = tcp_acceptor_take(acceptor);
    expect(guest->connection != NULL);
    tcp_connection_attach(guest->connection, &user);
}

static void open_world(void)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    parameters.connection_count = GUESTS + 8;
    tcp_wire_open(&wire, 1, &parameters, PACKETS, true);
    struct endpoint local = { .address = host()->address, .port = SERVED_PORT };
    expect_ok(tcp_acceptor_open(&host()->core, &local, 8, &acceptor_user, &acceptor));
    for (uint16_t i = 0; i < GUESTS; i++)
        arrive(&guests[i], (uint16_t)(FIRST_PORT + i));
}

/* All is given back while the network is as it was. */
static void close_world(void)
{
    for (size_t i = 0; i < GUESTS; i++)
        tcp_connection_abort(guests[i].connection);
    tcp_wire_forget(&wire);
    tcp_acceptor_close(acceptor);
    tcp_wire_run(&wire, 100 * S_NS);
    expect_that(host()->core.connections.used_count, ==, 0);
    expect_that(host()->pool.free_count, ==, host()->pool.count);
    expect_that(host()->core.send_pool.free_count, ==, host()->core.send_pool.count);
    tcp_wire_close(&wire);
}

static void expect_bounded(const struct guest *guest)
{
    const struct tcp_receive_queue *queue = &guest->connection->receive_queue;
    expect_that((uint64_t)queue->buffer_count * PACKET_BYTES, <=,
                (uint64_t)guest->connection->receive_window.limit_bytes * 2);
    expect_that(guest->connection->receive_window.limit_bytes, ==, 64 * KIB);
}

static void expect_all_bounded(void)
{
    size_t held = 0;
    for (size_t i = 0; i < GUESTS; i++) {
        expect_bounded(&guests[i]);
        held += guests[i].connection->receive_queue.buffer_count;
    }
    expect_that(host()->pool.count - host()->pool.free_count, ==, held);
}

/* ---- somebody honest comes later ---- */

#define HONEST_BYTES ((uint32_t)200 * 1000)

/* Sends into a window that may be small, to a reader who reads. */
static void send_honestly(void)
{
    uint32_t end = honest.seq + HONEST_BYTES, read_bytes = 0;
    for (size_t steps = 0; honest.told != end; steps++) {
        expect_that(steps, <, 5000);
        uint32_t part = MIN(MIN(room_of(&honest), 1400), end - honest.seq);
        if (part > 0) {
            expect(say(&honest, TCP_ACK, honest.seq, part));
            honest.seq += part;
        } else {
            let_pass(50 * MS_NS);
        }
        struct view view;
        for (;;) {
            expect_ok(tcp_connection_peek(honest.connection, &view));
            if (view_is_empty(view)) break;
            read_bytes += (uint32_t)view.length_bytes;
            tcp_connection_consume(honest.connection, view.length_bytes);
        }
        hear();
    }
    expect_that(read_bytes, ==, HONEST_BYTES);
}

/* Answers, and all of it is acknowledged. */
static void answer_honestly(void)
{
    static const uint8_t bytes[HONEST_BYTES];
    struct view left = VIEW_OF(bytes);
    uint32_t end = honest.heard + HONEST_BYTES;
    for (size_t steps = 0; honest.heard != end; steps++) {
        expect_that(steps, <, 5000);
        size_t taken_bytes;
        expect_ok(tcp_connection_send(honest.connection, &left, 1, TCP_SEND_NOW, &taken_bytes));
        left = view_from_offset(left, taken_bytes);
        hear();
        expect(say(&honest, TCP_ACK, honest.seq, 0));
        let_pass(MS_NS);
    }
}

static void expect_honest_is_served(void)
{
    arrive(&honest, FIRST_PORT + GUESTS);
    send_honestly();
    answer_honestly();
    tcp_connection_abort(honest.connection);
    tcp_wire_forget(&wire);
}

/* ---- what the others do ---- */

/* A few of them fill their windows to the last byte. */
TEST(one_byte_segments_to_readers_who_never_read)
{
    open_world();
    for (uint32_t k = 0; k < 1000; k++) {
        for (size_t i = 0; i < GUESTS; i++)
            expect(say(&guests[i], TCP_ACK | TCP_PSH, guests[i].seq++, 1));
    }
    let_pass(50 * MS_NS);
    expect_all_bounded();
    for (size_t i = 0; i < GUESTS; i++)
        expect_that(guests[i].connection->rcv_nxt, ==, guests[i].seq);
    for (size_t i = 0; i < 3; i++) {
        while (room_of(&guests[i]) > 0) {
            expect(say(&guests[i], TCP_ACK | TCP_PSH, guests[i].seq++, 1));
            expect_bounded(&guests[i]);
            if (room_of(&guests[i]) == 0) let_pass(50 * MS_NS);
        }
        expect_that(guests[i].seq - GUEST_ISS, >, 60000);
    }
    expect_honest_is_served();
    close_world();
}

/* Every other byte of the window, from its start or from its end. */
TEST(one_byte_segments_out_of_order)
{
    open_world();
    for (uint32_t k = 0; k < 200; k++) {
        for (size_t i = 0; i < GUESTS; i++) {
            uint32_t offset = i % 2 == 0 ? 1 + 2 * k : 60000 - 2 * k;
            expect(say(&guests[i], TCP_ACK, guests[i].seq + offset, 1));
        }
    }
    expect_all_bounded();
    expect_honest_is_served();
    /* What came in order afterwards found its place. */
    for (size_t i = 0; i < GUESTS; i++) {
        expect(say(&guests[i], TCP_ACK, guests[i].seq, 1));
        expect(guests[i].told != guests[i].seq);
    }
    expect_all_bounded();
    close_world();
}

/* Whole segments, to the end of each window: four times the pool. */
TEST(whole_windows_to_readers_who_never_read)
{
    open_world();
    for (uint32_t k = 0; k < 60; k++) {
        for (size_t i = 0; i < GUESTS; i++) {
            if (guests[i].wnd < 1400) continue;
            expect(say(&guests[i], TCP_ACK, guests[i].seq, 1400));
            guests[i].seq = guests[i].told;
        }
    }
    expect_all_bounded();
    expect_honest_is_served();
    close_world();
}

TEST(whole_segments_out_of_order)
{
    open_world();
    for (uint32_t k = 0; k < 20; k++) {
        for (size_t i = 0; i < GUESTS; i++)
            expect(say(&guests[i], TCP_ACK, guests[i].seq + 1400 + 2800 * k, 1400));
    }
    expect_all_bounded();
    expect_honest_is_served();
    close_world();
}

/* Users send as much as they can to peers who acknowledge nothing. */
TEST(peers_who_never_acknowledge)
{
    static const uint8_t bytes[64 * 1024];
    open_world();
    for (size_t i = 0; i < GUESTS; i++) {
        struct view view = VIEW_OF(bytes);
        size_t taken_bytes;
        expect_ok(tcp_connection_send(guests[i].connection, &view, 1, TCP_SEND_NOW, &taken_bytes));
        hear();
    }
    expect_that(packet_pool_left(&host()->pool, PACKET_FOR_DATA), >, 0);
    arrive(&honest, FIRST_PORT + GUESTS);
    answer_honestly();
    send_honestly();
    tcp_connection_abort(honest.connection);
    close_world();
}
