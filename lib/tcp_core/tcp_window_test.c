/* tcp_window_test.c - windows: closed and probed, opened again, silly ones on both sides; Nagle's
 * rule; when what has come is acknowledged (RFC 9293 3.7.4, 3.8.6; RFC 5681 4.2).
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_peer_suite.h"

static struct peer peer;

static const struct view nothing;

static void connect_with_window(uint16_t window)
{
    peer_open_default(&peer);
    peer.window = window;
    peer_connect(&peer);
}

/* ---- the peer's window ---- */

/* RFC 9293 3.8.6.1: MUST-35, MUST-36, SHLD-29, SHLD-30. */
TEST(window_closed_is_probed_with_backoff)
{
    connect_with_window(0);
    (void)peer_user_sends(&peer, VIEW("waiting"), TCP_SEND_NOW);
    peer_hear_nothing(&peer);
    uint64_t before_ns = 0, gap_ns = 0;
    for (int i = 0; i < 8; i++) {
        while (tcp_wire_count(peer.wire) == 0)
            peer_wait(&peer, 10 * MS_NS);
        struct tcp_wire_record probe = peer_hear_record(&peer);
        peer.ack = peer.iss + 1;
        expect_that(probe.segment.seq, ==, peer.iss + 1);
        expect_that(probe.segment.payload_bytes, ==, 1);
        expect_that(probe.head[0], ==, 'w');
        if (i > 1) expect_that(probe.sent_ns - before_ns, >=, MIN(gap_ns * 19 / 10, 59 * S_NS));
        if (i > 0) gap_ns = probe.sent_ns - before_ns;
        before_ns = probe.sent_ns;
        peer_say(&peer, TCP_ACK, nothing); /* still closed */
    }
    peer.window = 1000;
    peer_say(&peer, TCP_ACK, nothing);
    struct tcp_segment data = peer_hear(&peer);
    expect_that(data.payload_bytes, ==, 7);
    expect_that(data.seq, ==, peer.iss + 1);
    peer_say(&peer, TCP_ACK, nothing);
    expect_that(peer.connection->recovery.snd_una, ==, peer.iss + 8);
    peer_close(&peer);
}

/* MUST-37: for ever, as long as the peer answers. */
TEST(window_closed_keeps_the_connection)
{
    connect_with_window(0);
    (void)peer_user_sends(&peer, VIEW("waiting"), TCP_SEND_NOW);
    for (int i = 0; i < 1000; i++) {
        peer_wait(&peer, S_NS);
        if (tcp_wire_count(peer.wire) == 0) continue;
        peer_hear_all(&peer);
        peer.ack = peer.iss + 1;
        peer_say(&peer, TCP_ACK, nothing);
    }
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    /* It does not, and is given up. */
    peer_wait(&peer, 400 * S_NS);
    expect_that(tcp_connection_failure(peer.connection), ==, TIMED_OUT);
    peer_close(&peer);
}

/* The silence before does not count. */
TEST(window_closed_after_an_hour_of_silence)
{
    connect_with_window(0);
    peer_wait(&peer, 3600 * S_NS);
    (void)peer_user_sends(&peer, VIEW("waiting"), TCP_SEND_NOW);
    peer_wait(&peer, 60 * S_NS);
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    expect_that(tcp_wire_count(peer.wire), >=, 5);
    peer_wait(&peer, 300 * S_NS);
    expect_that(tcp_connection_failure(peer.connection), ==, TIMED_OUT);
    peer_close(&peer);
}

