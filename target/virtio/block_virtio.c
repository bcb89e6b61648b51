/* block_virtio.c - a disk of the machine.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/block_virtio.h"

#include "base/units.h"
#include "target/memory.h"

#define LOG_MODULE "block"
#include "log/log.h"

/* Room for the request of most parts even where each becomes a chain, and for 85 of one part. */
#define QUEUE_SIZE 256
#define OWN_PARTS  2 /* header and status */
static_assert(BLOCK_PARTS_MAX * (1 + OWN_PARTS) <= QUEUE_SIZE, "any request fits an empty ring");

#define STATUS_NONE 0xff

/* What a chain is about, by its head: the device reads the first two and writes the third. */
struct block_virtio_chain {
    struct virtio_block_request said;
    struct virtio_block_range ranges[BLOCK_VIRTIO_RANGES_MAX];
    struct block_request *request; /* NULL: none is under way */
    uint32_t wanted_bytes;         /* that the device writes when it does what it is asked */
    uint8_t status, reserved[3];
};

static struct block_virtio *disk_of(struct block *block)
{
    return CONTAINER_OF(block, struct block_virtio, block);
}

static uint64_t sectors_of(const struct block_virtio *disk, uint64_t blocks)
{
    return blocks * (disk->block.block_bytes / VIRTIO_BLOCK_SECTOR_BYTES);
}

/* ---- into the ring ---- */

/* Adds header, data and status. What is read or written is in the disk's arrays already: behind the
 * place of the header, and before that of the status. */
static void add_chain(struct block_virtio *disk, struct block_request *request,
                      const struct virtio_block_request *said, size_t read_parts,
                      size_t written_parts)
{
    struct block_virtio_chain *chain = &disk->chains[virtio_queue_next_head(&disk->queue)];
    chain->said = *said;
    chain->request = request;
    chain->status = STATUS_NONE;
    chain->wanted_bytes = sizeof chain->status;
    for (size_t i = 0; i < written_parts; i++)
        chain->wanted_bytes += (uint32_t)disk->writable[i].length_bytes;
    disk->readable[0] = VIEW_OF(chain->said);
    disk->writable[written_parts] = SPAN_OF(chain->status);
    request->handle++;
    (void)virtio_queue_add(&disk->queue, disk->readable, 1 + read_parts, disk->writable,
                           written_parts + 1);
}

/* So many of its parts from the first on; gives how many bytes they hold. */
static size_t add_parts(struct block_virtio *disk, struct block_request *request, size_t first,
                        size_t count, uint64_t sector)
{
    bool is_read = request->kind == BLOCK_READ;
    size_t length_bytes = 0;
    const struct virtio_block_request said = { .type = is_read ? VIRTIO_BLOCK_READ
                                                               : VIRTIO_BLOCK_WRITE,
                                               .sector = sector };
    for (size_t i = 0; i < count; i++) {
        const union block_part *part = &request->parts[first + i];
        if (is_read) disk->writable[i] = part->into;
        if (!is_read) disk->readable[1 + i] = part->from;
        length_bytes += part->from.length_bytes;
    }
    add_chain(disk, request, &said, is_read ? 0 : count, is_read ? count : 0);
    return length_bytes;
}

static void add_transfer(struct block_virtio *disk, struct block_request *request)
{
    uint64_t sector = sectors_of(disk, request->device_block);
    for (size_t first = 0; first < request->part_count; first += disk->parts_max) {
        size_t count = MIN(request->part_count - first, disk->parts_max);
        sector += add_parts(disk, request, first, count, sector) / VIRTIO_BLOCK_SECTOR_BYTES;
    }
}

/* Its ranges lie in the chain of the head that it will have. */
static void add_discard(struct block_virtio *disk, struct block_request *request)
{
    const struct virtio_block_request said = { .type = VIRTIO_BLOCK_DISCARD };
    struct block_virtio_chain *chain = &disk->chains[virtio_queue_next_head(&disk->queue)];
    uint64_t at = request->device_block, left = request->block_count;
    size_t count = 0;
    for (; left > 0 && count < disk->discard_ranges_max; count++) {
        uint64_t blocks = MIN(left, disk->discard_blocks_max);
        chain->ranges[count] = (struct virtio_block_range){
            .sector = sectors_of(disk, at), .sector_count = (uint32_t)sectors_of(disk, blocks)
        };
        at += blocks;
        left -= blocks;
    }
    struct view ranges = VIEW_OF(chain->ranges);
    disk->readable[1] = view_first(ranges, count * sizeof chain->ranges[0]);
    add_chain(disk, request, &said, 1, 0);
}

static void add(struct block_virtio *disk, struct block_request *request)
{
    const struct virtio_block_request flush = { .type = VIRTIO_BLOCK_FLUSH };
    request->handle = 0;
    request->result = OK;
    switch (request->kind) {
    case BLOCK_READ:
    case BLOCK_WRITE: add_transfer(disk, request); break;
    case BLOCK_FLUSH: add_chain(disk, request, &flush, 0, 0); break;
    case BLOCK_DISCARD: add_discard(disk, request); break;
    }
}

