/* tcp_timer_test.c - what time does: retransmission, keepalive, the user timeout; and paths that
 * change, vanish, or swallow long segments.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_peer_suite.h"

static struct peer peer;

static const struct view nothing;

static struct tcp_wire_host *host(void)
{
    return &peer.wire->hosts[0];
}

/* RFC 6298 5.5: each timeout doubles the next. */
TEST(timer_retransmits_with_backoff)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    struct tcp_wire_record first = peer_hear_record(&peer);
    peer_wait(&peer, 20 * S_NS);
    uint64_t before_ns = first.sent_ns, gap_ns = 0;
    int times = 0;
    while (tcp_wire_count(peer.wire) > 0) {
        struct tcp_wire_record again = peer_hear_record(&peer);
        expect_that(again.segment.seq, ==, first.segment.seq);
        expect_that(again.segment.payload_bytes, ==, 4);
        if (times > 1) expect_that(again.sent_ns - before_ns, >=, gap_ns * 19 / 10);
        gap_ns = again.sent_ns - before_ns;
        before_ns = again.sent_ns;
        times++;
    }
    expect_that(times, >=, 4);
    expect_that(tcp_core_statistics(peer.core)->retransmission_timeouts, >=, 4);
    peer_say(&peer, TCP_ACK, nothing);
    peer_wait(&peer, 60 * S_NS);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

/* Three duplicates, or SACK that says so: at once (RFC 5681 3.2, RFC 8985). */
TEST(timer_is_not_waited_for_when_acks_tell)
{
    for (int with_sack = 0; with_sack < 2; with_sack++) {
        peer_open_default(&peer);
        peer.sack_permitted = with_sack == 1;
        peer_connect(&peer);
        (void)peer_user_sends_count(&peer, 8000);
        uint32_t lost = peer.iss + 1;
        peer_hear_all(&peer);
        for (uint32_t i = 1; i <= 4; i++) {
            struct tcp_segment duplicate = {
                .seq = peer.seq,
                .ack = lost,
                .flags = TCP_ACK,
                .window = PEER_WINDOW,
            };
            if (with_sack == 1) {
                duplicate.options = TCP_OPTION_SACK;
                duplicate.sack_count = 1;
                duplicate.sack[0] = (struct tcp_range){ lost + 1000, lost + 1000 + i * 1000 };
            }
            peer_say_raw(&peer, &duplicate, nothing);
        }
        struct tcp_segment again = peer_hear(&peer);
        expect_that(again.seq, ==, lost);
        expect_that(again.payload_bytes, ==, PEER_MSS);
        expect_that(tcp_core_statistics(peer.core)->fast_recoveries, ==, 1);
        peer_close(&peer);
    }
}

/* RFC 9293 3.8.3, RFC 5482. */
TEST(timer_gives_up_after_the_user_timeout)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    parameters.user_timeout_ns = 30 * S_NS;
    peer_open(&peer, &parameters);
    peer_connect(&peer);
    peer_wait(&peer, 100 * S_NS); /* silence alone is no reason */
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    peer_wait(&peer, 29 * S_NS);
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    peer_wait(&peer, 2 * S_NS);
    expect_that(tcp_connection_failure(peer.connection), ==, TIMED_OUT);
    expect_that(peer_events(&peer) & TCP_EVENT_FAILED, ==, TCP_EVENT_FAILED);
    expect_that(tcp_core_statistics(peer.core)->user_timeouts, ==, 1);
    struct tcp_segment last = { 0 };
    while (tcp_wire_count(peer.wire) > 0)
        last = peer_hear(&peer);
    expect_that(last.flags & TCP_RST, ==, TCP_RST);
    peer_close(&peer);
}

/* RFC 9293 3.8.4: off by default (MUST-24, MUST-25), and never because one probe was not answered
 * (MUST-27). */
static struct tcp_core_parameters with_keepalive(void)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    parameters.keepalive_idle_ns = 100 * S_NS;
    parameters.keepalive_interval_ns = 10 * S_NS;
    parameters.keepalive_count = 3;
    return parameters;
}

TEST(timer_keeps_quiet_without_keepalive)
{
    struct tcp_core_parameters parameters = with_keepalive();
    peer_open(&peer, &parameters);
    peer_connect(&peer);
    peer_wait(&peer, 1000 * S_NS);
    peer_hear_nothing(&peer);
    expect(timer_next_ns(&peer.wire->agenda.wheel) == NEVER);
    peer_close(&peer);
}

