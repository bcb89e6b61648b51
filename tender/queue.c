/* queue.c - reading what a stranger has written into a virtqueue.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/queue.h"

/* Both rings as they lie; the event index behind the entries is for a feature that is not offered.
 */
struct queue_available {
    uint16_t flags, index;
    uint16_t heads[];
};

struct queue_used {
    uint16_t flags, index;
    struct virtq_used_element elements[];
};

static bool queue_break(struct queue *queue, const char *problem)
{
    if (queue->problem == NULL) queue->problem = problem;
    return false;
}

/* ---- opening ---- */

/* The guest's bytes there; false: they are not all in its memory. */
static bool find_bytes(struct span memory, uint64_t address, uint64_t length_bytes,
                       struct span *found)
{
    if (address > memory.length_bytes || length_bytes > memory.length_bytes - address) return false;
    *found = span_first(span_from_offset(memory, address), length_bytes);
    return true;
}

/* What a device writes there would end what W^X promises. */
static bool is_sealed(const struct queue *queue, uint64_t address, uint64_t length_bytes)
{
    return address < queue->sealed_end && address + length_bytes > queue->sealed_from;
}

/* Aligned as 2.7 has it; the memory itself begins at a page. */
static bool find_ring(const struct queue *queue, uint64_t address, uint64_t length_bytes,
                      uint64_t alignment, struct span *ring)
{
    return address % alignment == 0 && find_bytes(queue->memory, address, length_bytes, ring);
}

static bool size_is_sound(uint32_t size)
{
    return size > 0 && size <= MACHINE_QUEUE_SIZE_MAX && (size & (size - 1)) == 0;
}

bool queue_open(struct queue *queue, const struct guest_memory *memory,
                const struct machine_queue *said, uint64_t accepted)
{
    struct span descriptors, available, used;
    *queue = (struct queue){ .memory = memory->bytes,
                             .sealed_from = memory->sealed_from,
                             .sealed_end = memory->sealed_end,
                             .has_indirect = (accepted & VIRTIO_F_INDIRECT_DESC) != 0 };
    if (!size_is_sound(said->size))
        return queue_break(queue, "a queue's size is no power of two up to 1024");
    if (!find_ring(queue, said->descriptors, VIRTQ_DESC_BYTES(said->size), 16, &descriptors) ||
        !find_ring(queue, said->available, VIRTQ_AVAIL_BYTES(said->size), 2, &available) ||
        !find_ring(queue, said->used, VIRTQ_USED_BYTES(said->size), 4, &used))
        return queue_break(queue, "a queue is not aligned, or lies outside of the memory");
    if (is_sealed(queue, said->used, used.length_bytes))
        return queue_break(queue, "a queue lies in the image's code or constants");
    queue->size = (uint16_t)said->size;
    queue->descriptors = (const volatile struct virtq_desc *)(void *)descriptors.bytes;
    queue->available = (const volatile struct queue_available *)(void *)available.bytes;
    queue->used = (volatile struct queue_used *)(void *)used.bytes;
    queue->used->flags = VIRTQ_USED_NO_NOTIFY;
    queue->used->index = 0;
    return true;
}

/* ---- a chain ---- */

/* Where a chain's descriptors are: the queue's table or an indirect one. */
struct table {
    const volatile struct virtq_desc *descriptors;
    uint32_t count;
    bool is_indirect; /* not told by its place: a guest may say that it is the queue's own */
};

/* Each field once: the guest may change it under our eyes. */
static struct virtq_desc read_descriptor(const struct table *table, uint32_t index)
{
    const volatile struct virtq_desc *from = &table->descriptors[index];
    return (struct virtq_desc){ .address = from->address,
                                .length_bytes = from->length_bytes,
                                .flags = from->flags,
                                .next = from->next };
}

static bool add_part(struct queue *queue, struct queue_chain *chain,
                     const struct virtq_desc *descriptor)
{
    struct span part;
    uint32_t *bytes = &chain->readable_bytes, *count = &chain->readable_count;
    uint64_t total = (uint64_t)chain->readable_bytes + chain->writable_bytes;
    uint32_t at = chain->readable_count + chain->writable_count;
    if ((descriptor->flags & VIRTQ_DESC_WRITE) != 0) {
        bytes = &chain->writable_bytes;
        count = &chain->writable_count;
    } else if (chain->writable_count > 0) {
        return queue_break(queue, "a buffer to be read stands behind one to be written");
    }
    if (descriptor->length_bytes == 0) return queue_break(queue, "a buffer is empty");
    if (at == QUEUE_PARTS_MAX) return queue_break(queue, "a chain is too long, or has no end");
    if (total + descriptor->length_bytes > UINT32_MAX)
        return queue_break(queue, "a chain holds 4 GiB or more");
    if (!find_bytes(queue->memory, descriptor->address, descriptor->length_bytes, &part))
        return queue_break(queue, "a buffer lies outside of the memory");
    if (is_sealed(queue, descriptor->address, descriptor->length_bytes) &&
        (descriptor->flags & VIRTQ_DESC_WRITE) != 0)
        return queue_break(queue, "a buffer to be written lies in the image's code or constants");
    chain->parts[at] = (struct iovec){ .iov_base = part.bytes, .iov_len = part.length_bytes };
    *bytes += descriptor->length_bytes;
    ++*count;
    return true;
}

