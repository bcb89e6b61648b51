/* tcp_recovery.c - what was sent, what of it is lost, and how much may go now: all of it together.
 *
 *             duplicate ACKs, RACK                  snd_una at the recovery point
 *       +----------------------------> RECOVERY ------------------------------+
 *       |                                 | RTO                               v
 *     OPEN -----------------------------> LOSS -----------------------------> OPEN
 *       |               RTO                                                   ^
 *       +----------------------------> REDUCTION -----------------------------+
 *               an ECN mark
 *
 * and from each of them straight back to OPEN when it was a false alarm.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "tcp_core/tcp_recovery_parts.h"

#define DUP_THRESHOLD 3

/* Before the peer has said anything: RFC 9293 3.7.1. */
#define MSS_FIRST_BYTES 536

/* How many lost bytes are offered at once: no datagram takes more. */
#define LOST_RANGE_MAX ((uint32_t)65536)

/* ---- deadlines ---- */

/* One timer does for three deadlines: the reordering timer's, the probe's, and the timeout's, which
 * holds in any case (RFC 8985 8). */
static void arm(struct tcp_recovery *recovery)
{
    recovery->timer = TCP_TIMER_NONE;
    recovery->deadline_ns = NEVER;
    if (recovery->snd_una == recovery->snd_nxt) return;
    recovery->timer = TCP_TIMER_TIMEOUT;
    recovery->deadline_ns = recovery->rto_start_ns + tcp_recovery_rto_ns(recovery);
    if (recovery->rack_deadline_ns != NEVER) {
        if (recovery->rack_deadline_ns >= recovery->deadline_ns) return;
        recovery->timer = TCP_TIMER_REORDER;
        recovery->deadline_ns = recovery->rack_deadline_ns;
        return;
    }
    /* A probe that would come after the timeout goes in its place, and the timeout counts from
     * there (RFC 8985 7.2). */
    uint64_t probe_ns = tcp_rack_probe_ns(recovery);
    if (probe_ns == NEVER) return;
    recovery->timer = TCP_TIMER_PROBE;
    recovery->deadline_ns = MIN(recovery->deadline_ns, probe_ns);
}

static void set_pacing(struct tcp_recovery *recovery)
{
    const struct tcp_congestion *congestion = &recovery->congestion;
    tcp_pacing_set(&recovery->pacing, congestion->cwnd_bytes, congestion->mss_bytes,
                   tcp_congestion_in_slow_start(congestion), recovery->rtt.srtt_ns);
}

/* ---- life ---- */

static void begin(struct tcp_recovery *recovery, uint32_t snd_una)
{
    recovery->snd_una = recovery->snd_nxt = snd_una;
    recovery->recovery_point = snd_una - 1; /* below: duplicate ACKs count from the first byte */
    recovery->used_round_end = snd_una;
    recovery->deadline_ns = NEVER;
    tcp_sent_init(recovery);
    tcp_rack_init(recovery);
    tcp_pacing_init(&recovery->pacing);
}

void tcp_recovery_open(struct tcp_recovery *recovery, struct tcp_recovery_pool *pool, uint32_t iss)
{
    *recovery = (struct tcp_recovery){ .pool = pool };
    begin(recovery, iss);
    tcp_rtt_init(&recovery->rtt);
    tcp_congestion_init(&recovery->congestion, TCP_CONGESTION_NEWRENO, MSS_FIRST_BYTES, false, iss);
}

