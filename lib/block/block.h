/* block.h - the signature of a disk: blocks of one size, read and written by number.
 *
 * A *request* is embedded in what its owner works on, so that a device needs no memory for those
 * that wait and is never full: it holds as many as its users own. It is told once, by `done` in the
 * loop; or a fiber waits for it:
 *
 *     block_submit, block_withdraw        any number of requests under way, without a fiber each
 *     block_read, block_write, ...        one, and the fiber waits
 *
 * Who may touch the bytes: from block_submit until the request is told or withdrawn they are the
 * device's, which may read those to be written, and fill those to be read, at any moment; from then
 * on it does not touch them any more. No device can be made to let go of what it has begun, so a
 * deadline and a cancellation end the wait of a request that has not begun; one that has begun is
 * waited for, and its result is what really happened.
 *
 * What lasts: a write that is told is seen by every read that is submitted from then on. It
 * outlives a loss of power (and of the host) once a flush has been told OK that was submitted after
 * the write was told. Until then each of its blocks, by itself and in any order, may be kept or be
 * lost; a block is never half of one and half of the other. Requests under way at the same time
 * have no order: a write and a flush together promise nothing, and of two writes to one block
 * either may stay.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BLOCK_H
#define LOOM_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/list.h"
#include "base/result.h"
#include "base/view.h"

/* A block's size is a power of two in these bounds. */
#define BLOCK_BYTES_MIN 512u
#define BLOCK_BYTES_MAX 4096u

/* Of one read or write. */
#define BLOCK_PARTS_MAX         64
#define BLOCK_REQUEST_BYTES_MAX ((size_t)1024 * 1024)

/* A stretch of memory: to be filled by a read, or to be written. Its length is a multiple of the
 * block's size and not 0, and it begins at a multiple of the device's `alignment_bytes`. */
union block_part {
    struct span into;
    struct view from;
};

enum block_kind { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD };

struct block_request {
    enum block_kind kind;

    /* When it is told. OK. FULL: the host has no room for what was written. FAILED: the device, as
     * the log tells. After a read that failed, what was to be filled holds anything; after a write
     * or a discard, each of its blocks the old or the new. After a flush that failed, what was
     * written since the last flush that did not may be lost and no later flush promises it: it has
     * to be written again. */
    enum result result;

    uint64_t first_block;
    uint64_t block_count; /* of a discard; that of a read or write is what its parts hold */
    const union block_part *parts; /* theirs; they live as long as the request is under way */
    size_t part_count;
    /* Called once, in the loop. It must not wait; it may submit requests, this one too, and give
     * this one's memory back. */
    void (*done)(struct block_request *request);

    /* The device's own, while the request is under way. */
    struct list_node node;
    uint64_t device_block; /* `first_block` on the device that does it: a window moves it */
    uint64_t handle;
};

struct block_statistics {
    uint64_t reads, read_bytes, writes, written_bytes, flushes, discards;
    uint64_t failures; /* requests told with another result than OK */
};

struct block {
    const struct block_ops *ops;
    uint64_t block_count;
    uint32_t block_bytes;
    uint32_t alignment_bytes; /* of every part: a power of two, at most block_bytes */
    bool read_only;
    struct block_statistics statistics;
};

struct block_ops {
    void (*submit)(struct block *block, struct block_request *request);
    bool (*withdraw)(struct block *block, struct block_request *request);
};

#define BLOCK_OPS(impl) \
    { \
        .submit = impl##_submit, .withdraw = impl##_withdraw \
    }

/* Hands the request to the device. OK: it is under way, and `done` will be called, but not before
 * this has returned. INVALID: some of its blocks are not on the device. DENIED: the device is
 * read-only. With these it is not under way, and `done` is not called. A read or write of nothing,
 * or of more than the limits above, and a part of another size or alignment, are mistakes. A flush
 * has no blocks, and is never denied.
 *
 * A discard says that the blocks are not needed any more: what a read of them gives until they are
 * written again are zeros or what was there before, for each block by itself. A device that cannot
 * do more than that does nothing. */
enum result block_submit(struct block *block, struct block_request *request) CHECKED;

/* True: the request had not begun; it never happened, will not be told, and the device has let go
 * of it. False: it has begun, and will be told. It must be under way. */
static inline bool block_withdraw(struct block *block, struct block_request *request)
{
    return block->ops->withdraw(block, request);
}

/* ---- for fibers ---- */

/* Each of these waits, and besides what block_submit and `result` say ends with TIMED_OUT or
 * CANCELLED: then nothing was done. */

enum result block_read_parts(struct block *block, uint64_t first_block,
                             const union block_part parts[], size_t part_count,
                             uint64_t deadline_ns) CHECKED;
enum result block_write_parts(struct block *block, uint64_t first_block,
                              const union block_part parts[], size_t part_count,
                              uint64_t deadline_ns) CHECKED;
enum result block_read(struct block *block, uint64_t first_block, struct span into,
                       uint64_t deadline_ns) CHECKED;
enum result block_write(struct block *block, uint64_t first_block, struct view from,
                        uint64_t deadline_ns) CHECKED;
enum result block_flush(struct block *block, uint64_t deadline_ns) CHECKED;
enum result block_discard(struct block *block, uint64_t first_block, uint64_t block_count,
                          uint64_t deadline_ns) CHECKED;

/* ---- for devices ---- */

/* Tells the request, which is in no list any more. In the loop; the request may be gone, or be
 * under way again, when it returns. */
void block_tell(struct block *block, struct block_request *request, enum result result);

/* Hands a request that was submitted to another on to this one, which has the blocks from
 * `device_block` on, and tells it. */
void block_forward(struct block *block, struct block_request *request);

static inline uint64_t block_size_bytes(const struct block *block)
{
    return block->block_count * block->block_bytes;
}

static inline bool block_bytes_are_valid(uint64_t block_bytes)
{
    return block_bytes >= BLOCK_BYTES_MIN && block_bytes <= BLOCK_BYTES_MAX &&
           (block_bytes & (block_bytes - 1)) == 0;
}

#endif
