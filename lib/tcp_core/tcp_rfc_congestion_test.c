/* tcp_rfc_congestion_test.c - how much is sent, segment by segment: the first window, slow start,
 * limited transmit, fast retransmit and recovery, the window after a loss, after idleness, and of
 * who does not use it.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_peer_suite.h"

#define RTT_NS (100 * MS_NS)
#define MSS    PEER_MSS

static struct peer peer;

static const struct view nothing;

static void connect_with(enum tcp_congestion_kind kind, bool sack)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    parameters.congestion = (uint32_t)kind;
    peer_open(&peer, &parameters);
    peer.sack_permitted = sack;
    (void)peer_begin(&peer);
    peer_wait(&peer, RTT_NS);
    peer_say(&peer, TCP_SYN | TCP_ACK, nothing);
    peer_hear_all(&peer);
}

static void user_sends(size_t segments)
{
    (void)peer_user_sends_count(&peer, segments * MSS);
}

static uint32_t cwnd(void)
{
    return peer.connection->recovery.congestion.cwnd_bytes;
}

static uint32_t ssthresh(void)
{
    return peer.connection->recovery.congestion.ssthresh_bytes;
}

/* The number of the first byte of the n-th segment of the stream. */
static uint32_t seq_of(uint32_t n)
{
    return peer.iss + 1 + n * MSS;
}

static void acknowledge_up_to(uint32_t n)
{
    peer_say_at(&peer, TCP_ACK, peer.seq, seq_of(n), nothing);
}

/* All up to segment `n` is acknowledged, and segments `from` up to `to` have come; without SACK a
 * duplicate. */
static void say_holes(uint32_t n, uint32_t from, uint32_t to)
{
    struct tcp_segment segment = {
        .seq = peer.seq, .ack = seq_of(n), .flags = TCP_ACK, .window = peer.window
    };
    if (peer.sack_permitted) {
        segment.options = TCP_OPTION_SACK;
        segment.sack_count = 1;
        segment.sack[0] = (struct tcp_range){ seq_of(from), seq_of(to) };
    }
    peer_say_raw(&peer, &segment, nothing);
}

/* What was sent is the segment `n`, whole. */
static void expect_segment(uint32_t n)
{
    struct tcp_segment segment = peer_hear(&peer);
    expect_that(segment.seq - peer.iss - 1, ==, n * MSS);
    expect_that(segment.payload_bytes, ==, MSS);
}

static void expect_segments(uint32_t from, uint32_t to)
{
    for (uint32_t n = from; n < to; n++)
        expect_segment(n);
}

/* ---- the first window: RFC 6928 2 ---- */

/* min (10 * MSS, max (2 * MSS, 14600)). */
TEST(rfc_the_first_window_is_what_rfc_6928_says)
{
    static const struct {
        uint16_t mss;
        uint32_t segments;
    } cases[] = { { 100, 10 }, { 536, 10 }, { 1460, 10 }, { 1480, 9 } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        peer_open_default(&peer);
        peer.wire->hosts[0].mtu_bytes = 1600;
        peer.mss = cases[i].mss;
        peer.window = 65535;
        peer_connect(&peer);
        (void)peer_user_sends_count(&peer, 100000);
        expect_that(tcp_wire_count(peer.wire), ==, cases[i].segments);
        peer_close(&peer);
    }
    expect_that(tcp_congestion_initial_bytes(4000), ==, 14600);
    expect_that(tcp_congestion_initial_bytes(8960), ==, 2 * 8960);
}

/* With timestamps a segment holds 12 bytes less (RFC 6691), and there are ten all the same. */
TEST(rfc_the_first_window_with_timestamps)
{
    peer_open_default(&peer);
    peer.mss = 1460;
    peer.window = 65535;
    peer.timestamps = true;
    peer_connect(&peer);
    (void)peer_user_sends_count(&peer, 100000);
    expect_that(tcp_wire_count(peer.wire), ==, 10);
    expect_that(peer_hear(&peer).payload_bytes, ==, 1448);
    peer_close(&peer);
}

/* ---- slow start: RFC 5681 3.1 ---- */

/* Each acknowledged segment lets two go. */
TEST(rfc_slow_start_sends_two_for_one)
{
    connect_with(TCP_CONGESTION_NEWRENO, false);
    user_sends(200);
    expect_segments(0, 10);
    peer_hear_nothing(&peer);
    for (uint32_t round = 0; round < 3; round++) {
        peer_wait(&peer, RTT_NS);
        acknowledge_up_to(2 * round + 2);
        expect_segments(10 + 4 * round, 14 + 4 * round);
        peer_hear_nothing(&peer);
    }
    peer_close(&peer);
}