void tcp_recovery_establish(struct tcp_recovery *recovery,
                            const struct tcp_recovery_options *options, uint32_t snd_una,
                            uint64_t now_ns)
{
    struct tcp_recovery_pool *pool = recovery->pool;
    struct tcp_rtt rtt = recovery->rtt;
    tcp_recovery_close(recovery);
    *recovery = (struct tcp_recovery){ .pool = pool, .rtt = rtt, .progress_ns = now_ns };
    begin(recovery, snd_una);
    tcp_recovery_set(recovery, TCP_FLAG_SACK, options->sack);
    tcp_recovery_set(recovery, TCP_FLAG_TIMESTAMPS, options->timestamps);
    if (options->syn_was_lost) tcp_rtt_set_late(&recovery->rtt);
    if (options->rtt_ns != 0)
        tcp_rtt_measure(&recovery->rtt, options->rtt_ns, options->rtt_ns, 1, now_ns);
    tcp_congestion_init(&recovery->congestion, options->congestion, options->mss_bytes,
                        options->syn_was_lost, snd_una);
    set_pacing(recovery);
}

void tcp_recovery_close(struct tcp_recovery *recovery)
{
    while (recovery->seq_first != TCP_SENT_NONE)
        tcp_sent_drop(recovery, recovery->seq_first);
    recovery->snd_una = recovery->snd_nxt;
    recovery->rack_deadline_ns = NEVER;
    arm(recovery);
}

void tcp_recovery_set_mss(struct tcp_recovery *recovery, uint32_t mss_bytes, bool lost)
{
    tcp_congestion_set_mss(&recovery->congestion, mss_bytes);
    if (!lost) return;
    while (recovery->order_first != TCP_SENT_NONE)
        tcp_sent_set_lost(recovery, recovery->order_first);
    if (!tcp_recovery_has(recovery, TCP_FLAG_SACK)) recovery->sacked_bytes = 0;
    recovery->rack_deadline_ns = NEVER;
    arm(recovery);
}

/* ---- sending ---- */

static void note_used(struct tcp_recovery *recovery)
{
    recovery->used_bytes = MAX(recovery->used_bytes, tcp_recovery_in_flight_bytes(recovery));
}

static void sent_new(struct tcp_recovery *recovery, struct tcp_range range, uint32_t timestamp,
                     uint64_t now_ns)
{
    assert_that(recovery->snd_nxt, ==, range.start);
    if (recovery->snd_una == recovery->snd_nxt)
        recovery->rto_start_ns = recovery->progress_ns = now_ns; /* RFC 6298 5.1 */
    tcp_sent_append(recovery, range, timestamp, now_ns);
    recovery->snd_nxt = range.end;
}

/* The front of a lost record goes again; there is no record for it, so it joins the one before. */
static uint32_t join_front(struct tcp_recovery *recovery, uint32_t place, uint32_t end)
{
    struct tcp_sent *sent = tcp_sent_at(recovery, place);
    if (sent->seq_prev == TCP_SENT_NONE || sent->state != TCP_SENT_LOST) return place;
    struct tcp_sent *before = tcp_sent_at(recovery, sent->seq_prev);
    if (before->state != TCP_SENT_FLYING) return place;
    recovery->lost_bytes -= end - sent->start;
    before->end = sent->start = end;
    return sent->seq_prev;
}

/* The front of a lost record goes again, its rest does not. */
static uint32_t cut_behind(struct tcp_recovery *recovery, uint32_t place, uint32_t end)
{
    if (tcp_sent_split(recovery, place, end) != TCP_SENT_NONE) return place;
    tcp_sent_make_room(recovery, place);
    if (tcp_sent_split(recovery, place, end) != TCP_SENT_NONE) return place;
    return join_front(recovery, place, end);
}

/* A record goes again, as far as the range goes. Where there is no record at all for its other
 * parts they are taken to have gone too, and are missed later. */
static uint32_t record_sent_again(struct tcp_recovery *recovery, uint32_t place,
                                  struct tcp_range range, uint32_t timestamp, uint64_t now_ns)
{
    if (sequence_before(tcp_sent_at(recovery, place)->start, range.start)) {
        uint32_t behind = tcp_sent_split(recovery, place, range.start);
        if (behind != TCP_SENT_NONE) place = behind;
    }
    if (sequence_before(range.end, tcp_sent_at(recovery, place)->end))
        place = cut_behind(recovery, place, range.end);
    struct tcp_sent *sent = tcp_sent_at(recovery, place);
    tcp_sent_set_flying(recovery, place);
    sent->sent_ns = now_ns;
    sent->timestamp = timestamp;
    sent->again = true;
    return place;
}