TEST(timer_keeps_alive)
{
    struct tcp_core_parameters parameters = with_keepalive();
    peer_open(&peer, &parameters);
    peer_connect(&peer);
    tcp_connection_set_keepalive(peer.connection, true);
    for (int i = 0; i < 5; i++) {
        peer_wait(&peer, 99 * S_NS);
        peer_hear_nothing(&peer);
        peer_wait(&peer, 2 * S_NS);
        struct tcp_segment probe = peer_hear(&peer);
        expect_that(probe.seq, ==, peer.iss); /* SND.NXT - 1 */
        expect_that(probe.payload_bytes, ==, 0);
        expect_that(probe.flags, ==, TCP_ACK);
        peer_say(&peer, TCP_ACK, nothing);
    }
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    peer_wait(&peer, 135 * S_NS);
    expect_that(tcp_wire_count(peer.wire), ==, 4); /* three probes and a reset */
    expect_that(tcp_connection_failure(peer.connection), ==, TIMED_OUT);
    expect_that(tcp_core_statistics(peer.core)->keepalive_drops, ==, 1);
    peer_close(&peer);
}

/* ---- paths ---- */

/* RFC 1191: a router says that it is too long; what is lost goes again, shorter, at once. */
TEST(timer_is_not_waited_for_when_the_path_narrows)
{
    peer_open_default(&peer);
    peer.mss = 1460;
    peer_connect(&peer);
    (void)peer_user_sends_count(&peer, (size_t)4 * 1460);
    while (tcp_wire_count(peer.wire) > 0)
        expect_that(peer_hear(&peer).payload_bytes, ==, 1460);
    host()->mtu_bytes = 1000;
    tcp_wire_error(peer.wire, &peer.pair, peer.iss + 1, IP_ERROR_TOO_LARGE);
    uint32_t next = peer.iss + 1;
    while (tcp_wire_count(peer.wire) > 0) {
        struct tcp_segment again = peer_hear(&peer);
        expect_that(again.seq, ==, next);
        expect_that(again.payload_bytes, <=, 960);
        next += again.payload_bytes;
    }
    expect_that(next - peer.iss - 1, ==, 4 * 1460);
    peer.ack = next;
    /* The window has not come down for it (RFC 4821 7.6.2). */
    expect_that(peer.connection->recovery.congestion.cwnd_bytes, >=, 4 * 1460);
    peer_say(&peer, TCP_ACK, nothing);
    expect_that(peer.connection->recovery.snd_una, ==, next);
    peer_close(&peer);
}

/* An error about what is not in flight is a stranger's (RFC 5927 4.1), and what the path says
 * counts whoever says it. */
TEST(timer_stays_when_a_stranger_says_too_large)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    (void)peer_user_sends_count(&peer, 2000);
    peer_hear_all(&peer);
    expect(!tcp_wire_has_sent(peer.wire, &peer.pair, peer.iss));
    expect(tcp_wire_has_sent(peer.wire, &peer.pair, peer.iss + 1));
    expect(tcp_wire_has_sent(peer.wire, &peer.pair, peer.iss + 2000));
    expect(!tcp_wire_has_sent(peer.wire, &peer.pair, peer.iss + 1 + 2000));
    tcp_wire_error(peer.wire, &peer.pair, peer.iss + 1 + 2000, IP_ERROR_TOO_LARGE);
    tcp_wire_error(peer.wire, &peer.pair, peer.iss, IP_ERROR_TOO_LARGE);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

TEST(timer_finds_a_black_hole)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    peer_open(&peer, &parameters);
    peer.mss = 1460;
    peer_connect(&peer);
    (void)peer_user_sends_count(&peer, 20000);
    /* Segments over 600 bytes vanish. */
    uint32_t shortest = UINT32_MAX;
    for (int i = 0; i < 600 && peer.connection->send_queue.length_bytes > 0; i++) {
        peer_wait(&peer, 100 * MS_NS);
        bool through = false;
        struct tcp_wire_record record;
        while (tcp_wire_take(peer.wire, &record)) {
            uint32_t length = record.segment.payload_bytes;
            if (length == 0 || length + 40 > 600) continue;
            shortest = MIN(shortest, length);
            if (sequence_at_most(record.segment.seq, peer.ack) &&
                sequence_before(peer.ack, record.segment.seq + length))
                peer.ack = record.segment.seq + length;
            through = true;
        }
        if (through) peer_say(&peer, TCP_ACK, nothing);
    }
    expect_that(peer.connection->send_queue.length_bytes, ==, 0);
    expect_that(peer.connection->payload_max, ==, 536);
    expect_that(tcp_core_statistics(peer.core)->black_holes, ==, 2);
    peer_close(&peer);
}

