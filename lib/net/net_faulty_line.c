/* net_faulty_line.c - one direction of a bad wire.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_faulty_line.h"

#include "ip/ip.h"
#include "net/net_chance.h"
#include "net/net_check.h"
#include "packet/checksum.h"

#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd

/* Preamble 8, check sequence 4, gap 12 (IEEE 802.3 3.1.1, 4.4.2). */
#define WIRE_BYTES 24

/* ---- chance ---- */

struct fate {
    bool is_lost, is_twice, is_corrupted;
    uint64_t bit;
};

/* Each frame takes one step of each sequence, whatever becomes of it. */
static struct fate draw(struct net_faulty_line *line)
{
    const struct net_faulty_plan *plan = &line->plan;
    bool changes = net_chance_strikes(&line->random_burst, line->in_burst
                                                               ? plan->burst_ends_per_million
                                                               : plan->burst_begins_per_million);
    if (changes) line->in_burst = !line->in_burst;
    bool in_burst_lost = net_chance_strikes(&line->random_burst, plan->burst_loss_per_million);
    bool is_lost = net_chance_strikes(&line->random_loss, plan->loss_per_million);
    bool is_twice = net_chance_strikes(&line->random_duplicate, plan->duplicate_per_million);
    bool is_corrupted = net_chance_strikes(&line->random_corrupt, plan->corrupt_per_million);
    return (struct fate){
        .is_lost = is_lost || (line->in_burst && in_burst_lost),
        .is_twice = is_twice,
        .is_corrupted = is_corrupted,
        .bit = net_chance(&line->random_corrupt),
    };
}

/* ---- the air: a heap, the next to land first ---- */

static bool lands_before(const struct net_faulty_flying *one, const struct net_faulty_flying *other)
{
    if (one->lands_ns != other->lands_ns) return one->lands_ns < other->lands_ns;
    return one->number < other->number;
}

static void swap(struct net_faulty_flying *one, struct net_faulty_flying *other)
{
    struct net_faulty_flying kept = *one;
    *one = *other;
    *other = kept;
}

