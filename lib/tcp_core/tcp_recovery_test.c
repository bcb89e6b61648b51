/* tcp_recovery_test.c - recovery, ACK by ACK, against the rules of its RFCs.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_recovery.h"

#include "tcp_core/tcp_recovery_model.h"
#include "test/test.h"

#define MSS 1000u
#define RTT (100 * MS_NS)

static struct tcp_recovery_pool pool;
static struct tcp_recovery recovery;
static struct tcp_recovery_outcome outcome;
static uint64_t now_ns;
static uint32_t base; /* the first byte; it wraps soon */

static void begin_with(bool sack, bool timestamps, size_t extra_count)
{
    base = 0xfffff000u;
    now_ns = 1000 * S_NS;
    expect_ok(tcp_recovery_pool_open(&pool, 1, extra_count));
    tcp_recovery_open(&recovery, &pool, base);
    struct tcp_recovery_options options = {
        .mss_bytes = MSS,
        .sack = sack,
        .timestamps = timestamps,
        .congestion = TCP_CONGESTION_NEWRENO,
        .rtt_ns = RTT,
    };
    tcp_recovery_establish(&recovery, &options, base, now_ns);
    recovery.congestion.cwnd_bytes = 100 * MSS;
}

static void begin(void)
{
    begin_with(true, false, 1000);
}

static void end(void)
{
    tcp_recovery_close(&recovery);
    expect_that(pool.used_count, ==, 0);
    expect_that(pool.extra_used_count, ==, 0);
    tcp_recovery_pool_close(&pool);
}

/* Segments `first` to `end`, counted from 0, a millisecond after each other. */
static void send(uint32_t first, uint32_t end_segment)
{
    for (uint32_t i = first; i < end_segment; i++) {
        struct tcp_range range = { base + i * MSS, base + (i + 1) * MSS };
        tcp_recovery_sent(&recovery, range, (uint32_t)(now_ns / MS_NS), now_ns);
        now_ns += MS_NS;
    }
    model_check(&recovery);
}

static struct tcp_range segments(uint32_t first, uint32_t end_segment)
{
    return (struct tcp_range){ base + first * MSS, base + end_segment * MSS };
}

static void hear(uint32_t ack_segment, const struct tcp_range sack[], uint32_t count)
{
    struct tcp_acknowledgement acknowledgement = {
        .ack = base + ack_segment * MSS,
        .sack = sack,
        .sack_count = count,
    };
    tcp_recovery_acknowledged(&recovery, &acknowledgement, now_ns, &outcome);
    model_check(&recovery);
}

static void hear_sack(uint32_t ack_segment, uint32_t first, uint32_t end_segment)
{
    struct tcp_range block = segments(first, end_segment);
    hear(ack_segment, &block, 1);
}

static void expect_lost(uint32_t first, uint32_t end_segment)
{
    struct tcp_range range;
    expect(tcp_recovery_next_lost(&recovery, false, &range));
    expect_that(range.start, ==, base + first * MSS);
    expect_that(range.end, ==, base + end_segment * MSS);
}

static void expect_none_lost(void)
{
    struct tcp_range range;
    expect(!tcp_recovery_next_lost(&recovery, false, &range));
}

static uint32_t allowance(void)
{
    uint64_t again_ns;
    recovery.pacing.byte_ns_e10 = 0; /* it has its own tests */
    return tcp_recovery_allowance(&recovery, now_ns, &again_ns);
}

/* ---- the retransmission timer ---- */

/* RFC 6298 5.1, 5.3, 5.2. */
TEST(recovery_times_what_is_in_flight)
{
    begin_with(false, false, 100);
    expect_that(recovery.deadline_ns, ==, NEVER);
    uint64_t rto_ns = tcp_recovery_rto_ns(&recovery);
    send(0, 2);
    expect_that(recovery.timer, ==, TCP_TIMER_TIMEOUT);
    expect_that(recovery.deadline_ns, ==, 1000 * S_NS + rto_ns);
    now_ns = 1000 * S_NS + RTT;
    hear(1, NULL, 0);
    expect_that(recovery.deadline_ns, ==, now_ns + tcp_recovery_rto_ns(&recovery));
    hear(2, NULL, 0);
    expect_that(recovery.deadline_ns, ==, NEVER);
    end();
}

