/* tcp_path_test.c - paths that swallow long segments without a word, and that are mended later (RFC
 * 2923 2.1, RFC 4821).
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_peer_suite.h"

#define FULL_BYTES  1460
#define SHORT_BYTES 536

static struct peer peer;

static const struct view nothing;

static const struct tcp_core_statistics *statistics(void)
{
    return tcp_core_statistics(peer.core);
}

/* Until all is acknowledged; segments over SHORT_BYTES vanish. */
static void send_through_hole(size_t bytes)
{
    (void)peer_user_sends_count(&peer, bytes);
    for (int i = 0; i < 600 && peer.connection->send_queue.length_bytes > 0; i++) {
        struct tcp_wire_record record;
        while (tcp_wire_take(peer.wire, &record)) {
            uint32_t end = record.segment.seq + record.segment.payload_bytes;
            bool is_next = sequence_at_most(record.segment.seq, peer.ack) &&
                           sequence_before(peer.ack, end);
            if (is_next && record.segment.payload_bytes <= SHORT_BYTES) peer.ack = end;
        }
        peer_say(&peer, TCP_ACK, nothing);
        peer_wait(&peer, 100 * MS_NS);
    }
    expect_that(peer.connection->send_queue.length_bytes, ==, 0);
    peer_hear_all(&peer);
}

static void open_in_hole(bool with_sack)
{
    peer_open_default(&peer);
    peer.mss = FULL_BYTES;
    peer.sack_permitted = with_sack;
    peer_connect(&peer);
    send_through_hole(20000);
    expect_that(peer.connection->payload_max, ==, SHORT_BYTES);
    expect_that(statistics()->black_holes, ==, 2);
}

/* The user sends, and the peer acknowledges each second segment, until all is through (false) or a
 * longer one than the path lets through goes (true): it is `probe`. */
static bool send_some(struct tcp_segment *probe)
{
    (void)peer_user_sends_count(&peer, (size_t)60 * SHORT_BYTES);
    uint32_t acknowledged = peer.ack;
    while (peer.connection->send_queue.length_bytes > 0) {
        struct tcp_segment segment = peer_hear(&peer);
        if (segment.payload_bytes > SHORT_BYTES) {
            *probe = segment;
            return true;
        }
        uint32_t end = segment.seq + segment.payload_bytes;
        bool is_last = tcp_wire_count(peer.wire) == 0;
        if (end - acknowledged < 2 * SHORT_BYTES && !is_last) continue;
        acknowledged = end;
        peer_say_at(&peer, TCP_ACK, peer.seq, end, nothing);
    }
    return false;
}

static void acknowledge_rest(void)
{
    while (peer.connection->send_queue.length_bytes > 0)
        peer_acknowledge(&peer);
}

/* RFC 1191 6.3, RFC 4821 7.5: after ten minutes, not before, one full segment of bytes that are in
 * flight already; and when it is said to have come (RFC 2883 4), segments are full again. */
TEST(path_is_tried_again_after_ten_minutes)
{
    struct tcp_segment probe = { 0 };
    open_in_hole(true);
    peer_wait(&peer, 500 * S_NS);
    expect(!send_some(&probe));
    peer_wait(&peer, 110 * S_NS);
    expect(send_some(&probe));
    expect_that(probe.payload_bytes, ==, FULL_BYTES);
    expect(sequence_at_most(probe.seq + FULL_BYTES, peer.connection->recovery.snd_nxt));
    uint64_t timeouts = statistics()->retransmission_timeouts;
    uint32_t cwnd_bytes = peer.connection->recovery.congestion.cwnd_bytes;
    peer_say_sack(&peer, peer.ack, (struct tcp_range){ probe.seq, probe.seq + FULL_BYTES });
    expect_that(statistics()->black_holes_left, ==, 1);
    expect_that(peer.connection->recovery.state, ==, TCP_OPEN);
    expect_that(peer.connection->recovery.rack_window_multiplier, ==, 1);
    expect_that(peer.connection->recovery.congestion.cwnd_bytes, >=, cwnd_bytes);
    expect_that(statistics()->spurious_recoveries + statistics()->fast_recoveries, ==, 0);
    expect_that(statistics()->retransmission_timeouts, ==, timeouts);
    acknowledge_rest();
    (void)peer_user_sends_count(&peer, (size_t)3 * FULL_BYTES);
    expect_that(peer_hear(&peer).payload_bytes, ==, FULL_BYTES);
    expect_that(peer.connection->payload_max, ==, FULL_BYTES);
    peer_close(&peer);
}

/* RFC 4821 7.6.2: that a probe is lost says nothing of congestion; nothing of it is missing. The
 * next goes ten minutes later. */
TEST(path_that_is_as_it_was_costs_nothing)
{
    struct tcp_segment probe = { 0 };
    open_in_hole(true);
    for (int round = 0; round < 3; round++) {
        peer_wait(&peer, 610 * S_NS);
        uint64_t timeouts = statistics()->retransmission_timeouts;
        expect(send_some(&probe));
        uint32_t cwnd_bytes = peer.connection->recovery.congestion.cwnd_bytes;
        acknowledge_rest();
        expect_that(peer.connection->recovery.congestion.cwnd_bytes, >=, cwnd_bytes);
        expect_that(statistics()->fast_recoveries, ==, 0);
        expect_that(statistics()->retransmission_timeouts, ==, timeouts);
        expect_that(peer.connection->payload_max, ==, SHORT_BYTES);
        expect(!send_some(&probe));
    }
    expect_that(statistics()->black_holes_left, ==, 0);
    peer_close(&peer);
}