static void join_with_previous(struct tcp_recovery *recovery, uint32_t place)
{
    const struct tcp_sent *sent = tcp_sent_at(recovery, place);
    if (sent->seq_prev == TCP_SENT_NONE) return;
    const struct tcp_sent *before = tcp_sent_at(recovery, sent->seq_prev);
    if (before->state == TCP_SENT_FLYING && before->again && before->sent_ns == sent->sent_ns &&
        before->timestamp == sent->timestamp)
        tcp_sent_join_next(recovery, sent->seq_prev);
}

static void sent_again(struct tcp_recovery *recovery, struct tcp_range range, uint32_t timestamp,
                       uint64_t now_ns)
{
    assert(sequence_at_most(range.end, recovery->snd_nxt));
    uint32_t place = recovery->lost_first;
    if (place == TCP_SENT_NONE || tcp_sent_at(recovery, place)->start != range.start) {
        uint32_t steps = UINT32_MAX;
        place = tcp_sent_find(recovery, range.start, &steps);
    }
    while (place != TCP_SENT_NONE &&
           sequence_before(tcp_sent_at(recovery, place)->start, range.end)) {
        uint32_t next = tcp_sent_at(recovery, place)->seq_next;
        if (tcp_sent_at(recovery, place)->state != TCP_SENT_SACKED) {
            place = record_sent_again(recovery, place, range, timestamp, now_ns);
            next = tcp_sent_at(recovery, place)->seq_next;
            join_with_previous(recovery, place);
        }
        place = next;
    }
    /* What is missing first has the whole RTO to arrive, however late it was sent again. */
    if (range.start == recovery->snd_una) recovery->rto_start_ns = now_ns;
}

static void note_probe(struct tcp_recovery *recovery, bool is_again, uint64_t now_ns)
{
    tcp_recovery_set(recovery, TCP_FLAG_PROBE_DUE, false);
    tcp_recovery_set(recovery, TCP_FLAG_PROBE_OUT, true);
    tcp_recovery_set(recovery, TCP_FLAG_PROBE_AGAIN, is_again);
    recovery->probe_end = recovery->snd_nxt;
    recovery->rto_start_ns = now_ns;
}

void tcp_recovery_sent(struct tcp_recovery *recovery, struct tcp_range range, uint32_t timestamp,
                       uint64_t now_ns)
{
    assert(sequence_before(range.start, range.end));
    bool is_again = sequence_before(range.start, recovery->snd_nxt);
    if (is_again)
        sent_again(recovery, range, timestamp, now_ns);
    else
        sent_new(recovery, range, timestamp, now_ns);

    if (tcp_recovery_has(recovery, TCP_FLAG_PROBE_DUE))
        note_probe(recovery, is_again, now_ns);
    else if (is_again && recovery->state != TCP_OPEN)
        tcp_undo_sent_again(recovery, range_bytes(range), timestamp);
    if (tcp_recovery_is_reducing(recovery)) recovery->prr_out_bytes += range_bytes(range);
    tcp_pacing_sent(&recovery->pacing, range_bytes(range), now_ns);
    note_used(recovery);
    arm(recovery);
}

/* ---- what may go ---- */

uint32_t tcp_recovery_allowance(const struct tcp_recovery *recovery, uint64_t now_ns,
                                uint64_t *again_ns)
{
    *again_ns = NEVER;
    uint32_t in_flight_bytes = tcp_recovery_in_flight_bytes(recovery);
    uint32_t cwnd_bytes = recovery->congestion.cwnd_bytes;
    if (in_flight_bytes >= cwnd_bytes) return 0;
    uint32_t left_bytes = cwnd_bytes - in_flight_bytes;
    if (left_bytes < recovery->congestion.mss_bytes && in_flight_bytes > 0) return 0;
    return MIN(left_bytes, tcp_pacing_allowance(&recovery->pacing, now_ns, again_ns));
}

