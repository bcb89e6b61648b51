/* virtio_queue.c - the driver's side of a split virtqueue.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/virtio_queue.h"

#include "base/units.h"
#include "target/memory.h"
#include "target/virtio/machine_memory.h"

/* Of a head: its chain. Of any descriptor: the one behind it, in its chain or among the free. */
struct virtio_chain {
    uint32_t writable_bytes;
    uint16_t next, last;
    uint16_t count; /* of the queue's descriptors; 0: it is no head of what the device has */
    uint16_t table; /* that it is in, counted from 1; 0: none */
};
static_assert(sizeof(struct virtio_chain) == 12, "one a descriptor");

/* ---- memory ----
 *
 *     | descriptors | available: ring, heads, used_event | used: ring, elements, available_event |
 *     | chains, free_tables: which no device is told of | tables |
 */

/* virtio 1.2, 2.7: 16, 2 and 4 bytes are what the parts are aligned to. */
#define PART_ALIGNMENT 16u

static size_t aligned(size_t bytes)
{
    return (bytes + PART_ALIGNMENT - 1) / PART_ALIGNMENT * PART_ALIGNMENT;
}

static size_t tables_bytes(const struct virtio_queue *queue)
{
    return VIRTQ_DESC_BYTES((size_t)queue->table_count * queue->table_parts);
}

static size_t own_bytes(const struct virtio_queue *queue)
{
    return aligned(queue->size * sizeof(struct virtio_chain) +
                   queue->table_count * sizeof(uint16_t));
}

/* Without the tables. */
static size_t fixed_bytes(const struct virtio_queue *queue)
{
    size_t size = queue->size;
    return VIRTQ_DESC_BYTES(size) + aligned(VIRTQ_AVAIL_BYTES(size)) +
           aligned(VIRTQ_USED_BYTES(size)) + own_bytes(queue);
}

static void *take_part(struct span *left, size_t bytes)
{
    void *part = left->bytes;
    *left = span_from_offset(*left, bytes);
    return part;
}

static void lay_out(struct virtio_queue *queue)
{
    struct span left = queue->memory;
    size_t size = queue->size, available_bytes = VIRTQ_AVAIL_BYTES(size);
    size_t used_bytes = VIRTQ_USED_BYTES(size);
    queue->descriptors = take_part(&left, VIRTQ_DESC_BYTES(size));
    queue->available = take_part(&left, sizeof *queue->available);
    queue->available_heads = take_part(&left, size * sizeof *queue->available_heads);
    queue->used_event = take_part(&left, sizeof *queue->used_event);
    (void)take_part(&left, aligned(available_bytes) - available_bytes);
    queue->used = take_part(&left, sizeof *queue->used);
    queue->used_elements = take_part(&left, size * sizeof *queue->used_elements);
    queue->available_event = take_part(&left, sizeof *queue->available_event);
    (void)take_part(&left, aligned(used_bytes) - used_bytes);
    struct span own = span_first(left, own_bytes(queue));
    queue->chains = take_part(&own, size * sizeof *queue->chains);
    queue->free_tables = (void *)own.bytes;
    (void)take_part(&left, own_bytes(queue));
    queue->tables = (void *)left.bytes;
}

enum result virtio_queue_open(struct virtio_queue *queue,
                              const struct virtio_queue_options *options)
{
    uint16_t size = options->size;
    assert(size > 0 && size <= MACHINE_QUEUE_SIZE_MAX && (size & (size - 1)) == 0);
    *queue = (struct virtio_queue){ .size = size,
                                    .slide = machine_slide(),
                                    .has_event_index = options->has_event_index,
                                    .table_count = options->table_count,
                                    .table_parts = options->table_parts };
    enum result result = memory_take(fixed_bytes(queue) + tables_bytes(queue), &queue->memory);
    if (result != OK) return result;
    lay_out(queue);
    virtio_queue_reset(queue);
    return OK;
}

void virtio_queue_close(struct virtio_queue *queue)
{
    memory_give_back(queue->memory);
    *queue = (struct virtio_queue){ 0 };
}

static uint64_t physical(const struct virtio_queue *queue, const void *address)
{
    return (uint64_t)(uintptr_t)address - queue->slide;
}

