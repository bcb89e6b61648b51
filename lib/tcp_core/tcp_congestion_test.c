/* tcp_congestion_test.c - RTT and RTO, congestion windows and pacing against the rules of their
 * RFCs.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_congestion.h"

#include "base/units.h"
#include "tcp_core/tcp_pacing.h"
#include "tcp_core/tcp_rtt.h"
#include "test/test.h"

#define MSS 1000u

/* ---- RTT ---- */

static struct tcp_rtt measured(uint64_t first_ns)
{
    struct tcp_rtt rtt;
    tcp_rtt_init(&rtt);
    tcp_rtt_measure(&rtt, first_ns, first_ns, 1, S_NS);
    return rtt;
}

/* RFC 6298 2.1, 2.2. */
TEST(rtt_begins_with_a_second_and_the_first_sample)
{
    struct tcp_rtt rtt;
    tcp_rtt_init(&rtt);
    expect(!tcp_rtt_is_measured(&rtt));
    expect_that(tcp_rtt_rto_ns(&rtt), ==, S_NS);
    expect_that(tcp_rtt_min_ns(&rtt), ==, 0);
    rtt = measured(400 * MS_NS);
    expect_that(rtt.srtt_ns, ==, 400 * MS_NS);
    expect_that(rtt.rttvar_ns, ==, 200 * MS_NS);
    expect_that(tcp_rtt_rto_ns(&rtt), ==, 1200 * MS_NS);
}

/* RFC 6298 2.3. */
TEST(rtt_moves_by_an_eighth_and_its_variation_by_a_quarter)
{
    struct tcp_rtt rtt = measured(400 * MS_NS);
    tcp_rtt_measure(&rtt, 800 * MS_NS, 800 * MS_NS, 1, 2 * S_NS);
    expect_that(rtt.srtt_ns, ==, 450 * MS_NS);
    expect_that(rtt.rttvar_ns, ==, 250 * MS_NS);
    tcp_rtt_measure(&rtt, 450 * MS_NS, 450 * MS_NS, 1, 3 * S_NS);
    expect_that(rtt.srtt_ns, ==, 450 * MS_NS);
    expect_that(rtt.rttvar_ns, ==, 187500 * US_NS);
}

/* RFC 7323 appendix G: a hundred equal samples in one round trip calm it down no more than one. */
TEST(rtt_does_not_forget_its_variation_in_one_round_trip)
{
    struct tcp_rtt rtt = measured(400 * MS_NS);
    for (unsigned i = 0; i < 100; i++)
        tcp_rtt_measure(&rtt, 400 * MS_NS, 400 * MS_NS, 100, 2 * S_NS);
    expect_that(rtt.rttvar_ns, >=, 150 * MS_NS);
    expect_that(rtt.rttvar_ns, <=, 160 * MS_NS);
}

/* However steady the path, an ACK may be held back by 200 ms. */
TEST(rto_leaves_room_for_a_delayed_ack)
{
    struct tcp_rtt rtt = measured(MS_NS);
    for (unsigned i = 0; i < 200; i++)
        tcp_rtt_measure(&rtt, MS_NS, MS_NS, 1, 2 * S_NS);
    expect_that(tcp_rtt_rto_ns(&rtt), >=, TCP_RTO_MIN_NS);
    expect_that(tcp_rtt_rto_ns(&rtt), <=, TCP_RTO_MIN_NS + 2 * MS_NS);
}

/* RFC 6298 5.5, 2.5. */
TEST(rto_doubles_up_to_a_minute)
{
    struct tcp_rtt rtt;
    tcp_rtt_init(&rtt);
    expect_that(tcp_rtt_backed_off_ns(&rtt, 1), ==, 2 * S_NS);
    expect_that(tcp_rtt_backed_off_ns(&rtt, 5), ==, 32 * S_NS);
    expect_that(tcp_rtt_backed_off_ns(&rtt, 6), ==, 60 * S_NS);
    expect_that(tcp_rtt_backed_off_ns(&rtt, 255), ==, 60 * S_NS);
    tcp_rtt_measure(&rtt, 3600 * S_NS, 3600 * S_NS, 1, S_NS); /* from an absurd echo */
    expect_that(tcp_rtt_rto_ns(&rtt), ==, 60 * S_NS);
}