/* RFC 6298 5.4 to 5.6; Karn's rule; RFC 5681 3.1. */
TEST(recovery_backs_off_and_measures_nothing_that_went_twice)
{
    begin_with(false, false, 100);
    send(0, 3);
    for (unsigned count = 1; count <= 3; count++) {
        now_ns = recovery.deadline_ns;
        expect_that(tcp_recovery_due(&recovery, now_ns, &outcome), ==, TCP_DUE_TIMEOUT);
        expect_that(recovery.timeout_count, ==, count);
        expect_that(recovery.congestion.cwnd_bytes, ==, MSS);
        expect_that(recovery.deadline_ns, ==, now_ns + (tcp_rtt_rto_ns(&recovery.rtt) << count));
        expect_lost(0, 3);
        send(0, 1);
    }
    now_ns += RTT;
    hear(1, NULL, 0);
    expect_that(outcome.rtt_ns, ==, 0);
    expect_that(recovery.timeout_count, ==, 0);
    expect_that(recovery.backoff_count, ==, 3);
    end();
}

/* RFC 7323 4.1: an echo tells which transmission it was. */
TEST(recovery_measures_by_echo_what_went_twice)
{
    begin_with(false, true, 100);
    send(0, 1);
    now_ns = recovery.deadline_ns;
    expect_that(tcp_recovery_due(&recovery, now_ns, &outcome), ==, TCP_DUE_TIMEOUT);
    uint32_t timestamp = (uint32_t)(now_ns / MS_NS);
    send(0, 1);
    now_ns += 79 * MS_NS;
    struct tcp_acknowledgement acknowledgement = {
        .ack = base + MSS,
        .timestamp_echo = timestamp,
        .timestamp_now = timestamp + 80,
        .has_timestamp_echo = true,
    };
    tcp_recovery_acknowledged(&recovery, &acknowledgement, now_ns, &outcome);
    expect_that(outcome.rtt_ns, ==, 80 * MS_NS);
    expect_that(recovery.backoff_count, ==, 0);
    end();
}

/* RFC 6298 5.7, RFC 5681 3.1: who has lost a SYN begins with care. */
TEST(recovery_is_careful_after_a_lost_syn)
{
    now_ns = 1000 * S_NS;
    expect_ok(tcp_recovery_pool_open(&pool, 1, 10));
    tcp_recovery_open(&recovery, &pool, 5);
    tcp_recovery_sent(&recovery, (struct tcp_range){ 5, 6 }, 0, now_ns);
    expect_that(recovery.deadline_ns, ==, now_ns + S_NS);
    now_ns = recovery.deadline_ns;
    expect_that(tcp_recovery_due(&recovery, now_ns, &outcome), ==, TCP_DUE_TIMEOUT);
    tcp_recovery_sent(&recovery, (struct tcp_range){ 5, 6 }, 0, now_ns);
    expect_that(recovery.deadline_ns, ==, now_ns + 2 * S_NS);
    struct tcp_acknowledgement acknowledgement = { .ack = 6 };
    tcp_recovery_acknowledged(&recovery, &acknowledgement, now_ns, &outcome);
    expect_that(outcome.rtt_ns, ==, 0);
    struct tcp_recovery_options options = { .mss_bytes = MSS, .sack = true, .syn_was_lost = true };
    tcp_recovery_establish(&recovery, &options, 6, now_ns);
    expect_that(recovery.congestion.cwnd_bytes, ==, MSS);
    expect_that(tcp_recovery_rto_ns(&recovery), ==, 3 * S_NS);
    end();
}

/* ---- fast retransmit without SACK ---- */

/* RFC 5681 3.2, RFC 3042: two new segments go for the first two duplicates, and the third means a
 * loss. */