/* ---- loss: RFC 5681 3.2, RFC 3042, RFC 6582 ---- */

/* Two duplicates let a new segment go each, the third sends the first again; and those two do not
 * count in ssthresh (RFC 5681 3.2 step 2, MUST NOT). */
TEST(rfc_limited_transmit_and_fast_retransmit)
{
    for (int sack = 0; sack < 2; sack++) {
        connect_with(TCP_CONGESTION_NEWRENO, sack == 1);
        user_sends(60);
        expect_segments(0, 10);
        peer_wait(&peer, RTT_NS);
        say_holes(0, 1, 2);
        expect_segment(10);
        peer_hear_nothing(&peer);
        say_holes(0, 1, 3);
        expect_segment(11);
        peer_hear_nothing(&peer);
        expect_that(cwnd(), ==, 10 * MSS); /* RFC 3042: unchanged */
        say_holes(0, 1, 4);
        expect_segment(0);
        expect_that(ssthresh(), ==, 5 * MSS);
        peer_close(&peer);
    }
}

/* RFC 5681 3.2 step 6, RFC 6582 3.2 step 3: the full acknowledgement leaves cwnd at ssthresh; RFC
 * 9438 4.6: at 0.7 of what it was. */
TEST(rfc_the_window_after_recovery_is_ssthresh)
{
    for (int kind = TCP_CONGESTION_CUBIC; kind <= TCP_CONGESTION_NEWRENO; kind++) {
        for (int sack = 0; sack < 2; sack++) {
            connect_with((enum tcp_congestion_kind)kind, sack == 1);
            user_sends(10);
            peer_hear_all(&peer);
            peer_wait(&peer, RTT_NS);
            for (uint32_t n = 2; n <= 10; n++)
                say_holes(0, 1, n);
            expect_segment(0);
            peer_hear_nothing(&peer);
            peer_wait(&peer, RTT_NS);
            acknowledge_up_to(10);
            expect_that(cwnd(), ==, kind == TCP_CONGESTION_CUBIC ? 7 * MSS : 5 * MSS);
            expect_that(ssthresh(), ==, cwnd());
            peer_close(&peer);
        }
    }
}

/* RFC 6937 3: while more than ssthresh is in flight, ssthresh / RecoverFS goes for each byte that
 * is delivered: from 20 in flight down to 10, one for two. */
TEST(rfc_recovery_sends_one_for_two)
{
    connect_with(TCP_CONGESTION_NEWRENO, true);
    user_sends(200);
    peer_hear_all(&peer);
    peer_wait(&peer, RTT_NS);
    acknowledge_up_to(10);
    peer_wait(&peer, RTT_NS / 2);
    peer_hear_all(&peer);
    expect_that(peer.connection->recovery.snd_nxt - seq_of(0), ==, 30 * MSS);
    uint32_t sent = 0;
    for (uint32_t n = 12; n <= 30; n++) {
        say_holes(10, 11, n);
        while (tcp_wire_count(peer.wire) > 0) {
            (void)peer_hear(&peer);
            sent++;
        }
        expect_that(tcp_recovery_in_flight_bytes(&peer.connection->recovery), <=, 20 * MSS);
    }
    /* Two by limited transmit, then the lost one, then one for two: ten are in flight again. */
    expect_that(ssthresh(), ==, 10 * MSS);
    uint32_t in_flight = tcp_recovery_in_flight_bytes(&peer.connection->recovery);
    expect_that(in_flight, >=, 9 * MSS);
    expect_that(in_flight, <=, 11 * MSS);
    expect_that(sent, >=, 9);
    expect_that(sent, <=, 12);
    peer_close(&peer);
}

/* RFC 6582 3.2 step 3, partial: the next hole goes at once, without three duplicates. */
TEST(rfc_a_partial_acknowledgement_sends_the_next_hole)
{
    connect_with(TCP_CONGESTION_NEWRENO, false);
    user_sends(10);
    expect_segments(0, 10);
    peer_wait(&peer, RTT_NS);
    for (uint32_t n = 0; n < 3; n++)
        acknowledge_up_to(0);
    expect_segment(0);
    peer_wait(&peer, RTT_NS);
    acknowledge_up_to(4);
    expect_segment(4);
    acknowledge_up_to(7);
    expect_segment(7);
    acknowledge_up_to(10);
    peer_hear_nothing(&peer);
    expect_that(cwnd(), ==, 5 * MSS);
    peer_close(&peer);
}

/* Two duplicates are not three (RFC 5681 3.2), and neither data nor another window makes one (2).
 */
