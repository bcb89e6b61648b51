/* tcp_scoreboard.c - what an ACK and its SACK blocks say about what was sent (RFC 2018, 2883,
 * 6675).
 *
 * A peer repeats its blocks in ACK after ACK. What the last ACK has said already is cut off first,
 * and ranges that touch become one record, so that in practice each new piece is found beside the
 * last one. What a hostile peer may cost is bounded all the same: blocks that are not found within
 * STEPS_MAX steps are not counted, as if the ACK that carried them had been lost.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "tcp_core/tcp_recovery_parts.h"

#define STEPS_MAX 1024

/* ---- the cumulative acknowledgement ---- */

static void note_acknowledged(struct tcp_recovery *recovery, struct tcp_delivery *delivery,
                              const struct tcp_sent *sent, uint32_t end)
{
    if (sent->again) delivery->again_acknowledged = true;
    if (sent->state == TCP_SENT_SACKED) return;
    delivery->delivered_bytes += end - sent->start;
    if (sent->state == TCP_SENT_LOST && !sent->again) delivery->thought_lost = true;
    if (!sent->again) {
        uint64_t rtt_ns = MAX(delivery->now_ns - sent->sent_ns, 1);
        if (delivery->rtt_first_ns == 0) delivery->rtt_first_ns = rtt_ns;
        delivery->rtt_last_ns = rtt_ns;
        if (sequence_at_most(end, recovery->recovery_point)) delivery->original_delivered = true;
    }
    tcp_rack_delivered(recovery, delivery, sent, end);
}

static void cut_front(struct tcp_recovery *recovery, struct tcp_sent *sent, uint32_t seq)
{
    if (sent->state == TCP_SENT_SACKED) recovery->sacked_bytes -= seq - sent->start;
    if (sent->state == TCP_SENT_LOST) recovery->lost_bytes -= seq - sent->start;
    sent->start = seq;
}

void tcp_scoreboard_acknowledge(struct tcp_recovery *recovery, struct tcp_delivery *delivery)
{
    uint32_t ack = delivery->acknowledgement->ack;
    if (!sequence_before(recovery->snd_una, ack)) return;
    assert(sequence_at_most(ack, recovery->snd_nxt));
    delivery->acknowledged_bytes = ack - recovery->snd_una;
    while (recovery->seq_first != TCP_SENT_NONE) {
        uint32_t place = recovery->seq_first;
        struct tcp_sent *sent = tcp_sent_at(recovery, place);
        if (!sequence_before(sent->start, ack)) break;
        if (sequence_before(ack, sent->end)) {
            note_acknowledged(recovery, delivery, sent, ack);
            cut_front(recovery, sent, ack);
            break;
        }
        note_acknowledged(recovery, delivery, sent, sent->end);
        tcp_sent_drop(recovery, place);
    }
    recovery->snd_una = ack;
}

/* ---- SACK ---- */

static void note_sacked(struct tcp_recovery *recovery, struct tcp_delivery *delivery,
                        const struct tcp_sent *sent, uint32_t end)
{
    delivery->delivered_bytes += end - sent->start;
    delivery->sacked_bytes += end - sent->start;
    if (!sequence_at_most(end, recovery->recovery_point)) delivery->later_sacked = true;
    if (!sent->again) {
        if (delivery->sack_rtt_ns == 0)
            delivery->sack_rtt_ns = MAX(delivery->now_ns - sent->sent_ns, 1);
        if (sequence_at_most(end, recovery->recovery_point)) delivery->original_delivered = true;
    }
    tcp_rack_delivered(recovery, delivery, sent, end);
}

static bool is_sacked(const struct tcp_recovery *recovery, uint32_t place)
{
    return place != TCP_SENT_NONE && tcp_sent_at(recovery, place)->state == TCP_SENT_SACKED;
}

/* The front of a record joins the SACKed one before it: no record is needed. */
static void move_border(struct tcp_recovery *recovery, struct tcp_sent *sent, uint32_t end)
{
    struct tcp_sent *before = tcp_sent_at(recovery, sent->seq_prev);
    uint32_t moved_bytes = end - sent->start;
    if (sent->state == TCP_SENT_LOST) recovery->lost_bytes -= moved_bytes;
    recovery->sacked_bytes += moved_bytes;
    before->end = sent->start = end;
}

/* Without a record for the other part a block is left alone; it will be told again. */
static uint32_t split(struct tcp_recovery *recovery, uint32_t place, uint32_t seq, uint32_t *steps)
{
    uint32_t behind = tcp_sent_split(recovery, place, seq);
    if (behind == TCP_SENT_NONE) *steps = 0;
    return behind;
}

/* SACKs a record up to `end` and gives where to go on; NONE: here it ends. */
static uint32_t sack_record(struct tcp_recovery *recovery, struct tcp_delivery *delivery,
                            uint32_t place, uint32_t end, uint32_t *steps)
{
    struct tcp_sent *sent = tcp_sent_at(recovery, place);
    if (sequence_before(end, sent->end)) {
        if (is_sacked(recovery, sent->seq_prev)) {
            note_sacked(recovery, delivery, sent, end);
            move_border(recovery, sent, end);
            return TCP_SENT_NONE;
        }
        if (split(recovery, place, end, steps) == TCP_SENT_NONE) return TCP_SENT_NONE;
    }
    note_sacked(recovery, delivery, sent, sent->end);
    tcp_sent_set_sacked(recovery, place);
    if (is_sacked(recovery, sent->seq_next)) tcp_sent_join_next(recovery, place);
    if (is_sacked(recovery, sent->seq_prev)) {
        place = sent->seq_prev;
        tcp_sent_join_next(recovery, place);
    }
    recovery->sack_place = place;
    return tcp_sent_at(recovery, place)->seq_next;
}

