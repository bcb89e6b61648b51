/* tcp_time_wait.c - records of connections in TIME-WAIT: a line of them, oldest first.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_time_wait.h"

#include "target/memory.h"
#include "tcp_core/tcp_isn.h"
#include "tcp_core/tcp_reply.h"

/* A connection that we open may take the pair of one that closed so long ago: its first segment's
 * timestamp is then past all that the old one sent. */
#define REUSE_AFTER_NS S_NS

static struct tcp_time_wait *record_at(const struct tcp_core *core, uint32_t index)
{
    assert_that(index, <, core->time_waits.touched_count);
    return &core->time_waits.records[index];
}

/* ---- the line ---- */

static void append(struct tcp_core *core, uint32_t index)
{
    struct tcp_time_waits *waits = &core->time_waits;
    struct tcp_time_wait *record = record_at(core, index);
    record->next = 0;
    record->prev = waits->newest;
    if (waits->newest != 0)
        record_at(core, waits->newest - 1)->next = index + 1;
    else
        waits->oldest = index + 1;
    waits->newest = index + 1;
}

static void take_out(struct tcp_core *core, uint32_t index)
{
    struct tcp_time_waits *waits = &core->time_waits;
    struct tcp_time_wait *record = record_at(core, index);
    if (record->next != 0)
        record_at(core, record->next - 1)->prev = record->prev;
    else
        waits->newest = record->prev;
    if (record->prev != 0)
        record_at(core, record->prev - 1)->next = record->next;
    else
        waits->oldest = record->next;
}

static uint64_t end_of(const struct tcp_core *core, const struct tcp_time_wait *record)
{
    return deadline_after(record->entered_ns, core->parameters.time_wait_ns);
}

/* The timer is left alone when the oldest goes early: it comes for nothing once, at most. */
static void set_timer(struct tcp_core *core)
{
    struct tcp_time_waits *waits = &core->time_waits;
    if (waits->oldest == 0 || agenda_holds(&waits->end)) return;
    agenda_set(core->agenda, &waits->end, end_of(core, record_at(core, waits->oldest - 1)));
}

static void end_due(struct agenda_entry *entry)
{
    struct tcp_time_waits *waits = CONTAINER_OF(entry, struct tcp_time_waits, end);
    struct tcp_core *core = CONTAINER_OF(waits, struct tcp_core, time_waits);
    while (waits->oldest != 0 &&
           end_of(core, record_at(core, waits->oldest - 1)) <= core->agenda->now_ns)
        tcp_time_wait_drop(core, waits->oldest - 1);
    set_timer(core);
}

/* ---- the pool ---- */

enum result tcp_time_waits_open(struct tcp_core *core)
{
    struct tcp_time_waits *waits = &core->time_waits;
    size_t count = core->parameters.time_wait_count;
    assert_that(count, <=, TCP_DEMUX_INDEX_MAX);
    *waits = (struct tcp_time_waits){ .count = (uint32_t)count, .end.due = end_due };
    if (count == 0) return OK;
    enum result result = memory_take(count * sizeof *waits->records, &waits->memory);
    if (result != OK) return result;
    void *records = waits->memory.bytes;
    waits->records = records;
    return OK;
}

void tcp_time_waits_close(struct tcp_core *core)
{
    agenda_stop(core->agenda, &core->time_waits.end);
    memory_give_back(core->time_waits.memory);
    core->time_waits = (struct tcp_time_waits){ 0 };
}

/* A free record's index + 1, the oldest one's if all are in use; 0: there are none at all. */
static uint32_t take_record(struct tcp_core *core)
{
    struct tcp_time_waits *waits = &core->time_waits;
    if (waits->free == 0 && waits->touched_count < waits->count) return ++waits->touched_count;
    if (waits->free == 0 && waits->oldest != 0) tcp_time_wait_drop(core, waits->oldest - 1);
    uint32_t taken = waits->free;
    if (taken != 0) waits->free = record_at(core, taken - 1)->next;
    return taken;
}

void tcp_time_wait_enter(struct tcp_core *core, const struct tcp_farewell *farewell)
{
    uint32_t taken = take_record(core);
    if (taken == 0) return;
    struct tcp_time_wait *record = record_at(core, taken - 1);
    *record = (struct tcp_time_wait){
        .pair = *farewell->pair,
        .hash = tcp_demux_hash(&core->demux, farewell->pair),
        .snd_nxt = farewell->snd_nxt,
        .rcv_nxt = farewell->rcv_nxt,
        .ts_recent = farewell->ts_recent,
        .ts_offset = farewell->ts_offset,
        .window = farewell->window,
        .timestamps = farewell->timestamps,
        .traffic_class = farewell->traffic_class,
        .entered_ns = core->agenda->now_ns,
    };
    append(core, taken - 1);
    tcp_demux_insert(&core->demux, record->hash, tcp_reference(TCP_DEMUX_TIME_WAIT, taken - 1));
    core->statistics.time_wait_count++;
    set_timer(core);
}