bool tcp_recovery_next_lost(const struct tcp_recovery *recovery, bool new_waits,
                            struct tcp_range *range)
{
    uint32_t place = recovery->lost_first;
    if (place == TCP_SENT_NONE || (new_waits && tcp_undo_wants_new(recovery))) return false;
    *range = (struct tcp_range){ tcp_sent_at(recovery, place)->start, 0 };
    while (place != TCP_SENT_NONE) {
        const struct tcp_sent *sent = tcp_sent_at(recovery, place);
        if (sent->state != TCP_SENT_LOST) break;
        range->end = sent->end;
        if (range_bytes(*range) >= LOST_RANGE_MAX) break;
        place = sent->seq_next;
    }
    return true;
}

struct tcp_range tcp_recovery_probe_range(const struct tcp_recovery *recovery)
{
    if (recovery->seq_last == TCP_SENT_NONE)
        return (struct tcp_range){ recovery->snd_nxt, recovery->snd_nxt };
    const struct tcp_sent *last = tcp_sent_at(recovery, recovery->seq_last);
    struct tcp_range range = { last->start, last->end };
    if (range_bytes(range) > recovery->congestion.mss_bytes)
        range.start = range.end - recovery->congestion.mss_bytes;
    return range;
}

void tcp_recovery_idle(struct tcp_recovery *recovery, uint64_t now_ns)
{
    assert_that(recovery->snd_una, ==, recovery->snd_nxt);
    tcp_congestion_idle(&recovery->congestion, now_ns - MIN(recovery->progress_ns, now_ns),
                        tcp_recovery_rto_ns(recovery), now_ns);
    set_pacing(recovery);
}

/* ---- states ---- */

static uint32_t flight_bytes(const struct tcp_recovery *recovery)
{
    return recovery->snd_nxt - recovery->snd_una;
}

static void end_probe(struct tcp_recovery *recovery)
{
    tcp_recovery_set(recovery, TCP_FLAG_PROBE_OUT, false);
    tcp_recovery_set(recovery, TCP_FLAG_PROBE_DUE, false);
}

/* A window marked or lost once is reduced once: from REDUCTION into RECOVERY it goes on coming
 * down as it was. */
static void reduce(struct tcp_recovery *recovery, enum tcp_recovery_state state,
                   struct tcp_recovery_outcome *outcome)
{
    if (recovery->state == TCP_OPEN) {
        /* For a mark the window itself is halved (RFC 3168 6.1.2): what is in flight after this ACK
         * says little. */
        tcp_congestion_lost(&recovery->congestion, state == TCP_REDUCTION
                                                       ? recovery->congestion.cwnd_bytes
                                                       : flight_bytes(recovery));
        tcp_prr_begin(recovery, flight_bytes(recovery));
        outcome->reduced = true;
    }
    recovery->state = (uint8_t)state;
    recovery->recovery_point = recovery->snd_nxt;
    end_probe(recovery);
    tcp_undo_begin(recovery, false);
    if (state == TCP_RECOVERY) outcome->entered_recovery = true;
}

/* snd_una is at the recovery point. A DSACK that shows the reduction needless may still come, for a
 * round trip. */
static void recover(struct tcp_recovery *recovery)
{
    if (tcp_recovery_is_reducing(recovery))
        recovery->congestion.cwnd_bytes = recovery->congestion.ssthresh_bytes;
    if (recovery->state == TCP_RECOVERY) tcp_rack_recovery_ended(recovery);
    recovery->state = TCP_OPEN;
    recovery->frto_step = 0;
    recovery->dupack_count = 0;
    if (tcp_recovery_has(recovery, TCP_FLAG_SACK))
        recovery->recovery_point = recovery->snd_nxt;
    else
        recovery->sacked_bytes = 0;
}

