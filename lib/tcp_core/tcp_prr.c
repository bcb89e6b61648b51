/* tcp_prr.c - the way of the window down to ssthresh, in step with what is delivered (RFC 6937).
 *
 * cwnd is set after each ACK to the bytes in flight and what may be added to them, so that it means
 * the same as outside of recovery. The bound that grows by a segment holds only while the peer
 * acknowledges without further losses; with new ones it is the conservative one, as later practice
 * has it.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "tcp_core/tcp_recovery_parts.h"

void tcp_prr_begin(struct tcp_recovery *recovery, uint32_t flight_bytes)
{
    recovery->prr_delivered_bytes = recovery->prr_out_bytes = 0;
    recovery->prr_start_bytes = MAX(flight_bytes, 1);
}

static uint32_t saturated_difference(uint64_t a, uint64_t b)
{
    return a > b ? (uint32_t)MIN(a - b, TCP_CWND_MAX) : 0;
}

/* More in flight than there shall be: for each byte delivered, ssthresh / RecoverFS bytes go. */
static uint32_t proportional_bytes(const struct tcp_recovery *recovery)
{
    uint64_t share = (uint64_t)recovery->prr_delivered_bytes * recovery->congestion.ssthresh_bytes;
    uint64_t allowed_bytes = (share + recovery->prr_start_bytes - 1) / recovery->prr_start_bytes;
    return saturated_difference(allowed_bytes, recovery->prr_out_bytes);
}

/* Less in flight, as many were lost: up to ssthresh again, but not in one burst. */
static uint32_t bounded_bytes(const struct tcp_recovery *recovery, uint32_t in_flight_bytes,
                              uint32_t delivered_bytes, bool is_safe)
{
    uint32_t limit_bytes = saturated_difference(recovery->prr_delivered_bytes,
                                                recovery->prr_out_bytes);
    limit_bytes = MAX(limit_bytes, delivered_bytes);
    if (is_safe) limit_bytes += recovery->congestion.mss_bytes;
    return MIN(limit_bytes, recovery->congestion.ssthresh_bytes - in_flight_bytes);
}

void tcp_prr_delivered(struct tcp_recovery *recovery, uint32_t delivered_bytes, bool is_safe)
{
    uint32_t in_flight_bytes = tcp_recovery_in_flight_bytes(recovery);
    recovery->prr_delivered_bytes += delivered_bytes;
    uint32_t more_bytes = in_flight_bytes > recovery->congestion.ssthresh_bytes
                              ? proportional_bytes(recovery)
                              : bounded_bytes(recovery, in_flight_bytes, delivered_bytes, is_safe);
    /* The first retransmission never waits. */
    if (recovery->prr_out_bytes == 0 && recovery->state == TCP_RECOVERY)
        more_bytes = MAX(more_bytes, recovery->congestion.mss_bytes);
    recovery->congestion.cwnd_bytes = MAX(in_flight_bytes + more_bytes,
                                          recovery->congestion.mss_bytes);
}
