/* tcp_pacing.c - a token bucket whose level is kept as a time.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_pacing.h"

#include "base/units.h"
#include "tcp_core/tcp_congestion.h"

/* A terabyte a second, beyond which products would overflow and nobody waits. */
#define RATE_MAX ((uint64_t)1 << 40)

void tcp_pacing_init(struct tcp_pacing *pacing)
{
    *pacing = (struct tcp_pacing){ 0 };
}

/* In slow start the window doubles each round trip, so that less than twice its rate would hold it
 * back; 1.2 lets congestion avoidance find out that there is more. */
void tcp_pacing_set(struct tcp_pacing *pacing, uint32_t cwnd_bytes, uint32_t mss_bytes,
                    bool slow_start, uint64_t srtt_ns)
{
    pacing->mss_bytes = mss_bytes;
    if (srtt_ns == 0) {
        pacing->rate_bytes = 0;
        return;
    }
    uint64_t window_bytes = (uint64_t)cwnd_bytes * (slow_start ? 20 : 12) / 10;
    pacing->rate_bytes = MAX(MIN(window_bytes * S_NS / srtt_ns, RATE_MAX), 1);
    uint64_t quantum_bytes = MAX(pacing->rate_bytes / 1000,
                                 tcp_congestion_initial_bytes(mss_bytes));
    pacing->quantum_bytes = (uint32_t)MIN(quantum_bytes, TCP_CWND_MAX);
}

/* At most TCP_CWND_MAX bytes, so that the product stays below 2^60. */
static uint64_t duration_ns(const struct tcp_pacing *pacing, uint32_t length_bytes)
{
    return length_bytes * S_NS / pacing->rate_bytes;
}

/* What was sent and should still be waiting, in bytes. */
static uint32_t debt_bytes(const struct tcp_pacing *pacing, uint64_t now_ns)
{
    if (pacing->debt_end_ns <= now_ns) return 0;
    uint64_t debt_ns = MIN(pacing->debt_end_ns - now_ns, 60 * S_NS);
    uint64_t seconds = debt_ns / S_NS, rest_ns = debt_ns % S_NS;
    uint64_t bytes = seconds * pacing->rate_bytes + rest_ns * (pacing->rate_bytes / 1000) / MS_NS;
    return (uint32_t)MIN(bytes, TCP_CWND_MAX);
}

uint32_t tcp_pacing_allowance(const struct tcp_pacing *pacing, uint64_t now_ns, uint64_t *again_ns)
{
    if (pacing->rate_bytes == 0) return UINT32_MAX;
    if (now_ns < pacing->rest_end_ns) {
        *again_ns = pacing->rest_end_ns;
        return 0;
    }
    uint32_t debt = debt_bytes(pacing, now_ns);
    uint32_t left = debt < pacing->quantum_bytes ? pacing->quantum_bytes - debt : 0;
    return MAX(left, pacing->mss_bytes);
}

void tcp_pacing_sent(struct tcp_pacing *pacing, uint32_t length_bytes, uint64_t now_ns)
{
    if (pacing->rate_bytes == 0) return;
    pacing->debt_end_ns = MAX(pacing->debt_end_ns, now_ns) + duration_ns(pacing, length_bytes);
    if (debt_bytes(pacing, now_ns) + pacing->mss_bytes <= pacing->quantum_bytes) return;
    pacing->rest_end_ns = pacing->debt_end_ns - duration_ns(pacing, pacing->quantum_bytes / 2);
}
