/* block_virtio.c - a disk of the machine.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/block_virtio.h"

#include "base/units.h"
#include "target/memory.h"

#define LOG_MODULE "block"
#include "log/log.h"

/* Room for 170 requests of one part: under our tender one crossing serves all that are there. */
#define QUEUE_SIZE 512
#define OWN_PARTS  2 /* header and status */

/* For requests in many parts, where the device takes them. */
#define TABLE_COUNT 16

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

/* The next chain's parts, each at most as long as the device takes, from where the request has got
 * to; gives how many. `cut` is then behind them. */
static size_t gather(struct block_virtio *disk, const struct block_request *request,
                     struct block_virtio_cut *cut)
{
    size_t count = 0;
    while (count < disk->parts_max && cut->part < request->part_count) {
        const union block_part *part = &request->parts[cut->part];
        size_t left_bytes = part->from.length_bytes - cut->done_bytes;
        size_t length_bytes = MIN(left_bytes, disk->part_bytes_max);
        if (request->kind == BLOCK_READ)
            disk->writable[count] = span_first(span_from_offset(part->into, cut->done_bytes),
                                               length_bytes);
        else
            disk->readable[1 + count] = view_slice(part->from, cut->done_bytes, length_bytes);
        count++;
        cut->sector += length_bytes / VIRTIO_BLOCK_SECTOR_BYTES;
        cut->done_bytes += length_bytes;
        if (length_bytes < left_bytes) continue;
        cut->part++;
        cut->done_bytes = 0;
    }
    return count;
}

/* As many chains as there is room for. False: it is not all of it. Meanwhile the request counts as
 * one chain more, so that it is not told before all have gone. */
static bool add_transfer(struct block_virtio *disk, struct block_request *request)
{
    bool is_read = request->kind == BLOCK_READ;
    if (disk->cut.request == NULL) {
        disk->cut = (struct block_virtio_cut){ .request = request,
                                               .sector = sectors_of(disk, request->device_block) };
        request->handle = 1;
    }
    while (disk->cut.part < request->part_count) {
        const struct virtio_block_request said = { .type = is_read ? VIRTIO_BLOCK_READ
                                                                   : VIRTIO_BLOCK_WRITE,
                                                   .sector = disk->cut.sector };
        struct block_virtio_cut next = disk->cut;
        size_t count = gather(disk, request, &next);
        if (!virtio_queue_has_room(&disk->queue, count + OWN_PARTS)) return false;
        add_chain(disk, request, &said, is_read ? 0 : count, is_read ? count : 0);
        disk->cut = next;
    }
    disk->cut.request = NULL;
    request->handle--;
    return true;
}

/* Its ranges lie in the chain of the head that it will have. */
static void add_discard(struct block_virtio *disk, struct block_request *request)
{
    const struct virtio_block_request said = { .type = disk->discard_type };
    struct block_virtio_chain *chain = &disk->chains[virtio_queue_next_head(&disk->queue)];
    uint64_t at = request->device_block, left = request->block_count;
    size_t count = 0;
    for (; left > 0 && count < disk->discard_ranges_max; count++) {
        uint64_t blocks = MIN(left, disk->discard_blocks_max);
        chain->ranges[count] = (struct virtio_block_range){
            .sector = sectors_of(disk, at),
            .sector_count = (uint32_t)sectors_of(disk, blocks),
            .flags = disk->discard_flags,
        };
        at += blocks;
        left -= blocks;
    }
    struct view ranges = VIEW_OF(chain->ranges);
    disk->readable[1] = view_first(ranges, count * sizeof chain->ranges[0]);
    add_chain(disk, request, &said, 1, 0);
}