TEST(recovery_counts_three_duplicates)
{
    begin_with(false, false, 100);
    recovery.congestion.cwnd_bytes = 10 * MSS;
    send(0, 10);
    now_ns += RTT;
    expect_that(allowance(), ==, 0);
    hear(0, NULL, 0);
    expect_that(allowance(), ==, MSS);
    hear(0, NULL, 0);
    expect_that(allowance(), ==, 2 * MSS);
    expect_none_lost();
    send(10, 12);
    hear(0, NULL, 0);
    expect(outcome.entered_recovery && outcome.reduced);
    expect_lost(0, 1);
    expect_that(allowance(), >=, MSS);
    expect_that(recovery.congestion.ssthresh_bytes, ==, 5 * MSS); /* without those two */
    /* RFC 6582 3.2 step 3: a partial ACK shows the next hole. */
    send(0, 1);
    expect_none_lost();
    hear(4, NULL, 0);
    expect_lost(4, 5);
    expect_that(recovery.state, ==, TCP_RECOVERY);
    send(4, 5);
    hear(12, NULL, 0);
    expect_that(recovery.state, ==, TCP_OPEN);
    expect_that(recovery.congestion.cwnd_bytes, ==, 5 * MSS);
    end();
}

/* RFC 5681 2: with data, or another window, it is no duplicate. */
TEST(recovery_knows_a_duplicate_ack)
{
    begin_with(false, false, 100);
    send(0, 10);
    for (unsigned i = 0; i < 20; i++) {
        struct tcp_acknowledgement acknowledgement = {
            .ack = base,
            .has_data = i % 2 == 0,
            .window_changed = i % 2 == 1,
        };
        tcp_recovery_acknowledged(&recovery, &acknowledgement, now_ns, &outcome);
    }
    expect_that(recovery.state, ==, TCP_OPEN);
    expect_none_lost();
    end();
}

/* RFC 6582 4: duplicates caused by what recovery itself sent twice start no other one. */
TEST(recovery_is_not_fooled_by_its_own_retransmissions)
{
    begin_with(false, false, 100);
    send(0, 5);
    for (unsigned i = 0; i < 3; i++)
        hear(0, NULL, 0);
    expect_that(recovery.state, ==, TCP_RECOVERY);
    send(0, 1);
    hear(5, NULL, 0);
    expect_that(recovery.state, ==, TCP_OPEN);
    send(5, 8);
    for (unsigned i = 0; i < 3; i++)
        hear(5, NULL, 0);
    expect_that(recovery.state, ==, TCP_OPEN);
    end();
}

/* ---- SACK ---- */

/* RFC 6675 4: what is SACKed or lost is not in flight, what is sent again is. */
TEST(recovery_counts_the_pipe)
{
    begin();
    send(0, 20);
    now_ns += RTT;
    expect_that(tcp_recovery_in_flight_bytes(&recovery), ==, 20 * MSS);
    hear_sack(0, 5, 8);
    expect(outcome.entered_recovery);
    expect_that(outcome.lost_bytes, ==, 5 * MSS);
    expect_lost(0, 5);
    expect_that(tcp_recovery_in_flight_bytes(&recovery), ==, 12 * MSS);
    send(0, 2);
    expect_that(tcp_recovery_in_flight_bytes(&recovery), ==, 14 * MSS);
    expect_lost(2, 5);
    end();
}

/* RFC 8985 6.2 step 4: less than three segments were SACKed and none overtook another before: wait
 * for a quarter of the RTT. */
TEST(recovery_waits_for_what_may_be_reordered)
{
    begin();
    send(0, 20);
    now_ns += RTT;
    hear_sack(0, 1, 2);
    expect_none_lost();
    expect_that(recovery.timer, ==, TCP_TIMER_REORDER);
    uint64_t deadline_ns = recovery.deadline_ns;
    expect_that(deadline_ns, >, now_ns);
    expect_that(deadline_ns, <, now_ns + RTT / 2);
    expect_that(tcp_recovery_due(&recovery, deadline_ns - 1, &outcome), ==, TCP_DUE_NOTHING);
    now_ns = deadline_ns;
    expect_that(tcp_recovery_due(&recovery, now_ns, &outcome), ==, TCP_DUE_SEND);
    expect(outcome.entered_recovery);
    expect_lost(0, 1);
    expect_that(allowance(), >=, MSS);
    end();
}

/* RFC 8985 6.2: what was sent again is found lost again, by what was sent after it. */
TEST(recovery_finds_a_lost_retransmission)
{
    begin();
    send(0, 20);
    now_ns += RTT;
    hear_sack(0, 1, 5);
    expect_lost(0, 1);
    send(0, 1);
    send(20, 25);
    expect_none_lost();
    now_ns += RTT;
    hear_sack(0, 1, 22);
    expect_lost(0, 1);
    end();
}