static void end_episode(struct tcp_recovery *recovery)
{
    if (sequence_before(recovery->snd_una, recovery->recovery_point)) return;
    if (recovery->state != TCP_OPEN)
        recover(recovery);
    else if (tcp_recovery_has(recovery, TCP_FLAG_UNDO))
        tcp_undo_end(recovery);
}

/* ---- without SACK: RFC 6582 ---- */

/* Each duplicate ACK is a segment that has arrived, nobody knows which. */
static void count_duplicate(struct tcp_recovery *recovery, struct tcp_delivery *delivery)
{
    if (recovery->dupack_count < UINT8_MAX) recovery->dupack_count++;
    uint32_t mss_bytes = recovery->congestion.mss_bytes;
    uint32_t most_bytes = flight_bytes(recovery) - recovery->lost_bytes;
    uint32_t sacked_bytes = MIN(recovery->sacked_bytes + mss_bytes, most_bytes);
    delivery->delivered_bytes += sacked_bytes - MIN(recovery->sacked_bytes, sacked_bytes);
    recovery->sacked_bytes = sacked_bytes;
}

/* What is acknowledged now and had been counted by duplicate ACKs is not delivered again; the hole
 * itself was not among them. */
static void deflate(struct tcp_recovery *recovery, struct tcp_delivery *delivery)
{
    uint32_t mss_bytes = recovery->congestion.mss_bytes;
    uint32_t acknowledged_bytes = delivery->acknowledged_bytes;
    uint32_t counted_bytes = acknowledged_bytes > mss_bytes ? acknowledged_bytes - mss_bytes : 0;
    counted_bytes = MIN(counted_bytes, recovery->sacked_bytes);
    recovery->sacked_bytes -= counted_bytes;
    recovery->sacked_bytes = MIN(recovery->sacked_bytes,
                                 flight_bytes(recovery) - recovery->lost_bytes);
    delivery->delivered_bytes -= MIN(counted_bytes, delivery->delivered_bytes);
    if (recovery->state == TCP_OPEN) recovery->sacked_bytes = 0;
}

static uint32_t mark_first_lost(struct tcp_recovery *recovery)
{
    uint32_t lost_bytes = recovery->lost_bytes;
    tcp_rack_mark_first(recovery);
    uint32_t most_bytes = flight_bytes(recovery) - recovery->lost_bytes;
    recovery->sacked_bytes = MIN(recovery->sacked_bytes, most_bytes);
    return recovery->lost_bytes - lost_bytes;
}

/* 3.2 steps 2 and 3: the first segment is lost at the third duplicate ACK, unless they answer what
 * was sent again before; and the next one at each partial ACK. */
static uint32_t newreno_detect(struct tcp_recovery *recovery, const struct tcp_delivery *delivery)
{
    if (flight_bytes(recovery) == 0 || recovery->state == TCP_LOSS) return 0;
    if (recovery->state == TCP_RECOVERY)
        return delivery->acknowledged_bytes > 0 ? mark_first_lost(recovery) : 0;
    if (!delivery->is_duplicate || recovery->dupack_count < DUP_THRESHOLD ||
        !sequence_before(recovery->recovery_point, recovery->snd_una))
        return 0;
    return mark_first_lost(recovery);
}

/* ---- an acknowledgement ---- */

/* RFC 5681 2, and RFC 6675 2 where there is SACK. */
static bool is_duplicate(const struct tcp_recovery *recovery, const struct tcp_delivery *delivery)
{
    const struct tcp_acknowledgement *acknowledgement = delivery->acknowledgement;
    return delivery->acknowledged_bytes == 0 && acknowledgement->ack == recovery->snd_una &&
           recovery->snd_una != recovery->snd_nxt && !acknowledgement->has_data &&
           (!acknowledgement->window_changed || delivery->sacked_bytes > 0);
}