/* Without SACK there is nothing more to tell than what data carries. */
TEST(window_acknowledges_with_data_beside_a_hole)
{
    connect_with_window(PEER_WINDOW);
    peer_say_at(&peer, TCP_ACK, peer.seq + 100, peer.ack, VIEW("ahead"));
    peer_hear_all(&peer);
    peer_say(&peer, TCP_ACK, VIEW("x"));
    peer_hear_all(&peer);
    (void)peer_user_sends_count(&peer, 2000);
    expect_that(peer_hear(&peer).payload_bytes, ==, 1000);
    expect_that(peer_hear(&peer).payload_bytes, ==, 1000);
    tcp_core_flush(peer.core);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

/* The byte of a probe may be taken: then it counts. */
TEST(window_probe_may_be_taken)
{
    connect_with_window(0);
    (void)peer_user_sends(&peer, VIEW("waiting"), TCP_SEND_NOW);
    peer_wait(&peer, 2 * S_NS);
    peer_hear_all(&peer); /* its byte is acknowledged */
    peer_say(&peer, TCP_ACK, nothing);
    expect_that(peer.connection->recovery.snd_una, ==, peer.iss + 2);
    peer.window = 100;
    peer_say(&peer, TCP_ACK, nothing);
    struct tcp_segment rest = peer_hear(&peer);
    expect_that(rest.seq, ==, peer.iss + 2);
    expect_that(rest.payload_bytes, ==, 6);
    peer_close(&peer);
}

/* A probe that comes to a closed window of ours is acknowledged, and what it acknowledges counts.
 */
TEST(window_closed_on_both_sides)
{
    connect_with_window(0);
    (void)peer_user_sends(&peer, VIEW("waiting"), TCP_SEND_NOW);
    for (int i = 0; i < 3000 && tcp_receive_window_bytes(&peer.connection->receive_window,
                                                         peer.connection->rcv_nxt) > 0;
         i++) {
        uint32_t room = tcp_receive_window_bytes(&peer.connection->receive_window,
                                                 peer.connection->rcv_nxt);
        peer_say_bytes(&peer, TCP_ACK, MIN(room, 1000));
        tcp_wire_forget(peer.wire);
    }
    expect_that(
        tcp_receive_window_bytes(&peer.connection->receive_window, peer.connection->rcv_nxt), ==,
        0);
    peer.window = 1000;
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.iss + 1, VIEW("?"));
    struct tcp_segment data = peer_hear(&peer);
    expect_that(data.window, ==, 0);
    bool went = data.payload_bytes == 7;
    while (tcp_wire_count(peer.wire) > 0)
        went |= peer_hear(&peer).payload_bytes == 7;
    expect(went);
    /* The end needs no room. */
    peer_say(&peer, TCP_ACK | TCP_FIN, nothing);
    expect_that(peer_state(&peer), ==, TCP_CLOSE_WAIT);
    peer_close(&peer);
}

/* A FIN waits for a window like a byte, and is probed with. */
TEST(window_closed_before_a_fin)
{
    connect_with_window(0);
    tcp_connection_shut(peer.connection);
    peer_hear_nothing(&peer);
    peer_wait(&peer, 2 * S_NS);
    struct tcp_segment fin = peer_hear(&peer);
    expect_that(fin.flags, ==, TCP_ACK | TCP_FIN);
    peer_hear_all(&peer);
    peer_say(&peer, TCP_ACK, nothing);
    expect_that(peer_state(&peer), ==, TCP_FIN_WAIT_2);
    peer_close(&peer);
}

/* A closed window with bytes in flight: they are retransmitted (RFC 9293 3.8.6). */
TEST(window_closes_over_what_is_in_flight)
{
    connect_with_window(3000);
    (void)peer_user_sends_count(&peer, 3000);
    peer_hear_all(&peer);
    peer.window = 0;
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.iss + 1, nothing);
    peer_wait(&peer, 2 * S_NS);
    expect_that(peer_hear(&peer).payload_bytes, ==, PEER_MSS);
    peer_hear_all(&peer);
    peer.window = 3000;
    peer_say(&peer, TCP_ACK, nothing);
    expect_that(peer.connection->recovery.snd_una, ==, peer.iss + 3001);
    peer_close(&peer);
}

