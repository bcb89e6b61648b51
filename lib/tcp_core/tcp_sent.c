/* tcp_sent.c - records of what was sent, in two orders: by sequence and by time.
 *
 *     by sequence   [ acked |SSSSSSS| lost | flying | flying |SSSSSSSSS| flying ]
 *                    ^ snd_una                                                   ^ snd_nxt
 *     by time        the flying ones: those sent again stand at the end
 *     lost           the lost ones, which have left the list by time: lowest first
 *
 * A record moves from one list to another in constant time, whoever is in between.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "target/memory.h"
#include "tcp_core/tcp_recovery_parts.h"

/* How far a record looks for its place in a list that is nearly in order before it stays where it
 * is: a list a little out of order costs time, a long search costs it for sure. */
#define SEARCH_MAX 32

/* The records that each connection has in any case: what is acknowledged in part, what was sent
 * again, what is lost, and the rest. */
#define OWN_COUNT 4

/* ---- the pool ---- */

enum result tcp_recovery_pool_open(struct tcp_recovery_pool *pool, size_t connection_count,
                                   size_t extra_count)
{
    size_t count = connection_count * OWN_COUNT + extra_count;
    assert(connection_count > 0 && count < TCP_SENT_NONE);
    *pool = (struct tcp_recovery_pool){
        .free = TCP_SENT_NONE,
        .count = (uint32_t)count,
        .extra_count = (uint32_t)extra_count,
    };
    enum result result = memory_take(count * sizeof(struct tcp_sent), &pool->memory);
    if (result != OK) return result;
    void *memory = pool->memory.bytes;
    pool->records = memory;
    return OK;
}

void tcp_recovery_pool_close(struct tcp_recovery_pool *pool)
{
    assert_that(pool->used_count, ==, 0);
    memory_give_back(pool->memory);
    *pool = (struct tcp_recovery_pool){ .free = TCP_SENT_NONE };
}

static uint32_t take(struct tcp_recovery *recovery)
{
    struct tcp_recovery_pool *pool = recovery->pool;
    if (recovery->record_count >= OWN_COUNT) {
        if (pool->extra_count - pool->extra_used_count <= recovery->record_count)
            return TCP_SENT_NONE;
        pool->extra_used_count++;
    }
    uint32_t place = pool->free;
    if (place != TCP_SENT_NONE) {
        pool->free = pool->records[place].seq_next;
    } else {
        assert_that(pool->touched_count, <, pool->count);
        place = pool->touched_count++;
    }
    pool->used_count++;
    recovery->record_count++;
    return place;
}

static void give_back(struct tcp_recovery *recovery, uint32_t place)
{
    struct tcp_recovery_pool *pool = recovery->pool;
    assert(recovery->record_count > 0);
    if (--recovery->record_count >= OWN_COUNT) pool->extra_used_count--;
    pool->used_count--;
    pool->records[place].seq_next = pool->free;
    pool->free = place;
}

/* ---- the list by sequence ---- */

static void seq_insert_behind(struct tcp_recovery *recovery, uint32_t before, uint32_t place)
{
    struct tcp_sent *sent = tcp_sent_at(recovery, place);
    sent->seq_prev = before;
    uint32_t *link = before == TCP_SENT_NONE ? &recovery->seq_first
                                             : &tcp_sent_at(recovery, before)->seq_next;
    sent->seq_next = *link;
    *link = place;
    if (sent->seq_next == TCP_SENT_NONE)
        recovery->seq_last = place;
    else
        tcp_sent_at(recovery, sent->seq_next)->seq_prev = place;
}

static void seq_remove(struct tcp_recovery *recovery, uint32_t place)
{
    const struct tcp_sent *sent = tcp_sent_at(recovery, place);
    if (sent->seq_prev == TCP_SENT_NONE)
        recovery->seq_first = sent->seq_next;
    else
        tcp_sent_at(recovery, sent->seq_prev)->seq_next = sent->seq_next;
    if (sent->seq_next == TCP_SENT_NONE)
        recovery->seq_last = sent->seq_prev;
    else
        tcp_sent_at(recovery, sent->seq_next)->seq_prev = sent->seq_prev;
    if (recovery->sack_place == place)
        recovery->sack_place = sent->seq_prev != TCP_SENT_NONE ? sent->seq_prev : sent->seq_next;
}

/* ---- the lists by time and of the lost ---- */

struct order {
    uint32_t *first, *last;
};

static struct order order_of(struct tcp_recovery *recovery, uint8_t state)
{
    if (state == TCP_SENT_LOST)
        return (struct order){ &recovery->lost_first, &recovery->lost_last };
    return (struct order){ &recovery->order_first, &recovery->order_last };
}

static void order_insert_behind(struct tcp_recovery *recovery, struct order order, uint32_t before,
                                uint32_t place)
{
    struct tcp_sent *sent = tcp_sent_at(recovery, place);
    sent->order_prev = before;
    uint32_t *link = before == TCP_SENT_NONE ? order.first
                                             : &tcp_sent_at(recovery, before)->order_next;
    sent->order_next = *link;
    *link = place;
    if (sent->order_next == TCP_SENT_NONE)
        *order.last = place;
    else
        tcp_sent_at(recovery, sent->order_next)->order_prev = place;
}

