/* tcp_recovery_model.c - a link and a receiver for tests of recovery.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_recovery_model.h"

#include "base/units.h"

#define DELAYED_ACK_NS (40 * MS_NS)

static uint64_t draw(struct model *model)
{
    model->random = model->random * 6364136223846793005u + 1442695040888963407u;
    return model->random >> 33;
}

static bool happens(struct model *model, uint32_t ppm)
{
    return draw(model) % 1000000 < ppm;
}

static uint32_t seq_of(const struct model *model, uint32_t unit)
{
    return model->parameters.first_seq + unit * MODEL_MSS;
}

static uint32_t unit_of(const struct model *model, uint32_t seq)
{
    uint32_t bytes = seq - model->parameters.first_seq;
    assert_that(bytes % MODEL_MSS, ==, 0);
    return bytes / MODEL_MSS;
}

static uint32_t timestamp_of(const struct model *model)
{
    return (uint32_t)(model->now_ns / MS_NS);
}

/* ---- what must hold ---- */

static void check_order(const struct tcp_recovery *recovery, uint32_t first, uint32_t last,
                        enum tcp_sent_state state, uint32_t count)
{
    uint32_t before = TCP_SENT_NONE;
    uint32_t found = 0;
    for (uint32_t place = first; place != TCP_SENT_NONE;
         place = tcp_sent_at(recovery, place)->order_next) {
        assert_that(tcp_sent_at(recovery, place)->order_prev, ==, before);
        assert_that(tcp_sent_at(recovery, place)->state, ==, state);
        assert_that(found, <, count);
        found++;
        before = place;
    }
    assert_that(before, ==, last);
    assert_that(found, ==, count);
}

void model_check(const struct tcp_recovery *recovery)
{
    uint32_t counts[3] = { 0 }, bytes[3] = { 0 };
    uint32_t before = TCP_SENT_NONE;
    uint32_t seq = recovery->snd_una;
    for (uint32_t place = recovery->seq_first; place != TCP_SENT_NONE;
         place = tcp_sent_at(recovery, place)->seq_next) {
        const struct tcp_sent *sent = tcp_sent_at(recovery, place);
        assert_that(sent->seq_prev, ==, before);
        assert_that(sent->start, ==, seq);
        assert(sequence_before(sent->start, sent->end));
        counts[sent->state]++;
        bytes[sent->state] += tcp_sent_bytes(sent);
        seq = sent->end;
        before = place;
    }
    assert_that(before, ==, recovery->seq_last);
    assert_that(seq, ==, recovery->snd_nxt);
    uint32_t count = counts[0] + counts[1] + counts[2];
    assert_that(count, ==, recovery->record_count);
    check_order(recovery, recovery->order_first, recovery->order_last, TCP_SENT_FLYING,
                counts[TCP_SENT_FLYING]);
    check_order(recovery, recovery->lost_first, recovery->lost_last, TCP_SENT_LOST,
                counts[TCP_SENT_LOST]);
    assert_that(recovery->lost_bytes, ==, bytes[TCP_SENT_LOST]);
    bool has_sack = tcp_recovery_has(recovery, TCP_FLAG_SACK);
    if (has_sack) assert_that(recovery->sacked_bytes, ==, bytes[TCP_SENT_SACKED]);
    /* In flight there is never less than nothing. */
    assert_that((uint64_t)recovery->sacked_bytes + recovery->lost_bytes, <=,
                recovery->snd_nxt - recovery->snd_una);
    assert_that(recovery->congestion.cwnd_bytes, >=, MODEL_MSS);
    assert((recovery->deadline_ns == NEVER) == (recovery->snd_una == recovery->snd_nxt));
}

/* ---- the link ---- */

static bool is_lost(struct model *model, uint32_t unit, bool is_first)
{
    const struct model_parameters *parameters = &model->parameters;
    if (is_first && parameters->lost_once_segment != 0 &&
        unit - parameters->lost_once_segment < parameters->lost_once_count)
        return true;
    return happens(model, parameters->loss_ppm);
}

