/* tcp_open_test.c - handshakes: opened by us, by the peer, by both; refused, unanswered, attacked.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_peer_suite.h"

static struct peer peer;

TEST(open_offers_what_linux_offers)
{
    peer_open_default(&peer);
    struct tcp_segment syn = peer_begin(&peer);
    expect_that(syn.flags, ==, TCP_SYN);
    expect_that(syn.ack, ==, 0);
    expect_that(syn.mss, ==, 1460); /* RFC 9293 3.7.1: SHLD-5 */
    expect(segment_has(&syn, TCP_OPTION_MSS) && segment_has(&syn, TCP_OPTION_SACK_PERMITTED) &&
           segment_has(&syn, TCP_OPTION_TIMESTAMPS) && segment_has(&syn, TCP_OPTION_WINDOW_SCALE));
    expect_that(peer_state(&peer), ==, TCP_SYN_SENT);
    peer_close(&peer);
}

/* RFC 9293 3.5, figure 6. */
TEST(open_by_us)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    expect(tcp_connection_is_open(peer.connection));
    expect_that(tcp_core_statistics(peer.core)->opened_actively, ==, 1);
    peer_close(&peer);
}

TEST(open_by_the_peer)
{
    peer_open_default(&peer);
    peer_accept(&peer);
    expect(tcp_connection_is_open(peer.connection));
    expect_that(tcp_core_statistics(peer.core)->opened_passively, ==, 1);
    peer_close(&peer);
}

/* RFC 9293 3.5, figure 8. */
TEST(open_by_both)
{
    peer_open_default(&peer);
    peer.timestamps = peer.sack_permitted = peer.window_scale = true;
    peer.wind_shift = 3;
    (void)peer_begin(&peer);
    uint32_t peer_iss = peer.seq;
    peer_say(&peer, TCP_SYN, (struct view){ 0 });
    expect_that(peer_state(&peer), ==, TCP_SYN_RECEIVED);
    struct tcp_segment syn_ack = peer_hear(&peer);
    expect_that(syn_ack.flags, ==, TCP_SYN | TCP_ACK);
    expect_that(syn_ack.seq, ==, peer.iss);
    expect_that(syn_ack.ack, ==, peer_iss + 1);
    expect(segment_has(&syn_ack, TCP_OPTION_SACK_PERMITTED) &&
           segment_has(&syn_ack, TCP_OPTION_TIMESTAMPS) &&
           segment_has(&syn_ack, TCP_OPTION_WINDOW_SCALE));
    peer_say_at(&peer, TCP_SYN | TCP_ACK, peer_iss, peer.iss + 1, (struct view){ 0 });
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    expect(tcp_connection_has(peer.connection, TCP_HAS_SACK));
    expect(tcp_connection_has(peer.connection, TCP_HAS_TIMESTAMPS));
    peer.ack = peer.iss + 1;
    peer_hear_all(&peer);
    peer_say(&peer, TCP_ACK, VIEW("both"));
    enum result result;
    expect_that(peer_user_reads(&peer, &result), ==, 4);
    peer_close(&peer);
}

/* An ACK alone completes it too. */
TEST(open_by_both_and_one_syn_ack_is_lost)
{
    peer_open_default(&peer);
    peer_reach(&peer, TCP_SYN_RECEIVED);
    peer.ack = peer.iss + 1;
    peer_say(&peer, TCP_ACK, VIEW("x"));
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    expect((peer_events(&peer) & TCP_EVENT_CONNECTED) != 0);
    peer_close(&peer);
}

/* RFC 6298 5.5 and 5.7; RFC 9293 3.8.3 (R2 for SYNs at least three minutes: MUST-23). */
TEST(open_repeats_its_syn_and_gives_up)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    parameters.user_timeout_ns = 180 * S_NS;
    peer_open(&peer, &parameters);
    struct tcp_segment syn = peer_begin(&peer);
    uint64_t before_ns = tcp_wire_now_ns(peer.wire), wait_ns = S_NS;
    for (int i = 0; i < 6; i++) {
        peer_wait(&peer, wait_ns + 2 * MS_NS);
        struct tcp_wire_record again = peer_hear_record(&peer);
        expect_that(again.segment.seq, ==, syn.seq);
        expect_that(again.segment.flags, ==, TCP_SYN);
        expect_that(again.sent_ns - before_ns, >=, wait_ns);
        before_ns = again.sent_ns;
        wait_ns *= 2;
        peer_hear_nothing(&peer);
    }
    peer_wait(&peer, 180 * S_NS);
    expect_that(peer_events(&peer) & TCP_EVENT_FAILED, ==, TCP_EVENT_FAILED);
    expect_that(tcp_connection_failure(peer.connection), ==, TIMED_OUT);
    peer_close(&peer);
}