static void read_acknowledgement(struct tcp_recovery *recovery, struct tcp_delivery *delivery)
{
    tcp_scoreboard_acknowledge(recovery, delivery);
    bool has_sack = tcp_recovery_has(recovery, TCP_FLAG_SACK);
    if (has_sack) tcp_scoreboard_sack(recovery, delivery);
    delivery->is_duplicate = is_duplicate(recovery, delivery);
    if (delivery->acknowledged_bytes > 0) {
        if (recovery->state == TCP_OPEN || recovery->state == TCP_REDUCTION)
            recovery->dupack_count = 0;
        if (!has_sack) deflate(recovery, delivery);
    } else if (!has_sack && delivery->is_duplicate) {
        count_duplicate(recovery, delivery);
    } else if (delivery->sacked_bytes > 0 && recovery->dupack_count < UINT8_MAX) {
        recovery->dupack_count++;
    }
}

/* Karn's rule: nothing that was sent again is measured, but by the echo of its timestamp. */
static uint64_t measure(struct tcp_recovery *recovery, const struct tcp_delivery *delivery)
{
    const struct tcp_acknowledgement *acknowledgement = delivery->acknowledgement;
    uint64_t first_ns = 0, last_ns = 0;
    if (!delivery->again_acknowledged) {
        first_ns = delivery->rtt_first_ns;
        last_ns = delivery->rtt_last_ns;
    }
    if (first_ns == 0) first_ns = last_ns = delivery->sack_rtt_ns;
    if (first_ns == 0 && delivery->acknowledged_bytes > 0 && acknowledgement->has_timestamp_echo &&
        tcp_recovery_has(recovery, TCP_FLAG_TIMESTAMPS)) {
        uint32_t ticks = acknowledgement->timestamp_now - acknowledgement->timestamp_echo;
        if (ticks <= TCP_RTO_MAX_NS / MS_NS) first_ns = last_ns = MAX(ticks, 1) * MS_NS;
    }
    if (first_ns == 0) return 0;
    uint32_t samples = delivery->prior_flight_bytes / (2 * recovery->congestion.mss_bytes) + 1;
    tcp_rtt_measure(&recovery->rtt, first_ns, last_ns, samples, delivery->now_ns);
    /* A round trip is over when what was sent in it has arrived, in whatever order. */
    tcp_congestion_rtt(&recovery->congestion, last_ns, recovery->rack_fack, recovery->snd_nxt);
    recovery->backoff_count = 0;
    return first_ns;
}

static void note_progress(struct tcp_recovery *recovery, const struct tcp_delivery *delivery)
{
    if (delivery->acknowledged_bytes == 0) return;
    recovery->progress_ns = recovery->rto_start_ns = delivery->now_ns; /* RFC 6298 5.3 */
    recovery->timeout_count = 0;
    tcp_recovery_set(recovery, TCP_FLAG_PROBE_DUE, false);
}

/* The states that this ACK brings. */
static void judge(struct tcp_recovery *recovery, const struct tcp_delivery *delivery,
                  struct tcp_recovery_outcome *outcome)
{
    bool was_open = recovery->state == TCP_OPEN;
    if (tcp_undo_is_due(recovery, delivery)) {
        tcp_undo(recovery, delivery->now_ns);
        outcome->spurious = true;
    } else {
        tcp_rack_again_delivered(recovery, delivery);
    }
    end_episode(recovery);
    outcome->lost_bytes = tcp_recovery_has(recovery, TCP_FLAG_SACK)
                              ? tcp_rack_detect(recovery, delivery->now_ns)
                              : newreno_detect(recovery, delivery);
    bool may_enter = recovery->state == TCP_OPEN || recovery->state == TCP_REDUCTION;
    if (outcome->lost_bytes > 0 && may_enter) reduce(recovery, TCP_RECOVERY, outcome);
    bool was_repaired = tcp_rack_probe_acknowledged(recovery, delivery);
    /* An echo in the ACK that ends a reduction still speaks of what caused it (RFC 3168 6.1.2). */
    bool is_marked = delivery->acknowledgement->ecn_echo && was_open;
    if ((was_repaired || is_marked) && recovery->state == TCP_OPEN)
        reduce(recovery, TCP_REDUCTION, outcome);
}