static void carry(struct model *model, uint32_t unit)
{
    const struct model_parameters *parameters = &model->parameters;
    bool is_first = !model->sent_once[unit];
    model->sent_once[unit] = true;
    if (!is_first) model->result.sent_again++;
    uint64_t start_ns = MAX(model->now_ns, model->busy_until_ns);
    uint64_t waiting = (start_ns - model->now_ns) / MAX(parameters->segment_ns, 1);
    if (is_lost(model, unit, is_first) || waiting > parameters->queue_segments ||
        model->flight_count == MODEL_FLIGHTS) {
        model->result.lost++;
        return;
    }
    uint64_t hiccup_ns = model->start_ns + parameters->hiccup_at_ns;
    if (start_ns >= hiccup_ns && start_ns < hiccup_ns + parameters->hiccup_ns)
        start_ns = hiccup_ns + parameters->hiccup_ns;
    model->busy_until_ns = start_ns + parameters->segment_ns;
    uint64_t arrives_ns = model->busy_until_ns + parameters->delay_ns;
    if (happens(model, parameters->reorder_ppm)) arrives_ns += parameters->reorder_ns;
    model->flights[model->flight_count++] = (struct model_flight){
        .arrives_ns = arrives_ns,
        .unit = unit,
        .timestamp = timestamp_of(model),
    };
}

/* ---- the receiver ---- */

static struct tcp_range block_of(const struct model *model, uint32_t unit)
{
    uint32_t start = unit, end = unit + 1;
    while (start > model->next_unit && model->arrived[start - 1])
        start--;
    while (end < model->parameters.segments && model->arrived[end])
        end++;
    return (struct tcp_range){ seq_of(model, start), seq_of(model, end) };
}

static void add_block(struct model_ack *ack, struct tcp_range block, uint32_t from)
{
    if (ack->sack_count == TCP_SACK_MAX) return;
    for (uint32_t i = from; i < ack->sack_count; i++)
        if (ack->sack[i].start == block.start) return;
    ack->sack[ack->sack_count++] = block;
}

/* RFC 2018 4: the latest block first. */
static void remember_recent(struct model *model, uint32_t unit)
{
    if (model->recent_count < TCP_SACK_MAX) model->recent_count++;
    for (uint32_t i = TCP_SACK_MAX - 1; i > 0; i--)
        model->recent_units[i] = model->recent_units[i - 1];
    model->recent_units[0] = unit;
}

static void send_ack(struct model *model, bool has_duplicate, uint32_t duplicate)
{
    model->unacked_count = 0;
    model->ack_deadline_ns = NEVER;
    model->last_ack_unit = model->next_unit;
    if (happens(model, model->parameters.ack_loss_ppm) || model->ack_count == MODEL_FLIGHTS) return;
    struct model_ack *ack = &model->acks[model->ack_count++];
    *ack = (struct model_ack){
        .arrives_ns = model->now_ns + model->parameters.delay_ns,
        .ack_unit = model->next_unit,
        .timestamp_echo = model->timestamp_recent,
    };
    if (!model->parameters.sack) return;
    uint32_t from = 0;
    if (has_duplicate) {
        ack->sack[ack->sack_count++] = (struct tcp_range){ seq_of(model, duplicate),
                                                           seq_of(model, duplicate + 1) };
        from = 1;
    }
    for (uint32_t i = 0; i < model->recent_count; i++) {
        uint32_t unit = model->recent_units[i];
        if (unit >= model->next_unit && model->arrived[unit])
            add_block(ack, block_of(model, unit), from);
    }
}

static void renege(struct model *model)
{
    for (uint32_t unit = model->next_unit; unit < model->parameters.segments; unit++)
        model->arrived[unit] = model->known[unit] = false;
    model->recent_count = 0;
    model->parameters.renege_at_segment = 0;
}