struct machine_queue virtio_queue_place(const struct virtio_queue *queue)
{
    return (struct machine_queue){ .descriptors = physical(queue, queue->descriptors),
                                   .available = physical(queue, queue->available),
                                   .used = physical(queue, queue->used),
                                   .size = queue->size };
}

void virtio_queue_reset(struct virtio_queue *queue)
{
    span_fill(span_first(queue->memory, fixed_bytes(queue)), 0); /* tables stay untouched */
    for (uint16_t i = 0; i < queue->size; i++)
        queue->chains[i].next = (uint16_t)(i + 1u);
    for (uint16_t i = 0; i < queue->table_count; i++)
        queue->free_tables[i] = (uint16_t)(i + 1u);
    queue->free_table_count = queue->table_count;
    queue->room = queue->size;
    queue->first_free = queue->added_index = queue->published_index = 0;
    queue->used_index = queue->seen_index = queue->given_count = 0;
    queue->is_broken = false;
    (void)virtio_queue_interrupts(queue, false);
}

/* ---- the driver's half ---- */

/* Where the chain that is being added has got to, in the queue or in a table. */
struct adding {
    struct virtio_queue *queue;
    struct virtq_desc *descriptors;
    uint16_t next, last;
    bool is_in_table;
};

static void add_part(struct adding *adding, const uint8_t *bytes, size_t length_bytes,
                     uint16_t flags)
{
    struct virtio_queue *queue = adding->queue;
    uint16_t index = adding->next;
    assert(length_bytes > 0 && length_bytes <= UINT32_MAX);
    adding->last = index;
    adding->next = adding->is_in_table ? (uint16_t)(index + 1u) : queue->chains[index].next;
    adding->descriptors[index] = (struct virtq_desc){ .address = physical(queue, bytes),
                                                      .length_bytes = (uint32_t)length_bytes,
                                                      .flags = (uint16_t)(flags | VIRTQ_DESC_NEXT),
                                                      .next = adding->next };
}

static void end_chain(struct adding *adding)
{
    adding->descriptors[adding->last].flags &= (uint16_t)~VIRTQ_DESC_NEXT;
    adding->descriptors[adding->last].next = 0;
}

static struct virtq_desc *table_of(const struct virtio_queue *queue, uint16_t number)
{
    return &queue->tables[(size_t)(number - 1u) * queue->table_parts];
}

/* 2.7.5.3: one descriptor of the queue leads to all of the chain. */
static void lead_to_table(struct virtio_queue *queue, uint16_t head, uint16_t table, size_t count)
{
    queue->descriptors[head] = (struct virtq_desc){
        .address = physical(queue, table_of(queue, table)),
        .length_bytes = (uint32_t)VIRTQ_DESC_BYTES(count),
        .flags = VIRTQ_DESC_INDIRECT,
    };
}

uint16_t virtio_queue_add(struct virtio_queue *queue, const struct view readable[],
                          size_t readable_count, const struct span writable[],
                          size_t writable_count)
{
    size_t count = readable_count + writable_count, writable_bytes = 0;
    uint16_t head = queue->first_free, table = 0;
    struct adding adding = { queue, queue->descriptors, head, head, false };
    assert(count > 0 && virtio_queue_has_room(queue, count) && !queue->is_broken);
    if (virtio_queue_has_table(queue, count)) {
        table = queue->free_tables[--queue->free_table_count];
        adding = (struct adding){ queue, table_of(queue, table), 0, 0, true };
    }
    for (size_t i = 0; i < readable_count; i++)
        add_part(&adding, readable[i].bytes, readable[i].length_bytes, 0);
    for (size_t i = 0; i < writable_count; i++) {
        add_part(&adding, writable[i].bytes, writable[i].length_bytes, VIRTQ_DESC_WRITE);
        writable_bytes += writable[i].length_bytes;
    }
    assert_that(writable_bytes, <=, UINT32_MAX);
    end_chain(&adding);
    struct virtio_chain *chain = &queue->chains[head];
    chain->writable_bytes = (uint32_t)writable_bytes;
    chain->table = table;
    if (table != 0) {
        lead_to_table(queue, head, table, count);
        adding.last = head;
        adding.next = chain->next;
        count = 1;
    }
    chain->last = adding.last;
    chain->count = (uint16_t)count;
    queue->first_free = adding.next;
    queue->room = (uint16_t)(queue->room - count);
    queue->available_heads[queue->added_index & (queue->size - 1u)] = head;
    queue->added_index++;
    return head;
}