/* RFC 6937 3: one reduction, spread over the round trip: no silence and no burst. */
TEST(recovery_reduces_in_proportion)
{
    begin();
    recovery.congestion.cwnd_bytes = 40 * MSS;
    send(0, 40);
    now_ns += RTT;
    uint32_t sent_bytes = 0, next = 40;
    for (uint32_t segment = 1; segment < 40; segment++) {
        hear_sack(0, 1, segment + 1);
        while (allowance() >= MSS) {
            struct tcp_range range;
            if (tcp_recovery_next_lost(&recovery, false, &range)) {
                send(0, 1);
            } else {
                send(next, next + 1);
                next++;
            }
            sent_bytes += MSS;
            expect_that(sent_bytes, <=, segment * MSS);
        }
    }
    /* Two went by limited transmit, before the loss was seen, and do not count. */
    expect_that(recovery.congestion.ssthresh_bytes, ==, 20 * MSS);
    expect_that(sent_bytes, >=, 20 * MSS);
    expect_that(sent_bytes, <=, 23 * MSS);
    end();
}

/* What a peer claims beyond what was sent, behind what it acknowledges, or upside down is not
 * heard. */
TEST(recovery_ignores_blocks_that_cannot_be)
{
    begin();
    send(0, 10);
    const struct tcp_range blocks[] = {
        segments(5, 11),
        segments(0, 2),
        segments(7, 3),
        { base + 1, base - 1 },
    };
    for (size_t i = 0; i < LENGTH_OF(blocks); i++) {
        hear(0, &blocks[i], 1);
        expect_that(recovery.sacked_bytes, ==, 0);
        expect_that(outcome.sacked_bytes, ==, 0);
    }
    expect_that(recovery.state, ==, TCP_OPEN);
    end();
}

/* ---- false alarms ---- */

/* RFC 2883, RFC 3708: all that was sent again came twice. */
TEST(recovery_is_taken_back_by_dsack)
{
    begin();
    recovery.congestion.cwnd_bytes = 20 * MSS;
    send(0, 20);
    now_ns += RTT;
    hear_sack(0, 1, 5);
    expect_lost(0, 1);
    send(0, 1);
    hear(10, NULL, 0); /* it was only late */
    expect(!outcome.spurious);
    struct tcp_range dsack = segments(0, 1);
    hear(10, &dsack, 1);
    expect(outcome.spurious);
    expect_that(recovery.state, ==, TCP_OPEN);
    expect_that(recovery.congestion.cwnd_bytes, >=, 20 * MSS);
    /* And next time there is more patience (RFC 8985 6.2 step 4). */
    expect_that(recovery.rack_window_multiplier, ==, 2);
    end();
}

/* RFC 3522: the echo is older than what was sent again. */
TEST(recovery_is_taken_back_by_an_older_echo)
{
    begin_with(true, true, 1000);
    recovery.congestion.cwnd_bytes = 20 * MSS;
    uint32_t timestamp = (uint32_t)(now_ns / MS_NS);
    send(0, 20);
    now_ns += RTT;
    hear_sack(0, 1, 5);
    expect_that(recovery.state, ==, TCP_RECOVERY);
    send(0, 1);
    struct tcp_acknowledgement acknowledgement = {
        .ack = base + 5 * MSS,
        .timestamp_echo = timestamp,
        .timestamp_now = (uint32_t)(now_ns / MS_NS),
        .has_timestamp_echo = true,
    };
    tcp_recovery_acknowledged(&recovery, &acknowledgement, now_ns, &outcome);
    expect(outcome.spurious);
    expect_that(recovery.state, ==, TCP_OPEN);
    expect_that(recovery.congestion.cwnd_bytes, >=, 20 * MSS);
    end();
}

/* RFC 5682 2.1: the timeout's retransmission is acknowledged, two new segments go, and then bytes
 * that were never sent again. */
