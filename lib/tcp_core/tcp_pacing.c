/* tcp_pacing.c - a token bucket whose level is kept as a time.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_pacing.h"

#include "base/units.h"
#include "tcp_core/tcp_congestion.h"

/* Slower than 120 bytes a second nothing is paced, so that no product overflows. */
/* A datagram of many segments: queues on the way are used to such bursts. More than the first
 * window (RFC 6928). */
#define BURST_BYTES     (64 * KIB)
#define BYTE_NS_E10_MAX ((uint64_t)1 << 33)

void tcp_pacing_init(struct tcp_pacing *pacing)
{
    *pacing = (struct tcp_pacing){ 0 };
}

static bool is_near(uint32_t value, uint32_t of)
{
    uint32_t difference = value > of ? value - of : of - value;
    return difference <= of / 16;
}

/* In slow start the window doubles each round trip, so that less than twice its rate would hold it
 * back; 1.2 lets congestion avoidance find out that there is more. */
static void work_out(struct tcp_pacing *pacing)
{
    uint64_t tenths = pacing->slow_start ? 20 : 12;
    pacing->byte_ns_e10 = 0;
    /* What the rate gives in a millisecond is the window, or more. */
    if (pacing->srtt_us <= 100 * tenths) return;
    uint64_t window_bytes = pacing->cwnd_bytes * tenths / 10;
    uint64_t byte_ns_e10 = ((pacing->srtt_us * US_NS) << 10) / window_bytes;
    pacing->byte_ns_e10 = MAX(MIN(byte_ns_e10, BYTE_NS_E10_MAX), 1);
    uint64_t millisecond_bytes = window_bytes * 1000 / pacing->srtt_us;
    uint64_t quantum_bytes = MAX(millisecond_bytes, BURST_BYTES);
    pacing->quantum_bytes = (uint32_t)MIN(quantum_bytes, TCP_CWND_MAX);
}

void tcp_pacing_set(struct tcp_pacing *pacing, uint32_t cwnd_bytes, uint32_t mss_bytes,
                    bool slow_start, uint64_t srtt_ns)
{
    uint32_t srtt_us = (uint32_t)MIN(srtt_ns / US_NS, 60 * S_NS / US_NS);
    if (slow_start == pacing->slow_start && mss_bytes == pacing->mss_bytes &&
        is_near(cwnd_bytes, pacing->cwnd_bytes) && is_near(srtt_us, pacing->srtt_us))
        return;
    pacing->cwnd_bytes = cwnd_bytes;
    pacing->mss_bytes = mss_bytes;
    pacing->slow_start = slow_start;
    pacing->srtt_us = srtt_us;
    work_out(pacing);
}

static uint64_t duration_ns(const struct tcp_pacing *pacing, uint32_t length_bytes)
{
    return length_bytes * pacing->byte_ns_e10 >> 10;
}

uint32_t tcp_pacing_allowance(const struct tcp_pacing *pacing, uint64_t now_ns, uint64_t *again_ns)
{
    if (pacing->byte_ns_e10 == 0) return UINT32_MAX;
    if (now_ns < pacing->rest_end_ns) {
        *again_ns = pacing->rest_end_ns;
        return 0;
    }
    if (pacing->debt_end_ns <= now_ns) return pacing->quantum_bytes;
    uint64_t debt_ns = MIN(pacing->debt_end_ns - now_ns, 60 * S_NS);
    uint64_t debt_bytes = (debt_ns << 10) / pacing->byte_ns_e10;
    uint64_t left_bytes = pacing->quantum_bytes - MIN(debt_bytes, pacing->quantum_bytes);
    return (uint32_t)MAX(left_bytes, pacing->mss_bytes);
}

void tcp_pacing_sent(struct tcp_pacing *pacing, uint32_t length_bytes, uint64_t now_ns)
{
    if (pacing->byte_ns_e10 == 0) return;
    pacing->debt_end_ns = MAX(pacing->debt_end_ns, now_ns) + duration_ns(pacing, length_bytes);
    uint64_t full_ns = now_ns + duration_ns(pacing, pacing->quantum_bytes);
    if (pacing->debt_end_ns + duration_ns(pacing, pacing->mss_bytes) <= full_ns) return;
    pacing->rest_end_ns = pacing->debt_end_ns - duration_ns(pacing, pacing->quantum_bytes / 2);
}