static void take_off(struct net_faulty_line *line, struct packet *packet, uint64_t lands_ns)
{
    struct net_faulty_flying *heap = line->flying;
    assert_that(line->flying_count, <, line->faulty->packet_count);
    size_t at = line->flying_count++;
    heap[at] = (struct net_faulty_flying){ lands_ns, line->number++, packet };
    for (; at > 0 && lands_before(&heap[at], &heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&heap[at], &heap[(at - 1) / 2]);
}

static struct packet *land(struct net_faulty_line *line)
{
    struct net_faulty_flying *heap = line->flying;
    struct packet *packet = heap[0].packet;
    size_t count = --line->flying_count, at = 0;
    heap[0] = heap[count];
    for (;;) {
        size_t first = at, left = 2 * at + 1, right = left + 1;
        if (left < count && lands_before(&heap[left], &heap[first])) first = left;
        if (right < count && lands_before(&heap[right], &heap[first])) first = right;
        if (first == at) return packet;
        swap(&heap[at], &heap[first]);
        at = first;
    }
}

/* A reordered frame takes longer than the others, which keep their order. */
static void launch(struct net_faulty_line *line, struct packet *packet, uint64_t at_ns)
{
    const struct net_faulty_plan *plan = &line->plan;
    uint64_t jitter_ns = net_chance(&line->random_jitter) % (plan->jitter_ns + 1);
    bool is_reordered = net_chance_strikes(&line->random_reorder, plan->reorder_per_million);
    uint64_t lands_ns = at_ns + plan->delay_ns + jitter_ns;
    if (is_reordered) {
        lands_ns += plan->reorder_ns;
        line->statistics.reordered_frames++;
    } else {
        lands_ns = MAX(lands_ns, line->lands_in_order_ns);
        line->lands_in_order_ns = lands_ns;
    }
    take_off(line, packet, lands_ns);
}

/* ---- the queue ---- */

static uint64_t serial_ns(const struct net_faulty_line *line, const struct packet *packet)
{
    uint64_t bits = (packet_total_bytes(packet) + WIRE_BYTES) * 8;
    return line->plan.rate_bits == 0 ? 0 : bits * S_NS / line->plan.rate_bits;
}

static uint16_t word_at(struct view bytes, size_t offset)
{
    uint16_t word;
    (void)span_copy(SPAN_OF(word), view_slice(bytes, offset, sizeof word));
    return word;
}

/* Marks a datagram whose sender knows of ECN (RFC 3168 5); IPv4's checksum stays true. */
static bool mark(struct net_faulty_line *line, struct packet *packet)
{
    struct span frame = packet_span(packet);
    size_t ip_offset = net_link_bytes(&line->faulty->net);
    if (frame.length_bytes < ip_offset + 40) return false;
    struct span ip = span_from_offset(frame, ip_offset);
    uint16_t before = word_at(span_view(ip), 0);
    bool is_ipv6 = ip.bytes[0] >> 4 == 6;
    uint8_t shift = is_ipv6 ? 4 : 0;
    if (ip_offset > 0) {
        uint16_t type = __builtin_bswap16(word_at(span_view(frame), ip_offset - 2));
        if (type != (is_ipv6 ? TYPE_IPV6 : TYPE_IPV4)) return false;
    }
    if ((ip.bytes[1] >> shift & IP_ECN_MASK) == IP_ECN_NOT_ECT) return false;
    ip.bytes[1] |= (uint8_t)(IP_ECN_CE << shift);
    if (is_ipv6) return true;
    uint16_t sum = checksum_update(word_at(span_view(ip), 10), before, word_at(span_view(ip), 0));
    (void)span_copy(span_from_offset(ip, 10), VIEW_OF(sum));
    return true;
}

static bool queue_has_room(const struct net_faulty_line *line, size_t total_bytes)
{
    const struct net_faulty_plan *plan = &line->plan;
    if (plan->rate_bits == 0) return true; /* nothing waits */
    if (plan->queue_frames_max > 0 && line->queue.count >= plan->queue_frames_max) return false;
    return plan->queue_bytes_max == 0 || line->queue_bytes + total_bytes <= plan->queue_bytes_max;
}

static void queue_up(struct net_faulty_line *line, struct packet *packet, uint64_t now_ns)
{
    size_t total_bytes = packet_total_bytes(packet);
    if (!queue_has_room(line, total_bytes)) {
        line->statistics.queue_full_frames++;
        packet_drop(packet);
        return;
    }
    if (line->plan.mark_bytes > 0 && line->queue_bytes >= line->plan.mark_bytes &&
        line->plan.rate_bits > 0 && mark(line, packet))
        line->statistics.marked_frames++;
    if (line->queue.count == 0) line->departs_ns = now_ns + serial_ns(line, packet);
    net_queue_put(&line->queue, packet);
    line->queue_bytes += total_bytes;
}

/* ---- entering ---- */

/* A copy of our own, in one piece as far as a buffer goes. */
static struct packet *own_copy(struct net_faulty_line *line, const struct packet *frame)
{
    struct packet *packet = packet_copy(frame, &line->faulty->pool, PACKET_FOR_CONTROL);
    if (packet == NULL) line->statistics.no_buffer_frames++;
    return packet;
}

static void turn_bit(struct packet *packet, uint64_t bit)
{
    size_t at = (size_t)(bit % (packet_total_bytes(packet) * 8)) / 8;
    for (; at >= packet->length_bytes; packet = packet->rest)
        at -= packet->length_bytes;
    packet_span(packet).bytes[at] ^= (uint8_t)(1u << bit % 8);
}

static struct packet *corrupt(struct net_faulty_line *line, struct packet *packet, uint64_t bit)
{
    struct packet *corrupted = own_copy(line, packet);
    packet_drop(packet);
    if (corrupted == NULL) return NULL;
    turn_bit(corrupted, bit);
    line->statistics.corrupted_frames++;
    return corrupted;
}

static bool is_too_long(const struct net_faulty_line *line, const struct packet *frame)
{
    size_t limit_bytes = line->plan.mtu_bytes;
    if (limit_bytes == 0) return false;
    return packet_total_bytes(frame) > limit_bytes + net_link_bytes(&line->faulty->net);
}

static bool is_dropped(struct net_faulty_line *line, const struct packet *frame,
                       const struct fate *fate)
{
    bool too_long = is_too_long(line, frame);
    line->statistics.entered_frames++;
    line->statistics.too_long_frames += too_long;
    line->statistics.lost_frames += fate->is_lost && !too_long;
    return too_long || fate->is_lost;
}

void net_faulty_line_enter(struct net_faulty_line *line, struct packet *frame, uint64_t now_ns)
{
    struct fate fate = draw(line);
    if (is_dropped(line, frame, &fate)) {
        packet_drop(frame);
        return;
    }
    net_faulty_line_advance(line, now_ns);
    struct packet *packet = frame;
    if (frame->pool != &line->faulty->pool) {
        packet = own_copy(line, frame);
        packet_drop(frame);
    }
    struct packet *second = packet != NULL && fate.is_twice ? own_copy(line, packet) : NULL;
    if (packet != NULL && fate.is_corrupted) packet = corrupt(line, packet, fate.bit);
    if (packet != NULL) queue_up(line, packet, now_ns);
    if (second == NULL) return;
    line->statistics.duplicated_frames++;
    queue_up(line, second, now_ns);
}

/* ---- moving on ---- */

void net_faulty_line_advance(struct net_faulty_line *line, uint64_t now_ns)
{
    while (line->queue.count > 0 && line->departs_ns <= now_ns) {
        uint64_t departed_ns = line->departs_ns;
        struct packet *packet = net_queue_take(&line->queue);
        line->queue_bytes -= packet_total_bytes(packet);
        if (line->queue.count > 0)
            line->departs_ns = departed_ns + serial_ns(line, line->queue.first);
        launch(line, packet, departed_ns);
    }
    while (line->flying_count > 0 && line->flying[0].lands_ns <= now_ns)
        net_queue_put(&line->landed, land(line));
}

void net_faulty_line_rearm(struct net_faulty_line *line)
{
    uint64_t next_ns = line->queue.count > 0 ? line->departs_ns : NEVER;
    if (line->flying_count > 0) next_ns = MIN(next_ns, line->flying[0].lands_ns);
    /* What has landed at this end is told in every turn until it is taken; at the other end it
     * waits for a ring with room. */
    if (line == &line->faulty->receive && line->landed.count > 0) next_ns = NO_WAIT;
    alarm_set(&line->alarm, next_ns);
}

/* ---- opening ---- */

/* Where each kind's sequence begins. */
static uint64_t sequence_of(uint64_t seed, uint64_t kind)
{
    uint64_t state = seed ^ kind * 0xd1b54a32d192ed03u;
    return net_chance(&state);
}

void net_faulty_line_open(struct net_faulty_line *line, struct net_faulty *faulty,
                          const struct net_faulty_plan *plan, uint64_t seed,
                          struct net_faulty_flying *heap)
{
    *line = (struct net_faulty_line){
        .plan = *plan,
        .faulty = faulty,
        .random_loss = sequence_of(seed, 1),
        .random_burst = sequence_of(seed, 2),
        .random_duplicate = sequence_of(seed, 3),
        .random_corrupt = sequence_of(seed, 4),
        .random_jitter = sequence_of(seed, 5),
        .random_reorder = sequence_of(seed, 6),
        .flying = heap,
    };
}

void net_faulty_line_clear(struct net_faulty_line *line)
{
    alarm_stop(&line->alarm);
    net_queue_drop_all(&line->queue);
    net_queue_drop_all(&line->landed);
    while (line->flying_count > 0)
        packet_drop(land(line));
    line->queue_bytes = 0;
    line->lands_in_order_ns = 0;
}
