/* tcp_send_queue.c - what the application handed over, kept until the peer has it.
 *
 * A copied buffer holds its own chunk's record at the start of its room, so that nothing else is
 * needed for it:
 *
 *     struct packet | struct tcp_chunk | bytes ... | free
 *
 * Segments point into that room; new bytes are appended behind those they point to, which changes
 * nothing for them.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_send_queue.h"

#include "base/units.h"
#include "target/memory.h"

struct tcp_chunk {
    struct tcp_chunk *next;
    struct payload *owner; /* a packet's, or a lent record's */
    struct view bytes;     /* of which the first may be acknowledged */
    uint64_t position;     /* of the first of `bytes` */
    struct packet *packet; /* NULL: a loan */
};

struct tcp_lent {
    struct tcp_chunk chunk;
    struct payload payload;
    struct loan *loan;
    struct tcp_send_pool *pool;
    struct tcp_lent *next_free;
};

/* To borrow takes a record of 24 bytes, two references counted, and an entry in the device's ring;
 * to copy so few bytes takes less. */
#define SHORT_BYTES 128

/* ---- the records of loans ---- */

enum result tcp_send_pool_open(struct tcp_send_pool *pool, struct packet_pool *packets,
                               uint64_t limit_bytes, size_t loan_count)
{
    assert(loan_count > 0 && limit_bytes > 0);
    *pool = (struct tcp_send_pool){
        .packets = packets,
        .limit_bytes = limit_bytes,
        .count = loan_count,
        .free_count = loan_count,
    };
    return memory_take(loan_count * sizeof(struct tcp_lent), &pool->memory);
}

void tcp_send_pool_close(struct tcp_send_pool *pool)
{
    assert_that(pool->free_count, ==, pool->count);
    memory_give_back(pool->memory);
    *pool = (struct tcp_send_pool){ 0 };
}

/* The record goes first, so that it is there for what `done` lends. */
static void lent_released(struct payload *payload)
{
    struct tcp_lent *lent = CONTAINER_OF(payload, struct tcp_lent, payload);
    struct tcp_send_pool *pool = lent->pool;
    struct loan *loan = lent->loan;
    lent->next_free = pool->free;
    pool->free = lent;
    pool->free_count++;
    loan->done(loan);
}

static struct tcp_lent *take_lent(struct tcp_send_pool *pool)
{
    struct tcp_lent *lent = pool->free;
    pool->free_count--;
    if (lent != NULL) {
        pool->free = lent->next_free;
        return lent;
    }
    void *records = pool->memory.bytes;
    assert_that(pool->touched_count, <, pool->count);
    lent = &((struct tcp_lent *)records)[pool->touched_count++];
    lent->payload.released = lent_released;
    lent->pool = pool;
    return lent;
}

/* ---- taking bytes ---- */

static void append(struct tcp_send_queue *queue, struct tcp_chunk *chunk)
{
    if (queue->last == NULL) {
        queue->first = chunk;
    } else {
        queue->last->next = chunk;
    }
    queue->last = chunk;
}

static struct tcp_chunk *chunk_in(struct packet *packet)
{
    void *room = packet->room;
    return room;
}

static struct tcp_chunk *append_buffer(struct tcp_send_queue *queue, struct tcp_send_pool *pool)
{
    if (!tcp_send_queue_may_copy(queue, pool)) return NULL;
    struct packet *packet = packet_take(pool->packets, PACKET_FOR_DATA);
    if (packet == NULL) return NULL;
    packet->offset = sizeof(struct tcp_chunk);
    struct tcp_chunk *chunk = chunk_in(packet);
    *chunk = (struct tcp_chunk){
        .owner = &packet->payload,
        .bytes = packet_view(packet),
        .position = queue->start + queue->length_bytes,
        .packet = packet,
    };
    append(queue, chunk);
    queue->buffer_count++;
    return chunk;
}

/* The packet's own length counts all bytes ever put in; the chunk's those not acknowledged. */
static size_t fill(struct tcp_chunk *chunk, struct view bytes)
{
    size_t part_bytes = MIN(packet_room_behind(chunk->packet), bytes.length_bytes);
    (void)span_copy(packet_put(chunk->packet, part_bytes), view_first(bytes, part_bytes));
    chunk->bytes.length_bytes += part_bytes;
    return part_bytes;
}

size_t tcp_send_queue_copy(struct tcp_send_queue *queue, struct tcp_send_pool *pool,
                           struct view bytes)
{
    bytes = view_first(bytes, MIN(bytes.length_bytes, tcp_send_queue_room(queue, pool)));
    size_t taken_bytes = 0;
    struct tcp_chunk *chunk = queue->last;
    while (taken_bytes < bytes.length_bytes) {
        if (chunk == NULL || chunk->packet == NULL || packet_room_behind(chunk->packet) == 0) {
            chunk = append_buffer(queue, pool);
            if (chunk == NULL) break;
        }
        size_t part_bytes = fill(chunk, view_from_offset(bytes, taken_bytes));
        taken_bytes += part_bytes;
        queue->length_bytes += part_bytes;
    }
    return taken_bytes;
}