/* RFC 8985 6.2 step 1. */
TEST(rtt_remembers_the_least_for_minutes)
{
    struct tcp_rtt rtt = measured(10 * MS_NS);
    tcp_rtt_measure(&rtt, 50 * MS_NS, 40 * MS_NS, 1, 2 * S_NS);
    expect_that(tcp_rtt_min_ns(&rtt), ==, 10 * MS_NS);
    for (uint64_t minute = 1; minute <= 12; minute++)
        tcp_rtt_measure(&rtt, 50 * MS_NS, 40 * MS_NS, 1, minute * 60 * S_NS);
    expect_that(tcp_rtt_min_ns(&rtt), ==, 40 * MS_NS);
}

/* ---- the window ---- */

static struct tcp_congestion begun(enum tcp_congestion_kind kind)
{
    struct tcp_congestion congestion;
    tcp_congestion_init(&congestion, kind, MSS, false, 0);
    return congestion;
}

static void acknowledge(struct tcp_congestion *congestion, uint32_t bytes, uint64_t now_ns)
{
    struct tcp_congestion_ack ack = {
        .acknowledged_bytes = bytes,
        .srtt_ns = 100 * MS_NS,
        .now_ns = now_ns,
    };
    tcp_congestion_acknowledged(congestion, &ack, true);
}

/* A round trip in which the whole window is acknowledged, two segments at a time. */
static void pass_round(struct tcp_congestion *congestion, uint64_t *now_ns)
{
    uint32_t window_bytes = congestion->cwnd_bytes;
    uint64_t step_ns = 100 * MS_NS / (window_bytes / (2 * (uint64_t)MSS) + 1);
    for (uint32_t bytes = 0; bytes < window_bytes; bytes += 2 * MSS) {
        *now_ns += step_ns;
        acknowledge(congestion, MIN(2 * MSS, window_bytes - bytes), *now_ns);
    }
}

/* RFC 6928 2: min(10 MSS, max(2 MSS, 14600)). */
TEST(congestion_begins_with_ten_segments)
{
    expect_that(tcp_congestion_initial_bytes(1000), ==, 10000);
    expect_that(tcp_congestion_initial_bytes(1460), ==, 14600);
    expect_that(tcp_congestion_initial_bytes(4000), ==, 14600);
    expect_that(tcp_congestion_initial_bytes(9000), ==, 18000);
    struct tcp_congestion congestion;
    tcp_congestion_init(&congestion, TCP_CONGESTION_CUBIC, MSS, true, 0);
    expect_that(congestion.cwnd_bytes, ==, MSS); /* RFC 5681 3.1: a SYN was lost */
}

/* RFC 5681 3.1: it doubles each round trip, and not where the window is not used (RFC 7661). */
TEST(congestion_doubles_in_slow_start)
{
    struct tcp_congestion congestion = begun(TCP_CONGESTION_NEWRENO);
    uint64_t now_ns = S_NS;
    pass_round(&congestion, &now_ns);
    expect_that(congestion.cwnd_bytes, ==, 20 * MSS);
    struct tcp_congestion_ack ack = { .acknowledged_bytes = MSS, .now_ns = now_ns };
    tcp_congestion_acknowledged(&congestion, &ack, false);
    expect_that(congestion.cwnd_bytes, ==, 20 * MSS);
}

/* RFC 5681 3.1: a segment more each round trip; half of what is in flight after a loss. */
TEST(newreno_grows_by_a_segment_and_falls_by_half)
{
    struct tcp_congestion congestion = begun(TCP_CONGESTION_NEWRENO);
    uint64_t now_ns = S_NS;
    congestion.cwnd_bytes = 100 * MSS;
    tcp_congestion_lost(&congestion, 102 * MSS); /* two by limited transmit do not count (3.2) */
    expect_that(congestion.ssthresh_bytes, ==, 50 * MSS);
    congestion.cwnd_bytes = 50 * MSS;
    for (unsigned round = 1; round <= 10; round++) {
        pass_round(&congestion, &now_ns);
        expect_that(congestion.cwnd_bytes, ==, (50 + round) * MSS);
    }
    tcp_congestion_lost(&congestion, 3 * MSS);
    expect_that(congestion.ssthresh_bytes, ==, 2 * MSS);
}

