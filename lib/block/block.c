/* block.c - the contract of requests, and fibers that wait for one.
 *
 * SPDX-License-Identifier: ISC */
#include "block/block.h"

#include "base/units.h"
#include "fiber/fiber.h"

/* ---- submitting ---- */

/* How many blocks the parts hold, which are as the contract wants them. */
static uint64_t count_blocks(const struct block *block, const struct block_request *request)
{
    size_t length_bytes = 0;
    assert(request->part_count > 0 && request->part_count <= BLOCK_PARTS_MAX);
    for (size_t i = 0; i < request->part_count; i++) {
        struct view part = request->parts[i].from;
        assert(part.length_bytes > 0 && part.length_bytes <= BLOCK_REQUEST_BYTES_MAX);
        assert_that(part.length_bytes % block->block_bytes, ==, 0);
        assert_that((uintptr_t)part.bytes % block->alignment_bytes, ==, 0);
        length_bytes += part.length_bytes;
    }
    assert_that(length_bytes, <=, BLOCK_REQUEST_BYTES_MAX);
    return length_bytes / block->block_bytes;
}

static bool is_within(const struct block *block, const struct block_request *request)
{
    return request->first_block <= block->block_count &&
           request->block_count <= block->block_count - request->first_block;
}

static bool is_change(const struct block_request *request)
{
    return request->kind == BLOCK_WRITE || request->kind == BLOCK_DISCARD;
}

static void count(struct block *block, const struct block_request *request)
{
    struct block_statistics *statistics = &block->statistics;
    switch (request->kind) {
    case BLOCK_READ:
        statistics->reads++;
        statistics->read_bytes += request->block_count * block->block_bytes;
        break;
    case BLOCK_WRITE:
        statistics->writes++;
        statistics->written_bytes += request->block_count * block->block_bytes;
        break;
    case BLOCK_FLUSH: statistics->flushes++; break;
    case BLOCK_DISCARD: statistics->discards++; break;
    }
}

enum result block_submit(struct block *block, struct block_request *request)
{
    assert(request->done != NULL && !list_holds(&request->node));
    if (request->kind == BLOCK_READ || request->kind == BLOCK_WRITE) {
        request->block_count = count_blocks(block, request);
    } else if (request->kind == BLOCK_FLUSH) {
        request->first_block = request->block_count = 0;
    }
    if (is_change(request) && block->read_only) return DENIED;
    if (!is_within(block, request)) return INVALID;
    request->device_block = request->first_block;
    block_forward(block, request);
    return OK;
}

void block_forward(struct block *block, struct block_request *request)
{
    count(block, request);
    block->ops->submit(block, request);
}

void block_tell(struct block *block, struct block_request *request, enum result result)
{
    if (result != OK) block->statistics.failures++;
    request->result = result;
    request->done(request);
}

/* ---- fibers ---- */

/* Lives on the fiber's stack: nothing leaves this file while the device has the request. */
struct waited {
    struct block_request request;
    struct waiters fiber;
    bool is_told;
};

static void wake(struct block_request *request)
{
    struct waited *waited = CONTAINER_OF(request, struct waited, request);
    waited->is_told = true;
    (void)waiters_wake_one(&waited->fiber);
}

static const char *reason_of(enum block_kind kind)
{
    static const char *const reasons[] = {
        [BLOCK_READ] = "block_read",
        [BLOCK_WRITE] = "block_write",
        [BLOCK_FLUSH] = "block_flush",
        [BLOCK_DISCARD] = "block_discard",
    };
    return reasons[kind];
}

/* What has begun is the device's until it says so, whatever the fiber was told. */
static void wait_for_end(struct waited *waited)
{
    while (!waited->is_told)
        result_ignore(
            waiters_wait_shielded(&waited->fiber, reason_of(waited->request.kind), NEVER));
}

static enum result run(struct block *block, struct waited *waited, uint64_t deadline_ns)
{
    if (fiber_is_cancelled()) return CANCELLED;
    if (deadline_ns <= loop_now_ns()) return TIMED_OUT;
    waiters_init(&waited->fiber);
    waited->request.done = wake;
    enum result result = block_submit(block, &waited->request);
    if (result != OK) return result;
    while (!waited->is_told && result == OK)
        result = waiters_wait(&waited->fiber, reason_of(waited->request.kind), deadline_ns);
    if (!waited->is_told && block_withdraw(block, &waited->request)) return result;
    wait_for_end(waited);
    return waited->request.result;
}

enum result block_read_parts(struct block *block, uint64_t first_block,
                             const union block_part parts[], size_t part_count,
                             uint64_t deadline_ns)
{
    struct waited waited = { .request = { .kind = BLOCK_READ,
                                          .first_block = first_block,
                                          .parts = parts,
                                          .part_count = part_count } };
    return run(block, &waited, deadline_ns);
}

enum result block_write_parts(struct block *block, uint64_t first_block,
                              const union block_part parts[], size_t part_count,
                              uint64_t deadline_ns)
{
    struct waited waited = { .request = { .kind = BLOCK_WRITE,
                                          .first_block = first_block,
                                          .parts = parts,
                                          .part_count = part_count } };
    return run(block, &waited, deadline_ns);
}

enum result block_read(struct block *block, uint64_t first_block, struct span into,
                       uint64_t deadline_ns)
{
    const union block_part part = { .into = into };
    return block_read_parts(block, first_block, &part, 1, deadline_ns);
}

enum result block_write(struct block *block, uint64_t first_block, struct view from,
                        uint64_t deadline_ns)
{
    const union block_part part = { .from = from };
    return block_write_parts(block, first_block, &part, 1, deadline_ns);
}

enum result block_flush(struct block *block, uint64_t deadline_ns)
{
    struct waited waited = { .request = { .kind = BLOCK_FLUSH } };
    return run(block, &waited, deadline_ns);
}

enum result block_discard(struct block *block, uint64_t first_block, uint64_t block_count,
                          uint64_t deadline_ns)
{
    struct waited waited = {
        .request = { .kind = BLOCK_DISCARD, .first_block = first_block, .block_count = block_count }
    };
    return run(block, &waited, deadline_ns);
}
