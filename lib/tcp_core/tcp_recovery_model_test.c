/* tcp_recovery_model_test.c - recovery over links that lose, delay and reorder, beside a model that
 * knows what they did.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_recovery_model.h"
#include "test/test.h"

static struct model model;

/* 10 ms each way, 8 Mbit/s: 20 segments fit on the way, and as many again into the queue. */
static const struct model_parameters plain = {
    .sack = true,
    .timestamps = true,
    .segments = 1000,
    .delay_ns = 10 * MS_NS,
    .segment_ns = MS_NS,
    .queue_segments = 1000,
    .record_count = 4096,
    .burst_segments = 8,
    .ack_every = 2,
    .first_seq = 0xfffff000u,
    .seed = 1,
};

static const struct model_result *run(struct model_parameters parameters)
{
    model_run(&model, &parameters);
    return &model.result;
}

TEST(recovery_sends_nothing_twice_where_nothing_is_lost)
{
    for (unsigned variant = 0; variant < 8; variant++) {
        struct model_parameters parameters = plain;
        parameters.sack = (variant & 1) != 0;
        parameters.timestamps = (variant & 2) != 0;
        parameters.congestion = (variant & 4) != 0 ? TCP_CONGESTION_NEWRENO : TCP_CONGESTION_CUBIC;
        const struct model_result *result = run(parameters);
        expect_that(result->sent_again, ==, 0);
        expect_that(result->timeouts, ==, 0);
        expect_that(result->reductions, ==, 0);
        /* The bottleneck is never idle after the first round trips. */
        expect_that(result->duration_ns, <, 1150 * MS_NS);
    }
}

/* RFC 8985 6.2: each loss is found by what was sent later, and repaired once. */
TEST(recovery_sends_again_once_what_is_lost)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct model_parameters parameters = plain;
        parameters.loss_ppm = 10000;
        parameters.seed = seed;
        const struct model_result *result = run(parameters);
        expect_that(result->lost, >, 0);
        /* Probes and timeouts may send what was only late. */
        expect_that(result->sent_again, >=, result->lost);
        expect_that(result->sent_again, <=, result->lost + result->probes + result->timeouts);
        expect_that(result->duplicates, ==, result->sent_again - result->lost);
    }
}

/* A burst of losses in one window is one reduction (RFC 6675 5, RFC 6937). */
TEST(recovery_reduces_once_for_a_window)
{
    struct model_parameters parameters = plain;
    parameters.lost_once_segment = 200;
    parameters.lost_once_count = 10;
    const struct model_result *result = run(parameters);
    expect_that(result->recoveries, ==, 1);
    expect_that(result->reductions, ==, 1);
    expect_that(result->timeouts, ==, 0);
    expect_that(result->sent_again, ==, 10);
}

/* RFC 6582: the same one after another, a round trip each. */
TEST(recovery_without_sack_repairs_a_hole_each_round_trip)
{
    struct model_parameters parameters = plain;
    parameters.sack = false;
    parameters.lost_once_segment = 200;
    parameters.lost_once_count = 3;
    const struct model_result *result = run(parameters);
    expect_that(result->recoveries, ==, 1);
    expect_that(result->reductions, ==, 1);
    expect_that(result->timeouts, ==, 0);
    expect_that(result->sent_again, ==, 3);
}

/* RFC 8985 7: the last segments of a transfer are repaired without a timeout. */
TEST(recovery_probes_for_a_lost_tail)
{
    struct model_parameters parameters = plain;
    parameters.segments = 100;
    parameters.lost_once_segment = 97;
    parameters.lost_once_count = 3;
    const struct model_result *result = run(parameters);
    expect_that(result->probes, ==, 1);
    expect_that(result->timeouts, ==, 0);
    expect_that(result->sent_again, ==, 3);
    expect_that(result->reductions, ==, 1);
}

/* RFC 8985 7.4: a tail of one that the probe itself repairs is a loss all the same. */
TEST(recovery_reduces_for_what_the_probe_has_repaired)
{
    struct model_parameters parameters = plain;
    parameters.segments = 100;
    parameters.lost_once_segment = 99;
    parameters.lost_once_count = 1;
    const struct model_result *result = run(parameters);
    expect_that(result->probes + result->timeouts, ==, 1);
    expect_that(result->sent_again, ==, 1);
}

/* RFC 5682, RFC 3522: a link that stands still for a second has lost nothing. */
TEST(recovery_takes_back_a_timeout_that_was_none)
{
    for (unsigned variant = 0; variant < 4; variant++) {
        struct model_parameters parameters = plain;
        parameters.sack = (variant & 1) != 0;
        parameters.timestamps = (variant & 2) != 0;
        parameters.hiccup_at_ns = 400 * MS_NS;
        parameters.hiccup_ns = S_NS;
        parameters.queue_segments = 4000;
        const struct model_result *result = run(parameters);
        expect_that(result->timeouts, >=, 1);
        expect_that(result->lost, ==, 0);
        expect_that(result->spurious, >=, 1);
        expect_that(result->sent_again, <=, 5);
        expect_that(result->duration_ns, <, 2300 * MS_NS);
        expect_that(model.recovery.congestion.ssthresh_bytes, >, 30 * MODEL_MSS);
    }
}

