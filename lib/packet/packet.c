/* packet.c - buffers for what travels: the pool they come from, and frames made of them.
 *
 * SPDX-License-Identifier: ISC */
#include "packet/packet.h"

#include "base/units.h"
#include "target/memory.h"

/* ---- the pool ---- */

static const uint8_t reserve_shift[PACKET_USES] = {
    [PACKET_FOR_CONTROL] = 63,
    [PACKET_FOR_RECEIVE] = 4,
    [PACKET_FOR_DATA] = 2,
};

static size_t reserve(const struct packet_pool *pool, enum packet_use use)
{
    return pool->count >> reserve_shift[use];
}

static struct packet *packet_at(const struct packet_pool *pool, size_t index)
{
    void *packets = pool->memory.bytes;
    assert_that(index, <, pool->count);
    return &((struct packet *)packets)[index];
}

static struct fragment *fragment_at(struct packet *packet, size_t index)
{
    void *records = &packet->room[PACKET_ROOM_BYTES % sizeof(struct fragment)];
    return &((struct fragment *)records)[PACKET_ROOM_BYTES / sizeof(struct fragment) - 1 - index];
}

static void fragment_drop(const struct fragment *fragment)
{
    if (fragment->owner != NULL) payload_drop(fragment->owner);
}

/* Gives one packet back, its rest excepted. */
static void give_back(struct packet *packet)
{
    struct packet_pool *pool = packet->pool;
    for (size_t i = 0; i < packet->fragment_count; i++)
        fragment_drop(packet_fragment(packet, i));
    packet->fragment_count = 0;
    packet->next = pool->free;
    pool->free = packet;
    pool->free_count++;
}

/* A rest that nobody else holds goes along, in a loop: a frame may have thousands of parts, and a
 * fiber's stack is small. */
static void packet_released(struct payload *payload)
{
    struct packet *packet = CONTAINER_OF(payload, struct packet, payload);
    while (packet != NULL) {
        struct packet *rest = packet->rest;
        give_back(packet);
        if (rest == NULL) return;
        assert(rest->payload.references > 0);
        packet = --rest->payload.references == 0 ? rest : NULL;
    }
}

enum result packet_pool_open(struct packet_pool *pool, size_t count)
{
    assert_that(count, >=, 16);
    *pool = (struct packet_pool){ .count = count, .free_count = count, .least_free_count = count };
    return memory_take(count * PACKET_BYTES, &pool->memory);
}

void packet_pool_close(struct packet_pool *pool)
{
    assert_that(pool->free_count, ==, pool->count);
    memory_give_back(pool->memory);
    *pool = (struct packet_pool){ 0 };
}

/* Memory that was never taken is not touched before it is needed: a pool costs what its busiest
 * moment took. */
static struct packet *take_free(struct packet_pool *pool)
{
    struct packet *packet = pool->free;
    if (packet != NULL) {
        pool->free = packet->next;
        return packet;
    }
    packet = packet_at(pool, pool->touched_count++);
    packet->payload.released = packet_released;
    packet->pool = pool;
    return packet;
}

struct packet *packet_take(struct packet_pool *pool, enum packet_use use)
{
    if (pool->free_count <= reserve(pool, use)) {
        pool->refused[use]++;
        return NULL;
    }
    struct packet *packet = take_free(pool);
    assert_that(packet->payload.references, ==, 0);
    pool->free_count--;
    pool->least_free_count = MIN(pool->least_free_count, pool->free_count);
    packet->payload.references = 1;
    packet->next = packet->rest = NULL;
    packet->offset = PACKET_HEADROOM;
    packet->length_bytes = packet->network_offset = packet->transport_offset = 0;
    packet->checksum_start = packet->checksum_offset = 0;
    packet->checksum = PACKET_CHECKSUM_UNKNOWN;
    packet->segmentation = PACKET_SEGMENT_NONE;
    packet->segment_bytes = packet->segment_count = 0;
    packet->fragment_count = 0;
    packet->ecn_marked = false;
    packet->fragments_bytes = 0;
    return packet;
}

size_t packet_pool_left(const struct packet_pool *pool, enum packet_use use)
{
    size_t kept = reserve(pool, use);
    return pool->free_count > kept ? pool->free_count - kept : 0;
}

/* ---- one packet ---- */

void packet_drop(struct packet *packet)
{
    payload_drop(&packet->payload);
}

struct span packet_push(struct packet *packet, size_t length_bytes)
{
    assert_that(length_bytes, <=, packet->offset);
    packet->offset = (uint16_t)(packet->offset - length_bytes);
    packet->length_bytes = (uint16_t)(packet->length_bytes + length_bytes);
    return span_first(packet_span(packet), length_bytes);
}

struct span packet_put(struct packet *packet, size_t length_bytes)
{
    size_t before_bytes = packet->length_bytes;
    assert_that(length_bytes, <=, packet_room_behind(packet));
    packet->length_bytes = (uint16_t)(before_bytes + length_bytes);
    return span_from_offset(packet_span(packet), before_bytes);
}