void tcp_time_wait_drop(struct tcp_core *core, uint32_t index)
{
    struct tcp_time_wait *record = record_at(core, index);
    tcp_demux_remove(&core->demux, record->hash, tcp_reference(TCP_DEMUX_TIME_WAIT, index));
    take_out(core, index);
    record->next = core->time_waits.free;
    core->time_waits.free = index + 1;
    core->statistics.time_wait_count--;
}

bool tcp_time_wait_may_reuse(const struct tcp_core *core, uint32_t index)
{
    const struct tcp_time_wait *record = record_at(core, index);
    return record->timestamps && core->agenda->now_ns - record->entered_ns > REUSE_AFTER_NS;
}

/* ---- segments ---- */

static void answer(struct tcp_core *core, struct tcp_time_wait *record)
{
    uint64_t now_ns = core->agenda->now_ns;
    if (!tcp_limit_take(&record->answers, now_ns, TCP_TIME_WAIT_INTERVAL_NS, TCP_TIME_WAIT_BURST))
        return;
    struct tcp_segment ack = {
        .seq = record->snd_nxt,
        .ack = record->rcv_nxt,
        .flags = TCP_ACK,
        .window = record->window,
    };
    if (record->timestamps) {
        ack.options = TCP_OPTION_TIMESTAMPS;
        ack.ts_value = tcp_timestamp_clock(now_ns) + record->ts_offset;
        ack.ts_echo = record->ts_recent;
    }
    tcp_reply(core, &record->pair, record->traffic_class, &ack);
}

/* RFC 6191 2: whether a SYN is sure to be newer than all that the pair's old connection sent. */
static bool may_begin_anew(const struct tcp_time_wait *record, const struct tcp_segment *syn)
{
    bool is_past = sequence_past(syn->seq, record->rcv_nxt) > 0;
    bool timestamps = segment_has(syn, TCP_OPTION_TIMESTAMPS);
    if (!record->timestamps) return timestamps || is_past;
    if (!timestamps) return is_past;
    int32_t age = sequence_past(syn->ts_value, record->ts_recent);
    return age > 0 || (age == 0 && is_past);
}

/* RFC 7323 5.3 R1. */
static bool is_old(const struct tcp_time_wait *record, const struct tcp_segment *segment)
{
    return record->timestamps && segment_has(segment, TCP_OPTION_TIMESTAMPS) &&
           sequence_before(segment->ts_value, record->ts_recent);
}

/* RFC 9293 3.10.7.4: the FIN that has come before is acknowledged, and 2 MSL begin again. Whatever
 * else does not fit is acknowledged too, and changes nothing; a reset least of all (RFC 1337 3). */
static void take_segment(struct tcp_core *core, uint32_t index, const struct tcp_segment *segment)
{
    struct tcp_time_wait *record = record_at(core, index);
    if ((segment->flags & (TCP_RST | TCP_ACK)) != TCP_ACK) return;
    uint32_t length = segment_length(segment);
    bool is_next = segment->seq + length == record->rcv_nxt;
    if (length == 0 && is_next) return;
    if ((segment->flags & TCP_FIN) != 0 && is_next && !is_old(record, segment)) {
        record->entered_ns = core->agenda->now_ns;
        take_out(core, index);
        append(core, index);
    }
    answer(core, record);
}

enum tcp_time_wait_verdict tcp_time_wait_input(struct tcp_core *core, uint32_t index,
                                               const struct tcp_segment *segment, bool listening,
                                               uint32_t *least_iss)
{
    struct tcp_time_wait *record = record_at(core, index);
    if ((segment->flags & (TCP_SYN | TCP_RST | TCP_ACK)) != TCP_SYN) {
        take_segment(core, index, segment);
        return TCP_TIME_WAIT_HANDLED;
    }
    if (!listening || !may_begin_anew(record, segment)) {
        answer(core, record);
        return TCP_TIME_WAIT_HANDLED;
    }
    /* RFC 9293 3.10.7.4 and RFC 1122 4.2.2.13: past the largest number that the old one used, and
     * past what its peer's window could still have let through. */
    *least_iss = record->snd_nxt + UINT16_MAX + 1;
    tcp_time_wait_drop(core, index);
    return TCP_TIME_WAIT_REUSE;
}
