/* fuzz_tender_queue.c - a guest whose memory is what the input says, against the device's side of a
 * queue, a net's rings and a disk.
 *
 *     | device | features | size | places of the rings | steps | memory, from its beginning on ...
 *
 * Whatever the guest has written there and writes between two turns: what is taken lies within its
 * memory, no more chains are held than the queue has, nothing goes on for ever, and the file behind
 * the disk keeps its length.
 *
 * SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/units.h"
#include "tender/device_block.h"
#include "tender/net_rings.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

#define MEMORY_BYTES ((size_t)16384)
#define STEPS        12
#define SECTORS      64u

static struct guest_memory memory; /* from the heap, so that what lies round it is watched */
static struct machine_device boot_place;

/* ---- in the place of tender/device.c, which would fill the log ---- */

void device_break(struct device *device, const char *problem)
{
    (void)problem;
    device->is_broken = true;
}

void device_warn(const struct device *device, const char *words, ...)
{
    (void)device, (void)words;
}

void device_present(struct device *device, struct machine_device *shared,
                    const struct machine_device *presented)
{
    device->shared = shared;
    *shared = *presented;
}

/* ---- the guest ---- */

struct step {
    uint16_t index_more; /* chains that it makes available */
    uint16_t at;         /* where it writes */
    uint32_t value;
    uint8_t choice;
};

static struct step steps[STEPS];

/* A place that is likely to be within the memory, but need not be. */
static uint64_t take_place(struct cursor *cursor)
{
    uint16_t place = cursor_u16_le(cursor);
    if (place == UINT16_MAX) return UINT64_MAX - cursor_u8(cursor);
    return place & (2 * MEMORY_BYTES - 1);
}

static uint32_t take_size(struct cursor *cursor)
{
    uint8_t size = cursor_u8(cursor);
    return size < 0xf0 ? 1u << (size % 7) : size * 7u;
}

static void take_queue(struct cursor *cursor, struct machine_queue *queue)
{
    queue->size = take_size(cursor);
    queue->descriptors = take_place(cursor);
    queue->available = take_place(cursor);
    queue->used = take_place(cursor);
}

static void take_steps(struct cursor *cursor)
{
    for (size_t i = 0; i < STEPS; i++) {
        steps[i] = (struct step){
            .index_more = cursor_u8(cursor),
            .at = cursor_u16_le(cursor),
            .value = cursor_u32_le(cursor),
            .choice = cursor_u8(cursor),
        };
    }
}

static void take_memory(struct cursor *cursor)
{
    struct view image = cursor_rest(cursor);
    span_fill(memory.bytes, 0);
    (void)span_copy(memory.bytes, view_first(image, MIN(image.length_bytes, MEMORY_BYTES)));
}

static void add_to_index(const struct machine_queue *said, uint16_t more)
{
    uint16_t index;
    struct span field = span_first(span_from_offset(memory.bytes, said->available + 2),
                                   sizeof index);
    (void)span_copy(SPAN_OF(index), span_view(field));
    index = (uint16_t)(index + more);
    (void)span_copy(field, VIEW_OF(index));
}

static void write_somewhere(const struct step *step)
{
    size_t at = step->at % (MEMORY_BYTES - sizeof step->value);
    (void)span_copy(span_from_offset(memory.bytes, at), VIEW_OF(step->value));
}

/* ---- the queue ---- */

static void check_part(const struct iovec *part)
{
    const uint8_t *first = part->iov_base, *begin = memory.bytes.bytes;
    assert(part->iov_len > 0 && part->iov_len <= MEMORY_BYTES);
    assert((size_t)(first - begin) <= MEMORY_BYTES - part->iov_len);
}

static void check_chain(const struct queue_chain *chain)
{
    uint64_t readable_bytes = 0, writable_bytes = 0;
    assert(chain->readable_count + chain->writable_count <= QUEUE_PARTS_MAX);
    for (size_t i = 0; i < chain->readable_count; i++) {
        check_part(&queue_readable(chain)[i]);
        readable_bytes += queue_readable(chain)[i].iov_len;
    }
    for (size_t i = 0; i < chain->writable_count; i++) {
        check_part(&queue_writable(chain)[i]);
        writable_bytes += queue_writable(chain)[i].iov_len;
    }
    assert(readable_bytes == chain->readable_bytes && writable_bytes == chain->writable_bytes);
    assert(readable_bytes + writable_bytes > 0);
}

/* The chains that are held, the oldest first. */
static uint32_t held[MACHINE_QUEUE_SIZE_MAX];
static size_t held_count;

static void take_all(struct queue *queue, uint8_t choice)
{
    static struct queue_chain chain;
    size_t before_count = held_count;
    while (queue_take(queue, &chain)) {
        check_chain(&chain);
        assert(held_count < queue->size);
        held[held_count++] = chain.head;
    }
    for (size_t i = 0; i < choice % 5u && held_count > before_count; i++) {
        queue_put_back(queue);
        held_count--;
    }
    while (held_count > choice % 3u)
        queue_give_back(queue, held[--held_count], choice);
    (void)queue_publish(queue);
}

