/* tcp_congestion.h - how much may be on its way: the congestion window and those who set it.
 *
 * Recovery says what has happened (bytes were acknowledged, some were lost, a timeout, a false
 * alarm); an algorithm, chosen by its table of operations, answers with cwnd and ssthresh. What all
 * share is here: the first window (RFC 6928), slow start with HyStart++ (RFC 9406), the state to
 * go back to when a loss was none, the restart after idleness (RFC 5681 4.1). All in bytes.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_CONGESTION_H
#define LOOM_TCP_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"

#define TCP_SSTHRESH_UNLIMITED UINT32_MAX
#define TCP_CWND_MAX           ((uint32_t)1 << 30) /* no window can be larger (RFC 7323 2.3) */

enum tcp_congestion_kind { TCP_CONGESTION_CUBIC, TCP_CONGESTION_NEWRENO };

/* RFC 9406 4.2. A round ends when what was sent last at its start is acknowledged. */
struct tcp_hystart {
    uint32_t window_end;                  /* snd_nxt at the start of this round */
    uint32_t last_min_us, current_min_us; /* RTT in the round before, and in this one */
    uint32_t recent_min_us;               /* in the last samples of this one */
    uint32_t css_baseline_min_us;         /* RTT when conservative slow start began */
    uint8_t sample_count;                 /* of those last ones */
    uint8_t css_round_count;              /* 0: in slow start proper */
};

/* RFC 9438 4. */
struct tcp_cubic {
    uint64_t epoch_start_ns; /* 0: it begins with the next ACK */
    uint32_t w_max_bytes; /* where the last reduction was, or a little below (4.7); 0: none was */
    uint32_t w_est_bytes; /* what Reno would have by now (4.3) */
    uint32_t w_est_rest_bytes;
    int32_t k_ms;          /* from the epoch's start until w_max; negative: beyond it already */
    bool epoch_is_resumed; /* k_ms is that of an epoch that was interrupted */
    uint32_t prior_w_max_bytes; /* to go back to */
};

struct tcp_congestion {
    const struct tcp_congestion_ops *ops;
    uint32_t cwnd_bytes, ssthresh_bytes;
    uint32_t rest_bytes; /* of growth, less than a segment's worth */
    uint32_t mss_bytes;
    uint32_t prior_cwnd_bytes, prior_ssthresh_bytes; /* before the last reduction */
    struct tcp_hystart hystart;
    struct tcp_cubic cubic; /* unused by NewReno */
};
static_assert(sizeof(struct tcp_congestion) <= 96, "a hundred thousand of them");

/* An acknowledgement, as an algorithm sees it. */
struct tcp_congestion_ack {
    uint32_t acknowledged_bytes; /* by which snd_una advanced */
    uint64_t srtt_ns;
    uint64_t now_ns;
};

/* The algorithms: congestion avoidance only. */
struct tcp_congestion_ops {
    /* cwnd >= ssthresh and the window was used: grows it. */
    void (*avoid)(struct tcp_congestion *congestion, const struct tcp_congestion_ack *ack);
    /* A loss or a mark was seen: the ssthresh from now on. */
    uint32_t (*reduce)(struct tcp_congestion *congestion, uint32_t in_flight_bytes);
    /* It was a false alarm; cwnd and ssthresh are as before already. */
    void (*undo)(struct tcp_congestion *congestion);
    /* Since `since_ns` nothing has tried the window: that time does not count. */
    void (*idle)(struct tcp_congestion *congestion, uint64_t since_ns);
};

extern const struct tcp_congestion_ops tcp_cubic_ops, tcp_newreno_ops;

/* IW10, or one segment if the SYN or SYN-ACK had to be repeated (RFC 6928 2, RFC 5681 3.1). */
void tcp_congestion_init(struct tcp_congestion *congestion, enum tcp_congestion_kind kind,
                         uint32_t mss_bytes, bool syn_was_lost, uint32_t snd_nxt);

/* The path takes segments of another size now: the window keeps its bytes but at least two. */
void tcp_congestion_set_mss(struct tcp_congestion *congestion, uint32_t mss_bytes);

/* RFC 6928 2: what a connection may send at first, and after idleness. */
uint32_t tcp_congestion_initial_bytes(uint32_t mss_bytes);

/* snd_una advanced, outside of recovery. `window_was_used`: what was sent came close to cwnd; else
 * it does not grow (RFC 9438 4.2, RFC 7661 4.4). */
void tcp_congestion_acknowledged(struct tcp_congestion *congestion,
                                 const struct tcp_congestion_ack *ack, bool window_was_used);

/* For HyStart++: an RTT was measured, and snd_una and snd_nxt stand there. */
void tcp_congestion_rtt(struct tcp_congestion *congestion, uint64_t rtt_ns, uint32_t ack,
                        uint32_t snd_nxt);

/* Remembers the present state for tcp_congestion_undo, and takes ssthresh down. The way of cwnd
 * down to it is proportional rate reduction's (tcp_recovery). */
void tcp_congestion_lost(struct tcp_congestion *congestion, uint32_t in_flight_bytes);

/* The RTO: the same, and cwnd is one segment (RFC 5681 3.1). `again`: of a segment that timed out
 * before; ssthresh stays as it is (RFC 5681 3.1, equation 4). */
void tcp_congestion_timed_out(struct tcp_congestion *congestion, uint32_t in_flight_bytes,
                              bool again);

/* The last reduction was a false alarm (RFC 4015 3.2). */
void tcp_congestion_undo(struct tcp_congestion *congestion);

/* New data after `idle_ns` with nothing in flight; longer than the RTO: the window restarts
 * (RFC 5681 4.1, RFC 9293 3.8.2). */
void tcp_congestion_idle(struct tcp_congestion *congestion, uint64_t idle_ns, uint64_t rto_ns,
                         uint64_t now_ns);

static inline bool tcp_congestion_in_slow_start(const struct tcp_congestion *congestion)
{
    return congestion->cwnd_bytes < congestion->ssthresh_bytes;
}

/* ---- tcp_hystart.c, for tcp_congestion.c ---- */

void tcp_hystart_init(struct tcp_hystart *hystart, uint32_t snd_nxt);

/* RFC 9406 4.2, for each RTT measured in slow start. True: it has ended for good. */
bool tcp_hystart_measured(struct tcp_hystart *hystart, uint64_t rtt_ns, uint32_t ack,
                          uint32_t snd_nxt);

/* By what slow start's growth is divided now: 1, or CSS_GROWTH_DIVISOR. */
uint32_t tcp_hystart_divisor(const struct tcp_hystart *hystart);

#endif