static void sack_range(struct tcp_recovery *recovery, struct tcp_delivery *delivery,
                       struct tcp_range range, uint32_t *steps)
{
    uint32_t place = tcp_sent_find(recovery, range.start, steps);
    if (place == TCP_SENT_NONE) return;
    recovery->sack_place = place;
    const struct tcp_sent *first = tcp_sent_at(recovery, place);
    if (first->state != TCP_SENT_SACKED && sequence_before(first->start, range.start))
        place = split(recovery, place, range.start, steps);
    while (place != TCP_SENT_NONE && *steps > 0) {
        const struct tcp_sent *sent = tcp_sent_at(recovery, place);
        if (!sequence_before(sent->start, range.end)) return;
        (*steps)--;
        if (sent->state == TCP_SENT_SACKED)
            place = sent->seq_next;
        else
            place = sack_record(recovery, delivery, place, range.end, steps);
    }
}

/* What is left of `range` without what an earlier ACK has told; a block within it is left in. */
static struct tcp_range without(struct tcp_range range, const struct tcp_range *known)
{
    if (known->start == known->end) return range;
    if (sequence_at_most(known->start, range.start) && sequence_before(range.start, known->end))
        range.start = sequence_before(known->end, range.end) ? known->end : range.end;
    if (sequence_before(known->start, range.end) && sequence_at_most(range.end, known->end))
        range.end = sequence_before(range.start, known->start) ? known->start : range.start;
    return range;
}

static struct tcp_range news_of(const struct tcp_recovery *recovery, struct tcp_range range)
{
    for (size_t i = 0; i < LENGTH_OF(recovery->sacked); i++)
        range = without(range, &recovery->sacked[i]);
    return range;
}

static bool is_within(struct tcp_range inner, struct tcp_range outer)
{
    return sequence_at_most(outer.start, inner.start) && sequence_at_most(inner.end, outer.end);
}

/* RFC 2883 4: the first block, below the ACK or within the second block. It must be about bytes
 * that have been sent, of which the last 2^31 can be told apart. */
static bool find_dsack(const struct tcp_recovery *recovery, struct tcp_delivery *delivery)
{
    const struct tcp_acknowledgement *acknowledgement = delivery->acknowledgement;
    if (acknowledgement->sack_count == 0) return false;
    struct tcp_range first = acknowledgement->sack[0];
    if (!sequence_before(first.start, first.end)) return false;
    bool is_below = sequence_at_most(first.end, acknowledgement->ack) &&
                    sequence_at_most(first.end, recovery->snd_una);
    bool is_inside = acknowledgement->sack_count > 1 &&
                     is_within(first, acknowledgement->sack[1]) &&
                     sequence_at_most(first.end, recovery->snd_nxt);
    if (!is_below && !is_inside) return false;
    delivery->has_dsack = true;
    delivery->dsack = first;
    return true;
}

static bool is_plausible(const struct tcp_recovery *recovery, struct tcp_range range)
{
    return sequence_before(range.start, range.end) &&
           sequence_before(recovery->snd_una, range.start) &&
           sequence_at_most(range.end, recovery->snd_nxt) &&
           range_bytes(range) <= recovery->snd_nxt - recovery->snd_una;
}

void tcp_scoreboard_sack(struct tcp_recovery *recovery, struct tcp_delivery *delivery)
{
    const struct tcp_acknowledgement *acknowledgement = delivery->acknowledgement;
    uint32_t count = MIN(acknowledgement->sack_count, TCP_SACK_MAX);
    uint32_t index = find_dsack(recovery, delivery) ? 1 : 0;
    struct tcp_range known[TCP_SACK_MAX] = { { 0, 0 } };
    uint32_t known_count = 0;
    uint32_t steps = STEPS_MAX;
    for (; index < count; index++) {
        struct tcp_range range = acknowledgement->sack[index];
        if (!is_plausible(recovery, range)) continue;
        struct tcp_range news = news_of(recovery, range);
        if (sequence_before(news.start, news.end)) sack_range(recovery, delivery, news, &steps);
        if (steps > 0) known[known_count++] = range;
    }
    for (size_t i = 0; i < LENGTH_OF(known); i++)
        recovery->sacked[i] = known[i];
}

void tcp_scoreboard_forget(struct tcp_recovery *recovery)
{
    uint32_t place = recovery->seq_first;
    while (place != TCP_SENT_NONE) {
        if (tcp_sent_at(recovery, place)->state == TCP_SENT_SACKED)
            tcp_sent_set_flying_again(recovery, place);
        place = tcp_sent_at(recovery, place)->seq_next;
    }
    for (size_t i = 0; i < LENGTH_OF(recovery->sacked); i++)
        recovery->sacked[i] = (struct tcp_range){ 0, 0 };
}
