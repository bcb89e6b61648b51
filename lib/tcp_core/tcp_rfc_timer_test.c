/* tcp_rfc_timer_test.c - when things are sent again, to the tick: the retransmission timer, the
 * probe for a lost tail, window probes, keepalive, delayed acknowledgements.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_peer_suite.h"

/* How coarse the wheel of timers may be. */
#define TICK_NS (5 * MS_NS)

#define RTT_NS (100 * MS_NS)
/* RFC 6298 2.2: R + max(200 ms, 4 * R / 2). */
#define RTO_NS (300 * MS_NS)

static struct peer peer;

static const struct view nothing;

static void be_answered(void)
{
    peer_say(&peer, TCP_SYN | TCP_ACK, nothing);
    peer_hear_all(&peer);
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
}

static void connect_after(uint64_t rtt_ns)
{
    (void)peer_begin(&peer);
    peer_wait(&peer, rtt_ns);
    be_answered();
}

static void user_sends(size_t segments)
{
    (void)peer_user_sends_count(&peer, segments * PEER_MSS);
}

/* The next segment, whenever it is sent. */
static struct tcp_wire_record next(void)
{
    uint64_t until_ns = tcp_wire_now_ns(peer.wire) + 1000 * S_NS;
    while (tcp_wire_count(peer.wire) == 0 && tcp_wire_step(peer.wire, until_ns)) {
    }
    return peer_hear_record(&peer);
}

/* The next segment comes so much later than `since_ns`. */
static struct tcp_wire_record next_after(uint64_t since_ns, uint64_t duration_ns)
{
    struct tcp_wire_record record = next();
    expect_that(record.sent_ns - since_ns, >=, duration_ns);
    expect_that(record.sent_ns - since_ns, <=, duration_ns + TICK_NS);
    return record;
}

/* RFC 6298 2.1, 5.5, 2.5: 1 s, doubled each time, 60 s at most; for a SYN as for any other (RFC
 * 9293 3.8.3, MUST-22), and for three minutes at least (MUST-23). */
TEST(rfc_a_syn_is_repeated_after_1_2_4_seconds)
{
    peer_open_default(&peer);
    struct tcp_segment syn = peer_begin(&peer);
    uint64_t start_ns = tcp_wire_now_ns(peer.wire), before_ns = start_ns, wait_ns = S_NS;
    for (int i = 0; i < 7; i++) {
        struct tcp_wire_record again = next_after(before_ns, wait_ns);
        expect_that(again.segment.flags, ==, TCP_SYN);
        expect_that(again.segment.seq, ==, syn.seq);
        expect_that(again.segment.options, ==, syn.options);
        before_ns = again.sent_ns;
        wait_ns = MIN(2 * wait_ns, 60 * S_NS);
    }
    peer_wait(&peer, start_ns + 180 * S_NS - tcp_wire_now_ns(peer.wire));
    expect_that(peer_state(&peer), ==, TCP_SYN_SENT);
    peer_wait(&peer, 180 * S_NS);
    expect_that(tcp_connection_failure(peer.connection), ==, TIMED_OUT);
    peer_close(&peer);
}

/* RFC 6298 2.2, 5.4 to 5.6 (RFC 9293 MUST-19). */
TEST(rfc_data_are_repeated_with_exact_backoff)
{
    peer_open_default(&peer);
    connect_after(RTT_NS);
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    uint64_t before_ns = peer_hear_record(&peer).sent_ns, wait_ns = RTO_NS;
    for (int i = 0; i < 10; i++) {
        struct tcp_wire_record again = next_after(before_ns, wait_ns);
        expect_that(again.segment.seq, ==, peer.iss + 1);
        expect_that(again.segment.payload_bytes, ==, 4);
        before_ns = again.sent_ns;
        wait_ns = MIN(2 * wait_ns, 60 * S_NS);
    }
    peer_close(&peer);
}

/* RFC 6298 2.4 as large systems have it: 200 ms over a short path. */
TEST(rfc_the_least_timeout_is_200_ms)
{
    peer_open_default(&peer);
    connect_after(MS_NS);
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    uint64_t sent_ns = peer_hear_record(&peer).sent_ns;
    (void)next_after(sent_ns, 201 * MS_NS);
    peer_close(&peer);
}

/* RFC 6298 5.7: MUST be 3 s when data transmission begins, if the SYN's timer has expired and its
 * answer measured nothing. */
