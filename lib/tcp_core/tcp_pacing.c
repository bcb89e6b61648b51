/* tcp_pacing.c - a token bucket whose level is kept as a time.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_pacing.h"

#include "base/units.h"
#include "tcp_core/tcp_congestion.h"

void tcp_pacing_init(struct tcp_pacing *pacing)
{
    *pacing = (struct tcp_pacing){ 0 };
}

/* In slow start the window doubles each round trip, so that less than twice its rate would hold it
 * back; 1.2 lets congestion avoidance find out that there is more. */
void tcp_pacing_set(struct tcp_pacing *pacing, uint32_t cwnd_bytes, uint32_t mss_bytes,
                    bool slow_start, uint64_t srtt_ns)
{
    if (srtt_ns == 0) {
        pacing->rate_bytes = 0;
        return;
    }
    uint64_t window_bytes = (uint64_t)cwnd_bytes * (slow_start ? 20 : 12) / 10;
    pacing->rate_bytes = MAX(window_bytes * S_NS / srtt_ns, 1);
    uint64_t quantum_bytes = MAX(pacing->rate_bytes / 1000,
                                 tcp_congestion_initial_bytes(mss_bytes));
    pacing->quantum_bytes = (uint32_t)MIN(quantum_bytes, TCP_CWND_MAX);
}

/* At most TCP_CWND_MAX bytes, so that the product stays below 2^60. */
static uint64_t duration_ns(const struct tcp_pacing *pacing, uint32_t length_bytes)
{
    return length_bytes * S_NS / pacing->rate_bytes;
}

uint32_t tcp_pacing_allowance(const struct tcp_pacing *pacing, uint64_t now_ns, uint64_t *again_ns)
{
    if (pacing->rate_bytes == 0) return UINT32_MAX;
    if (pacing->debt_end_ns <= now_ns) return pacing->quantum_bytes;
    uint64_t debt_ns = pacing->debt_end_ns - now_ns;
    uint64_t half_ns = duration_ns(pacing, pacing->quantum_bytes / 2);
    if (debt_ns > half_ns) {
        *again_ns = pacing->debt_end_ns - half_ns;
        return 0;
    }
    uint64_t debt_bytes = debt_ns * pacing->rate_bytes / S_NS;
    return pacing->quantum_bytes - (uint32_t)MIN(debt_bytes, pacing->quantum_bytes / 2);
}

void tcp_pacing_sent(struct tcp_pacing *pacing, uint32_t length_bytes, uint64_t now_ns)
{
    if (pacing->rate_bytes == 0) return;
    pacing->debt_end_ns = MAX(pacing->debt_end_ns, now_ns) + duration_ns(pacing, length_bytes);
}
