/* device_block.c - a guest's requests to its disk.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/device_block.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "tender/parts.h"

#define STATUS_BYTES sizeof(uint8_t)
#define NAME_BYTES   20

static struct device_block *block_of(struct device *device)
{
    return CONTAINER_OF(device, struct device_block, device);
}

/* ---- what a request says ---- */

/* Copied: what it says is checked once. */
struct request {
    struct virtio_block_request said;
    uint32_t data_bytes; /* to be read or written, as the type has it */
};

/* Whether so many sectors from `sector` on are on the disk. */
static bool is_on_disk(const struct device_block *block, uint64_t sector, uint64_t count)
{
    return count <= block->store.sector_count && sector <= block->store.sector_count - count;
}

static bool range_is_sound(const struct device_block *block, const struct request *request)
{
    return request->data_bytes <= BLOCK_REQUEST_DATA_MAX &&
           request->data_bytes % VIRTIO_BLOCK_SECTOR_BYTES == 0 &&
           is_on_disk(block, request->said.sector, request->data_bytes / VIRTIO_BLOCK_SECTOR_BYTES);
}

static uint64_t offset_of(uint64_t sector)
{
    return sector * VIRTIO_BLOCK_SECTOR_BYTES; /* on the disk, so it does not overflow */
}

/* ---- carrying out ---- */

/* What the host cannot do the guest is told by the status; who runs it, here. */
static enum virtio_block_status host_failed(struct device_block *block, const char *step,
                                            size_t requests)
{
    block->failures += requests;
    if (!block->told_failure)
        device_warn(&block->device,
                    "the host cannot %s: %s (later failures are told to the guest "
                    "alone)",
                    step, strerror(errno));
    block->told_failure = true;
    return VIRTIO_BLOCK_FAILED;
}

static enum virtio_block_status do_flush(struct device_block *block)
{
    int status;
    do {
        status = fdatasync(block->store.descriptor);
    } while (status != 0 && errno == EINTR);
    return status == 0 ? VIRTIO_BLOCK_OK : host_failed(block, "flush", 1);
}

static enum virtio_block_status do_name(struct device_block *block)
{
    const struct queue_chain *chain = &block->chain;
    uint8_t name[NAME_BYTES] = { 0 };
    if (chain->writable_bytes < sizeof name + STATUS_BYTES) return VIRTIO_BLOCK_FAILED;
    static_assert(sizeof block->device.name <= sizeof name, "a device's name");
    (void)span_copy(SPAN_OF(name), VIEW_OF(block->device.name));
    (void)parts_copy_in(queue_writable(chain), chain->writable_count, 0, VIEW_OF(name));
    return VIRTIO_BLOCK_OK;
}

static bool cannot_discard(int error)
{
    return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL;
}

/* A hole reads as zeros, in a file and on a block device. A host that has none keeps the bytes,
 * which a discard allows (5.2.6.2). */
static bool discard_range(const struct device_block *block, const struct virtio_block_range *range)
{
    if (range->sector_count == 0) return true;
    int status = fallocate(block->store.descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                           (off_t)offset_of(range->sector), (off_t)offset_of(range->sector_count));
    return status == 0 || cannot_discard(errno);
}

/* All ranges are copied and checked before the first is discarded. */
static enum virtio_block_status do_discard(struct device_block *block)
{
    const struct queue_chain *chain = &block->chain;
    struct virtio_block_range ranges[BLOCK_DISCARD_RANGES_MAX];
    size_t data_bytes = chain->readable_bytes - sizeof(struct virtio_block_request);
    size_t count = data_bytes / sizeof ranges[0];
    if (block->store.read_only || data_bytes % sizeof ranges[0] != 0 || count == 0 ||
        count > LENGTH_OF(ranges))
        return VIRTIO_BLOCK_FAILED;
    (void)parts_copy_out(queue_readable(chain), chain->readable_count,
                         sizeof(struct virtio_block_request),
                         span_first(SPAN_OF(ranges), data_bytes));
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].flags != 0) return VIRTIO_BLOCK_UNSUPPORTED;
        if (!is_on_disk(block, ranges[i].sector, ranges[i].sector_count))
            return VIRTIO_BLOCK_FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        if (!discard_range(block, &ranges[i])) return host_failed(block, "discard", 1);
    }
    return VIRTIO_BLOCK_OK;
}

static enum virtio_block_status carry_out(struct device_block *block, uint32_t type)
{
    switch (type) {
    case VIRTIO_BLOCK_FLUSH: return do_flush(block);
    case VIRTIO_BLOCK_NAME: return do_name(block);
    case VIRTIO_BLOCK_DISCARD:
        if ((block->offered & VIRTIO_BLK_F_DISCARD) == 0) return VIRTIO_BLOCK_UNSUPPORTED;
        return do_discard(block);
    default: return VIRTIO_BLOCK_UNSUPPORTED;
    }
}

/* ---- the device ---- */

/* What takes the host long without moving a byte, as bytes of a turn. */
static uint64_t cost_of(uint32_t type)
{
    return type == VIRTIO_BLOCK_FLUSH || type == VIRTIO_BLOCK_DISCARD ? BLOCK_TURN_BYTES_MAX / 16
                                                                      : 0;
}

/* The status is the last byte to be written. */
static void answer(struct device_block *block, enum virtio_block_status said)
{
    const struct queue_chain *chain = &block->chain;
    const uint8_t status = (uint8_t)said;
    (void)parts_copy_in(queue_writable(chain), chain->writable_count,
                        chain->writable_bytes - STATUS_BYTES, VIEW_OF(status));
    queue_give_back(&block->queue, chain->head, chain->writable_bytes);
}