TEST(recovery_is_taken_back_by_frto)
{
    begin_with(false, false, 100);
    recovery.congestion.cwnd_bytes = 20 * MSS;
    send(0, 20);
    now_ns = recovery.deadline_ns;
    expect_that(tcp_recovery_due(&recovery, now_ns, &outcome), ==, TCP_DUE_TIMEOUT);
    send(0, 1);
    hear(1, NULL, 0);
    struct tcp_range range;
    expect(!tcp_recovery_next_lost(&recovery, true, &range)); /* step 2b: new ones first */
    expect_that(allowance(), ==, 2 * MSS);
    send(20, 22);
    hear(2, NULL, 0);
    expect(outcome.spurious);
    expect_that(recovery.state, ==, TCP_OPEN);
    expect_none_lost();
    expect_that(recovery.congestion.cwnd_bytes, >=, 20 * MSS);
    end();
}

/* RFC 5682 2.1 step 3a: a duplicate ACK instead, and it was a loss. */
TEST(recovery_goes_on_when_frto_hears_a_duplicate)
{
    begin_with(false, false, 100);
    send(0, 20);
    now_ns = recovery.deadline_ns;
    expect_that(tcp_recovery_due(&recovery, now_ns, &outcome), ==, TCP_DUE_TIMEOUT);
    send(0, 1);
    hear(1, NULL, 0);
    send(20, 22);
    hear(1, NULL, 0);
    expect(!outcome.spurious);
    expect_that(recovery.state, ==, TCP_LOSS);
    struct tcp_range range;
    expect(tcp_recovery_next_lost(&recovery, true, &range));
    expect_that(range.start, ==, base + MSS);
    end();
}

/* ---- marks, idleness, paths ---- */

/* RFC 3168 6.1.2: once for a window, however many echoes. */
TEST(recovery_reduces_once_for_marks)
{
    begin();
    recovery.congestion.cwnd_bytes = 20 * MSS;
    send(0, 20);
    now_ns += RTT;
    unsigned reductions = 0;
    for (uint32_t segment = 1; segment <= 20; segment++) {
        struct tcp_acknowledgement acknowledgement = { .ack = base + segment * MSS,
                                                       .ecn_echo = true };
        tcp_recovery_acknowledged(&recovery, &acknowledgement, now_ns, &outcome);
        reductions += outcome.reduced;
        if (segment < 20) expect_that(recovery.state, ==, TCP_REDUCTION);
    }
    expect_that(reductions, ==, 1);
    expect_that(recovery.congestion.ssthresh_bytes, <=, 10 * MSS);
    end();
}

/* RFC 1191 6.5: what was too large goes again, and nobody is punished. */
TEST(recovery_sends_again_what_was_too_large)
{
    begin();
    send(0, 10);
    uint32_t cwnd_bytes = recovery.congestion.cwnd_bytes;
    tcp_recovery_set_mss(&recovery, MSS / 2, true);
    expect_lost(0, 10);
    expect_that(recovery.state, ==, TCP_OPEN);
    expect_that(recovery.congestion.cwnd_bytes, ==, cwnd_bytes);
    end();
}

/* ---- the pool ---- */

/* One connection takes no more of what is shared than it leaves. */
TEST(recovery_shares_records)
{
    begin_with(true, false, 40);
    send(0, 100);
    expect_that(pool.extra_used_count, <=, 24);
    expect_that(recovery.record_count, <=, 24);
    /* What it has no records for is sent and acknowledged all the same. */
    now_ns += RTT;
    for (uint32_t segment = 10; segment < 100; segment += 2)
        hear_sack(0, segment, segment + 1);
    hear(100, NULL, 0);
    expect_that(outcome.acknowledged_bytes, ==, 100 * MSS);
    end();
}

/* Bursts at the same instant are one record, which is cut where SACK cuts it. */
TEST(recovery_keeps_one_record_for_a_burst)
{
    begin();
    tcp_recovery_sent(&recovery, segments(0, 45), 0, now_ns);
    tcp_recovery_sent(&recovery, segments(45, 60), 0, now_ns);
    expect_that(recovery.record_count, ==, 1);
    now_ns += RTT;
    hear_sack(0, 10, 20);
    expect_that(recovery.record_count, ==, 3);
    hear_sack(0, 10, 30); /* the border moves */
    expect_that(recovery.record_count, ==, 3);
    expect_that(recovery.sacked_bytes, ==, 20 * MSS);
    end();
}

/* ---- a hostile peer ---- */