/* A tiny MSS is not believed (CVE-2019-11479). */
TEST(timer_and_a_tiny_mss)
{
    peer_open_default(&peer);
    peer.mss = 1;
    peer_connect(&peer);
    (void)peer_user_sends_count(&peer, 300);
    expect_that(peer_hear(&peer).payload_bytes, ==, TCP_MSS_MIN);
    peer_close(&peer);
}

/* The route goes and comes back. */
TEST(timer_outlasts_a_lost_route)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    host()->unreachable = true;
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    peer_wait(&peer, 2 * S_NS);
    peer_hear_nothing(&peer);
    host()->unreachable = false;
    peer_wait(&peer, 10 * S_NS);
    expect_that(peer_hear(&peer).payload_bytes, ==, 4);
    peer_hear_all(&peer);
    peer_say(&peer, TCP_ACK, nothing);
    expect_that(peer.connection->recovery.snd_una, ==, peer.iss + 5);
    peer_close(&peer);
}

/* ---- the ring and the pool ---- */

TEST(timer_is_not_needed_when_the_ring_has_room_again)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    host()->ring_is_full = true;
    (void)peer_user_sends_count(&peer, 5000);
    peer_say(&peer, TCP_ACK, VIEW("x"));
    peer_hear_nothing(&peer);
    host()->ring_is_full = false;
    tcp_core_resume(peer.core);
    uint32_t bytes = 0;
    while (tcp_wire_count(peer.wire) > 0) {
        struct tcp_segment segment = peer_hear(&peer);
        bytes += segment.payload_bytes;
        expect_that(segment.ack, ==, peer.seq);
    }
    expect_that(bytes, ==, 5000);
    peer_close(&peer);
}

/* An acknowledgement whose time has come waits for the ring too. */
TEST(timer_of_an_acknowledgement_and_a_full_ring)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    for (int i = 0; i < 20; i++)
        peer_say(&peer, TCP_ACK, VIEW("x"));
    peer_wait(&peer, 100 * MS_NS);
    peer_hear_all(&peer);
    peer_say(&peer, TCP_ACK, VIEW("x"));
    host()->ring_is_full = true;
    peer_wait(&peer, 100 * MS_NS);
    peer_hear_nothing(&peer);
    host()->ring_is_full = false;
    peer_wait(&peer, 20 * MS_NS);
    expect_that(peer_hear(&peer).ack, ==, peer.seq);
    peer_close(&peer);
}

TEST(timer_sends_when_nobody_tells_of_room)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    host()->ring_is_full = true;
    (void)peer_user_sends_count(&peer, 5000);
    host()->ring_is_full = false;
    uint64_t next_ns = agenda_next_ns(&peer.wire->agenda);
    expect_that(next_ns, <=, tcp_wire_now_ns(peer.wire) + 20 * MS_NS);
    agenda_advance(&peer.wire->agenda, tcp_wire_now_ns(peer.wire) + 20 * MS_NS);
    expect_that(tcp_wire_count(peer.wire), ==, 5);
    peer_hear_all(&peer);
    peer_close(&peer);
}

/* Without buffers nothing is sent and nothing is taken, and both go on when there are some. */
TEST(timer_and_no_buffers)
{
    static struct packet *taken[4096];
    size_t count = 0;
    peer_open_default(&peer);
    peer_connect(&peer);
    for (struct packet *packet = packet_take(&host()->pool, PACKET_FOR_CONTROL); packet != NULL;
         packet = packet_take(&host()->pool, PACKET_FOR_CONTROL))
        taken[count++] = packet;
    expect_that(peer_user_sends_count(&peer, 100), ==, 0);
    tcp_core_flush(peer.core);
    expect_that(peer_events(&peer), ==, 0);
    while (count > 0)
        packet_drop(taken[--count]);
    tcp_core_flush(peer.core);
    expect_that(peer_events(&peer), ==, TCP_EVENT_WRITABLE);
    expect_that(peer_user_sends_count(&peer, 100), ==, 100);
    expect_that(peer_hear(&peer).payload_bytes, ==, 100);
    peer_close(&peer);
}

/* ---- ECN: RFC 3168 6.1 ---- */