static void finish_run(struct device_block *block)
{
    struct block_run *run = &block->run;
    if (run->request_count == 0) return;
    size_t failed = block_run_carry_out(run, &block->store, block->writes_through, block->data);
    if (failed > 0) (void)host_failed(block, run->is_write ? "write" : "read", failed);
    for (size_t i = 0; i < run->request_count; i++) {
        const struct block_run_request *request = &run->requests[i];
        const uint8_t status = request->is_done ? VIRTIO_BLOCK_OK : VIRTIO_BLOCK_FAILED;
        (void)span_copy(request->status, VIEW_OF(status));
        queue_give_back(&block->queue, request->head, request->writable_bytes);
    }
    run->request_count = 0;
}

/* What is not sound is told at once, and what is goes with its neighbours. */
static void serve_transfer(struct device_block *block, struct request *request)
{
    const struct queue_chain *chain = &block->chain;
    const bool is_write = request->said.type == VIRTIO_BLOCK_WRITE;
    request->data_bytes = is_write ? chain->readable_bytes - (uint32_t)sizeof request->said
                                   : chain->writable_bytes - (uint32_t)STATUS_BYTES;
    if ((is_write && block->store.read_only) || !range_is_sound(block, request)) {
        request->data_bytes = 0;
        answer(block, VIRTIO_BLOCK_FAILED);
        return;
    }
    if (!block_run_takes(&block->run, chain, is_write, request->said.sector, request->data_bytes))
        finish_run(block);
    block_run_add(&block->run, chain, is_write, request->said.sector, request->data_bytes);
}

/* Gives how much was moved; false: the chain has no room for header and status, and there is no way
 * to say so. */
static bool serve_chain(struct device_block *block, uint64_t *moved_bytes)
{
    const struct queue_chain *chain = &block->chain;
    struct request request = { .data_bytes = 0 };
    if (chain->readable_bytes < sizeof request.said || chain->writable_bytes < STATUS_BYTES) {
        block->queue.problem = "a request has no header, or no room for its status";
        return false;
    }
    (void)parts_copy_out(queue_readable(chain), chain->readable_count, 0, SPAN_OF(request.said));
    if (request.said.type == VIRTIO_BLOCK_READ || request.said.type == VIRTIO_BLOCK_WRITE) {
        serve_transfer(block, &request);
    } else {
        finish_run(block); /* what came before a flush is there before it */
        answer(block, carry_out(block, request.said.type));
    }
    *moved_bytes += request.data_bytes + cost_of(request.said.type);
    return true;
}

static bool device_block_serve(struct device *device, const struct guest_memory *memory)
{
    struct device_block *block = block_of(device);
    uint64_t moved_bytes = 0;
    (void)memory; /* its queue has it */
    for (size_t turn = 0; turn < block->queue.size && moved_bytes < BLOCK_TURN_BYTES_MAX; turn++) {
        if (!queue_take(&block->queue, &block->chain)) break;
        if (!serve_chain(block, &moved_bytes)) break;
    }
    finish_run(block);
    bool published = queue_publish(&block->queue);
    if (block->queue.problem != NULL) device_break(device, block->queue.problem);
    return published;
}

static bool device_block_start(struct device *device, const struct guest_memory *memory,
                               const struct machine_device *said)
{
    struct device_block *block = block_of(device);
    const char *problem = NULL;
    block->queue = (struct queue){ .size = 0 };
    block->writes_through = (said->accepted & VIRTIO_BLK_F_FLUSH) == 0;
    if ((said->accepted & ~block->offered) != 0)
        problem = "it accepts features that are not offered";
    else if ((said->accepted & VIRTIO_F_VERSION_1) == 0)
        problem = "it does not accept virtio 1";
    else if (!queue_open(&block->queue, memory, &said->queues[0], said->accepted))
        problem = block->queue.problem;
    if (problem != NULL) device_break(device, problem);
    return problem == NULL;
}

static void device_block_stop(struct device *device)
{
    block_of(device)->queue = (struct queue){ .size = 0 };
}

static void device_block_close(struct device *device)
{
    struct device_block *block = block_of(device);
    device_block_stop(device);
    block_store_close(&block->store);
}

static const struct device_ops device_block_ops = {
    .start = device_block_start,
    .serve = device_block_serve,
    .stop = device_block_stop,
    .close = device_block_close,
};

void device_block_open(struct device_block *block, struct machine_device *shared, struct view name,
                       const struct block_store *store)
{
    const struct virtio_block_config config = {
        .capacity_sectors = store->sector_count,
        .parts_max = BLOCK_DATA_PARTS_MAX,
        .block_bytes = store->block_bytes,
        .discard_sectors_max = (uint32_t)MIN(store->sector_count, UINT32_MAX),
        .discard_ranges_max = BLOCK_DISCARD_RANGES_MAX,
        .discard_alignment_sectors = store->block_bytes / VIRTIO_BLOCK_SECTOR_BYTES,
    };
    struct machine_device presented = {
        .kind = MACHINE_BLOCK,
        .transport = MACHINE_SHARED,
        .queue_count = 1,
        .offered = VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_BLK_F_SEG_MAX |
                   VIRTIO_BLK_F_BLK_SIZE | VIRTIO_BLK_F_FLUSH |
                   (store->read_only ? VIRTIO_BLK_F_RO : VIRTIO_BLK_F_DISCARD),
    };
    memset(block, 0, sizeof *block);
    block->device.ops = &device_block_ops;
    block->store = *store;
    block->offered = presented.offered;
    (void)span_copy(SPAN_OF(presented.config), VIEW_OF(config));
    (void)span_copy(SPAN_OF(presented.name), name);
    device_present(&block->device, shared, &presented);
}