static void order_remove(struct tcp_recovery *recovery, uint32_t place)
{
    const struct tcp_sent *sent = tcp_sent_at(recovery, place);
    if (sent->state == TCP_SENT_SACKED) return;
    struct order order = order_of(recovery, sent->state);
    if (sent->order_prev == TCP_SENT_NONE)
        *order.first = sent->order_next;
    else
        tcp_sent_at(recovery, sent->order_prev)->order_next = sent->order_next;
    if (sent->order_next == TCP_SENT_NONE)
        *order.last = sent->order_prev;
    else
        tcp_sent_at(recovery, sent->order_next)->order_prev = sent->order_prev;
}

/* Where a record that had been thought lost belongs among the flying ones: near the front. */
static uint32_t place_by_time(const struct tcp_recovery *recovery, const struct tcp_sent *sent)
{
    uint32_t before = TCP_SENT_NONE;
    uint32_t next = recovery->order_first;
    for (unsigned steps = 0; next != TCP_SENT_NONE && steps < SEARCH_MAX; steps++) {
        if (tcp_sent_at(recovery, next)->sent_ns > sent->sent_ns) break;
        before = next;
        next = tcp_sent_at(recovery, next)->order_next;
    }
    return before;
}

/* Losses are found nearly from the lowest up; one that was lost again is lower than all. */
static uint32_t place_among_lost(const struct tcp_recovery *recovery, const struct tcp_sent *sent)
{
    uint32_t first = recovery->lost_first;
    if (first == TCP_SENT_NONE || sequence_before(sent->start, tcp_sent_at(recovery, first)->start))
        return TCP_SENT_NONE;
    uint32_t before = recovery->lost_last;
    for (unsigned steps = 0; before != first && steps < SEARCH_MAX; steps++) {
        if (sequence_before(tcp_sent_at(recovery, before)->start, sent->start)) break;
        before = tcp_sent_at(recovery, before)->order_prev;
    }
    return before;
}

/* ---- states ---- */

static void uncount(struct tcp_recovery *recovery, const struct tcp_sent *sent)
{
    if (sent->state == TCP_SENT_SACKED) recovery->sacked_bytes -= tcp_sent_bytes(sent);
    if (sent->state == TCP_SENT_LOST) recovery->lost_bytes -= tcp_sent_bytes(sent);
}

static void leave(struct tcp_recovery *recovery, uint32_t place)
{
    order_remove(recovery, place);
    uncount(recovery, tcp_sent_at(recovery, place));
}

void tcp_sent_set_flying(struct tcp_recovery *recovery, uint32_t place)
{
    leave(recovery, place);
    tcp_sent_at(recovery, place)->state = TCP_SENT_FLYING;
    order_insert_behind(recovery, order_of(recovery, TCP_SENT_FLYING), recovery->order_last, place);
}

void tcp_sent_set_flying_again(struct tcp_recovery *recovery, uint32_t place)
{
    struct tcp_sent *sent = tcp_sent_at(recovery, place);
    leave(recovery, place);
    sent->state = TCP_SENT_FLYING;
    order_insert_behind(recovery, order_of(recovery, TCP_SENT_FLYING),
                        place_by_time(recovery, sent), place);
}

void tcp_sent_set_sacked(struct tcp_recovery *recovery, uint32_t place)
{
    struct tcp_sent *sent = tcp_sent_at(recovery, place);
    leave(recovery, place);
    sent->state = TCP_SENT_SACKED;
    recovery->sacked_bytes += tcp_sent_bytes(sent);
}

void tcp_sent_set_lost(struct tcp_recovery *recovery, uint32_t place)
{
    struct tcp_sent *sent = tcp_sent_at(recovery, place);
    leave(recovery, place);
    sent->state = TCP_SENT_LOST;
    recovery->lost_bytes += tcp_sent_bytes(sent);
    order_insert_behind(recovery, order_of(recovery, TCP_SENT_LOST),
                        place_among_lost(recovery, sent), place);
}

/* ---- records come, are cut, joined, and go ---- */

void tcp_sent_init(struct tcp_recovery *recovery)
{
    recovery->record_count = 0;
    recovery->seq_first = recovery->seq_last = TCP_SENT_NONE;
    recovery->order_first = recovery->order_last = TCP_SENT_NONE;
    recovery->lost_first = recovery->lost_last = TCP_SENT_NONE;
    recovery->sack_place = TCP_SENT_NONE;
    recovery->sacked_bytes = recovery->lost_bytes = 0;
}

/* What was SACKed is no longer counted; it will be told again. */
static void forget_blocks(struct tcp_recovery *recovery)
{
    for (size_t i = 0; i < LENGTH_OF(recovery->sacked); i++)
        recovery->sacked[i] = (struct tcp_range){ 0, 0 };
}

/* Without a record of their own, new bytes make the one before them younger and SACKs of it void:
 * so it is believed to be missing later than it might, never sooner. */