TEST(rfc_fewer_than_three_duplicates_send_nothing_again)
{
    connect_with(TCP_CONGESTION_NEWRENO, false);
    user_sends(10);
    peer_hear_all(&peer);
    peer_wait(&peer, RTT_NS);
    acknowledge_up_to(0);
    acknowledge_up_to(0);
    peer.window -= 1000;
    acknowledge_up_to(0);
    peer_say_at(&peer, TCP_ACK, peer.seq, seq_of(0), VIEW("text"));
    while (tcp_wire_count(peer.wire) > 0)
        expect_that(peer_hear(&peer).payload_bytes, ==, 0);
    expect_that(tcp_core_statistics(peer.core)->segments_retransmitted, ==, 0);
    peer_close(&peer);
}

/* ---- RACK: RFC 8985 6.2 ---- */

/* Step 4: under the threshold of duplicates a hole waits for min_RTT / 4 and is lost then. */
TEST(rfc_a_hole_waits_a_quarter_of_the_round_trip)
{
    connect_with(TCP_CONGESTION_CUBIC, true);
    user_sends(3);
    peer_hear_all(&peer);
    peer_wait(&peer, RTT_NS);
    say_holes(0, 1, 2);
    peer_hear_nothing(&peer);
    uint64_t since_ns = tcp_wire_now_ns(peer.wire);
    peer_wait(&peer, 24 * MS_NS);
    peer_hear_nothing(&peer);
    peer_wait(&peer, 6 * MS_NS);
    struct tcp_wire_record again = peer_hear_record(&peer);
    expect_that(again.segment.seq, ==, seq_of(0));
    expect_that(again.sent_ns - since_ns, >=, RTT_NS / 4);
    peer_close(&peer);
}

/* Without any reordering seen, three segments' worth of SACK need no waiting. */
TEST(rfc_three_sacked_segments_do_not_wait)
{
    connect_with(TCP_CONGESTION_CUBIC, true);
    user_sends(10);
    peer_hear_all(&peer);
    peer_wait(&peer, RTT_NS);
    say_holes(0, 1, 4);
    expect_segment(0);
    peer_close(&peer);
}

/* ---- the timeout: RFC 5681 3.1 ---- */

/* One segment, ssthresh half of what was in flight, and slow start from there. */
TEST(rfc_a_timeout_begins_with_one_segment)
{
    connect_with(TCP_CONGESTION_NEWRENO, false);
    user_sends(40);
    expect_segments(0, 10);
    peer_wait(&peer, 350 * MS_NS);
    expect_segment(0);
    peer_hear_nothing(&peer);
    expect_that(cwnd(), ==, MSS);
    expect_that(ssthresh(), ==, 5 * MSS);
    /* A second timeout of the same segment does not halve again (equation 4). */
    peer_wait(&peer, 700 * MS_NS);
    expect_segment(0);
    expect_that(ssthresh(), ==, 5 * MSS);
    peer_close(&peer);
}

/* RFC 5682 2.1: after the first acknowledgement two new segments go; one that then acknowledges
 * what was not sent again shows that the timeout was none. */
TEST(rfc_frto_sends_two_new_segments)
{
    connect_with(TCP_CONGESTION_NEWRENO, false);
    user_sends(40);
    expect_segments(0, 10);
    peer_wait(&peer, 350 * MS_NS);
    expect_segment(0);
    acknowledge_up_to(1);
    expect_segments(10, 12);
    peer_hear_nothing(&peer);
    acknowledge_up_to(2);
    expect_that(tcp_core_statistics(peer.core)->spurious_recoveries, ==, 1);
    expect_that(cwnd(), >=, 10 * MSS);
    while (tcp_wire_count(peer.wire) > 0)
        expect_that(peer_hear(&peer).seq, >=, seq_of(12));
    peer_close(&peer);
}

/* The same with a duplicate instead: the timeout was one, and the rest goes again. */
TEST(rfc_frto_goes_on_after_a_duplicate)
{
    connect_with(TCP_CONGESTION_NEWRENO, false);
    user_sends(40);
    expect_segments(0, 10);
    peer_wait(&peer, 350 * MS_NS);
    expect_segment(0);
    acknowledge_up_to(1);
    peer_hear_all(&peer);
    acknowledge_up_to(1);
    expect_that(tcp_core_statistics(peer.core)->spurious_recoveries, ==, 0);
    peer_wait(&peer, 10 * MS_NS);
    expect_segment(1);
    peer_close(&peer);
}

/* ---- who does not use the window: RFC 5681 4.1, RFC 7661 ---- */