/* At most; a request goes out as a whole. */
static size_t descriptors_of(const struct block_virtio *disk, const struct block_request *request)
{
    size_t parts = request->kind == BLOCK_DISCARD ? 1 : request->part_count;
    size_t chains = (parts + disk->parts_max - 1) / disk->parts_max;
    return parts + OWN_PARTS * MAX(chains, 1u);
}

/* Whether there is nothing that the device could do about it. */
static bool is_done_already(const struct block_virtio *disk, const struct block_request *request)
{
    if (request->kind == BLOCK_FLUSH) return !virtio_device_has(&disk->device, VIRTIO_BLK_F_FLUSH);
    if (request->kind != BLOCK_DISCARD) return false;
    return request->block_count == 0 || disk->discard_ranges_max == 0;
}

/* Puts what fits into the ring; what ends without the device goes to `done`, in order. */
static void sort_waiting(struct block_virtio *disk, struct list *done)
{
    struct list_node *node;
    while ((node = list_first(&disk->waiting)) != NULL) {
        struct block_request *request = CONTAINER_OF(node, struct block_request, node);
        bool needs_device = !disk->device.is_broken && !is_done_already(disk, request);
        if (needs_device && descriptors_of(disk, request) > disk->queue.room) return;
        list_remove(node);
        if (needs_device)
            add(disk, request);
        else
            list_append(done, node);
    }
}

/* In the loop. What a flush that is done already has behind it was told, and lasts. Nobody is told
 * before all are sorted: who submits again as soon as it is told would else never let this end. */
static void send_waiting(struct block_virtio *disk)
{
    struct list done;
    struct list_node *node;
    list_init(&done);
    sort_waiting(disk, &done);
    if (!disk->device.is_broken && disk->queue.added_index != disk->queue.published_index) {
        disk->poller.has_work = true;
        virtio_device_publish(&disk->device, &disk->queue, 0);
    }
    enum result result = disk->device.is_broken ? FAILED : OK;
    while ((node = list_take(&done)) != NULL)
        block_tell(&disk->block, CONTAINER_OF(node, struct block_request, node), result);
}

/* What is submitted while others are told goes out in the next turn. */
static void take_turn(struct deferred *turn)
{
    send_waiting(CONTAINER_OF(turn, struct block_virtio, turn));
}

/* ---- out of the ring ---- */

/* The status is read once. A device that has written less than it was asked for has not done it. */
static enum result result_of(const struct block_virtio_chain *chain, uint32_t written_bytes)
{
    uint8_t status = __atomic_load_n(&chain->status, __ATOMIC_RELAXED);
    if (status == VIRTIO_BLOCK_OK && written_bytes >= chain->wanted_bytes) return OK;
    log_error("request %u at sector %llu: the disk says %u, and has written %u of %u bytes",
              chain->said.type, (unsigned long long)chain->said.sector, status, written_bytes,
              chain->wanted_bytes);
    return FAILED;
}

/* The last of its chains tells the request. */
static void end_chain(struct block_virtio *disk, struct block_virtio_chain *chain,
                      enum result result)
{
    struct block_request *request = chain->request;
    chain->request = NULL;
    if (result != OK) request->result = result;
    if (--request->handle == 0) block_tell(&disk->block, request, request->result);
}

/* True: it has just been found out. A device that does not even let go is not believed when it
 * still says something. */
static bool break_down(struct block_virtio *disk)
{
    if (!disk->queue.is_broken || disk->device.is_broken) return false;
    virtio_device_broken(&disk->device);
    (void)virtio_device_reset(&disk->device);
    for (size_t i = 0; i < QUEUE_SIZE; i++) {
        if (disk->chains[i].request != NULL) end_chain(disk, &disk->chains[i], FAILED);
    }
    return true;
}

static bool disk_poll(struct machine_poller *poller)
{
    struct block_virtio *disk = CONTAINER_OF(poller, struct block_virtio, poller);
    bool had_something = false;
    uint32_t written_bytes;
    uint16_t head;
    while (virtio_queue_take_used(&disk->queue, &head, &written_bytes)) {
        struct block_virtio_chain *chain = &disk->chains[head];
        end_chain(disk, chain, result_of(chain, written_bytes));
        had_something = true;
    }
    had_something |= break_down(disk);
    send_waiting(disk);
    return had_something;
}

static bool disk_arm(struct machine_poller *poller)
{
    struct block_virtio *disk = CONTAINER_OF(poller, struct block_virtio, poller);
    if (disk->device.is_broken) return false;
    return virtio_queue_interrupts(&disk->queue, disk->queue.given_count > 0);
}

/* ---- the signature ---- */

static void block_virtio_submit(struct block *block, struct block_request *request)
{
    struct block_virtio *disk = disk_of(block);
    list_append(&disk->waiting, &request->node);
    loop_defer(&disk->turn);
}