/* No byte beyond it, and a window that shrinks takes nothing back (RFC 9293 3.8.6: SHLD-15). */
TEST(window_is_not_overrun)
{
    connect_with_window(2500);
    (void)peer_user_sends_count(&peer, 20000);
    uint32_t end = peer.iss + 1;
    while (tcp_wire_count(peer.wire) > 0) {
        struct tcp_segment segment = peer_hear(&peer);
        end = segment.seq + segment.payload_bytes;
    }
    expect_that(end - peer.iss - 1, ==, 2000); /* whole segments */
    peer.window = 1000;
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.iss + 1001, nothing);
    peer_hear_nothing(&peer);
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    peer_close(&peer);
}

/* RFC 9293 3.8.6.2.1 (3) and (4): less than half of the largest window ever waits for the timer. */
TEST(window_silly_is_not_filled_at_once)
{
    connect_with_window(4000);
    (void)peer_user_sends_count(&peer, 20000);
    peer_hear_all(&peer);
    peer.window = 0;
    peer_acknowledge(&peer);
    peer.window = 500;
    peer_say(&peer, TCP_ACK, nothing);
    peer_hear_nothing(&peer);
    peer_wait(&peer, S_NS);
    expect_that(peer_hear(&peer).payload_bytes, ==, 500);
    peer_close(&peer);
}

TEST(window_half_is_filled)
{
    connect_with_window(1600); /* never a whole segment and a half */
    (void)peer_user_sends_count(&peer, 20000);
    peer_hear_all(&peer);
    peer.window = 800;
    peer_acknowledge(&peer);
    expect_that(peer_hear(&peer).payload_bytes, ==, 800);
    peer_close(&peer);
}

/* RFC 9293 3.10.7.4: an older segment does not take a newer window back. */
TEST(window_of_an_older_segment_is_not_taken)
{
    connect_with_window(5000);
    uint32_t old_seq = peer.seq;
    peer_say(&peer, TCP_ACK, VIEW("new"));
    peer.window = 1;
    peer_say_at(&peer, TCP_ACK, old_seq, peer.ack, VIEW("new"));
    peer_say_at(&peer, TCP_ACK, old_seq, peer.ack, nothing);
    expect_that(peer.connection->snd_wnd, ==, 5000);
    peer_say(&peer, TCP_ACK, nothing);
    expect_that(peer.connection->snd_wnd, ==, 1);
    peer_close(&peer);
}

/* RFC 7323 2: scaled, but for the SYN's. */
TEST(window_is_scaled)
{
    peer_open_default(&peer);
    peer.window_scale = true;
    peer.wind_shift = 4;
    peer.window = 1000;
    peer_connect(&peer);
    expect_that(peer.connection->snd_wnd, ==, 1000);
    peer_say(&peer, TCP_ACK, nothing);
    expect_that(peer.connection->snd_wnd, ==, 16000);
    peer_close(&peer);
}

/* ---- ours ---- */

/* RFC 9293 3.8.6.2.2: the edge moves on when that is worth a segment, and the peer hears of it
 * when its window has been closed. */
TEST(window_of_ours_opens_when_read)
{
    peer_open_default(&peer);
    peer.window_scale = true;
    peer_connect(&peer);
    struct tcp_connection *connection = peer.connection;
    uint32_t edge = connection->receive_window.edge;
    for (int i = 0; i < 3000; i++) {
        uint32_t room = tcp_receive_window_bytes(&connection->receive_window, connection->rcv_nxt);
        if (room == 0) break;
        peer_say_bytes(&peer, TCP_ACK, MIN(room, 1000));
        tcp_wire_forget(peer.wire);
        expect(!sequence_before(connection->receive_window.edge, edge));
        edge = connection->receive_window.edge;
    }
    peer_wait(&peer, S_NS);
    tcp_wire_forget(peer.wire);
    struct view bytes;
    expect_ok(tcp_connection_peek(connection, &bytes));
    tcp_connection_consume(connection, 10);
    tcp_core_flush(peer.core);
    peer_hear_nothing(&peer); /* a silly window is not offered */
    enum result result;
    expect_that(peer_user_reads(&peer, &result), >, 10000);
    uint32_t most = 0;
    while (tcp_wire_count(peer.wire) > 0)
        most = peer_hear(&peer).window;
    expect_that(most << connection->rcv_wind_shift, >, 20000);
    peer_close(&peer);
}

