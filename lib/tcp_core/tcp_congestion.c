/* tcp_congestion.c - what all congestion control algorithms share.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_congestion.h"

#include "base/units.h"

static const struct tcp_congestion_ops *ops_of(enum tcp_congestion_kind kind)
{
    return kind == TCP_CONGESTION_NEWRENO ? &tcp_newreno_ops : &tcp_cubic_ops;
}

uint32_t tcp_congestion_initial_bytes(uint32_t mss_bytes)
{
    return MIN(10 * mss_bytes, MAX(2 * mss_bytes, 14600));
}

void tcp_congestion_init(struct tcp_congestion *congestion, enum tcp_congestion_kind kind,
                         uint32_t mss_bytes, bool syn_was_lost, uint32_t snd_nxt)
{
    assert(mss_bytes > 0);
    *congestion = (struct tcp_congestion){
        .ops = ops_of(kind),
        .cwnd_bytes = syn_was_lost ? mss_bytes : tcp_congestion_initial_bytes(mss_bytes),
        .ssthresh_bytes = TCP_SSTHRESH_UNLIMITED,
        .mss_bytes = mss_bytes,
    };
    tcp_hystart_init(&congestion->hystart, snd_nxt);
}

void tcp_congestion_set_mss(struct tcp_congestion *congestion, uint32_t mss_bytes)
{
    assert(mss_bytes > 0);
    congestion->mss_bytes = mss_bytes;
    congestion->cwnd_bytes = MAX(congestion->cwnd_bytes, 2 * mss_bytes);
    congestion->rest_bytes = 0;
}

/* As much as was acknowledged (RFC 9406 4.2 with L = infinity, which pacing allows), up to
 * ssthresh. Gives what is left for congestion avoidance. */
static uint32_t slow_start(struct tcp_congestion *congestion, uint32_t acknowledged_bytes)
{
    uint32_t room_bytes = congestion->ssthresh_bytes - congestion->cwnd_bytes;
    uint32_t growth_bytes = acknowledged_bytes;
    if (congestion->ssthresh_bytes == TCP_SSTHRESH_UNLIMITED)
        growth_bytes /= tcp_hystart_divisor(&congestion->hystart);
    if (growth_bytes <= room_bytes) {
        congestion->cwnd_bytes += growth_bytes;
        return 0;
    }
    congestion->cwnd_bytes = congestion->ssthresh_bytes;
    return growth_bytes - room_bytes;
}

void tcp_congestion_acknowledged(struct tcp_congestion *congestion,
                                 const struct tcp_congestion_ack *ack, bool window_was_used)
{
    if (!window_was_used) {
        congestion->ops->idle(congestion, ack->now_ns);
        return;
    }
    struct tcp_congestion_ack rest = *ack;
    if (tcp_congestion_in_slow_start(congestion))
        rest.acknowledged_bytes = slow_start(congestion, ack->acknowledged_bytes);
    if (rest.acknowledged_bytes > 0) congestion->ops->avoid(congestion, &rest);
    congestion->cwnd_bytes = MIN(congestion->cwnd_bytes, TCP_CWND_MAX);
}

void tcp_congestion_rtt(struct tcp_congestion *congestion, uint64_t rtt_ns, uint32_t ack,
                        uint32_t snd_nxt)
{
    /* Only in the first slow start, where nobody knows yet where to stop (RFC 9406 4.2). */
    if (congestion->ssthresh_bytes != TCP_SSTHRESH_UNLIMITED) return;
    if (tcp_hystart_measured(&congestion->hystart, rtt_ns, ack, snd_nxt))
        congestion->ssthresh_bytes = congestion->cwnd_bytes;
}

static void reduce(struct tcp_congestion *congestion, uint32_t in_flight_bytes)
{
    congestion->prior_cwnd_bytes = congestion->cwnd_bytes;
    congestion->prior_ssthresh_bytes = congestion->ssthresh_bytes;
    uint32_t ssthresh_bytes = congestion->ops->reduce(congestion, in_flight_bytes);
    congestion->ssthresh_bytes = MAX(ssthresh_bytes, 2 * congestion->mss_bytes);
    congestion->rest_bytes = 0;
}

void tcp_congestion_lost(struct tcp_congestion *congestion, uint32_t in_flight_bytes)
{
    reduce(congestion, in_flight_bytes);
}

void tcp_congestion_timed_out(struct tcp_congestion *congestion, uint32_t in_flight_bytes,
                              bool again)
{
    if (!again) reduce(congestion, in_flight_bytes);
    congestion->cwnd_bytes = congestion->mss_bytes;
    congestion->rest_bytes = 0;
}

void tcp_congestion_undo(struct tcp_congestion *congestion)
{
    congestion->cwnd_bytes = MAX(congestion->cwnd_bytes, congestion->prior_cwnd_bytes);
    congestion->ssthresh_bytes = MAX(congestion->ssthresh_bytes, congestion->prior_ssthresh_bytes);
    congestion->ops->undo(congestion);
}

/* Whatever was known of the path is stale, but ssthresh is the best guess at what it takes. */
void tcp_congestion_idle(struct tcp_congestion *congestion, uint64_t idle_ns, uint64_t rto_ns,
                         uint64_t now_ns)
{
    if (idle_ns > rto_ns)
        congestion->cwnd_bytes = MIN(congestion->cwnd_bytes,
                                     tcp_congestion_initial_bytes(congestion->mss_bytes));
    congestion->ops->idle(congestion, now_ns - MIN(idle_ns, now_ns));
}