/* The same bytes behind a hole are the short segments; a part of them, or too late, is no answer.
 */
TEST(path_believes_only_what_a_probe_can_have_brought)
{
    struct tcp_segment probe = { 0 };
    open_in_hole(true);
    peer_wait(&peer, 610 * S_NS);
    expect(send_some(&probe));
    uint32_t end = probe.seq + FULL_BYTES;
    peer_say_sack(&peer, probe.seq - 1, (struct tcp_range){ probe.seq, end });
    expect_that(statistics()->black_holes_left, ==, 0);
    peer_say_sack(&peer, peer.ack, (struct tcp_range){ probe.seq, end - 1 });
    peer_say_sack(&peer, peer.ack, (struct tcp_range){ probe.seq + 1, end });
    expect_that(statistics()->black_holes_left, ==, 0);
    acknowledge_rest();
    peer_wait(&peer, 100 * S_NS);
    peer_say_sack(&peer, peer.ack, (struct tcp_range){ probe.seq, end });
    expect_that(statistics()->black_holes_left, ==, 0);
    expect_that(peer.connection->payload_max, ==, SHORT_BYTES);
    peer_close(&peer);
}

/* Who does not say what came twice is not asked. */
TEST(path_is_not_tried_without_sack)
{
    struct tcp_segment probe = { 0 };
    open_in_hole(false);
    peer_wait(&peer, 610 * S_NS);
    expect(!send_some(&probe));
    peer_close(&peer);
}

/* Where IP knows that the path is narrow there is nothing to try. */
TEST(path_is_not_tried_where_a_router_has_spoken)
{
    struct tcp_segment probe = { 0 };
    open_in_hole(true);
    peer.wire->hosts[0].mtu_bytes = SHORT_BYTES + 40;
    peer_wait(&peer, 610 * S_NS);
    expect(!send_some(&probe));
    peer_close(&peer);
}

/* ---- two of ours ---- */

static struct tcp_wire wire;

static void hear_nothing(struct tcp_user *user, unsigned events)
{
    (void)user;
    (void)events;
}

static void accept_nothing(struct tcp_acceptor_user *user)
{
    (void)user;
}

static void carry(struct tcp_connection *sender, struct tcp_connection *receiver,
                  uint64_t duration_ns)
{
    static const uint8_t zeros[20000];
    uint64_t end_ns = tcp_wire_now_ns(&wire) + duration_ns;
    while (tcp_wire_now_ns(&wire) < end_ns) {
        struct view bytes = VIEW_OF(zeros);
        size_t taken_bytes;
        expect_ok(tcp_connection_send(sender, &bytes, 1, TCP_SEND_NOW, &taken_bytes));
        tcp_wire_run(&wire, 200 * MS_NS);
        expect_ok(tcp_connection_peek(receiver, &bytes));
        while (!view_is_empty(bytes)) {
            tcp_connection_consume(receiver, bytes.length_bytes);
            expect_ok(tcp_connection_peek(receiver, &bytes));
        }
    }
}

/* Our own receiver tells of what came twice, and our own sender hears it: with every seed. */
TEST(path_between_two_of_ours_is_mended)
{
    static struct tcp_user users[2] = { { hear_nothing }, { hear_nothing } };
    static struct tcp_acceptor_user acceptor_user = { accept_nothing };
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct tcp_core_parameters parameters = tcp_wire_parameters();
        tcp_wire_open(&wire, seed, &parameters, 4096, false);
        wire.hosts[0].faults.rate_bytes_s = 1000000;
        wire.hosts[0].narrow_mtu_bytes = 1100;
        const struct endpoint from = { .address = wire.hosts[0].address, .port = 40000 };
        const struct endpoint to = { .address = wire.hosts[1].address, .port = 80 };
        struct tcp_acceptor *acceptor;
        struct tcp_connection *sender;
        expect_ok(tcp_acceptor_open(&wire.hosts[1].core, &to, 1, &acceptor_user, &acceptor));
        expect_ok(tcp_connection_open(&wire.hosts[0].core, &from, &to, &users[0], &sender));
        tcp_wire_run(&wire, 100 * MS_NS);
        struct tcp_connection *receiver = tcp_acceptor_take(acceptor);
        tcp_connection_attach(receiver, &users[1]);
        carry(sender, receiver, 20 * S_NS);
        const struct tcp_core_statistics *figures = &wire.hosts[0].core.statistics;
        expect_that(figures->black_holes, ==, 1);
        expect_that(sender->mtu_bytes, ==, 1024);
        uint64_t timeouts = figures->retransmission_timeouts;
        carry(sender, receiver, 700 * S_NS); /* tried in vain */
        expect_that(sender->mtu_bytes, ==, 1024);
        expect_that(figures->retransmission_timeouts, ==, timeouts);
        expect_that(figures->fast_recoveries, ==, 0);
        wire.hosts[0].narrow_mtu_bytes = 0;
        carry(sender, receiver, 700 * S_NS);
        expect_that(figures->black_holes_left, ==, 1);
        expect_that(sender->mtu_bytes, ==, 1500);
        expect_that(figures->retransmission_timeouts, ==, timeouts);
        tcp_connection_abort(sender);
        tcp_connection_abort(receiver);
        tcp_acceptor_close(acceptor);
        tcp_wire_run(&wire, S_NS);
        tcp_wire_close(&wire);
    }
}