/* virtio 1.2, 2.7.10: whether the index has just passed the one that the device waits for. */
static bool has_passed(uint16_t event, uint16_t before, uint16_t after)
{
    return (uint16_t)(after - event - 1u) < (uint16_t)(after - before);
}

bool virtio_queue_publish(struct virtio_queue *queue)
{
    uint16_t before = queue->published_index, after = queue->added_index;
    if (before == after) return false;
    queue->given_count = (uint16_t)(queue->given_count + (uint16_t)(after - before));
    queue->published_index = after;
    __atomic_store_n(&queue->available->index, after, __ATOMIC_RELEASE);
    /* 2.7.13.4.1: what the device wants is read after it can see the index. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (queue->has_event_index) {
        uint16_t event = __atomic_load_n(queue->available_event, __ATOMIC_RELAXED);
        return has_passed(event, before, after);
    }
    return (__atomic_load_n(&queue->used->flags, __ATOMIC_RELAXED) & VIRTQ_USED_NO_NOTIFY) == 0;
}

/* ---- the device's half ---- */

/* The device cannot have used more chains than it was given. */
static void look_at_used(struct virtio_queue *queue)
{
    uint16_t index = __atomic_load_n(&queue->used->index, __ATOMIC_ACQUIRE);
    uint16_t new_count = (uint16_t)(index - queue->used_index);
    if (new_count > queue->given_count)
        queue->is_broken = true;
    else
        queue->seen_index = index;
}

uint16_t virtio_queue_used_count(struct virtio_queue *queue)
{
    if (queue->is_broken) return 0;
    if (queue->used_index == queue->seen_index) look_at_used(queue);
    return queue->is_broken ? 0 : (uint16_t)(queue->seen_index - queue->used_index);
}

static void free_chain(struct virtio_queue *queue, uint16_t head)
{
    struct virtio_chain *chain = &queue->chains[head];
    queue->chains[chain->last].next = queue->first_free;
    queue->first_free = head;
    queue->room = (uint16_t)(queue->room + chain->count);
    queue->given_count--;
    chain->count = 0;
    if (chain->table != 0) queue->free_tables[queue->free_table_count++] = chain->table;
}

/* Of a chain that it could only read some devices tell how much they have read. */
static bool is_sound(const struct virtio_queue *queue, uint32_t head, uint32_t *written_bytes)
{
    if (head >= queue->size || queue->chains[head].count == 0) return false;
    uint32_t writable_bytes = queue->chains[head].writable_bytes;
    if (writable_bytes == 0) *written_bytes = 0;
    return *written_bytes <= writable_bytes;
}

bool virtio_queue_take_used(struct virtio_queue *queue, uint16_t *head, uint32_t *written_bytes)
{
    if (virtio_queue_used_count(queue) == 0) return false;
    struct virtq_used_element *used = &queue->used_elements[queue->used_index & (queue->size - 1u)];
    uint32_t index = __atomic_load_n(&used->head, __ATOMIC_RELAXED);
    *written_bytes = __atomic_load_n(&used->length_bytes, __ATOMIC_RELAXED);
    if (!is_sound(queue, index, written_bytes)) {
        queue->is_broken = true;
        return false;
    }
    *head = (uint16_t)index;
    queue->used_index++;
    free_chain(queue, *head);
    return true;
}

/* Where the event index is used the flags are not (2.7.7.1): an event that lies half of the numbers
 * ahead does not come. */
bool virtio_queue_interrupts(struct virtio_queue *queue, bool are_wanted)
{
    const uint16_t far = 0x8000;
    if (queue->has_event_index) {
        uint16_t event = (uint16_t)(queue->used_index + (are_wanted ? 0 : far));
        __atomic_store_n(queue->used_event, event, __ATOMIC_RELAXED);
    } else {
        uint16_t flags = (uint16_t)(are_wanted ? 0 : VIRTQ_AVAIL_NO_INTERRUPT);
        __atomic_store_n(&queue->available->flags, flags, __ATOMIC_RELAXED);
    }
    if (!are_wanted) return false;
    /* 2.7.14: what was used before the device could see that is not told of. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return virtio_queue_used_count(queue) > 0;
}