static void append_coarsely(struct tcp_recovery *recovery, uint32_t end, uint32_t timestamp,
                            uint64_t now_ns)
{
    uint32_t place = recovery->seq_last;
    struct tcp_sent *sent = tcp_sent_at(recovery, place);
    tcp_sent_set_flying(recovery, place);
    forget_blocks(recovery);
    sent->end = end;
    sent->sent_ns = now_ns;
    sent->timestamp = timestamp;
}

void tcp_sent_make_room(struct tcp_recovery *recovery, uint32_t place)
{
    uint32_t last = recovery->seq_last;
    uint32_t before = tcp_sent_at(recovery, last)->seq_prev;
    if (last == place || before == place || before == TCP_SENT_NONE) return;
    tcp_sent_set_flying(recovery, before);
    tcp_sent_set_flying(recovery, last);
    forget_blocks(recovery);
    struct tcp_sent *first = tcp_sent_at(recovery, before);
    const struct tcp_sent *second = tcp_sent_at(recovery, last);
    first->sent_ns = MAX(first->sent_ns, second->sent_ns);
    first->again = first->again || second->again;
    tcp_sent_join_next(recovery, before);
}

void tcp_sent_append(struct tcp_recovery *recovery, struct tcp_range range, uint32_t timestamp,
                     uint64_t now_ns)
{
    if (recovery->seq_last != TCP_SENT_NONE) {
        struct tcp_sent *last = tcp_sent_at(recovery, recovery->seq_last);
        if (last->sent_ns == now_ns && last->state == TCP_SENT_FLYING && !last->again &&
            last->timestamp == timestamp) {
            last->end = range.end;
            return;
        }
    }
    uint32_t place = take(recovery);
    if (place == TCP_SENT_NONE) {
        append_coarsely(recovery, range.end, timestamp, now_ns);
        return;
    }
    *tcp_sent_at(recovery, place) = (struct tcp_sent){
        .sent_ns = now_ns,
        .start = range.start,
        .end = range.end,
        .timestamp = timestamp,
        .state = TCP_SENT_FLYING,
    };
    seq_insert_behind(recovery, recovery->seq_last, place);
    order_insert_behind(recovery, order_of(recovery, TCP_SENT_FLYING), recovery->order_last, place);
}

uint32_t tcp_sent_split(struct tcp_recovery *recovery, uint32_t place, uint32_t seq)
{
    struct tcp_sent *first = tcp_sent_at(recovery, place);
    assert(sequence_before(first->start, seq) && sequence_before(seq, first->end));
    uint32_t behind = take(recovery);
    if (behind == TCP_SENT_NONE) return TCP_SENT_NONE;
    struct tcp_sent *second = tcp_sent_at(recovery, behind);
    *second = *first;
    second->start = first->end = seq;
    seq_insert_behind(recovery, place, behind);
    if (first->state != TCP_SENT_SACKED)
        order_insert_behind(recovery, order_of(recovery, first->state), place, behind);
    return behind;
}

void tcp_sent_drop(struct tcp_recovery *recovery, uint32_t place)
{
    leave(recovery, place);
    seq_remove(recovery, place);
    give_back(recovery, place);
}

void tcp_sent_join_next(struct tcp_recovery *recovery, uint32_t place)
{
    struct tcp_sent *first = tcp_sent_at(recovery, place);
    uint32_t behind = first->seq_next;
    const struct tcp_sent *second = tcp_sent_at(recovery, behind);
    assert(first->state == second->state && first->end == second->start);
    order_remove(recovery, behind);
    seq_remove(recovery, behind);
    first->end = second->end;
    give_back(recovery, behind);
}

/* ---- finding ---- */

static uint32_t walk(const struct tcp_recovery *recovery, uint32_t place, uint32_t seq,
                     uint32_t *steps)
{
    while (place != TCP_SENT_NONE) {
        const struct tcp_sent *sent = tcp_sent_at(recovery, place);
        bool is_before = sequence_before(seq, sent->start);
        if (!is_before && sequence_before(seq, sent->end)) return place;
        if (*steps == 0) return TCP_SENT_NONE;
        (*steps)--;
        place = is_before ? sent->seq_prev : sent->seq_next;
    }
    return TCP_SENT_NONE;
}

/* From the nearest of three: where the last search ended, the first record, the last one. */
uint32_t tcp_sent_find(const struct tcp_recovery *recovery, uint32_t seq, uint32_t *steps)
{
    uint32_t place = recovery->sack_place;
    uint32_t from_start = seq - recovery->snd_una;
    uint32_t from_end = recovery->snd_nxt - seq;
    uint32_t from_place = UINT32_MAX;
    if (place != TCP_SENT_NONE) {
        int32_t past = sequence_past(seq, tcp_sent_at(recovery, place)->start);
        from_place = past < 0 ? 0 - (uint32_t)past : (uint32_t)past;
    }
    if (from_start <= from_place && from_start <= from_end)
        place = recovery->seq_first;
    else if (from_end < from_place)
        place = recovery->seq_last;
    return walk(recovery, place, seq, steps);
}
