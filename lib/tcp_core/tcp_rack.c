/* tcp_rack.c - losses found by time: RACK, and the probe for lost tails, TLP (RFC 8985).
 *
 * A segment is lost if one that was sent later has been delivered, and has been for longer than
 * segments may overtake each other. The list by time makes this a look at its front.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "tcp_core/tcp_recovery_parts.h"

#define DUP_THRESHOLD 3

/* RFC 8985 6.2 step 4: a wider window is kept for so many recoveries. */
#define WINDOW_PERSIST 16

/* RFC 8985 7.2: a probe waits for an ACK that the peer holds back because it has one segment only.
 */
#define MAX_ACK_DELAY_NS (200 * MS_NS)
#define PROBE_FIRST_NS   S_NS
#define PROBE_MIN_NS     (2 * MS_NS)

void tcp_rack_init(struct tcp_recovery *recovery)
{
    recovery->rack_xmit_ns = recovery->rack_rtt_ns = 0;
    recovery->rack_deadline_ns = NEVER;
    recovery->rack_end_seq = recovery->rack_fack = recovery->snd_una;
    recovery->rack_window_multiplier = 1;
    recovery->rack_window_persist = 0;
}

/* ---- what was delivered last ---- */

static bool is_sent_after(uint64_t a_ns, uint32_t a_end, uint64_t b_ns, uint32_t b_end)
{
    return a_ns > b_ns || (a_ns == b_ns && sequence_before(b_end, a_end));
}

/* Step 2: it may have been the first transmission of what was sent again since. An echo tells that
 * of what is acknowledged; with SACK it is of an older segment always (RFC 7323 4.3). */
static bool is_ambiguous(const struct tcp_recovery *recovery, const struct tcp_delivery *delivery,
                         const struct tcp_sent *sent)
{
    const struct tcp_acknowledgement *acknowledgement = delivery->acknowledgement;
    if (tcp_recovery_has(recovery, TCP_FLAG_TIMESTAMPS) && acknowledgement->has_timestamp_echo &&
        sequence_before(sent->start, acknowledgement->ack) &&
        sequence_before(acknowledgement->timestamp_echo, sent->timestamp))
        return true;
    return delivery->now_ns - sent->sent_ns < tcp_rtt_min_ns(&recovery->rtt);
}

static void note_latest(struct tcp_recovery *recovery, uint64_t sent_ns, uint32_t end,
                        uint64_t now_ns)
{
    if (!is_sent_after(sent_ns, end, recovery->rack_xmit_ns, recovery->rack_end_seq)) return;
    recovery->rack_xmit_ns = sent_ns;
    recovery->rack_end_seq = end;
    recovery->rack_rtt_ns = now_ns - sent_ns;
}

void tcp_rack_delivered(struct tcp_recovery *recovery, struct tcp_delivery *delivery,
                        const struct tcp_sent *sent, uint32_t end)
{
    if (sequence_before(end, delivery->prior_fack) && !sent->again)
        tcp_recovery_set(recovery, TCP_FLAG_REORDERED, true);
    recovery->rack_fack = sequence_later(recovery->rack_fack, end);
    if (!sent->again) {
        note_latest(recovery, sent->sent_ns, end, delivery->now_ns);
    } else if (!is_ambiguous(recovery, delivery, sent) &&
               is_sent_after(sent->sent_ns, end, delivery->again_sent_ns, delivery->again_end)) {
        delivery->again_sent_ns = sent->sent_ns;
        delivery->again_end = end;
    }
}

void tcp_rack_again_delivered(struct tcp_recovery *recovery, const struct tcp_delivery *delivery)
{
    if (delivery->again_sent_ns != 0)
        note_latest(recovery, delivery->again_sent_ns, delivery->again_end, delivery->now_ns);
}

/* ---- how far segments may overtake each other ---- */

void tcp_rack_widen(struct tcp_recovery *recovery)
{
    if (recovery->rack_window_multiplier < UINT8_MAX) recovery->rack_window_multiplier++;
    recovery->rack_window_persist = WINDOW_PERSIST;
}

void tcp_rack_round(struct tcp_recovery *recovery, const struct tcp_delivery *delivery)
{
    if (!sequence_before(recovery->snd_una, recovery->rack_dsack_round))
        tcp_recovery_set(recovery, TCP_FLAG_DSACK_ROUND, false);
    if (!delivery->has_dsack || tcp_recovery_has(recovery, TCP_FLAG_DSACK_ROUND)) return;
    tcp_recovery_set(recovery, TCP_FLAG_DSACK_ROUND, true);
    recovery->rack_dsack_round = recovery->snd_nxt;
    tcp_rack_widen(recovery);
}

void tcp_rack_recovery_ended(struct tcp_recovery *recovery)
{
    if (recovery->rack_window_persist > 0) recovery->rack_window_persist--;
    if (recovery->rack_window_persist == 0) recovery->rack_window_multiplier = 1;
}