TEST(rfc_after_a_lost_syn_the_timeout_is_3_s)
{
    peer_open_default(&peer);
    (void)peer_begin(&peer);
    (void)next();
    be_answered();
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    uint64_t sent_ns = peer_hear_record(&peer).sent_ns;
    sent_ns = next_after(sent_ns, 3 * S_NS).sent_ns;
    (void)next_after(sent_ns, 6 * S_NS);
    peer_close(&peer);
}

TEST(rfc_after_a_lost_syn_ack_the_timeout_is_3_s)
{
    peer_open_default(&peer);
    peer_listen(&peer);
    peer_say(&peer, TCP_SYN, nothing);
    struct tcp_wire_record first, second;
    expect(tcp_wire_take(peer.wire, &first));
    peer_wait(&peer, 1100 * MS_NS);
    expect(tcp_wire_take(peer.wire, &second));
    expect_that(second.sent_ns - first.sent_ns, <=, S_NS + TICK_NS);
    expect_that(second.segment.seq, ==, first.segment.seq);
    peer.iss = first.segment.seq;
    peer.ack = peer.iss + 1;
    peer_say(&peer, TCP_ACK, nothing);
    peer_take(&peer);
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    (void)next_after(peer_hear_record(&peer).sent_ns, 3 * S_NS);
    peer_close(&peer);
}

/* Karn's algorithm (RFC 9293 MUST-18, RFC 6298 5.5 and 3): the backed-off timeout holds until
 * something was measured that was sent once. */
TEST(rfc_a_backed_off_timeout_holds_until_a_measurement)
{
    peer_open_default(&peer);
    connect_after(RTT_NS);
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    uint64_t sent_ns = peer_hear_record(&peer).sent_ns;
    (void)next_after(sent_ns, RTO_NS);
    peer_say(&peer, TCP_ACK, nothing);
    (void)peer_user_sends(&peer, VIEW("more"), TCP_SEND_NOW);
    sent_ns = peer_hear_record(&peer).sent_ns;
    (void)next_after(sent_ns, 2 * RTO_NS);
    peer_say(&peer, TCP_ACK, nothing);
    (void)peer_user_sends(&peer, VIEW("last"), TCP_SEND_NOW);
    peer_wait(&peer, RTT_NS);
    peer_acknowledge(&peer);
    (void)peer_user_sends(&peer, VIEW("next"), TCP_SEND_NOW);
    sent_ns = peer_hear_record(&peer).sent_ns;
    struct tcp_wire_record again = next();
    expect_that(again.sent_ns - sent_ns, <=, RTO_NS + TICK_NS);
    peer_close(&peer);
}

/* RFC 6298 5.2, 5.3: all acknowledged: no timer; some: it begins again. */
TEST(rfc_an_acknowledgement_begins_the_timer_again)
{
    peer_open_default(&peer);
    connect_after(RTT_NS);
    user_sends(2);
    peer_hear_all(&peer);
    peer_wait(&peer, RTT_NS);
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.iss + 1 + PEER_MSS, nothing);
    uint64_t acknowledged_ns = tcp_wire_now_ns(peer.wire);
    struct tcp_wire_record again = next();
    expect_that(again.segment.seq, ==, peer.iss + 1 + PEER_MSS);
    expect_that(again.sent_ns - acknowledged_ns, >=, 290 * MS_NS);
    expect_that(again.sent_ns - acknowledged_ns, <=, RTO_NS + TICK_NS);
    peer_say(&peer, TCP_ACK, nothing);
    peer_wait(&peer, 100 * S_NS);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

/* ---- RFC 8985 7 ---- */

/* 7.2: 2 * SRTT; 7.3: the last segment again; then the RTO from there. */
TEST(rfc_a_tail_is_probed_after_two_round_trips)
{
    peer_open_default(&peer);
    peer.sack_permitted = true;
    connect_after(RTT_NS);
    user_sends(3);
    uint64_t sent_ns = tcp_wire_now_ns(peer.wire);
    peer_hear_all(&peer);
    struct tcp_wire_record probe = next_after(sent_ns, 2 * RTT_NS);
    expect_that(probe.segment.seq, ==, peer.iss + 1 + 2 * PEER_MSS);
    expect_that(probe.segment.payload_bytes, ==, PEER_MSS);
    struct tcp_wire_record again = next_after(probe.sent_ns, RTO_NS);
    expect_that(again.segment.seq, ==, peer.iss + 1);
    (void)next_after(again.sent_ns, 2 * RTO_NS);
    expect_that(tcp_core_statistics(peer.core)->tail_loss_probes, ==, 1);
    peer_close(&peer);
}