static void receive(struct model *model, const struct model_flight *flight)
{
    uint32_t unit = flight->unit;
    bool is_duplicate = unit < model->next_unit || model->arrived[unit];
    if (unit <= model->last_ack_unit) model->timestamp_recent = flight->timestamp;
    if (is_duplicate) {
        model->result.duplicates++;
        send_ack(model, true, unit);
        return;
    }
    model->arrived[unit] = true;
    model->arrived_count++;
    bool is_in_order = unit == model->next_unit;
    bool fills_hole = is_in_order && unit + 1 < MODEL_UNITS && model->arrived[unit + 1];
    if (!is_in_order) remember_recent(model, unit);
    while (model->next_unit < model->parameters.segments && model->arrived[model->next_unit])
        model->next_unit++;
    if (model->parameters.renege_at_segment != 0 &&
        model->arrived_count >= model->parameters.renege_at_segment && !is_in_order) {
        send_ack(model, false, 0);
        renege(model);
        return;
    }
    if (is_in_order && !fills_hole && ++model->unacked_count < model->parameters.ack_every) {
        model->ack_deadline_ns = model->now_ns + DELAYED_ACK_NS;
        return;
    }
    send_ack(model, false, 0);
}

/* ---- the sender ---- */

static void count(struct model *model, const struct tcp_recovery_outcome *outcome)
{
    model->result.recoveries += outcome->entered_recovery;
    model->result.spurious += outcome->spurious;
    model->result.reductions += outcome->reduced;
    model->result.least_cwnd_bytes = MIN(model->result.least_cwnd_bytes,
                                         model->recovery.congestion.cwnd_bytes);
    model->result.most_records = MAX(model->result.most_records, model->recovery.record_count);
}

static void transmit(struct model *model, struct tcp_range range)
{
    struct tcp_recovery *recovery = &model->recovery;
    bool again = sequence_before(range.start, recovery->snd_nxt);
    assert(sequence_at_most(recovery->snd_una, range.start));
    for (uint32_t unit = unit_of(model, range.start); unit < unit_of(model, range.end); unit++) {
        assert(!again || !model->known[unit] || model->may_forget);
        carry(model, unit);
    }
    tcp_recovery_sent(recovery, range, timestamp_of(model), model->now_ns);
    model_check(recovery);
}

static bool send_one(struct model *model)
{
    struct tcp_recovery *recovery = &model->recovery;
    uint32_t end = seq_of(model, model->parameters.segments);
    bool new_waits = recovery->snd_nxt != end;
    struct tcp_range range;
    bool again = tcp_recovery_next_lost(recovery, new_waits, &range);
    if (!again && !new_waits) return false;
    if (!again) range = (struct tcp_range){ recovery->snd_nxt, end };
    if (recovery->snd_una == recovery->snd_nxt) tcp_recovery_idle(recovery, model->now_ns);
    uint32_t most = tcp_recovery_allowance(recovery, model->now_ns, &model->pace_ns);
    most = MIN(most, model->parameters.burst_segments * MODEL_MSS) / MODEL_MSS * MODEL_MSS;
    if (most == 0) return false;
    if (range_bytes(range) > most) range.end = range.start + most;
    transmit(model, range);
    return true;
}

static void send_probe(struct model *model)
{
    struct tcp_recovery *recovery = &model->recovery;
    model->result.probes++;
    struct tcp_range range = { recovery->snd_nxt, recovery->snd_nxt + MODEL_MSS };
    if (recovery->snd_nxt == seq_of(model, model->parameters.segments))
        range = tcp_recovery_probe_range(recovery);
    assert(range_bytes(range) > 0);
    transmit(model, range);
}

static void hear(struct model *model, const struct model_ack *ack)
{
    for (uint32_t i = 0; i < ack->sack_count; i++) {
        struct tcp_range block = ack->sack[i];
        if (sequence_before(block.start, model->recovery.snd_una)) continue;
        for (uint32_t unit = unit_of(model, block.start); unit < unit_of(model, block.end); unit++)
            model->known[unit] = model->arrived[unit];
    }
    const struct tcp_acknowledgement acknowledgement = {
        .ack = seq_of(model, ack->ack_unit),
        .sack = ack->sack,
        .sack_count = ack->sack_count,
        .timestamp_echo = ack->timestamp_echo,
        .timestamp_now = timestamp_of(model),
        .has_timestamp_echo = model->parameters.timestamps,
    };
    struct tcp_recovery_outcome outcome;
    tcp_recovery_acknowledged(&model->recovery, &acknowledgement, model->now_ns, &outcome);
    count(model, &outcome);
}

