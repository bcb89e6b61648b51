/* tcp_rtt.c - how long an answer takes, and how long to wait for one.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_rtt.h"

#include "base/assert.h"

/* What RFC 6298 2.3 calls G: below this the variation does not count. It is the whole minimum and
 * not the clock's tick, because a peer may hold an ACK back (by 40 ms to 200 ms in use) at any
 * time, however steady the path was before. */
#define VARIATION_MIN_NS TCP_RTO_MIN_NS

/* Where the exponent alone passes TCP_RTO_MAX_NS. */
#define BACKOFF_MAX 9

void tcp_rtt_init(struct tcp_rtt *rtt)
{
    *rtt = (struct tcp_rtt){
        .rttvar_ns = TCP_RTO_FIRST_NS,
        .min_ns = UINT32_MAX,
        .min_earlier_ns = UINT32_MAX,
    };
}

void tcp_rtt_set_late(struct tcp_rtt *rtt)
{
    if (!tcp_rtt_is_measured(rtt)) rtt->rttvar_ns = TCP_RTO_LATE_NS;
}

/* The least of two windows, each as long as the memory is to be: so nothing is older than twice
 * that, and no list of samples is kept. */
static void keep_min(struct tcp_rtt *rtt, uint64_t sample_ns, uint64_t now_ns)
{
    uint32_t now_s = (uint32_t)(now_ns / S_NS);
    if (now_s - rtt->window_start_s > TCP_RTT_WINDOW_S || rtt->min_ns == UINT32_MAX) {
        rtt->min_earlier_ns = rtt->min_ns;
        rtt->min_ns = UINT32_MAX;
        rtt->window_start_s = now_s;
    }
    rtt->min_ns = (uint32_t)MIN(rtt->min_ns, sample_ns);
}

/* A step from `old_ns` towards `sample_ns`, by one part in `parts`. */
static uint64_t moved(uint64_t old_ns, uint64_t sample_ns, uint64_t parts)
{
    if (sample_ns >= old_ns) return old_ns + (sample_ns - old_ns) / parts;
    return old_ns - (old_ns - sample_ns) / parts;
}

void tcp_rtt_measure(struct tcp_rtt *rtt, uint64_t sample_ns, uint64_t least_ns,
                     uint32_t samples_per_rtt, uint64_t now_ns)
{
    assert(samples_per_rtt > 0);
    sample_ns = MAX(MIN(sample_ns, TCP_RTO_MAX_NS), 1);
    keep_min(rtt, MAX(MIN(sample_ns, least_ns), 1), now_ns);
    if (!tcp_rtt_is_measured(rtt)) { /* RFC 6298 2.2 */
        rtt->srtt_ns = sample_ns;
        rtt->rttvar_ns = sample_ns / 2;
        return;
    }
    uint64_t difference_ns = sample_ns > rtt->srtt_ns ? sample_ns - rtt->srtt_ns
                                                      : rtt->srtt_ns - sample_ns;
    /* Many samples in a round trip must not make the variation forget in less than some round
     * trips; it may learn, and the mean may move, with each of them. */
    uint64_t parts = difference_ns < rtt->rttvar_ns ? 4 * (uint64_t)samples_per_rtt : 4;
    rtt->rttvar_ns = moved(rtt->rttvar_ns, difference_ns, parts);
    rtt->srtt_ns = MAX(moved(rtt->srtt_ns, sample_ns, 8), 1);
}

uint64_t tcp_rtt_rto_ns(const struct tcp_rtt *rtt)
{
    if (!tcp_rtt_is_measured(rtt)) return rtt->rttvar_ns;
    uint64_t rto_ns = rtt->srtt_ns + MAX(VARIATION_MIN_NS, 4 * rtt->rttvar_ns);
    return MIN(rto_ns, TCP_RTO_MAX_NS);
}

uint64_t tcp_rtt_backed_off_ns(const struct tcp_rtt *rtt, unsigned backoff_count)
{
    uint64_t rto_ns = tcp_rtt_rto_ns(rtt);
    return MIN(rto_ns << MIN(backoff_count, BACKOFF_MAX), TCP_RTO_MAX_NS);
}

uint64_t tcp_rtt_min_ns(const struct tcp_rtt *rtt)
{
    return tcp_rtt_is_measured(rtt) ? MIN(rtt->min_ns, rtt->min_earlier_ns) : 0;
}