/* 2.7.5.3: the last of the queue's descriptors may lead to a table, and nothing else does. */
static bool enter_table(struct queue *queue, const struct virtq_desc *descriptor,
                        struct table *table)
{
    struct span bytes;
    if (!queue->has_indirect || table->is_indirect)
        return queue_break(queue, "an indirect table where there may be none");
    if ((descriptor->flags & VIRTQ_DESC_NEXT) != 0)
        return queue_break(queue, "an indirect table is not the end of its chain");
    if (descriptor->length_bytes == 0 ||
        descriptor->length_bytes % sizeof(struct virtq_desc) != 0 ||
        descriptor->address % sizeof(uint64_t) != 0 ||
        !find_bytes(queue->memory, descriptor->address, descriptor->length_bytes, &bytes))
        return queue_break(queue, "an indirect table is not aligned, or outside of the memory");
    table->descriptors = (const volatile struct virtq_desc *)(void *)bytes.bytes;
    table->is_indirect = true;
    table->count = descriptor->length_bytes / (uint32_t)sizeof(struct virtq_desc);
    return true;
}

/* Ends: each turn but one adds a part, of which there may be only so many. */
static bool read_chain(struct queue *queue, struct queue_chain *chain)
{
    struct table table = { queue->descriptors, queue->size, false };
    uint32_t index = chain->head;
    for (;;) {
        if (index >= table.count) return queue_break(queue, "a chain leaves its table");
        struct virtq_desc descriptor = read_descriptor(&table, index);
        index = descriptor.next;
        if ((descriptor.flags & VIRTQ_DESC_INDIRECT) != 0) {
            if (!enter_table(queue, &descriptor, &table)) return false;
            index = 0;
        } else {
            if (!add_part(queue, chain, &descriptor)) return false;
            if ((descriptor.flags & VIRTQ_DESC_NEXT) == 0) return true;
        }
    }
}

/* ---- the rings ---- */

/* A guest has no more chains than descriptors, those included that it has not got back. */
bool queue_has_more(struct queue *queue)
{
    if (queue->problem != NULL || queue->size == 0) return false;
    if (queue->seen != queue->taken) return true;
    queue->seen = __atomic_load_n(&queue->available->index, __ATOMIC_ACQUIRE);
    if ((uint16_t)(queue->seen - queue->given) > queue->size ||
        (uint16_t)(queue->seen - queue->given) < (uint16_t)(queue->taken - queue->given))
        return queue_break(queue, "more chains are available than the queue holds");
    return queue->seen != queue->taken;
}

bool queue_take(struct queue *queue, struct queue_chain *chain)
{
    if (!queue_has_more(queue)) return false;
    chain->head = queue->available->heads[queue->taken & (queue->size - 1)];
    chain->readable_count = chain->writable_count = 0;
    chain->readable_bytes = chain->writable_bytes = 0;
    if (!read_chain(queue, chain)) return false;
    queue->taken++;
    return true;
}

void queue_put_back(struct queue *queue)
{
    assert(queue->taken != queue->given);
    queue->taken--;
}

void queue_give_back(struct queue *queue, uint32_t head, uint32_t written_bytes)
{
    assert(queue->taken != queue->given);
    volatile struct virtq_used_element *element = &queue->used
                                                       ->elements[queue->given & (queue->size - 1)];
    element->head = head;
    element->length_bytes = written_bytes;
    queue->given++;
}

bool queue_publish(struct queue *queue)
{
    if (queue->published == queue->given) return false;
    __atomic_store_n(&queue->used->index, queue->given, __ATOMIC_RELEASE);
    queue->published = queue->given;
    return true;
}

bool queue_wants_notice(const struct queue *queue)
{
    return (queue->available->flags & VIRTQ_AVAIL_NO_INTERRUPT) == 0;
}