/* ---- a frame ---- */

static bool lengthens(const struct packet *packet, struct view bytes, const struct payload *owner)
{
    if (packet->fragment_count == 0) return false;
    const struct fragment *last = packet_fragment(packet, packet->fragment_count - 1u);
    return last->owner == owner &&
           view_from_offset(last->bytes, last->bytes.length_bytes).bytes == bytes.bytes;
}

void packet_borrow(struct packet *packet, struct view bytes, struct payload *owner)
{
    if (bytes.length_bytes == 0) return;
    assert_that(bytes.length_bytes, <=, UINT32_MAX - packet->fragments_bytes);
    packet->fragments_bytes += (uint32_t)bytes.length_bytes;
    if (lengthens(packet, bytes, owner)) {
        fragment_at(packet, packet->fragment_count - 1u)->bytes.length_bytes += bytes.length_bytes;
        return;
    }
    assert(packet_can_borrow(packet));
    if (owner != NULL) payload_hold(owner);
    *fragment_at(packet, packet->fragment_count++) = (struct fragment){ bytes, owner };
}

/* Takes the first fragment out: those behind it move up. */
static void remove_first_fragment(struct packet *packet)
{
    struct fragment gone = *packet_fragment(packet, 0);
    for (size_t i = 1; i < packet->fragment_count; i++)
        *fragment_at(packet, i - 1) = *packet_fragment(packet, i);
    packet->fragment_count--;
    fragment_drop(&gone);
}

static void pull_up_fragments(struct packet *packet, size_t length_bytes)
{
    while (packet->length_bytes < length_bytes && packet->fragment_count > 0) {
        struct fragment *first = fragment_at(packet, 0);
        size_t part_bytes = MIN(length_bytes - packet->length_bytes, first->bytes.length_bytes);
        (void)span_copy(packet_put(packet, part_bytes), view_first(first->bytes, part_bytes));
        packet->fragments_bytes -= (uint32_t)part_bytes;
        first->bytes = view_from_offset(first->bytes, part_bytes);
        if (view_is_empty(first->bytes)) remove_first_fragment(packet);
    }
}

static void pull_up_rest(struct packet *packet, size_t length_bytes)
{
    while (packet->length_bytes < length_bytes) {
        struct packet *rest = packet->rest;
        size_t part_bytes = MIN(length_bytes - packet->length_bytes,
                                rest->length_bytes + (size_t)rest->fragments_bytes);
        packet_copy_out(rest, 0, packet_put(packet, part_bytes));
        size_t own_bytes = MIN(part_bytes, rest->length_bytes);
        packet_pull(rest, own_bytes);
        for (size_t left_bytes = part_bytes - own_bytes; left_bytes > 0;) {
            struct fragment *first = fragment_at(rest, 0);
            size_t cut_bytes = MIN(left_bytes, first->bytes.length_bytes);
            first->bytes = view_from_offset(first->bytes, cut_bytes);
            rest->fragments_bytes -= (uint32_t)cut_bytes;
            left_bytes -= cut_bytes;
            if (view_is_empty(first->bytes)) remove_first_fragment(rest);
        }
        if (rest->length_bytes + rest->fragments_bytes > 0) continue;
        packet->rest = rest->rest;
        rest->rest = NULL;
        packet_drop(rest);
    }
}

bool packet_pull_up(struct packet *packet, size_t length_bytes)
{
    if (length_bytes <= packet->length_bytes) return true;
    if (length_bytes - packet->length_bytes > packet_room_behind(packet)) return false;
    if (length_bytes > packet_total_bytes(packet)) return false;
    pull_up_fragments(packet, length_bytes);
    pull_up_rest(packet, length_bytes);
    return true;
}

/* Leaves `left_bytes` of this packet's fragments. */
static void trim_fragments(struct packet *packet, size_t left_bytes)
{
    packet->fragments_bytes = (uint32_t)left_bytes;
    for (size_t i = 0; i < packet->fragment_count; i++) {
        struct fragment *fragment = fragment_at(packet, i);
        if (left_bytes == 0) {
            for (size_t gone = i; gone < packet->fragment_count; gone++)
                fragment_drop(packet_fragment(packet, gone));
            packet->fragment_count = (uint8_t)i;
            return;
        }
        fragment->bytes = view_first(fragment->bytes,
                                     MIN(left_bytes, fragment->bytes.length_bytes));
        left_bytes -= fragment->bytes.length_bytes;
    }
}