/* 7.3: new data rather than old. */
TEST(rfc_a_probe_is_new_data_where_there_are_some)
{
    peer_open_default(&peer);
    peer.sack_permitted = true;
    connect_after(RTT_NS);
    user_sends(12);
    uint64_t sent_ns = tcp_wire_now_ns(peer.wire);
    expect_that(tcp_wire_count(peer.wire), ==, 10);
    peer_hear_all(&peer);
    struct tcp_wire_record probe = next_after(sent_ns, 2 * RTT_NS);
    expect_that(probe.segment.seq, ==, peer.iss + 1 + 10 * PEER_MSS);
    peer_close(&peer);
}

/* 7.2: one segment in flight may be acknowledged late: 2 * SRTT + 200 ms; but no later than the
 * RTO, in whose place the probe goes. */
TEST(rfc_a_single_segment_is_probed_no_later_than_its_timeout)
{
    peer_open_default(&peer);
    peer.sack_permitted = true;
    connect_after(RTT_NS);
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    uint64_t sent_ns = peer_hear_record(&peer).sent_ns;
    struct tcp_wire_record probe = next_after(sent_ns, RTO_NS);
    expect_that(probe.segment.seq, ==, peer.iss + 1);
    expect_that(tcp_core_statistics(peer.core)->retransmission_timeouts, ==, 0);
    expect_that(tcp_core_statistics(peer.core)->tail_loss_probes, ==, 1);
    struct tcp_wire_record again = next_after(probe.sent_ns, RTO_NS);
    (void)next_after(again.sent_ns, 2 * RTO_NS);
    expect_that(tcp_core_statistics(peer.core)->retransmission_timeouts, ==, 2);
    peer_close(&peer);
}

/* 7.4.2: the probe has repaired a loss: one reduction; and none where both copies came. */
TEST(rfc_a_probe_that_repaired_a_loss_reduces_the_window)
{
    for (int both_came = 0; both_came < 2; both_came++) {
        peer_open_default(&peer);
        peer.sack_permitted = true;
        connect_after(RTT_NS);
        user_sends(10);
        peer_hear_all(&peer);
        (void)next();
        uint32_t end = peer.iss + 1 + 10 * PEER_MSS;
        if (both_came == 1)
            peer_say_sack(&peer, end, (struct tcp_range){ end - PEER_MSS, end });
        else
            peer_say(&peer, TCP_ACK, nothing);
        uint32_t cwnd = peer.connection->recovery.congestion.cwnd_bytes;
        user_sends(1);
        peer_wait(&peer, 50 * MS_NS);
        peer_acknowledge(&peer);
        const struct tcp_congestion *congestion = &peer.connection->recovery.congestion;
        if (both_came == 1)
            expect_that(congestion->cwnd_bytes, >=, cwnd);
        else
            expect_that(congestion->ssthresh_bytes, ==, cwnd * 7 / 10);
        peer_close(&peer);
    }
}

/* ---- RFC 9293 3.8.6.1 ---- */

/* SHLD-29, SHLD-30: the first probe after the RTO, then doubled, 60 s at most; MUST-35, MUST-36. */
TEST(rfc_a_closed_window_is_probed_with_exact_backoff)
{
    peer_open_default(&peer);
    connect_after(RTT_NS);
    user_sends(1);
    peer_wait(&peer, RTT_NS);
    peer.window = 0;
    peer_acknowledge(&peer);
    uint64_t rto_ns = tcp_recovery_rto_ns(&peer.connection->recovery);
    (void)peer_user_sends(&peer, VIEW("waits"), TCP_SEND_NOW);
    uint64_t before_ns = tcp_wire_now_ns(peer.wire), wait_ns = rto_ns;
    for (int i = 0; i < 12; i++) {
        struct tcp_wire_record probe = next_after(before_ns, wait_ns);
        peer.ack = peer.iss + 1 + PEER_MSS;
        expect_that(probe.segment.seq, ==, peer.ack);
        expect_that(probe.segment.payload_bytes, ==, 1);
        expect_that(probe.ecn, ==, IP_ECN_NOT_ECT);
        before_ns = probe.sent_ns;
        wait_ns = MIN(2 * wait_ns, 60 * S_NS);
        peer_say(&peer, TCP_ACK, nothing);
    }
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    peer_close(&peer);
}

