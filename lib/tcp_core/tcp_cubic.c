/* tcp_cubic.c - congestion avoidance along a cubic curve of the time since the last loss
 * (RFC 9438).
 *
 *     cwnd                                                    .'
 *      |  w_max . . . . . . . . . . ____,----------'''''----''
 *      |                     _.-''
 *      |                 .-'
 *      |  0.7 w_max    .'      concave: fast, then careful     convex: looking for more
 *      |              +---------------------------------+---------------------> time
 *              epoch_start                               + K
 *
 * The curve is in segments and seconds; here it is in bytes and milliseconds.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "tcp_core/tcp_congestion.h"

/* C = 0.4 segments a cubic second, beta = 0.7 (RFC 9438 4.1, 4.6). */
#define BETA_TENTHS 7

/* 3 (1 - beta) / (1 + beta), by which Reno would grow to share fairly (RFC 9438 4.3). */
#define ALPHA_NUMERATOR   9
#define ALPHA_DENOMINATOR 17

/* Beyond it the curve has passed any window: 0.4 * 1000^3 segments. */
#define CURVE_MS_MAX 1000000

/* The largest root whose cube is at most `value`, bit by bit. */
static uint32_t cube_root(uint64_t value)
{
    uint64_t root = 0;
    for (int shift = 63; shift >= 0; shift -= 3) {
        root <<= 1;
        uint64_t next = 3 * root * (root + 1) + 1;
        if (value >> shift >= next) {
            value -= next << shift;
            root++;
        }
    }
    return (uint32_t)root;
}

/* K: how long the curve takes from `below_bytes` under w_max up to it (4.2, equation 2). */
static int32_t rise_ms(uint32_t below_bytes, uint32_t mss_bytes)
{
    uint64_t cube = (uint64_t)below_bytes * (5 * S_NS / 2) / mss_bytes;
    return (int32_t)MIN(cube_root(cube), CURVE_MS_MAX);
}

/* How far the curve stands above w_max at `from_k_ms` after it, in bytes; negative: below. */
static int64_t curve_bytes(int64_t from_k_ms, uint32_t mss_bytes)
{
    int64_t ms = MAX(-CURVE_MS_MAX, MIN(from_k_ms, CURVE_MS_MAX));
    int64_t segments_e9 = ms * ms * ms / 5 * 2;
    return segments_e9 / 1000000 * mss_bytes / 1000;
}

static int64_t window_at(const struct tcp_congestion *congestion, uint64_t age_ns)
{
    const struct tcp_cubic *cubic = &congestion->cubic;
    int64_t from_k_ms = (int64_t)(age_ns / MS_NS) - cubic->k_ms;
    return (int64_t)cubic->w_max_bytes + curve_bytes(from_k_ms, congestion->mss_bytes);
}

static void begin_epoch(struct tcp_congestion *congestion, uint64_t now_ns)
{
    struct tcp_cubic *cubic = &congestion->cubic;
    cubic->epoch_start_ns = MAX(now_ns, 1);
    if (cubic->epoch_is_resumed) return;
    cubic->w_est_bytes = congestion->cwnd_bytes;
    cubic->w_est_rest_bytes = 0;
    if (congestion->cwnd_bytes < cubic->w_max_bytes) {
        cubic->k_ms = rise_ms(cubic->w_max_bytes - congestion->cwnd_bytes, congestion->mss_bytes);
    } else {
        cubic->k_ms = 0;
        cubic->w_max_bytes = congestion->cwnd_bytes;
    }
}

/* Equation 4: alpha segments a window, and a whole one where Reno would be past the last loss. */
static void estimate_reno(struct tcp_congestion *congestion, uint32_t acknowledged_bytes)
{
    struct tcp_cubic *cubic = &congestion->cubic;
    uint64_t rest_bytes = cubic->w_est_rest_bytes;
    bool is_past = cubic->w_est_bytes >= congestion->prior_cwnd_bytes;
    rest_bytes += is_past ? acknowledged_bytes
                          : (uint64_t)acknowledged_bytes * ALPHA_NUMERATOR / ALPHA_DENOMINATOR;
    uint64_t segments = rest_bytes / congestion->cwnd_bytes;
    cubic->w_est_rest_bytes = (uint32_t)(rest_bytes % congestion->cwnd_bytes);
    uint64_t w_est_bytes = cubic->w_est_bytes + segments * congestion->mss_bytes;
    cubic->w_est_bytes = (uint32_t)MIN(w_est_bytes, TCP_CWND_MAX);
}