static void timer_due(struct model *model)
{
    struct tcp_recovery_outcome outcome;
    enum tcp_recovery_action action = tcp_recovery_due(&model->recovery, model->now_ns, &outcome);
    count(model, &outcome);
    if (action == TCP_DUE_PROBE) send_probe(model);
    if (action == TCP_DUE_TIMEOUT) model->result.timeouts++;
}

/* ---- time ---- */

static size_t earliest_flight(const struct model *model)
{
    size_t best = 0;
    for (size_t i = 1; i < model->flight_count; i++)
        if (model->flights[i].arrives_ns < model->flights[best].arrives_ns) best = i;
    return best;
}

/* Whatever has its place in an array is taken out in order: the last moves all. */
static void step(struct model *model)
{
    uint64_t next_ns = MIN(model->recovery.deadline_ns, model->pace_ns);
    next_ns = MIN(next_ns, model->ack_deadline_ns);
    size_t flight = earliest_flight(model);
    uint64_t flight_ns = model->flight_count > 0 ? model->flights[flight].arrives_ns : NEVER;
    uint64_t ack_ns = model->ack_count > 0 ? model->acks[0].arrives_ns : NEVER;
    next_ns = MIN(next_ns, MIN(flight_ns, ack_ns));
    assert(next_ns != NEVER);
    model->now_ns = MAX(model->now_ns, next_ns);
    if (flight_ns == next_ns) {
        struct model_flight arrived = model->flights[flight];
        model->flight_count--;
        for (size_t i = flight; i < model->flight_count; i++)
            model->flights[i] = model->flights[i + 1];
        receive(model, &arrived);
    } else if (ack_ns == next_ns) {
        struct model_ack ack = model->acks[0];
        model->ack_count--;
        for (size_t i = 0; i < model->ack_count; i++)
            model->acks[i] = model->acks[i + 1];
        hear(model, &ack);
    } else if (model->ack_deadline_ns == next_ns) {
        send_ack(model, false, 0);
    } else if (model->recovery.deadline_ns <= model->now_ns) {
        timer_due(model);
    }
    model_check(&model->recovery);
    model->pace_ns = NEVER;
    while (send_one(model)) {
    }
}

void model_run(struct model *model, const struct model_parameters *parameters)
{
    assert_that(parameters->segments, <=, MODEL_UNITS);
    *model = (struct model){ 0 };
    model->parameters = *parameters;
    model->result.least_cwnd_bytes = UINT32_MAX;
    model->random = parameters->seed * 2654435761u + 12345;
    model->may_forget = parameters->record_count < 4096 || parameters->renege_at_segment != 0;
    model->now_ns = model->start_ns = 1000 * S_NS;
    model->pace_ns = model->ack_deadline_ns = NEVER;
    enum result opened = tcp_recovery_pool_open(&model->pool, 1, MAX(parameters->record_count, 1));
    assert_that(opened, ==, OK);
    tcp_recovery_open(&model->recovery, &model->pool, parameters->first_seq);
    struct tcp_recovery_options options = {
        .mss_bytes = MODEL_MSS,
        .sack = parameters->sack,
        .timestamps = parameters->timestamps,
        .congestion = parameters->congestion,
        .rtt_ns = 2 * parameters->delay_ns,
    };
    tcp_recovery_establish(&model->recovery, &options, parameters->first_seq, model->now_ns);
    while (send_one(model)) {
    }
    while (model->recovery.snd_una != seq_of(model, parameters->segments)) {
        step(model);
        assert_that(model->now_ns - model->start_ns, <, 3600 * S_NS);
    }
    model->result.duration_ns = model->now_ns - model->start_ns;
    assert_that(model->pool.used_count, ==, 0);
    tcp_recovery_close(&model->recovery);
    tcp_recovery_pool_close(&model->pool);
}