static void run_queue(const struct machine_device *said)
{
    static struct queue queue;
    held_count = 0;
    if (!queue_open(&queue, &memory, &said->queues[0], said->accepted)) return;
    for (size_t i = 0; i < STEPS; i++) {
        add_to_index(&said->queues[0], steps[i].index_more);
        take_all(&queue, steps[i].choice);
        write_somewhere(&steps[i]);
        if (queue.problem != NULL) assert(!queue_has_more(&queue));
    }
}

/* ---- a net ---- */

static void check_header(const struct virtio_net_header *header, uint64_t accepted,
                         size_t frame_bytes)
{
    const uint64_t segments = VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6;
    assert(frame_bytes >= NET_FRAME_LEAST && frame_bytes <= NET_FRAME_MAX);
    assert(header->flags == 0 || (accepted & VIRTIO_NET_F_CSUM) != 0);
    assert(header->gso_type == 0 || (accepted & segments) != 0);
    assert((size_t)header->checksum_start + header->checksum_offset < frame_bytes);
    assert(header->header_bytes <= frame_bytes && header->buffer_count == 0);
}

static void send_all(struct net_rings *rings)
{
    struct virtio_net_header header;
    size_t frame_bytes;
    enum net_taken taken;
    while ((taken = net_rings_take(rings, &header, &frame_bytes)) != NET_TAKEN_NONE) {
        check_chain(&rings->chain);
        if (taken == NET_TAKEN_BAD) {
            net_rings_lose(rings, rings->chain.head);
        } else {
            check_header(&header, rings->accepted, frame_bytes);
            net_rings_sent(rings, rings->chain.head);
        }
    }
}

static void check_posted(const struct net_rings *rings)
{
    size_t bytes = 0, parts = 0;
    for (size_t i = 0; i < rings->posted_count; i++) {
        bytes += rings->posted[rings->posted_first + i].length_bytes;
        parts += rings->posted[rings->posted_first + i].part_count;
    }
    assert(bytes == rings->posted_bytes && parts == rings->part_count);
    for (size_t i = 0; i < parts; i++)
        check_part(&rings->parts[rings->part_first + i]);
}

static void run_net(const struct machine_device *said)
{
    static struct net_rings rings;
    static const uint8_t frame[NET_FRAME_MAX];
    static const struct virtio_net_header header = { .flags = VIRTIO_NET_HDR_DATA_VALID };
    const char *problem;
    if (!net_rings_open(&rings, &memory, said, said->accepted, &problem)) return;
    for (size_t i = 0; i < STEPS; i++) {
        add_to_index(&said->queues[0], steps[i].index_more);
        add_to_index(&said->queues[1], steps[i].choice);
        send_all(&rings);
        size_t frame_bytes = NET_FRAME_LEAST + steps[i].at % (NET_FRAME_MAX - NET_FRAME_LEAST);
        (void)net_rings_give(&rings, &header, view_first(VIEW_OF(frame), frame_bytes));
        if (net_rings_has_room_for_any(&rings)) net_rings_filled(&rings, frame_bytes);
        check_posted(&rings);
        (void)net_rings_publish(&rings);
        write_somewhere(&steps[i]);
    }
    net_rings_close(&rings);
}

/* ---- a disk ---- */

static void run_block(const struct machine_device *said)
{
    static struct device_block block;
    static int disk = -1;
    if (disk < 0) disk = memfd_create("disk", MFD_CLOEXEC);
    if (ftruncate(disk, (off_t)(size_t)SECTORS * VIRTIO_BLOCK_SECTOR_BYTES) != 0) abort();
    const struct block_store store = { .descriptor = dup(disk),
                                       .read_only = (steps[0].choice & 1) != 0,
                                       .sector_count = SECTORS,
                                       .block_bytes = VIRTIO_BLOCK_SECTOR_BYTES };
    device_block_open(&block, &boot_place, VIEW("disk"), &store);
    if (block.device.ops->start(&block.device, &memory, said)) {
        for (size_t i = 0; i < STEPS && !block.device.is_broken; i++) {
            add_to_index(&said->queues[0], steps[i].index_more);
            (void)block.device.ops->serve(&block.device, &memory);
            write_somewhere(&steps[i]);
        }
    }
    assert_that(lseek(disk, 0, SEEK_END), ==, (size_t)SECTORS * VIRTIO_BLOCK_SECTOR_BYTES);
    block.device.ops->close(&block.device);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    struct cursor cursor = cursor_over(view_from(bytes, length_bytes));
    struct machine_device said = { 0 };
    uint8_t device = cursor_u8(&cursor);
    said.accepted = cursor_u16_le(&cursor) | (uint64_t)cursor_u8(&cursor) << 28;
    if (memory.bytes.bytes == NULL)
        memory.bytes = span_from(aligned_alloc(MACHINE_PAGE_BYTES, MEMORY_BYTES), MEMORY_BYTES);
    take_queue(&cursor, &said.queues[0]);
    take_queue(&cursor, &said.queues[1]);
    take_steps(&cursor);
    take_memory(&cursor);
    switch (device % 3) {
    case 0: run_queue(&said); break;
    case 1: run_net(&said); break;
    default: run_block(&said); break;
    }
    return 0;
}