static bool is_past_threshold(const struct tcp_recovery *recovery)
{
    return recovery->state == TCP_RECOVERY || recovery->state == TCP_LOSS ||
           recovery->dupack_count >= DUP_THRESHOLD ||
           recovery->sacked_bytes >= DUP_THRESHOLD * recovery->congestion.mss_bytes;
}

static uint64_t reordering_window_ns(const struct tcp_recovery *recovery)
{
    if (!tcp_recovery_has(recovery, TCP_FLAG_REORDERED) && is_past_threshold(recovery)) return 0;
    uint64_t window_ns = recovery->rack_window_multiplier * (tcp_rtt_min_ns(&recovery->rtt) / 4);
    return MIN(window_ns, recovery->rtt.srtt_ns);
}

/* ---- what is lost ---- */

/* The list is in order of time: the first that is not late enough ends the search, and sets the
 * timer. */
uint32_t tcp_rack_detect(struct tcp_recovery *recovery, uint64_t now_ns)
{
    uint32_t lost_bytes = 0;
    recovery->rack_deadline_ns = NEVER;
    uint64_t patience_ns = recovery->rack_rtt_ns + reordering_window_ns(recovery);
    while (recovery->order_first != TCP_SENT_NONE) {
        uint32_t place = recovery->order_first;
        const struct tcp_sent *sent = tcp_sent_at(recovery, place);
        if (!is_sent_after(recovery->rack_xmit_ns, recovery->rack_end_seq, sent->sent_ns,
                           sent->end))
            break;
        if (sent->sent_ns + patience_ns > now_ns) {
            recovery->rack_deadline_ns = sent->sent_ns + patience_ns;
            break;
        }
        lost_bytes += tcp_sent_bytes(sent);
        tcp_sent_set_lost(recovery, place);
    }
    return lost_bytes;
}

void tcp_rack_mark_first(struct tcp_recovery *recovery)
{
    uint32_t place = recovery->seq_first;
    const struct tcp_sent *sent = tcp_sent_at(recovery, place);
    if (sent->state != TCP_SENT_FLYING) return;
    uint32_t mss_bytes = recovery->congestion.mss_bytes;
    if (tcp_sent_bytes(sent) > mss_bytes)
        (void)tcp_sent_split(recovery, place, sent->start + mss_bytes); /* or all of the record */
    tcp_sent_set_lost(recovery, place);
}

void tcp_rack_mark_timeout(struct tcp_recovery *recovery, uint64_t now_ns)
{
    bool all = !tcp_recovery_has(recovery, TCP_FLAG_SACK);
    uint64_t patience_ns = recovery->rack_rtt_ns + reordering_window_ns(recovery);
    uint32_t place = recovery->order_first;
    while (place != TCP_SENT_NONE) {
        const struct tcp_sent *sent = tcp_sent_at(recovery, place);
        uint32_t next = sent->order_next;
        if (all || sent->sent_ns + patience_ns <= now_ns) tcp_sent_set_lost(recovery, place);
        place = next;
    }
    tcp_rack_mark_first(recovery);
}

/* ---- the probe for a lost tail ---- */

uint64_t tcp_rack_probe_ns(const struct tcp_recovery *recovery)
{
    bool may = tcp_recovery_has(recovery, TCP_FLAG_SACK) && recovery->state == TCP_OPEN &&
               recovery->sacked_bytes == 0 && recovery->order_first != TCP_SENT_NONE &&
               !tcp_recovery_has(recovery, TCP_FLAG_PROBE_OUT);
    if (!may) return NEVER;
    uint64_t wait_ns = MAX(2 * recovery->rtt.srtt_ns, PROBE_MIN_NS);
    if (!tcp_rtt_is_measured(&recovery->rtt)) wait_ns = PROBE_FIRST_NS;
    if (recovery->snd_nxt - recovery->snd_una <= recovery->congestion.mss_bytes)
        wait_ns += MAX_ACK_DELAY_NS;
    uint64_t last_ns = tcp_sent_at(recovery, recovery->seq_last)->sent_ns;
    return MAX(last_ns, recovery->progress_ns) + wait_ns;
}

bool tcp_rack_probe_acknowledged(struct tcp_recovery *recovery, const struct tcp_delivery *delivery)
{
    if (!tcp_recovery_has(recovery, TCP_FLAG_PROBE_OUT) ||
        sequence_before(recovery->snd_una, recovery->probe_end))
        return false;
    bool is_again = tcp_recovery_has(recovery, TCP_FLAG_PROBE_AGAIN);
    bool is_later = recovery->snd_una != recovery->probe_end;
    bool both_came = delivery->has_dsack ||
                     (delivery->is_duplicate && delivery->acknowledgement->sack_count == 0);
    if (is_again && !both_came && !is_later) return false; /* not yet to be told */
    tcp_recovery_set(recovery, TCP_FLAG_PROBE_OUT, false);
    return is_again && !both_came;
}