/* False: the ring has no room for all of it now. */
static bool add(struct block_virtio *disk, struct block_request *request)
{
    const struct virtio_block_request flush = { .type = VIRTIO_BLOCK_FLUSH };
    bool is_transfer = request->kind == BLOCK_READ || request->kind == BLOCK_WRITE;
    if (disk->cut.request == NULL) {
        size_t parts = OWN_PARTS + (request->kind == BLOCK_FLUSH ? 0 : 1);
        if (!virtio_queue_has_room(&disk->queue, parts)) return false;
        request->handle = 0;
        request->result = OK;
    }
    if (is_transfer) return add_transfer(disk, request);
    if (request->kind == BLOCK_FLUSH) add_chain(disk, request, &flush, 0, 0);
    if (request->kind == BLOCK_DISCARD) add_discard(disk, request);
    return true;
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
        if (needs_device && !add(disk, request)) return;
        list_remove(node);
        if (!needs_device) list_append(done, node);
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

/* What is first in `waiting` and has begun is told as well. */
static void end_cut(struct block_virtio *disk)
{
    struct block_request *request = disk->cut.request;
    if (request == NULL) return;
    disk->cut.request = NULL;
    list_remove(&request->node);
    assert_that(request->handle, ==, 1);
    block_tell(&disk->block, request, FAILED);
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
    end_cut(disk);
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
    return virtio_watch_poll(&disk->watch, had_something);
}

static bool disk_arm(struct machine_poller *poller)
{
    struct block_virtio *disk = CONTAINER_OF(poller, struct block_virtio, poller);
    if (disk->device.is_broken) return false;
    bool has_ended = virtio_queue_interrupts(&disk->queue, disk->queue.given_count > 0);
    return virtio_watch_arm(&disk->watch) || has_ended || disk->queue.is_broken;
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
    if (!list_holds(&request->node) || disk_of(block)->cut.request == request) return false;
    list_remove(&request->node);
    return true;
}

static const struct block_ops block_virtio_ops = BLOCK_OPS(block_virtio);

/* ---- opening ---- */

static const uint64_t wanted = VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC | VIRTIO_BLK_F_SIZE_MAX |
                               VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_RO | VIRTIO_BLK_F_BLK_SIZE |
                               VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_DISCARD |
                               VIRTIO_BLK_F_WRITE_ZEROES;

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
    struct virtio_queue_options options = {
        .size = virtio_device_queue_size(&disk->device, 0, QUEUE_SIZE),
        .has_event_index = virtio_device_has(&disk->device, VIRTIO_F_EVENT_IDX),
    };
    if (options.size < 1 + OWN_PARTS) {
        log_error("the disk's ring has %u entries, too few for a request", options.size);
        return UNSUPPORTED;
    }
    disk->parts_max = MIN(disk->parts_max, (size_t)options.size - OWN_PARTS);
    if (virtio_device_has(&disk->device, VIRTIO_F_INDIRECT_DESC)) {
        options.table_count = TABLE_COUNT;
        options.table_parts = (uint16_t)(disk->parts_max + OWN_PARTS);
    }
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
                                   .watch.changed = block_virtio_config_changed,
                                   .turn = { .run = take_turn } };
    list_init(&disk->waiting);
    enum result result = virtio_device_open(device, MACHINE_BLOCK, name);
    if (result == OK) result = virtio_device_agree(device, virtio_device_offers(device, wanted));
    if (result == OK) result = block_virtio_take_config(disk);
    if (result == OK) result = open_queue(disk);
    if (result != OK) {
        give_back(disk);
        return result;
    }
    virtio_device_start(device, queues, LENGTH_OF(queues));
    machine_poller_add(&disk->poller);
    virtio_watch_start(&disk->watch, device);
    return OK;
}

void block_virtio_close(struct block_virtio *disk)
{
    assert(list_is_empty(&disk->waiting));
    assert(disk->device.is_broken || disk->queue.given_count == 0);
    machine_poller_remove(&disk->poller);
    virtio_watch_stop(&disk->watch);
    loop_withdraw(&disk->turn);
    if (!disk->device.is_broken) (void)virtio_device_reset(&disk->device);
    give_back(disk);
}