static struct tcp_range any_block(uint64_t *state)
{
    uint32_t flight_bytes = recovery.snd_nxt - recovery.snd_una;
    uint32_t start = recovery.snd_una - 3000 +
                     (uint32_t)(test_random(state) % (flight_bytes + 6000));
    uint32_t length = (uint32_t)(test_random(state) % 5000);
    if (test_random(state) % 50 == 0) length = 0 - length;
    return (struct tcp_range){ start, start + length };
}

static void hear_anything(uint64_t *state)
{
    struct tcp_range blocks[TCP_SACK_MAX];
    for (size_t i = 0; i < LENGTH_OF(blocks); i++)
        blocks[i] = any_block(state);
    uint32_t flight_bytes = recovery.snd_nxt - recovery.snd_una;
    bool advances = test_random(state) % 40 == 0;
    struct tcp_acknowledgement acknowledgement = {
        .ack = recovery.snd_una +
               (advances ? (uint32_t)(test_random(state) % (flight_bytes + 1)) : 0),
        .sack = blocks,
        .sack_count = (uint32_t)(test_random(state) % (TCP_SACK_MAX + 1)),
        .timestamp_echo = (uint32_t)test_random(state),
        .timestamp_now = (uint32_t)test_random(state),
        .has_timestamp_echo = test_random(state) % 2 == 0,
        .has_data = test_random(state) % 8 == 0,
        .ecn_echo = test_random(state) % 64 == 0,
    };
    tcp_recovery_acknowledged(&recovery, &acknowledgement, now_ns, &outcome);
    model_check(&recovery);
}

static void send_what_may_go(uint64_t *state)
{
    /* A window that losses cannot take away, so that there are many records. */
    recovery.congestion.cwnd_bytes = MAX(recovery.congestion.cwnd_bytes, 300000);
    for (unsigned i = 0; i < 20; i++) {
        struct tcp_range range = { recovery.snd_nxt, recovery.snd_nxt + 1 };
        if (!tcp_recovery_next_lost(&recovery, test_random(state) % 2 == 0, &range))
            range.end += (uint32_t)(test_random(state) % 4000);
        else if (range_bytes(range) > 1 && test_random(state) % 2 == 0)
            range.end -= (uint32_t)(test_random(state) % range_bytes(range));
        if (allowance() == 0 || recovery.snd_nxt - recovery.snd_una > 200000) return;
        tcp_recovery_sent(&recovery, range, (uint32_t)(now_ns / MS_NS), now_ns);
        model_check(&recovery);
    }
}

static void let_time_pass(uint64_t *state)
{
    if (test_random(state) % 50 == 0) {
        uint32_t mss_bytes = MSS + (uint32_t)(test_random(state) % 400);
        tcp_recovery_set_mss(&recovery, mss_bytes, test_random(state) % 2 == 0);
        model_check(&recovery);
    }
    now_ns += test_random(state) % (20 * MS_NS);
    if (test_random(state) % 30 == 0)
        now_ns = MAX(now_ns, MIN(recovery.deadline_ns, now_ns + S_NS));
    if (now_ns < recovery.deadline_ns) return;
    enum tcp_recovery_action action = tcp_recovery_due(&recovery, now_ns, &outcome);
    model_check(&recovery);
    struct tcp_range range = tcp_recovery_probe_range(&recovery);
    if (action == TCP_DUE_PROBE && test_random(state) % 2 == 0 && range_bytes(range) > 0)
        tcp_recovery_sent(&recovery, range, (uint32_t)(now_ns / MS_NS), now_ns);
    model_check(&recovery);
}

/* Whatever is claimed, the books stay balanced, and there is always a way to the end. */
TEST(recovery_bears_any_peer)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        uint64_t state = seed;
        begin_with(seed % 4 != 0, seed % 2 != 0, seed % 3 == 0 ? 20 : 2000);
        for (unsigned step = 0; step < 600; step++) {
            send_what_may_go(&state);
            hear_anything(&state);
            let_time_pass(&state);
        }
        struct tcp_acknowledgement all = { .ack = recovery.snd_nxt };
        tcp_recovery_acknowledged(&recovery, &all, now_ns, &outcome);
        model_check(&recovery);
        expect_that(pool.used_count, ==, 0);
        end();
    }
}
