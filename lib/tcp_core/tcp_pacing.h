/* tcp_pacing.h - when the next bytes may go, where a burst would overflow a queue on the way.
 *
 * A window's worth of bytes is spread over the round trip, at twice its rate in slow start and 1.2
 * times in congestion avoidance. Up to a quantum goes at once: what the rate gives in a millisecond
 * and at least 64 KiB, one datagram of many segments. Where a millisecond holds the whole round
 * trip nothing is ever put off.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_PACING_H
#define LOOM_TCP_PACING_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_pacing {
    uint64_t debt_end_ns; /* when what was sent would have left at the rate */
    uint64_t rest_end_ns; /* a quantum is used up, and nothing goes before this */
    uint64_t byte_ns_e10; /* what a byte takes, times 2^10; 0: nothing is put off */
    uint32_t quantum_bytes, mss_bytes;
    uint32_t cwnd_bytes, srtt_us; /* of which this is the pace, more or less */
    bool slow_start;
};

void tcp_pacing_init(struct tcp_pacing *pacing);

/* Sets the pace from cwnd and the smoothed RTT (0: not known). Cheap enough for every ACK: it is
 * worked out anew when they have moved by a sixteenth. */
void tcp_pacing_set(struct tcp_pacing *pacing, uint32_t cwnd_bytes, uint32_t mss_bytes,
                    bool slow_start, uint64_t srtt_ns);

/* How many bytes may go at `now_ns`; UINT32_MAX: any number. 0: none before *again_ns. Never less
 * than a segment; and once a quantum is used up, none before half of one may go. */
uint32_t tcp_pacing_allowance(const struct tcp_pacing *pacing, uint64_t now_ns, uint64_t *again_ns);

/* What goes at once; UINT32_MAX: nothing is put off. */
static inline uint32_t tcp_pacing_quantum(const struct tcp_pacing *pacing)
{
    return pacing->byte_ns_e10 == 0 ? UINT32_MAX : pacing->quantum_bytes;
}

void tcp_pacing_sent(struct tcp_pacing *pacing, uint32_t length_bytes, uint64_t now_ns);

#endif