/* A window that opens ends the probing; one that closes again begins it anew. */
TEST(rfc_a_window_that_closes_again_is_probed_from_the_start)
{
    peer_open_default(&peer);
    connect_after(RTT_NS);
    peer.window = 0;
    peer_say(&peer, TCP_ACK, nothing);
    for (int round = 0; round < 2; round++) {
        (void)peer_user_sends(&peer, VIEW("waits"), TCP_SEND_NOW);
        uint64_t since_ns = tcp_wire_now_ns(peer.wire);
        uint64_t rto_ns = tcp_recovery_rto_ns(&peer.connection->recovery);
        uint32_t ack = peer.ack;
        since_ns = next_after(since_ns, rto_ns).sent_ns;
        (void)next_after(since_ns, 2 * rto_ns);
        peer.ack = ack;
        peer.window = PEER_WINDOW;
        peer_say(&peer, TCP_ACK, nothing);
        expect_that(peer_hear(&peer).payload_bytes, ==, 5);
        peer.window = 0;
        peer_say(&peer, TCP_ACK, nothing);
    }
    peer_close(&peer);
}

/* ---- RFC 9293 3.8.4 ---- */

/* MUST-26 to MUST-29, SHLD-12: after an idle interval, no data, at SND.NXT - 1; never given up for
 * one that was lost. */
TEST(rfc_keepalive_probes_to_the_second)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    parameters.keepalive_idle_ns = 100 * S_NS;
    parameters.keepalive_interval_ns = 10 * S_NS;
    parameters.keepalive_count = 3;
    peer_open(&peer, &parameters);
    connect_after(RTT_NS);
    tcp_connection_set_keepalive(peer.connection, true);
    uint64_t heard_ns = tcp_wire_now_ns(peer.wire);
    (void)next_after(heard_ns, 100 * S_NS);
    (void)next_after(heard_ns, 110 * S_NS);
    peer_say(&peer, TCP_ACK, nothing); /* it is there after all */
    heard_ns = tcp_wire_now_ns(peer.wire);
    for (uint64_t i = 0; i < 3; i++) {
        struct tcp_segment probe = next_after(heard_ns, (100 + 10 * i) * S_NS).segment;
        expect_that(probe.flags, ==, TCP_ACK);
        expect_that(probe.payload_bytes, ==, 0);
        expect_that(probe.seq, ==, peer.ack - 1);
        expect_that(probe.ack, ==, peer.seq);
    }
    expect_that(next_after(heard_ns, 130 * S_NS).segment.flags, ==, TCP_RST | TCP_ACK);
    expect_that(tcp_connection_failure(peer.connection), ==, TIMED_OUT);
    peer_close(&peer);
}

/* ---- acknowledgements ---- */

/* MUST-40: under half a second; here 40 ms, once the first segments have had quick ones. */
TEST(rfc_an_acknowledgement_waits_40_ms)
{
    peer_open_default(&peer);
    connect_after(RTT_NS);
    peer.connection->quick_acks = 0;
    peer_say_bytes(&peer, TCP_ACK | TCP_PSH, PEER_MSS);
    peer_hear_nothing(&peer);
    struct tcp_wire_record ack = next_after(tcp_wire_now_ns(peer.wire), 40 * MS_NS);
    expect_that(ack.segment.ack, ==, peer.seq);
    expect_that(ack.segment.payload_bytes, ==, 0);
    peer_wait(&peer, S_NS);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

/* ---- a FIN ---- */

/* It is repeated like text (RFC 9293 3.8.1). */
TEST(rfc_a_fin_is_repeated_with_exact_backoff)
{
    peer_open_default(&peer);
    connect_after(RTT_NS);
    tcp_connection_shut(peer.connection);
    uint64_t before_ns = peer_hear_record(&peer).sent_ns, wait_ns = RTO_NS;
    for (int i = 0; i < 6; i++) {
        struct tcp_wire_record again = next_after(before_ns, wait_ns);
        expect_that(again.segment.flags, ==, TCP_FIN | TCP_ACK);
        expect_that(again.segment.seq, ==, peer.iss + 1);
        before_ns = again.sent_ns;
        wait_ns *= 2;
    }
    peer_say(&peer, TCP_ACK, nothing);
    expect_that(peer_state(&peer), ==, TCP_FIN_WAIT_2);
    peer_close(&peer);
}