/* ---- Nagle: RFC 9293 3.7.4 ---- */

TEST(window_nagle_waits_with_a_second_small_segment)
{
    connect_with_window(PEER_WINDOW);
    (void)peer_user_sends(&peer, VIEW("a"), TCP_SEND_NOW);
    expect_that(peer_hear(&peer).payload_bytes, ==, 1);
    (void)peer_user_sends(&peer, VIEW("b"), TCP_SEND_NOW);
    (void)peer_user_sends(&peer, VIEW("c"), TCP_SEND_NOW);
    peer_hear_nothing(&peer);
    peer_say(&peer, TCP_ACK, nothing);
    expect_that(peer_hear(&peer).payload_bytes, ==, 2);
    peer_close(&peer);
}

TEST(window_nagle_lets_full_segments_go)
{
    connect_with_window(PEER_WINDOW);
    (void)peer_user_sends(&peer, VIEW("a"), TCP_SEND_NOW);
    peer_hear_all(&peer);
    (void)peer_user_sends_count(&peer, 2500);
    expect_that(peer_hear(&peer).payload_bytes, ==, 1000);
    expect_that(peer_hear(&peer).payload_bytes, ==, 1000);
    peer_hear_nothing(&peer);
    peer_acknowledge(&peer);
    expect_that(peer_hear(&peer).payload_bytes, ==, 500);
    peer_close(&peer);
}

/* MUST-17: it can be switched off. */
TEST(window_without_nagle)
{
    connect_with_window(PEER_WINDOW);
    tcp_connection_set_nodelay(peer.connection, true);
    for (int i = 0; i < 3; i++) {
        (void)peer_user_sends(&peer, VIEW("a"), TCP_SEND_NOW);
        expect_that(peer_hear(&peer).payload_bytes, ==, 1);
    }
    tcp_connection_set_nodelay(peer.connection, false);
    (void)peer_user_sends(&peer, VIEW("a"), TCP_SEND_NOW);
    peer_hear_nothing(&peer);
    tcp_connection_set_nodelay(peer.connection, true);
    expect_that(peer_hear(&peer).payload_bytes, ==, 1);
    peer_close(&peer);
}

/* ---- when it is acknowledged: RFC 5681 4.2, RFC 9293 3.8.6.3 ---- */

static void spend_quick_acks(void)
{
    for (int i = 0; i < 16; i++) {
        peer_say(&peer, TCP_ACK, VIEW("x"));
        peer_hear_all(&peer);
    }
}

TEST(window_acknowledges_the_first_segments_at_once)
{
    connect_with_window(PEER_WINDOW);
    for (int i = 0; i < 8; i++) {
        peer_say(&peer, TCP_ACK, VIEW("x"));
        expect_that(peer_hear(&peer).ack, ==, peer.seq);
    }
    peer_close(&peer);
}