/* RFC 5681 3.1, equation 4: the window is one segment, and ssthresh falls once. */
TEST(congestion_falls_to_a_segment_at_a_timeout)
{
    struct tcp_congestion congestion = begun(TCP_CONGESTION_NEWRENO);
    congestion.cwnd_bytes = 40 * MSS;
    tcp_congestion_timed_out(&congestion, 40 * MSS, false);
    expect_that(congestion.cwnd_bytes, ==, MSS);
    expect_that(congestion.ssthresh_bytes, ==, 20 * MSS);
    tcp_congestion_timed_out(&congestion, MSS, true);
    expect_that(congestion.ssthresh_bytes, ==, 20 * MSS);
    /* RFC 4015 3.2. */
    tcp_congestion_undo(&congestion);
    expect_that(congestion.cwnd_bytes, ==, 40 * MSS);
    expect_that(congestion.ssthresh_bytes, ==, TCP_SSTHRESH_UNLIMITED);
}

/* RFC 5681 4.1. */
TEST(congestion_restarts_after_idleness)
{
    struct tcp_congestion congestion = begun(TCP_CONGESTION_CUBIC);
    congestion.cwnd_bytes = 100 * MSS;
    congestion.ssthresh_bytes = 80 * MSS;
    tcp_congestion_idle(&congestion, 200 * MS_NS, 300 * MS_NS, S_NS);
    expect_that(congestion.cwnd_bytes, ==, 100 * MSS);
    tcp_congestion_idle(&congestion, 400 * MS_NS, 300 * MS_NS, S_NS);
    expect_that(congestion.cwnd_bytes, ==, 10 * MSS);
    expect_that(congestion.ssthresh_bytes, ==, 80 * MSS);
}

/* ---- CUBIC ---- */

static struct tcp_congestion reduced_from(uint32_t segments)
{
    struct tcp_congestion congestion = begun(TCP_CONGESTION_CUBIC);
    congestion.cwnd_bytes = segments * MSS;
    tcp_congestion_lost(&congestion, segments * MSS);
    congestion.cwnd_bytes = congestion.ssthresh_bytes;
    return congestion;
}

/* RFC 9438 4.6, 4.2: down to 0.7, and back at w_max after K = cbrt(0.3 w_max / 0.4) seconds. */
TEST(cubic_comes_back_to_where_it_lost_after_k)
{
    const uint32_t w_max = 1000;
    struct tcp_congestion congestion = reduced_from(w_max);
    expect_that(congestion.cwnd_bytes, ==, 700 * MSS);
    uint64_t start_ns = S_NS, now_ns = S_NS;
    const uint64_t k_ns = 9086 * MS_NS; /* cbrt(750) */
    while (now_ns < start_ns + k_ns / 2)
        pass_round(&congestion, &now_ns);
    /* C (K / 2)^3 = 0.3 w_max / 8 below it. */
    expect_that(congestion.cwnd_bytes, >, 955 * MSS);
    expect_that(congestion.cwnd_bytes, <, 972 * MSS);
    while (now_ns < start_ns + k_ns)
        pass_round(&congestion, &now_ns);
    expect_that(congestion.cwnd_bytes, >, 997 * MSS);
    expect_that(congestion.cwnd_bytes, <, 1003 * MSS);
    /* The convex part: as far above at 2 K as it had fallen below. */
    while (now_ns < start_ns + 2 * k_ns)
        pass_round(&congestion, &now_ns);
    expect_that(congestion.cwnd_bytes, >, 1270 * MSS);
    expect_that(congestion.cwnd_bytes, <, 1330 * MSS);
}

/* RFC 9438 4.3: with a small window Reno's growth of alpha = 9/17 segments is the faster one, and
 * of a whole segment once it is back where the loss was. */
TEST(cubic_is_as_fast_as_reno_with_a_small_window)
{
    struct tcp_congestion congestion = reduced_from(20);
    expect_that(congestion.cwnd_bytes, ==, 14 * MSS);
    uint64_t now_ns = S_NS;
    for (unsigned round = 0; round < 10; round++)
        pass_round(&congestion, &now_ns);
    expect_that(congestion.cwnd_bytes, >=, 18 * MSS);
    expect_that(congestion.cwnd_bytes, <=, 20 * MSS);
}

