/* tcp_undo.c - false alarms: a reduction is taken back when what was sent again had not been lost.
 *
 * Three witnesses: ACKs of bytes that the RTO's retransmissions cannot have caused (F-RTO,
 * RFC 5682); an echoed timestamp older than the first retransmission (Eifel, RFC 3522); DSACKs for
 * all that was sent again (RFC 3708). What they restore is RFC 4015's.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "tcp_core/tcp_recovery_parts.h"

enum frto {
    FRTO_NONE,
    FRTO_FIRST,  /* the RTO has sent one segment: its ACK decides whether to go on */
    FRTO_SECOND, /* it advanced: new bytes are sent, and the next ACK tells */
};

void tcp_undo_begin(struct tcp_recovery *recovery, bool frto)
{
    recovery->undo_start = recovery->snd_una;
    recovery->undo_again_bytes = 0;
    recovery->frto_step = frto ? FRTO_FIRST : FRTO_NONE;
    tcp_recovery_set(recovery, TCP_FLAG_UNDO, true);
    tcp_recovery_set(recovery, TCP_FLAG_UNDO_SENT, false);
}

/* RFC 5682 2.1 step 1 gives up here. Where the first segment alone was sent again, and no ACK has
 * come since, nothing is less clear than it was. */
void tcp_undo_timed_out_again(struct tcp_recovery *recovery)
{
    if (recovery->frto_step != FRTO_FIRST) recovery->frto_step = FRTO_NONE;
}

void tcp_undo_end(struct tcp_recovery *recovery)
{
    recovery->frto_step = FRTO_NONE;
    tcp_recovery_set(recovery, TCP_FLAG_UNDO, false);
}

void tcp_undo_sent_again(struct tcp_recovery *recovery, uint32_t length_bytes, uint32_t timestamp)
{
    if (recovery->frto_step == FRTO_SECOND) recovery->frto_step = FRTO_NONE;
    recovery->undo_again_bytes += length_bytes;
    if (tcp_recovery_has(recovery, TCP_FLAG_UNDO_SENT)) return;
    tcp_recovery_set(recovery, TCP_FLAG_UNDO_SENT, true);
    recovery->undo_timestamp = timestamp;
}

bool tcp_undo_wants_new(const struct tcp_recovery *recovery)
{
    return recovery->frto_step == FRTO_SECOND;
}

/* RFC 5682 2.1 and, with SACK, 3.1: there bytes that were sent once tell at any time. */
static bool frto_shows(struct tcp_recovery *recovery, const struct tcp_delivery *delivery)
{
    if (recovery->frto_step == FRTO_NONE) return false;
    bool has_sack = tcp_recovery_has(recovery, TCP_FLAG_SACK);
    bool is_second = recovery->frto_step == FRTO_SECOND;
    if (delivery->original_delivered && (has_sack || is_second)) return true;
    bool has_advanced = delivery->acknowledged_bytes > 0 &&
                        sequence_before(recovery->snd_una, recovery->recovery_point);
    if (has_advanced)
        recovery->frto_step = FRTO_SECOND;
    else if (delivery->is_duplicate || delivery->later_sacked || delivery->acknowledged_bytes > 0)
        recovery->frto_step = FRTO_NONE;
    return false;
}

/* Whatever advances snd_una now was sent before the first retransmission. */
static bool is_original(const struct tcp_recovery *recovery, const struct tcp_delivery *delivery)
{
    if (delivery->acknowledged_bytes == 0) return false;
    if (!tcp_recovery_has(recovery, TCP_FLAG_UNDO_SENT)) return delivery->thought_lost;
    const struct tcp_acknowledgement *acknowledgement = delivery->acknowledgement;
    return tcp_recovery_has(recovery, TCP_FLAG_TIMESTAMPS) && acknowledgement->has_timestamp_echo &&
           sequence_before(acknowledgement->timestamp_echo, recovery->undo_timestamp);
}

/* Whether all that was sent again has arrived twice by now. */
static bool is_all_duplicate(struct tcp_recovery *recovery, const struct tcp_delivery *delivery)
{
    if (!delivery->has_dsack || recovery->undo_again_bytes == 0 ||
        sequence_before(delivery->dsack.start, recovery->undo_start) ||
        !sequence_at_most(delivery->dsack.end, recovery->snd_nxt))
        return false;
    recovery->undo_again_bytes -= MIN(recovery->undo_again_bytes, range_bytes(delivery->dsack));
    return recovery->undo_again_bytes == 0;
}

bool tcp_undo_is_due(struct tcp_recovery *recovery, const struct tcp_delivery *delivery)
{
    if (!tcp_recovery_has(recovery, TCP_FLAG_UNDO)) return false;
    if (is_all_duplicate(recovery, delivery)) return true;
    if (recovery->state != TCP_RECOVERY && recovery->state != TCP_LOSS) return false;
    if (frto_shows(recovery, delivery)) return true;
    if (!is_original(recovery, delivery)) return false;
    /* Time has misjudged, and no DSACK need tell it. */
    if (recovery->state == TCP_RECOVERY) {
        tcp_recovery_set(recovery, TCP_FLAG_REORDERED, true);
        tcp_rack_widen(recovery);
    }
    return true;
}

void tcp_undo(struct tcp_recovery *recovery, uint64_t now_ns)
{
    tcp_congestion_undo(&recovery->congestion);
    while (recovery->lost_first != TCP_SENT_NONE)
        tcp_sent_set_flying_again(recovery, recovery->lost_first);
    recovery->state = TCP_OPEN;
    recovery->backoff_count = 0;
    recovery->rto_start_ns = now_ns;
    tcp_undo_end(recovery);
}