/* What was in flight came close enough to cwnd for it to matter; in slow start, half of it does,
 * since it doubles each round trip. */
static bool window_was_used(const struct tcp_recovery *recovery)
{
    const struct tcp_congestion *congestion = &recovery->congestion;
    uint32_t used_bytes = MAX(recovery->used_bytes, recovery->used_earlier_bytes);
    if (tcp_congestion_in_slow_start(congestion)) return used_bytes >= congestion->cwnd_bytes / 2;
    return used_bytes + congestion->cwnd_bytes / 8 + 2 * congestion->mss_bytes >=
           congestion->cwnd_bytes;
}

/* Bytes that are SACKed before they are acknowledged count at once where the path reorders, since
 * there snd_una is hardly ever up to date; elsewhere they are a sign of loss. */
static bool grows_by(const struct tcp_recovery *recovery, const struct tcp_delivery *delivery)
{
    return delivery->delivered_bytes > 0 &&
           (delivery->acknowledged_bytes > 0 || tcp_recovery_has(recovery, TCP_FLAG_REORDERED));
}

/* What a partial acknowledgement shows to be missing goes at once (RFC 6582 3.2 step 3). */
static void let_hole_go(struct tcp_recovery *recovery)
{
    struct tcp_congestion *congestion = &recovery->congestion;
    congestion->cwnd_bytes = MAX(congestion->cwnd_bytes,
                                 tcp_recovery_in_flight_bytes(recovery) + congestion->mss_bytes);
}

/* The ACK that ends a reduction sets the window and does not add to it (RFC 6582 3.2 step 3). */
static void move_window(struct tcp_recovery *recovery, const struct tcp_delivery *delivery,
                        const struct tcp_recovery_outcome *outcome, bool was_reducing)
{
    bool has_advanced = delivery->acknowledged_bytes > 0;
    if (tcp_recovery_is_reducing(recovery)) {
        tcp_prr_delivered(recovery, delivery->delivered_bytes,
                          has_advanced && outcome->lost_bytes == 0);
        if (has_advanced && outcome->lost_bytes > 0 && !tcp_recovery_has(recovery, TCP_FLAG_SACK))
            let_hole_go(recovery);
    } else if (grows_by(recovery, delivery) && !was_reducing) {
        const struct tcp_congestion_ack ack = {
            .acknowledged_bytes = delivery->delivered_bytes,
            .srtt_ns = recovery->rtt.srtt_ns,
            .now_ns = delivery->now_ns,
        };
        tcp_congestion_acknowledged(&recovery->congestion, &ack,
                                    recovery->state == TCP_LOSS || window_was_used(recovery));
    }
    if (!sequence_before(recovery->snd_una, recovery->used_round_end)) {
        recovery->used_earlier_bytes = recovery->used_bytes;
        recovery->used_bytes = tcp_recovery_in_flight_bytes(recovery);
        recovery->used_round_end = recovery->snd_nxt;
    }
    set_pacing(recovery);
}

void tcp_recovery_acknowledged(struct tcp_recovery *recovery,
                               const struct tcp_acknowledgement *acknowledgement, uint64_t now_ns,
                               struct tcp_recovery_outcome *outcome)
{
    *outcome = (struct tcp_recovery_outcome){ 0 };
    struct tcp_delivery delivery = {
        .acknowledgement = acknowledgement,
        .now_ns = now_ns,
        .prior_fack = recovery->rack_fack,
        .prior_flight_bytes = flight_bytes(recovery),
    };
    read_acknowledgement(recovery, &delivery);
    outcome->acknowledged_bytes = delivery.acknowledged_bytes;
    outcome->sacked_bytes = delivery.sacked_bytes;
    outcome->rtt_ns = measure(recovery, &delivery);
    note_progress(recovery, &delivery);
    tcp_rack_round(recovery, &delivery);
    bool was_reducing = tcp_recovery_is_reducing(recovery);
    judge(recovery, &delivery, outcome);
    move_window(recovery, &delivery, outcome, was_reducing);
    arm(recovery);
}

