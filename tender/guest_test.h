/* guest_test.h - for the tests of devices: a guest's memory and its side of a queue, which can also
 * be made to lie.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_GUEST_TEST_H
#define LOOM_TENDER_GUEST_TEST_H

#include "base/units.h"
#include "tender/queue.h"
#include "test/test.h"

/* Queues lie in the first 64 KiB, data behind. */
#define GUEST_BYTES ((size_t)1 << 20)
#define GUEST_DATA  0x10000u

struct guest_queue {
    struct machine_queue said;
    struct virtq_desc *descriptors;
    struct virtq_ring *available, *used;
    uint16_t *heads;
    struct virtq_used_element *elements;
    uint16_t next_descriptor;
    uint16_t looked; /* at the used ring */
};

struct guest_buffer {
    uint64_t address;
    uint32_t length_bytes;
    bool is_written; /* by the device */
};

static _Alignas(4096) uint8_t guest_bytes[GUEST_BYTES];
static const struct guest_memory guest_memory = { .bytes = { guest_bytes, sizeof guest_bytes } };

static inline void *guest_at(uint64_t address)
{
    return &guest_bytes[address];
}

/* A queue at 0x8000 * index. */
static inline void guest_queue_place(struct guest_queue *queue, unsigned index, uint32_t size)
{
    uint64_t base = (uint64_t)index * 0x8000;
    *queue = (struct guest_queue){
        .said = { .descriptors = base,
                  .available = base + VIRTQ_DESC_BYTES(size),
                  .used = (base + VIRTQ_DESC_BYTES(size) + VIRTQ_AVAIL_BYTES(size) + 3) & ~3ull,
                  .size = size },
    };
    __builtin_memset(guest_at(base), 0, 0x8000);
    queue->descriptors = guest_at(queue->said.descriptors);
    queue->available = guest_at(queue->said.available);
    queue->heads = guest_at(queue->said.available + sizeof(struct virtq_ring));
    queue->used = guest_at(queue->said.used);
    queue->elements = guest_at(queue->said.used + sizeof(struct virtq_ring));
}

static inline void guest_queue_offer(struct guest_queue *queue, uint16_t head)
{
    queue->heads[queue->available->index % queue->said.size] = head;
    queue->available->index++;
}

/* Descriptors are taken round and round: a test keeps fewer than there are. Gives the head. */
static inline uint16_t guest_queue_add(struct guest_queue *queue,
                                       const struct guest_buffer *buffers, size_t count)
{
    uint16_t mask = (uint16_t)(queue->said.size - 1);
    uint16_t head = queue->next_descriptor & mask;
    for (size_t i = 0; i < count; i++) {
        uint16_t at = queue->next_descriptor++ & mask;
        queue->descriptors[at] = (struct virtq_desc){
            .address = buffers[i].address,
            .length_bytes = buffers[i].length_bytes,
            .flags = (uint16_t)((buffers[i].is_written ? VIRTQ_DESC_WRITE : 0) |
                                (i + 1 < count ? VIRTQ_DESC_NEXT : 0)),
            .next = queue->next_descriptor & mask,
        };
    }
    guest_queue_offer(queue, head);
    return head;
}

/* The next that the device has given back; false: there is none. */
static inline bool guest_queue_look(struct guest_queue *queue, struct virtq_used_element *element)
{
    if (queue->looked == queue->used->index) return false;
    *element = queue->elements[queue->looked++ % queue->said.size];
    return true;
}

#endif