static void cubic_avoid(struct tcp_congestion *congestion, const struct tcp_congestion_ack *ack)
{
    struct tcp_cubic *cubic = &congestion->cubic;
    if (cubic->epoch_start_ns == 0) begin_epoch(congestion, ack->now_ns);
    uint64_t age_ns = ack->now_ns - cubic->epoch_start_ns;
    estimate_reno(congestion, ack->acknowledged_bytes);

    /* 4.3: where Reno would be faster, be as fast. */
    if (window_at(congestion, age_ns) < (int64_t)cubic->w_est_bytes) {
        congestion->cwnd_bytes = MAX(congestion->cwnd_bytes, cubic->w_est_bytes);
        return;
    }
    /* 4.4, 4.5: towards where the curve will be a round trip from now, a share with each ACK. */
    int64_t cwnd_bytes = congestion->cwnd_bytes;
    int64_t target_bytes = window_at(congestion, age_ns + ack->srtt_ns);
    target_bytes = MAX(cwnd_bytes, MIN(target_bytes, cwnd_bytes + cwnd_bytes / 2));
    uint64_t step = (uint64_t)(target_bytes - cwnd_bytes) * ack->acknowledged_bytes;
    step += congestion->rest_bytes;
    congestion->rest_bytes = (uint32_t)(step % (uint64_t)cwnd_bytes);
    uint64_t growth_bytes = step / (uint64_t)cwnd_bytes;
    congestion->cwnd_bytes += (uint32_t)MIN(growth_bytes, (uint64_t)cwnd_bytes / 2);
}

static uint32_t cubic_reduce(struct tcp_congestion *congestion, uint32_t in_flight_bytes)
{
    (void)in_flight_bytes; /* cwnd does not grow unless it was used, so it tells more */
    struct tcp_cubic *cubic = &congestion->cubic;
    cubic->prior_w_max_bytes = cubic->w_max_bytes;
    /* 4.7: lost below the last peak, so others want room: aim lower than where it happened. */
    uint32_t cwnd_bytes = congestion->cwnd_bytes;
    cubic->w_max_bytes = cwnd_bytes < cubic->w_max_bytes
                             ? (uint32_t)((uint64_t)cwnd_bytes * (10 + BETA_TENTHS) / 20)
                             : cwnd_bytes;
    cubic->epoch_start_ns = 0;
    cubic->epoch_is_resumed = false;
    return (uint32_t)((uint64_t)cwnd_bytes * BETA_TENTHS / 10);
}

/* 4.9: the curve of before, begun again where the window now stands. */
static void cubic_undo(struct tcp_congestion *congestion)
{
    struct tcp_cubic *cubic = &congestion->cubic;
    cubic->w_max_bytes = cubic->prior_w_max_bytes;
    cubic->epoch_start_ns = 0;
    cubic->epoch_is_resumed = false;
}

/* 5.8: the curve stands still while nothing tries the window. */
static void cubic_idle(struct tcp_congestion *congestion, uint64_t since_ns)
{
    struct tcp_cubic *cubic = &congestion->cubic;
    if (cubic->epoch_start_ns == 0) return;
    if (since_ns > cubic->epoch_start_ns) {
        uint64_t age_ms = (since_ns - cubic->epoch_start_ns) / MS_NS;
        int64_t k_ms = cubic->k_ms - (int64_t)MIN(age_ms, CURVE_MS_MAX);
        cubic->k_ms = (int32_t)MAX(k_ms, -CURVE_MS_MAX);
    }
    cubic->epoch_start_ns = 0;
    cubic->epoch_is_resumed = true;
}

const struct tcp_congestion_ops tcp_cubic_ops = {
    .avoid = cubic_avoid,
    .reduce = cubic_reduce,
    .undo = cubic_undo,
    .idle = cubic_idle,
};
