/* tcp_rtt.h - how long an answer takes, and how long to wait for one: RTT, its variation, RTO.
 *
 * RFC 6298 for each sample, RFC 7323 appendix G where a window gives many of them, and the least
 * RTT of the last minutes as RACK wants it (RFC 8985 6.2 step 1).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_RTT_H
#define LOOM_TCP_RTT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"

#define TCP_RTO_FIRST_NS S_NS          /* before any sample (RFC 6298 2.1) */
#define TCP_RTO_LATE_NS  (3 * S_NS)    /* the same after a lost SYN (RFC 6298 5.7) */
#define TCP_RTO_MIN_NS   (200 * MS_NS) /* as large systems have it; RFC 6298 2.4 wants 1 s */
#define TCP_RTO_MAX_NS   (60 * S_NS)   /* RFC 6298 2.5 */
#define TCP_RTT_WINDOW_S 300           /* for which the least RTT is remembered */

struct tcp_rtt {
    uint64_t srtt_ns;                /* 0: not measured yet */
    uint64_t rttvar_ns;              /* until then the RTO itself */
    uint32_t min_ns, min_earlier_ns; /* the least since window_start_s, and in the window before:
                                        4.3 s at most, and that where there is none */
    uint32_t window_start_s;
};

void tcp_rtt_init(struct tcp_rtt *rtt);

/* The handshake is complete, and its SYN or SYN-ACK had to be repeated: as long as nothing has been
 * measured, the first data have longer to be answered. */
void tcp_rtt_set_late(struct tcp_rtt *rtt);

/* One measurement: an ACK took `sample_ns` for the first byte that it acknowledges, and `least_ns`
 * for the last, which the peer has not held back. `samples_per_rtt` is how many to expect in a
 * round trip, at least 1: the more, the less each one moves (RFC 7323 appendix G). */
void tcp_rtt_measure(struct tcp_rtt *rtt, uint64_t sample_ns, uint64_t least_ns,
                     uint32_t samples_per_rtt, uint64_t now_ns);

/* The retransmission timeout, not backed off. */
uint64_t tcp_rtt_rto_ns(const struct tcp_rtt *rtt);

/* The same doubled `backoff_count` times, at most TCP_RTO_MAX_NS (RFC 6298 5.5). */
uint64_t tcp_rtt_backed_off_ns(const struct tcp_rtt *rtt, unsigned backoff_count);

/* 0: not measured yet. */
uint64_t tcp_rtt_min_ns(const struct tcp_rtt *rtt);

static inline bool tcp_rtt_is_measured(const struct tcp_rtt *rtt)
{
    return rtt->srtt_ns != 0;
}

#endif