void packet_trim(struct packet *packet, size_t total_bytes)
{
    assert_that(total_bytes, <=, packet_total_bytes(packet));
    size_t left_bytes = total_bytes;
    for (;;) {
        packet->length_bytes = (uint16_t)MIN(left_bytes, packet->length_bytes);
        left_bytes -= packet->length_bytes;
        size_t kept_bytes = MIN(left_bytes, packet->fragments_bytes);
        if (kept_bytes < packet->fragments_bytes) trim_fragments(packet, kept_bytes);
        left_bytes -= kept_bytes;
        if (left_bytes == 0 || packet->rest == NULL) break;
        packet = packet->rest;
    }
    struct packet *cut = packet->rest;
    packet->rest = NULL;
    if (cut != NULL) packet_drop(cut);
}

size_t packet_gather(const struct packet *packet, struct view views[], size_t max)
{
    size_t count = 0;
    for (; packet != NULL; packet = packet->rest) {
        if (count + (packet->length_bytes > 0) + packet->fragment_count > max) return 0;
        if (packet->length_bytes > 0) views[count++] = packet_view(packet);
        for (size_t i = 0; i < packet->fragment_count; i++)
            views[count++] = packet_fragment(packet, i)->bytes;
    }
    return count;
}

/* ---- copies ---- */

/* Copies what falls into `to` of a part of the frame, *skip_bytes bytes before it, and gives what
 * is left to be filled. */
static struct span copy_part(struct span to, struct view part, size_t *skip_bytes)
{
    size_t skipped_bytes = MIN(*skip_bytes, part.length_bytes);
    *skip_bytes -= skipped_bytes;
    part = view_from_offset(part, skipped_bytes);
    return span_copy(to, view_first(part, MIN(part.length_bytes, to.length_bytes)));
}

void packet_copy_out(const struct packet *packet, size_t offset_bytes, struct span to)
{
    for (; packet != NULL && to.length_bytes > 0; packet = packet->rest) {
        to = copy_part(to, packet_view(packet), &offset_bytes);
        for (size_t i = 0; i < packet->fragment_count && to.length_bytes > 0; i++)
            to = copy_part(to, packet_fragment(packet, i)->bytes, &offset_bytes);
    }
    assert_that(to.length_bytes, ==, 0);
}

/* Where a copy's bytes are filled in: at the end of the last of its packets. */
struct copying {
    struct packet *last;
    struct packet_pool *pool;
    enum packet_use use;
};

static void copy_bytes(struct copying *copying, struct view bytes)
{
    while (bytes.length_bytes > 0) {
        size_t room_bytes = packet_room_behind(copying->last);
        if (room_bytes == 0) {
            struct packet *rest = packet_take(copying->pool, copying->use);
            assert(rest != NULL); /* packet_copy has counted */
            rest->offset = 0;
            copying->last = copying->last->rest = rest;
            continue;
        }
        size_t part_bytes = MIN(room_bytes, bytes.length_bytes);
        (void)span_copy(packet_put(copying->last, part_bytes), view_first(bytes, part_bytes));
        bytes = view_from_offset(bytes, part_bytes);
    }
}

static uint16_t moved(uint16_t offset, uint16_t down_bytes)
{
    return (uint16_t)(offset > down_bytes ? offset - down_bytes : 0);
}

/* Offsets stay what they are, unless so much was pulled that the copy would lose its room. */
static void copy_marks(struct packet *copy, const struct packet *packet)
{
    copy->offset = MIN(packet->offset, PACKET_HEADROOM);
    uint16_t down_bytes = (uint16_t)(packet->offset - copy->offset);
    copy->network_offset = moved(packet->network_offset, down_bytes);
    copy->transport_offset = moved(packet->transport_offset, down_bytes);
    copy->checksum_start = moved(packet->checksum_start, down_bytes);
    copy->checksum_offset = moved(packet->checksum_offset, down_bytes);
    copy->checksum = packet->checksum;
    copy->segmentation = packet->segmentation;
    copy->segment_bytes = packet->segment_bytes;
    copy->segment_count = packet->segment_count;
    copy->ecn_marked = packet->ecn_marked;
}

struct packet *packet_copy(const struct packet *packet, struct packet_pool *pool,
                           enum packet_use use)
{
    size_t first_bytes = PACKET_ROOM_BYTES - MIN(packet->offset, PACKET_HEADROOM);
    size_t total_bytes = packet_total_bytes(packet), count = 1;
    if (total_bytes > first_bytes)
        count += (total_bytes - first_bytes + PACKET_ROOM_BYTES - 1) / PACKET_ROOM_BYTES;
    if (packet_pool_left(pool, use) < count) {
        pool->refused[use]++;
        return NULL;
    }
    struct packet *copy = packet_take(pool, use);
    assert(copy != NULL);
    copy_marks(copy, packet);
    struct copying copying = { copy, pool, use };
    for (; packet != NULL; packet = packet->rest) {
        copy_bytes(&copying, packet_view(packet));
        for (size_t i = 0; i < packet->fragment_count; i++)
            copy_bytes(&copying, packet_fragment(packet, i)->bytes);
    }
    return copy;
}