/* A SYN that had to be repeated is no measurement (Karn), and the first window is one segment (RFC
 * 5681 3.1). */
TEST(open_late_starts_slowly)
{
    peer_open_default(&peer);
    (void)peer_begin(&peer);
    peer_wait(&peer, 1100 * MS_NS);
    (void)peer_hear(&peer);
    peer_say(&peer, TCP_SYN | TCP_ACK, (struct view){ 0 });
    peer_hear_all(&peer);
    (void)peer_user_sends_count(&peer, 10000);
    expect_that(tcp_wire_count(peer.wire), ==, 1);
    peer_close(&peer);
}

/* RFC 6928: ten segments. */
TEST(open_in_time_starts_with_ten_segments)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    (void)peer_user_sends_count(&peer, 20000);
    expect_that(tcp_wire_count(peer.wire), ==, 10);
    peer_close(&peer);
}

/* RFC 9293 3.10.7.3, second check. */
TEST(open_is_refused)
{
    peer_open_default(&peer);
    (void)peer_begin(&peer);
    peer_say(&peer, TCP_RST | TCP_ACK, (struct view){ 0 });
    expect_that(peer_events(&peer) & TCP_EVENT_FAILED, ==, TCP_EVENT_FAILED);
    expect_that(tcp_connection_failure(peer.connection), ==, REFUSED);
    expect_that(tcp_core_statistics(peer.core)->connect_failures, ==, 1);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

/* The same: a reset that does not acknowledge our SYN, or another one, is nobody's. */
TEST(open_is_not_refused_blindly)
{
    peer_open_default(&peer);
    (void)peer_begin(&peer);
    peer_say_at(&peer, TCP_RST, 0, 0, (struct view){ 0 });
    peer_say_at(&peer, TCP_RST | TCP_ACK, 0, peer.iss, (struct view){ 0 });
    peer_say_at(&peer, TCP_RST | TCP_ACK, 0, peer.iss + 2, (struct view){ 0 });
    expect_that(peer_state(&peer), ==, TCP_SYN_SENT);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

/* RFC 9293 3.10.7.3, first check: an old connection's ACK gets a reset at its number. */
TEST(open_answers_a_foreign_ack_with_a_reset)
{
    peer_open_default(&peer);
    (void)peer_begin(&peer);
    for (unsigned flags = TCP_ACK; flags <= (TCP_ACK | TCP_SYN); flags += TCP_SYN) {
        peer_say_at(&peer, flags, 77, peer.iss + 10, (struct view){ 0 });
        struct tcp_segment reset = peer_hear(&peer);
        expect_that(reset.flags, ==, TCP_RST);
        expect_that(reset.seq, ==, peer.iss + 10);
    }
    expect_that(peer_state(&peer), ==, TCP_SYN_SENT);
    peer_close(&peer);
}

/* RFC 9293 3.10.7.3, fifth: neither SYN nor RST. */
TEST(open_ignores_what_is_no_syn)
{
    peer_open_default(&peer);
    (void)peer_begin(&peer);
    peer_say_at(&peer, 0, 5, 0, VIEW("x"));
    peer_say_at(&peer, TCP_FIN, 5, 0, (struct view){ 0 });
    expect_that(peer_state(&peer), ==, TCP_SYN_SENT);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

/* RFC 9293 3.10.7.3: text and FIN of a SYN-ACK count. */
TEST(open_takes_text_with_the_syn_ack)
{
    peer_open_default(&peer);
    (void)peer_begin(&peer);
    peer_say(&peer, TCP_SYN | TCP_ACK | TCP_FIN, VIEW("early"));
    expect_that(peer_state(&peer), ==, TCP_CLOSE_WAIT);
    enum result result;
    expect_that(peer_user_reads(&peer, &result), ==, 5);
    expect_that(result, ==, CLOSED);
    expect_that(peer_hear(&peer).ack, ==, peer.seq);
    peer_close(&peer);
}

/* What the user says before it is open goes with the handshake's end. */
TEST(open_sends_what_was_written_before)
{
    peer_open_default(&peer);
    (void)peer_begin(&peer);
    expect_that(peer_user_sends(&peer, VIEW("first"), TCP_SEND_NOW), ==, 5);
    peer_hear_nothing(&peer);
    peer_say(&peer, TCP_SYN | TCP_ACK, (struct view){ 0 });
    struct tcp_segment data = peer_hear(&peer);
    expect_that(data.payload_bytes, ==, 5);
    expect_that(data.ack, ==, peer.seq);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

/* RFC 9293 3.10.4: shut while it opens: the FIN goes when it is open. */
TEST(open_and_shut)
{
    peer_open_default(&peer);
    (void)peer_begin(&peer);
    (void)peer_user_sends(&peer, VIEW("all"), TCP_SEND_NOW);
    tcp_connection_shut(peer.connection);
    peer_say(&peer, TCP_SYN | TCP_ACK, (struct view){ 0 });
    struct tcp_segment data = peer_hear(&peer);
    expect_that(data.payload_bytes, ==, 3);
    expect_that(data.flags, ==, TCP_ACK | TCP_FIN | TCP_PSH);
    expect_that(peer_state(&peer), ==, TCP_FIN_WAIT_1);
    peer_close(&peer);
}

TEST(open_and_close_at_once)
{
    peer_open_default(&peer);
    (void)peer_begin(&peer);
    tcp_connection_close(peer.connection);
    peer_let_go(&peer);
    expect_that(tcp_core_statistics(peer.core)->connection_count, ==, 0);
    peer_close(&peer);
}

/* RFC 5461 4.1: while it opens an ICMP error ends it; RFC 5927 4.1: if it is about our SYN. */
TEST(open_fails_by_icmp)
{
    peer_open_default(&peer);
    (void)peer_begin(&peer);
    tcp_wire_error(peer.wire, &peer.pair, peer.iss + 1, IP_ERROR_PORT_UNREACHABLE);
    expect_that(peer_state(&peer), ==, TCP_SYN_SENT);
    tcp_wire_error(peer.wire, &peer.pair, peer.iss, IP_ERROR_TIME_EXCEEDED);
    expect_that(peer_state(&peer), ==, TCP_SYN_SENT);
    tcp_wire_error(peer.wire, &peer.pair, peer.iss, IP_ERROR_PORT_UNREACHABLE);
    expect_that(tcp_connection_failure(peer.connection), ==, REFUSED);
    tcp_connection_abort(peer.connection);
    (void)peer_begin(&peer);
    tcp_wire_error(peer.wire, &peer.pair, peer.iss, IP_ERROR_HOST_UNREACHABLE);
    expect_that(tcp_connection_failure(peer.connection), ==, UNREACHABLE);
    peer_close(&peer);
}

/* RFC 1122 4.2.3.9, RFC 5927 4: it ends nothing that stands. */
TEST(open_connections_outlive_icmp)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    (void)peer_user_sends(&peer, VIEW("x"), TCP_SEND_NOW);
    for (int kind = IP_ERROR_HOST_UNREACHABLE; kind <= IP_ERROR_PARAMETER; kind++)
        tcp_wire_error(peer.wire, &peer.pair, peer.iss + 1, (enum ip_error_kind)kind);
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    peer_close(&peer);
}

TEST(open_the_same_pair_twice)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    struct tcp_connection *second;
    expect_result(
        tcp_connection_open(peer.core, &peer.pair.local, &peer.pair.peer, &peer.user, &second),
        EXISTS);
    peer_close(&peer);
}

TEST(open_without_a_way)
{
    peer_open_default(&peer);
    struct endpoint elsewhere = { .address = address_ipv4(203, 0, 113, 1), .port = 1 };
    struct endpoint any = { 0 };
    struct tcp_connection *connection;
    expect_result(tcp_connection_open(peer.core, &any, &elsewhere, &peer.user, &connection),
                  UNREACHABLE);
    struct endpoint not_ours = { .address = address_ipv4(192, 0, 2, 99) };
    expect_result(
        tcp_connection_open(peer.core, &not_ours, &peer.pair.peer, &peer.user, &connection),
        UNREACHABLE);
    peer_close(&peer);
}

/* With all records in use the oldest that nobody has any more gives way; else it is FULL. */
TEST(open_with_all_records_in_use)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    parameters.connection_count = 2;
    peer_open(&peer, &parameters);
    peer_connect(&peer);
    struct tcp_connection *second, *third;
    struct endpoint any = { 0 };
    expect_ok(tcp_connection_open(peer.core, &any, &peer.pair.peer, &peer.user, &second));
    expect_result(tcp_connection_open(peer.core, &any, &peer.pair.peer, &peer.user, &third), FULL);
    tcp_connection_close(peer.connection); /* it waits for its peer */
    peer_let_go(&peer);
    expect_that(tcp_core_statistics(peer.core)->connection_count, ==, 2);
    expect_ok(tcp_connection_open(peer.core, &any, &peer.pair.peer, &peer.user, &third));
    tcp_connection_abort(second);
    tcp_connection_abort(third);
    peer_close(&peer);
}