/* RFC 8985 6.2 steps 3 and 4: the reordering window follows what the path does. */
TEST(recovery_learns_how_far_segments_overtake_each_other)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct model_parameters parameters = plain;
        parameters.segments = 4000;
        parameters.reorder_ppm = 30000;
        parameters.reorder_ns = 4 * MS_NS; /* under min_RTT / 4 */
        parameters.seed = seed;
        const struct model_result *result = run(parameters);
        expect_that(result->lost, ==, 0);
        expect_that(result->sent_again, <=, 6);
        expect_that(result->duration_ns, <, 4300 * MS_NS);
    }
}

/* Further than that: DSACKs widen it (RFC 8985 6.2 step 4), and reductions are taken back. */
TEST(recovery_widens_its_patience_by_dsack)
{
    struct model_parameters parameters = plain;
    parameters.segments = 4000;
    parameters.reorder_ppm = 20000;
    parameters.reorder_ns = 12 * MS_NS;
    const struct model_result *result = run(parameters);
    expect_that(result->lost, ==, 0);
    expect_that(result->spurious, >=, 1);
    expect_that(result->sent_again, <=, 40);
    expect_that(result->duration_ns, <, 4600 * MS_NS);
}

/* RFC 2018 8. */
TEST(recovery_survives_a_peer_that_drops_what_it_has_sacked)
{
    struct model_parameters parameters = plain;
    parameters.lost_once_segment = 200;
    parameters.lost_once_count = 1;
    parameters.renege_at_segment = 210;
    const struct model_result *result = run(parameters);
    expect_that(result->timeouts, >=, 1);
    expect_that(result->duration_ns, <, 5 * S_NS);
}

/* A queue that overflows in slow start: no burst is lost twice, no timeout is needed. */
TEST(recovery_comes_out_of_slow_start_through_a_short_queue)
{
    for (unsigned queue = 5; queue <= 40; queue += 5) {
        struct model_parameters parameters = plain;
        parameters.segments = 3000;
        parameters.queue_segments = queue;
        const struct model_result *result = run(parameters);
        expect_that(result->timeouts, ==, 0);
        expect_that(result->sent_again, <=, result->lost + result->probes);
        expect_that(result->duration_ns, <, 3900 * MS_NS);
    }
}

/* RFC 8985 with all that may go wrong, each with its books balanced at every step. */
static void run_at_random(uint64_t seed)
{
    uint64_t state = seed;
    struct model_parameters parameters = plain;
    parameters.seed = seed;
    parameters.segments = 200 + (uint32_t)(test_random(&state) % 800);
    parameters.sack = test_random(&state) % 4 != 0;
    parameters.timestamps = test_random(&state) % 2 != 0;
    parameters.congestion = test_random(&state) % 2 != 0 ? TCP_CONGESTION_NEWRENO
                                                         : TCP_CONGESTION_CUBIC;
    parameters.delay_ns = (1 + test_random(&state) % 50) * MS_NS;
    parameters.segment_ns = 100 * US_NS * (1 + test_random(&state) % 10);
    parameters.queue_segments = 2 + (uint32_t)(test_random(&state) % 100);
    parameters.loss_ppm = (uint32_t)(test_random(&state) % 4) * 20000;
    parameters.ack_loss_ppm = (uint32_t)(test_random(&state) % 3) * 30000;
    parameters.reorder_ppm = (uint32_t)(test_random(&state) % 3) * 20000;
    parameters.reorder_ns = test_random(&state) % (40 * MS_NS);
    parameters.hiccup_ns = test_random(&state) % 3 == 0 ? 700 * MS_NS : 0;
    parameters.hiccup_at_ns = 200 * MS_NS;
    parameters.renege_at_segment = test_random(&state) % 8 == 0 ? 100 : 0;
    parameters.record_count = test_random(&state) % 3 == 0 ? test_random(&state) % 12 : 4096;
    parameters.burst_segments = 1 + (uint32_t)(test_random(&state) % 40);
    parameters.ack_every = 1 + (uint32_t)(test_random(&state) % 2);
    parameters.first_seq = (uint32_t)test_random(&state);
    const struct model_result *result = run(parameters);
    expect_that(result->sent_again, >=, result->lost);
}

TEST(recovery_ends_over_any_link)
{
    for (uint64_t seed = 1; seed <= 400; seed++)
        run_at_random(seed);
}