TEST(window_puts_an_acknowledgement_off)
{
    connect_with_window(PEER_WINDOW);
    spend_quick_acks();
    peer_say(&peer, TCP_ACK, VIEW("one"));
    peer_hear_nothing(&peer);
    peer_wait(&peer, 39 * MS_NS);
    peer_hear_nothing(&peer);
    peer_wait(&peer, 2 * MS_NS);
    expect_that(peer_hear(&peer).ack, ==, peer.seq);
    peer_wait(&peer, S_NS);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

TEST(window_acknowledges_every_second_full_segment)
{
    connect_with_window(PEER_WINDOW);
    spend_quick_acks();
    for (int i = 0; i < 5; i++) {
        peer_say_bytes(&peer, TCP_ACK, 1000);
        peer_hear_nothing(&peer);
        peer_say_bytes(&peer, TCP_ACK, 1000);
        expect_that(peer_hear(&peer).ack, ==, peer.seq);
    }
    peer_close(&peer);
}

/* What is sent anyway carries it. */
TEST(window_acknowledges_with_what_it_sends)
{
    connect_with_window(PEER_WINDOW);
    spend_quick_acks();
    peer_say(&peer, TCP_ACK, VIEW("request"));
    (void)peer_user_sends(&peer, VIEW("answer"), TCP_SEND_NOW);
    struct tcp_segment answer = peer_hear(&peer);
    expect_that(answer.payload_bytes, ==, 6);
    expect_that(answer.ack, ==, peer.seq);
    peer_wait(&peer, 100 * MS_NS);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

/* A hole is told at once, each time; filling it too (lwIP took 240 ms). */
TEST(window_acknowledges_around_holes_at_once)
{
    peer_open_default(&peer);
    peer.sack_permitted = true;
    peer_connect(&peer);
    spend_quick_acks();
    uint32_t hole = peer.seq;
    peer.seq += 1000;
    for (int i = 0; i < 3; i++) {
        uint32_t start = peer.seq;
        peer_say_bytes(&peer, TCP_ACK, 1000);
        struct tcp_segment duplicate = peer_hear(&peer);
        expect_that(duplicate.ack, ==, hole);
        expect_that(duplicate.sack_count, ==, 1);
        expect_that(duplicate.sack[0].start, ==, hole + 1000);
        expect_that(duplicate.sack[0].end, ==, start + 1000);
    }
    static const uint8_t bytes[1000];
    peer_say_at(&peer, TCP_ACK, hole, peer.ack, VIEW_OF(bytes));
    struct tcp_segment filled = peer_hear(&peer);
    expect_that(filled.ack, ==, peer.seq);
    expect_that(filled.sack_count, ==, 0);
    peer_hear_nothing(&peer);
    /* What comes twice is said to have (RFC 2883). */
    peer_say_at(&peer, TCP_ACK, hole, peer.ack, VIEW_OF(bytes));
    struct tcp_segment again = peer_hear(&peer);
    expect_that(again.sack_count, ==, 1);
    expect_that(again.sack[0].start, ==, hole);
    expect_that(again.sack[0].end, ==, hole + 1000);
    peer_close(&peer);
}

/* A burst is acknowledged once, when it ends. */
TEST(window_acknowledges_a_burst_once)
{
    static const uint8_t bytes[1000];
    connect_with_window(PEER_WINDOW);
    for (int i = 0; i < 20; i++) {
        struct tcp_wire_injection injection = {
            .segment = { .source_port = PEER_PORT,
                         .destination_port = PEER_LOCAL_PORT,
                         .seq = peer.seq,
                         .ack = peer.ack,
                         .flags = TCP_ACK,
                         .window = PEER_WINDOW },
            .payload = VIEW_OF(bytes),
            .without_flush = true,
        };
        tcp_wire_inject(peer.wire, &injection);
        peer.seq += 1000;
    }
    peer_hear_nothing(&peer);
    tcp_core_flush(peer.core);
    expect_that(peer_hear(&peer).ack, ==, peer.seq);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

/* ---- room to send ---- */

TEST(window_tells_of_room)
{
    connect_with_window(PEER_WINDOW);
    expect_that(peer_user_sends_count(&peer, MIB), ==, 256 * KIB);
    expect_that(peer_events(&peer), ==, 0);
    unsigned events = 0;
    for (int i = 0; i < 40 && events == 0; i++) {
        peer_acknowledge(&peer);
        events = peer_events(&peer);
    }
    expect_that(events, ==, TCP_EVENT_WRITABLE);
    expect_that(peer.connection->send_queue.length_bytes, <=, 192 * KIB);
    peer_acknowledge(&peer);
    expect_that(peer_events(&peer), ==, 0); /* once */
    peer_close(&peer);
}