static bool block_virtio_withdraw(struct block *block, struct block_request *request)
{
    (void)block;
    if (!list_holds(&request->node)) return false;
    list_remove(&request->node);
    return true;
}

static const struct block_ops block_virtio_ops = BLOCK_OPS(block_virtio);

/* ---- opening ---- */

static const uint64_t wanted = VIRTIO_F_EVENT_IDX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_RO |
                               VIRTIO_BLK_F_BLK_SIZE | VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_DISCARD;

static void take_discard(struct block_virtio *disk, const struct virtio_block_config *config)
{
    uint64_t per_block = disk->block.block_bytes / VIRTIO_BLOCK_SECTOR_BYTES;
    if (!virtio_device_has(&disk->device, VIRTIO_BLK_F_DISCARD)) return;
    disk->discard_blocks_max = config->discard_sectors_max / per_block;
    disk->discard_ranges_max = MIN(config->discard_ranges_max, BLOCK_VIRTIO_RANGES_MAX);
    if (disk->discard_blocks_max == 0) disk->discard_ranges_max = 0;
}

/* 5.2.4. Where the device does not say how many parts it takes, it is one. */
static enum result take_config(struct block_virtio *disk)
{
    struct virtio_block_config config;
    const struct virtio_device *device = &disk->device;
    virtio_device_config(&disk->device, SPAN_OF(config));
    bool has_size = virtio_device_has(device, VIRTIO_BLK_F_BLK_SIZE);
    uint32_t block_bytes = has_size ? config.block_bytes : VIRTIO_BLOCK_SECTOR_BYTES;
    uint64_t sectors = MIN(config.capacity_sectors, UINT64_MAX / VIRTIO_BLOCK_SECTOR_BYTES);
    bool has_parts = virtio_device_has(device, VIRTIO_BLK_F_SEG_MAX) && config.parts_max > 0;
    if (!block_bytes_are_valid(block_bytes) || sectors < block_bytes / VIRTIO_BLOCK_SECTOR_BYTES) {
        log_error("the disk has %llu sectors, in blocks of %u bytes: that is none",
                  (unsigned long long)sectors, block_bytes);
        return INVALID;
    }
    disk->block.block_bytes = block_bytes;
    disk->block.block_count = sectors / (block_bytes / VIRTIO_BLOCK_SECTOR_BYTES);
    disk->block.alignment_bytes = 1;
    disk->block.read_only = virtio_device_has(device, VIRTIO_BLK_F_RO);
    disk->parts_max = has_parts ? MIN(config.parts_max, BLOCK_PARTS_MAX) : 1;
    take_discard(disk, &config);
    return OK;
}

/* Chains, and what the parts of one are gathered in. */
static enum result take_arrays(struct block_virtio *disk)
{
    const size_t chains_bytes = QUEUE_SIZE * sizeof *disk->chains;
    const size_t parts_bytes = (BLOCK_PARTS_MAX + 1) * sizeof(union block_part);
    enum result result = memory_take(chains_bytes + 2 * parts_bytes, &disk->memory);
    if (result != OK) return result;
    disk->chains = (void *)disk->memory.bytes;
    disk->readable = (void *)span_from_offset(disk->memory, chains_bytes).bytes;
    disk->writable = (void *)span_from_offset(disk->memory, chains_bytes + parts_bytes).bytes;
    return OK;
}

static enum result open_queue(struct block_virtio *disk)
{
    const struct virtio_queue_options options = {
        .size = QUEUE_SIZE,
        .has_event_index = virtio_device_has(&disk->device, VIRTIO_F_EVENT_IDX),
    };
    enum result result = take_arrays(disk);
    return result == OK ? virtio_queue_open(&disk->queue, &options) : result;
}

static void give_back(struct block_virtio *disk)
{
    virtio_queue_close(&disk->queue);
    memory_give_back(disk->memory);
}

enum result block_virtio_open(struct block_virtio *disk, struct view name)
{
    const struct virtio_queue *const queues[] = { &disk->queue };
    struct virtio_device *device = &disk->device;
    *disk = (struct block_virtio){ .block.ops = &block_virtio_ops,
                                   .poller = { .poll = disk_poll, .arm = disk_arm },
                                   .turn = { .run = take_turn } };
    list_init(&disk->waiting);
    enum result result = virtio_device_open(device, MACHINE_BLOCK, name);
    if (result == OK) result = virtio_device_agree(device, virtio_device_offers(device, wanted));
    if (result == OK) result = take_config(disk);
    if (result == OK) result = open_queue(disk);
    if (result != OK) {
        give_back(disk);
        return result;
    }
    virtio_device_start(device, queues, LENGTH_OF(queues));
    machine_poller_add(&disk->poller);
    return OK;
}

void block_virtio_close(struct block_virtio *disk)
{
    assert(list_is_empty(&disk->waiting));
    assert(disk->device.is_broken || disk->queue.given_count == 0);
    machine_poller_remove(&disk->poller);
    loop_withdraw(&disk->turn);
    if (!disk->device.is_broken) (void)virtio_device_reset(&disk->device);
    give_back(disk);
}