TEST(rfc_a_window_restarts_after_idleness)
{
    connect_with(TCP_CONGESTION_NEWRENO, false);
    uint32_t acknowledged = 0;
    user_sends(40);
    for (int i = 0; i < 20; i++) {
        peer_wait(&peer, RTT_NS);
        peer_hear_all(&peer);
        acknowledged = (peer.ack - seq_of(0)) / MSS;
        acknowledge_up_to(acknowledged);
    }
    expect_that(acknowledged, ==, 40);
    expect_that(cwnd(), >, 20 * MSS);
    peer_wait(&peer, S_NS); /* longer than the RTO */
    user_sends(40);
    expect_that(tcp_wire_count(peer.wire), ==, 10);
    expect_that(cwnd(), ==, 10 * MSS);
    peer_close(&peer);
}

TEST(rfc_a_window_that_is_not_used_does_not_grow)
{
    connect_with(TCP_CONGESTION_NEWRENO, false);
    for (int i = 0; i < 20; i++) {
        user_sends(2);
        peer_hear_all(&peer);
        peer_wait(&peer, RTT_NS);
        peer_say(&peer, TCP_ACK, nothing);
    }
    expect_that(cwnd(), ==, 10 * MSS);
    peer_close(&peer);
}

/* RFC 5681 3.1: a segment more each round trip. */
TEST(rfc_congestion_avoidance_adds_a_segment_a_round_trip)
{
    connect_with(TCP_CONGESTION_NEWRENO, false);
    peer.connection->recovery.congestion.ssthresh_bytes = 10 * MSS;
    user_sends(200);
    for (uint32_t round = 0; round < 5; round++) {
        expect_that(cwnd(), ==, (10 + round) * MSS);
        peer_wait(&peer, RTT_NS);
        peer_hear_all(&peer);
        peer_say(&peer, TCP_ACK, nothing);
    }
    peer_close(&peer);
}

/* ---- marks: RFC 3168 6.1 ---- */

/* 6.1.2, 6.1.3: half the window once for a round trip of marks, CWR with the next new segment, and
 * what was marked is echoed until the peer's CWR. */
TEST(rfc_a_mark_halves_the_window_once)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    parameters.congestion = TCP_CONGESTION_NEWRENO;
    parameters.ecn = true;
    peer_open(&peer, &parameters);
    peer.ecn = true;
    (void)peer_begin(&peer);
    peer_wait(&peer, RTT_NS);
    peer_say(&peer, TCP_SYN | TCP_ACK | TCP_ECE, nothing);
    peer_hear_all(&peer);
    user_sends(40);
    for (int i = 0; i < 10; i++) {
        struct tcp_wire_record record = peer_hear_record(&peer);
        expect_that(record.ecn, ==, IP_ECN_ECT_0);
        expect_that(record.segment.flags & TCP_CWR, ==, 0);
    }
    peer_wait(&peer, RTT_NS);
    unsigned reductions = 0;
    for (uint32_t n = 1; n <= 10; n++) {
        peer_say_at(&peer, TCP_ACK | TCP_ECE, peer.seq, seq_of(n), nothing);
        while (tcp_wire_count(peer.wire) > 0)
            reductions += (peer_hear(&peer).flags & TCP_CWR) != 0;
    }
    expect_that(reductions, ==, 1);
    expect_that(ssthresh(), ==, 5 * MSS);
    expect_that(cwnd(), >=, 5 * MSS);
    expect_that(cwnd(), <=, 6 * MSS);
    expect_that(tcp_core_statistics(peer.core)->segments_retransmitted, ==, 0);
    peer_close(&peer);
}

/* ---- the path narrows: RFC 1191 6.5 ---- */

/* What was too large goes again at once in shorter segments, and the window stays as it is. */
TEST(rfc_a_narrower_path_costs_no_window)
{
    connect_with(TCP_CONGESTION_CUBIC, true);
    user_sends(10);
    expect_segments(0, 10);
    uint32_t before = cwnd();
    peer_wait(&peer, RTT_NS / 2);
    peer.wire->hosts[0].mtu_bytes = 640;
    tcp_wire_error(peer.wire, &peer.pair, seq_of(0), IP_ERROR_TOO_LARGE);
    expect_that(tcp_wire_count(peer.wire), >, 0);
    peer_wait(&peer, RTT_NS / 2); /* it is paced */
    uint32_t next = seq_of(0);
    while (tcp_wire_count(peer.wire) > 0) {
        struct tcp_segment segment = peer_hear(&peer);
        expect_that(segment.seq, ==, next);
        expect_that(segment.payload_bytes, <=, 600);
        next += segment.payload_bytes;
    }
    expect_that(next - seq_of(0), ==, 10 * MSS);
    expect_that(cwnd(), >=, before);
    expect_that(tcp_core_statistics(peer.core)->retransmission_timeouts, ==, 0);
    expect_that(tcp_core_statistics(peer.core)->fast_recoveries, ==, 0);
    peer_close(&peer);
}