/* RFC 9438 4.7: lost again below the last peak, it leaves room for others. */
TEST(cubic_converges_fast)
{
    struct tcp_congestion congestion = reduced_from(1000);
    expect_that(congestion.cubic.w_max_bytes, ==, 1000 * MSS);
    tcp_congestion_lost(&congestion, 700 * MSS);
    expect_that(congestion.cubic.w_max_bytes, ==, 595 * MSS);
    expect_that(congestion.ssthresh_bytes, ==, 490 * MSS);
}

/* RFC 9438 5.8: time in which nothing tries the window does not count. */
TEST(cubic_stands_still_while_the_window_is_not_used)
{
    struct tcp_congestion congestion = reduced_from(1000);
    uint64_t now_ns = S_NS;
    for (unsigned round = 0; round < 20; round++)
        pass_round(&congestion, &now_ns);
    uint32_t before_bytes = congestion.cwnd_bytes;
    struct tcp_congestion_ack ack = { .acknowledged_bytes = MSS, .now_ns = now_ns };
    tcp_congestion_acknowledged(&congestion, &ack, false);
    now_ns += 100 * S_NS;
    acknowledge(&congestion, MSS, now_ns);
    expect_that(congestion.cwnd_bytes, <, before_bytes + 2 * MSS);
    pass_round(&congestion, &now_ns);
    expect_that(congestion.cwnd_bytes, <, before_bytes + 25 * MSS);
}

/* A window of a gigabyte, a path of minutes: nothing overflows. */
TEST(cubic_bears_any_window)
{
    struct tcp_congestion congestion = begun(TCP_CONGESTION_CUBIC);
    congestion.cwnd_bytes = TCP_CWND_MAX;
    tcp_congestion_lost(&congestion, TCP_CWND_MAX);
    congestion.cwnd_bytes = congestion.ssthresh_bytes;
    struct tcp_congestion_ack ack = { .srtt_ns = 60 * S_NS };
    for (uint64_t second = 1; second < 20000; second += 7) {
        ack.now_ns = second * S_NS;
        ack.acknowledged_bytes = TCP_CWND_MAX / 2;
        tcp_congestion_acknowledged(&congestion, &ack, true);
        expect_that(congestion.cwnd_bytes, <=, TCP_CWND_MAX);
    }
    expect_that(congestion.cwnd_bytes, ==, TCP_CWND_MAX);
}

/* ---- HyStart++ ---- */

/* One round of `count` measurements; gives whether slow start has ended. */
static bool hystart_round(struct tcp_hystart *hystart, uint32_t *seq, unsigned count,
                          uint64_t rtt_ns)
{
    bool ended = false;
    for (unsigned i = 0; i < count; i++)
        ended = tcp_hystart_measured(hystart, rtt_ns, *seq + i, *seq + count) || ended;
    *seq += count;
    return ended;
}

/* RFC 9406 4.2: into conservative slow start by a rise of max(4 ms, min(RTT / 8, 16 ms)), out of it
 * for good after five rounds. */
TEST(hystart_leaves_slow_start_when_the_rtt_rises)
{
    struct tcp_hystart hystart;
    uint32_t seq = 0xfffffff0u;
    tcp_hystart_init(&hystart, seq);
    for (uint64_t round = 0; round < 5; round++)
        expect(!hystart_round(&hystart, &seq, 20, 40 * MS_NS + round * 100 * US_NS));
    expect_that(tcp_hystart_divisor(&hystart), ==, 1);
    expect(!hystart_round(&hystart, &seq, 20, 44 * MS_NS)); /* a rise of less than 5 ms */
    expect_that(tcp_hystart_divisor(&hystart), ==, 1);
    expect(!hystart_round(&hystart, &seq, 20, 50 * MS_NS));
    expect_that(tcp_hystart_divisor(&hystart), ==, 4);
    for (unsigned round = 0; round < 4; round++)
        expect(!hystart_round(&hystart, &seq, 20, 51 * MS_NS));
    expect(hystart_round(&hystart, &seq, 20, 51 * MS_NS));
}

