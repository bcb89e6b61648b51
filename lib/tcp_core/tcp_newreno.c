/* tcp_newreno.c - congestion avoidance as RFC 5681 has it: a segment more each round trip, half the
 * window at a loss.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "tcp_core/tcp_congestion.h"

/* RFC 5681 3.1, equation 3 in the form that counts acknowledged bytes (RFC 3465 2.1). */
static void newreno_avoid(struct tcp_congestion *congestion, const struct tcp_congestion_ack *ack)
{
    uint64_t rest_bytes = (uint64_t)congestion->rest_bytes + ack->acknowledged_bytes;
    uint64_t windows = rest_bytes / congestion->cwnd_bytes;
    congestion->rest_bytes = (uint32_t)(rest_bytes % congestion->cwnd_bytes);
    congestion->cwnd_bytes += (uint32_t)MIN(windows, 2) * congestion->mss_bytes;
}

/* Equation 4. What limited transmit has sent beyond cwnd is not counted (RFC 5681 3.2 step 2). */
static uint32_t newreno_reduce(struct tcp_congestion *congestion, uint32_t in_flight_bytes)
{
    return MIN(in_flight_bytes, congestion->cwnd_bytes) / 2;
}

static void newreno_undo(struct tcp_congestion *congestion)
{
    congestion->rest_bytes = 0;
}

static void newreno_idle(struct tcp_congestion *congestion, uint64_t since_ns)
{
    (void)congestion;
    (void)since_ns;
}

const struct tcp_congestion_ops tcp_newreno_ops = {
    .avoid = newreno_avoid,
    .reduce = newreno_reduce,
    .undo = newreno_undo,
    .idle = newreno_idle,
};