/* ---- a deadline ---- */

static enum tcp_recovery_action reorder_due(struct tcp_recovery *recovery, uint64_t now_ns,
                                            struct tcp_recovery_outcome *outcome)
{
    outcome->lost_bytes = tcp_rack_detect(recovery, now_ns);
    if (outcome->lost_bytes == 0) return TCP_DUE_NOTHING;
    if (recovery->state == TCP_OPEN || recovery->state == TCP_REDUCTION)
        reduce(recovery, TCP_RECOVERY, outcome);
    if (tcp_recovery_is_reducing(recovery)) tcp_prr_delivered(recovery, 0, false);
    return TCP_DUE_SEND;
}

/* RFC 2018 8: a peer whose first missing byte is one that it has SACKed has dropped it. */
static void heed_reneging(struct tcp_recovery *recovery)
{
    if (!tcp_recovery_has(recovery, TCP_FLAG_SACK))
        recovery->sacked_bytes = 0;
    else if (tcp_sent_at(recovery, recovery->seq_first)->state == TCP_SENT_SACKED)
        tcp_scoreboard_forget(recovery);
}

static enum tcp_recovery_action timeout_due(struct tcp_recovery *recovery, uint64_t now_ns,
                                            struct tcp_recovery_outcome *outcome)
{
    /* Of a window that is being repaired already: it has been reduced (RFC 5681 3.1). */
    bool again = recovery->state == TCP_RECOVERY || recovery->state == TCP_LOSS;
    uint32_t lost_bytes = recovery->lost_bytes;
    tcp_congestion_timed_out(&recovery->congestion, flight_bytes(recovery), again);
    heed_reneging(recovery);
    tcp_rack_mark_timeout(recovery, now_ns);
    if (again)
        tcp_undo_timed_out_again(recovery);
    else
        tcp_undo_begin(recovery, true);
    recovery->state = TCP_LOSS;
    recovery->recovery_point = recovery->snd_nxt;
    recovery->dupack_count = 0;
    recovery->rack_deadline_ns = NEVER;
    end_probe(recovery);
    if (recovery->backoff_count < UINT8_MAX) recovery->backoff_count++;
    if (recovery->timeout_count < UINT8_MAX) recovery->timeout_count++;
    recovery->rto_start_ns = now_ns;
    set_pacing(recovery);
    outcome->lost_bytes = recovery->lost_bytes - lost_bytes;
    outcome->reduced = !again;
    return TCP_DUE_TIMEOUT;
}

static enum tcp_recovery_action probe_due(struct tcp_recovery *recovery, uint64_t now_ns)
{
    tcp_recovery_set(recovery, TCP_FLAG_PROBE_DUE, true);
    tcp_recovery_set(recovery, TCP_FLAG_PROBE_OUT, true);
    tcp_recovery_set(recovery, TCP_FLAG_PROBE_AGAIN, false);
    recovery->probe_end = recovery->snd_nxt;
    recovery->rto_start_ns = now_ns; /* RFC 8985 7.3 */
    return TCP_DUE_PROBE;
}

enum tcp_recovery_action tcp_recovery_due(struct tcp_recovery *recovery, uint64_t now_ns,
                                          struct tcp_recovery_outcome *outcome)
{
    *outcome = (struct tcp_recovery_outcome){ 0 };
    enum tcp_recovery_action action = TCP_DUE_NOTHING;
    if (now_ns < recovery->deadline_ns) return action;
    if (recovery->timer == TCP_TIMER_REORDER) action = reorder_due(recovery, now_ns, outcome);
    if (recovery->timer == TCP_TIMER_PROBE) action = probe_due(recovery, now_ns);
    if (recovery->timer == TCP_TIMER_TIMEOUT) action = timeout_due(recovery, now_ns, outcome);
    arm(recovery);
    return action;
}