static void connect_with_ecn(void)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    parameters.ecn = true;
    peer_open(&peer, &parameters);
    peer.ecn = true;
    struct tcp_segment syn = peer_begin(&peer);
    expect_that(syn.flags, ==, TCP_SYN | TCP_ECE | TCP_CWR);
    peer_say(&peer, TCP_SYN | TCP_ACK | TCP_ECE, nothing);
    struct tcp_wire_record ack = peer_hear_record(&peer);
    expect_that(ack.segment.flags, ==, TCP_ACK);
    expect_that(ack.ecn, ==, IP_ECN_NOT_ECT);
}

TEST(timer_ecn_reduces_once_a_round_trip)
{
    connect_with_ecn();
    (void)peer_user_sends_count(&peer, 40000);
    struct tcp_wire_record data = peer_hear_record(&peer);
    expect_that(data.ecn, ==, IP_ECN_ECT_0);
    uint32_t before = peer.connection->recovery.congestion.cwnd_bytes;
    peer_say_at(&peer, TCP_ACK | TCP_ECE, peer.seq, peer.iss + 1001, nothing);
    peer_say_at(&peer, TCP_ACK | TCP_ECE, peer.seq, peer.iss + 2001, nothing);
    peer_say_at(&peer, TCP_ACK | TCP_ECE, peer.seq, peer.iss + 9001, nothing);
    expect_that(peer.connection->recovery.congestion.ssthresh_bytes, <, before);
    expect_that(peer.connection->recovery.congestion.ssthresh_bytes, >=, before / 2);
    expect_that(tcp_core_statistics(peer.core)->ecn_reductions, ==, 1);
    int told = 0;
    while (tcp_wire_count(peer.wire) > 0)
        told += (peer_hear(&peer).flags & TCP_CWR) != 0;
    expect_that(told, ==, 1);
    peer_close(&peer);
}

/* RFC 3168 6.1.3: the mark is echoed until the sender says CWR. */
TEST(timer_ecn_echoes_marks)
{
    connect_with_ecn();
    struct tcp_wire_injection marked = {
        .segment = { .source_port = PEER_PORT,
                     .destination_port = PEER_LOCAL_PORT,
                     .seq = peer.seq,
                     .ack = peer.ack,
                     .flags = TCP_ACK,
                     .window = PEER_WINDOW },
        .payload = VIEW("marked"),
        .ecn = IP_ECN_CE,
    };
    tcp_wire_inject(peer.wire, &marked);
    peer.seq += 6;
    expect_that(peer_hear(&peer).flags, ==, TCP_ACK | TCP_ECE);
    peer_say(&peer, TCP_ACK, VIEW("x"));
    expect_that(peer_hear(&peer).flags, ==, TCP_ACK | TCP_ECE);
    peer_say(&peer, TCP_ACK | TCP_CWR, VIEW("x"));
    expect_that(peer_hear(&peer).flags, ==, TCP_ACK);
    peer_close(&peer);
}

/* RFC 3168 6.1.5: what is sent again is not marked as capable. */
TEST(timer_ecn_is_for_new_data)
{
    connect_with_ecn();
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    expect_that(peer_hear_record(&peer).ecn, ==, IP_ECN_ECT_0);
    peer_wait(&peer, S_NS);
    expect_that(peer_hear_record(&peer).ecn, ==, IP_ECN_NOT_ECT);
    peer_hear_all(&peer);
    peer_close(&peer);
}

/* RFC 3168 6.1.1.1: a SYN that offers it and is not answered goes again without. */
TEST(timer_ecn_is_not_insisted_on)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    parameters.ecn = true;
    peer_open(&peer, &parameters);
    expect_that(peer_begin(&peer).flags, ==, TCP_SYN | TCP_ECE | TCP_CWR);
    peer_wait(&peer, 1100 * MS_NS);
    expect_that(peer_hear(&peer).flags, ==, TCP_SYN);
    peer_say(&peer, TCP_SYN | TCP_ACK | TCP_ECE, nothing);
    expect(!tcp_connection_has(peer.connection, TCP_HAS_ECN));
    peer_close(&peer);
}

TEST(timer_ecn_is_taken_when_offered)
{
    peer_open_default(&peer);
    peer.ecn = true;
    peer_accept(&peer);
    expect(tcp_connection_has(peer.connection, TCP_HAS_ECN));
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    expect_that(peer_hear_record(&peer).ecn, ==, IP_ECN_ECT_0);
    peer_close(&peer);
}