enum result tcp_send_queue_lend(struct tcp_send_queue *queue, struct tcp_send_pool *pool,
                                struct loan *loan)
{
    assert(loan->bytes.length_bytes > 0 && loan->done != NULL);
    if (tcp_send_queue_room(queue, pool) == 0 || !tcp_send_queue_may_lend(queue, pool)) return FULL;
    struct tcp_lent *lent = take_lent(pool);
    lent->payload.references = 1;
    lent->loan = loan;
    lent->chunk = (struct tcp_chunk){
        .owner = &lent->payload,
        .bytes = loan->bytes,
        .position = queue->start + queue->length_bytes,
    };
    append(queue, &lent->chunk);
    queue->length_bytes += loan->bytes.length_bytes;
    queue->loan_count++;
    return OK;
}

/* ---- sending them ---- */

/* The chunk that holds `position`. New data begins where the last of it ended, and a retransmission
 * mostly behind the one before it, so few chunks are passed. */
static struct tcp_chunk *find(const struct tcp_send_queue *queue, uint64_t position)
{
    struct tcp_chunk *chunk = queue->first;
    if (queue->sent != NULL && queue->sent->position <= position) {
        chunk = queue->sent;
    } else if (queue->resent != NULL && queue->resent->position <= position) {
        chunk = queue->resent;
    }
    while (position - chunk->position >= chunk->bytes.length_bytes)
        chunk = chunk->next;
    return chunk;
}

static void remember(struct tcp_send_queue *queue, struct tcp_chunk *chunk)
{
    if (queue->sent == NULL || queue->sent->position <= chunk->position) {
        queue->sent = chunk;
    } else {
        queue->resent = chunk;
    }
}

static struct view part_of(const struct tcp_chunk *chunk, uint64_t position, size_t length_bytes)
{
    struct view bytes = view_from_offset(chunk->bytes, position - chunk->position);
    return view_first(bytes, MIN(bytes.length_bytes, length_bytes));
}

static void copy_short(struct packet *packet, struct tcp_chunk *chunk, uint64_t position,
                       size_t length_bytes)
{
    struct span room = packet_put(packet, length_bytes);
    for (; room.length_bytes > 0; chunk = chunk->next) {
        struct view part = part_of(chunk, position, room.length_bytes);
        room = span_copy(room, part);
        position += part.length_bytes;
    }
}

size_t tcp_send_queue_borrow(struct tcp_send_queue *queue, uint64_t offset_bytes,
                             size_t length_bytes, struct packet *packet)
{
    assert(length_bytes > 0 && offset_bytes <= queue->length_bytes);
    assert_that(length_bytes, <=, queue->length_bytes - offset_bytes);
    uint64_t position = queue->start + offset_bytes;
    struct tcp_chunk *chunk = find(queue, position);
    if (length_bytes <= SHORT_BYTES && packet->fragment_count == 0 &&
        packet_room_behind(packet) >= length_bytes) {
        copy_short(packet, chunk, position, length_bytes);
        remember(queue, chunk);
        return length_bytes;
    }
    size_t left_bytes = length_bytes;
    for (;;) {
        if (!packet_can_borrow(packet)) break;
        struct view part = part_of(chunk, position, left_bytes);
        packet_borrow(packet, part, chunk->owner);
        position += part.length_bytes;
        left_bytes -= part.length_bytes;
        if (left_bytes == 0) break;
        chunk = chunk->next;
    }
    remember(queue, chunk);
    return length_bytes - left_bytes;
}

/* ---- letting go ---- */

/* The chunk is out of the queue before its owner is told: `done` may lend again. */
static void drop_first(struct tcp_send_queue *queue)
{
    struct tcp_chunk *chunk = queue->first;
    queue->first = chunk->next;
    if (queue->first == NULL) queue->last = NULL;
    if (queue->sent == chunk) queue->sent = NULL;
    if (queue->resent == chunk) queue->resent = NULL;
    if (chunk->packet == NULL) {
        queue->loan_count--;
    } else {
        queue->buffer_count--;
    }
    payload_drop(chunk->owner);
}

void tcp_send_queue_acknowledge(struct tcp_send_queue *queue, uint64_t length_bytes)
{
    assert_that(length_bytes, <=, queue->length_bytes);
    while (length_bytes > 0) {
        struct tcp_chunk *chunk = queue->first;
        size_t part_bytes = MIN(length_bytes, chunk->bytes.length_bytes);
        queue->start += part_bytes;
        queue->length_bytes -= part_bytes;
        length_bytes -= part_bytes;
        chunk->bytes = view_from_offset(chunk->bytes, part_bytes);
        chunk->position += part_bytes;
        if (view_is_empty(chunk->bytes)) drop_first(queue);
    }
}

void tcp_send_queue_clear(struct tcp_send_queue *queue)
{
    tcp_send_queue_acknowledge(queue, queue->length_bytes);
}