/* The queue fills in the middle of a round: the samples before it hide nothing. */
TEST(hystart_sees_a_rise_within_a_round)
{
    struct tcp_hystart hystart;
    uint32_t seq = 0;
    tcp_hystart_init(&hystart, seq);
    for (unsigned round = 0; round < 2; round++)
        (void)hystart_round(&hystart, &seq, 20, 40 * MS_NS);
    for (uint64_t i = 0; i < 100; i++)
        (void)tcp_hystart_measured(&hystart, 40 * MS_NS + i * 100 * US_NS, seq + (uint32_t)i,
                                   seq + 100);
    expect_that(tcp_hystart_divisor(&hystart), ==, 4);
}

/* RFC 9406 4.2: the rise was jitter, and slow start goes on. */
TEST(hystart_goes_on_when_the_rtt_falls_again)
{
    struct tcp_hystart hystart;
    uint32_t seq = 0;
    tcp_hystart_init(&hystart, seq);
    for (unsigned round = 0; round < 2; round++)
        (void)hystart_round(&hystart, &seq, 20, 40 * MS_NS);
    (void)hystart_round(&hystart, &seq, 20, 60 * MS_NS);
    expect_that(tcp_hystart_divisor(&hystart), ==, 4);
    (void)hystart_round(&hystart, &seq, 20, 41 * MS_NS);
    expect_that(tcp_hystart_divisor(&hystart), ==, 1);
    for (unsigned round = 0; round < 20; round++)
        expect(!hystart_round(&hystart, &seq, 20, 41 * MS_NS));
}

/* RFC 9406 4.3: fewer than eight samples in a round tell nothing. */
TEST(hystart_wants_eight_samples)
{
    struct tcp_hystart hystart;
    uint32_t seq = 0;
    tcp_hystart_init(&hystart, seq);
    (void)hystart_round(&hystart, &seq, 7, 40 * MS_NS);
    for (unsigned round = 0; round < 20; round++)
        expect(!hystart_round(&hystart, &seq, 7, 400 * MS_NS));
    expect_that(tcp_hystart_divisor(&hystart), ==, 1);
}

/* ---- pacing ---- */

TEST(pacing_is_off_until_the_rtt_is_known)
{
    struct tcp_pacing pacing;
    uint64_t again_ns = NEVER;
    tcp_pacing_init(&pacing);
    tcp_pacing_set(&pacing, 10 * MSS, MSS, true, 0);
    tcp_pacing_sent(&pacing, 10 * MSS, S_NS);
    expect_that(tcp_pacing_allowance(&pacing, S_NS, &again_ns), ==, UINT32_MAX);
}

/* Over a second of trying at every chance: 1.2 windows a round trip, and a quantum before. */
TEST(pacing_keeps_its_rate)
{
    struct tcp_pacing pacing;
    tcp_pacing_init(&pacing);
    tcp_pacing_set(&pacing, 1000 * MSS, MSS, false, 100 * MS_NS);
    uint64_t now_ns = S_NS, sent_bytes = 0;
    unsigned wakeups = 0;
    while (now_ns < 2 * S_NS) {
        uint64_t again_ns = NEVER;
        uint32_t allowed_bytes = tcp_pacing_allowance(&pacing, now_ns, &again_ns);
        if (allowed_bytes == 0) {
            expect_that(again_ns, >, now_ns);
            now_ns = again_ns;
            wakeups++;
            continue;
        }
        uint32_t segment_bytes = MIN(allowed_bytes, MSS);
        tcp_pacing_sent(&pacing, segment_bytes, now_ns);
        sent_bytes += segment_bytes;
    }
    expect_that(sent_bytes, >=, 11950 * MSS);
    expect_that(sent_bytes, <=, 12050 * MSS);
    expect_that(wakeups, <=, 2500); /* half a quantum each, not a segment */
}

/* Where a millisecond holds the round trip, a whole window goes at once. */
TEST(pacing_does_not_hold_back_on_a_short_path)
{
    struct tcp_pacing pacing;
    uint64_t again_ns = NEVER;
    tcp_pacing_init(&pacing);
    tcp_pacing_set(&pacing, 1000 * MSS, MSS, false, 50 * US_NS);
    expect_that(tcp_pacing_allowance(&pacing, S_NS, &again_ns), >=, 1000 * MSS);
    /* Nor is the first window ever spread (RFC 6928). */
    tcp_pacing_set(&pacing, 10 * MSS, MSS, true, 300 * MS_NS);
    expect_that(tcp_pacing_allowance(&pacing, S_NS, &again_ns), >=, 10 * MSS);
}
