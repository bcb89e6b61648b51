/* block_memory.c - a disk in memory.
 *
 * SPDX-License-Identifier: ISC */
#include "block/block_memory.h"

#include "base/units.h"
#include "target/memory.h"

#define LOG_MODULE "block"
#include "log/log.h"

/* What is read and written in one turn of the loop: the rest waits for the next, so that fibers
 * run in between. */
#define TURN_BYTES_MAX (4 * MIB)

const struct parameter block_memory_parameters[] = {
    PARAMETER_BYTES(struct block_memory_parameters, size_bytes, "block-size", "1MiB", 512, 64 * GIB,
                    "how long the disk is, which is in memory"),
    PARAMETER_NUMBER(struct block_memory_parameters, block_bytes, "block-bytes", "512",
                     BLOCK_BYTES_MIN, BLOCK_BYTES_MAX, "how long a block is: a power of two"),
    PARAMETER_END,
};

/* ---- carrying out ---- */

static struct span blocks_of(const struct block_memory *memory, const struct block_request *request)
{
    size_t block_bytes = memory->block.block_bytes;
    struct span from = span_from_offset(memory->memory, request->device_block * block_bytes);
    return span_first(from, request->block_count * block_bytes);
}

static void read_blocks(struct span blocks, const struct block_request *request)
{
    struct view rest = span_view(blocks);
    for (size_t i = 0; i < request->part_count; i++) {
        struct span into = request->parts[i].into;
        (void)span_copy(into, view_first(rest, into.length_bytes));
        rest = view_from_offset(rest, into.length_bytes);
    }
}

static void write_blocks(struct span blocks, const struct block_request *request)
{
    for (size_t i = 0; i < request->part_count; i++)
        blocks = span_copy(blocks, request->parts[i].from);
}

/* Returns how many bytes were moved. */
static size_t carry_out(struct block_memory *memory, struct block_request *request)
{
    struct span blocks = blocks_of(memory, request);
    switch (request->kind) {
    case BLOCK_READ: read_blocks(blocks, request); break;
    case BLOCK_WRITE: write_blocks(blocks, request); break;
    case BLOCK_DISCARD: span_fill(blocks, 0); break;
    case BLOCK_FLUSH: break;
    }
    return blocks.length_bytes;
}

/* What is submitted meanwhile waits for the next turn, and so does what is too much for this one.
 */
static void take_turn(struct deferred *turn)
{
    struct block_memory *memory = CONTAINER_OF(turn, struct block_memory, turn);
    size_t moved_bytes = 0;
    struct list due;
    list_init(&due);
    list_move_all(&due, &memory->waiting);
    while (!list_is_empty(&due) && moved_bytes < TURN_BYTES_MAX) {
        struct block_request *request = CONTAINER_OF(list_take(&due), struct block_request, node);
        moved_bytes += carry_out(memory, request);
        block_tell(&memory->block, request, OK);
    }
    list_move_all(&due, &memory->waiting);
    list_move_all(&memory->waiting, &due);
    if (!list_is_empty(&memory->waiting)) loop_defer(&memory->turn);
}

/* ---- the signature ---- */

static void block_memory_submit(struct block *block, struct block_request *request)
{
    struct block_memory *memory = CONTAINER_OF(block, struct block_memory, block);
    list_append(&memory->waiting, &request->node);
    loop_defer(&memory->turn);
}

static bool block_memory_withdraw(struct block *block, struct block_request *request)
{
    (void)block;
    list_remove(&request->node);
    return true;
}

static const struct block_ops block_memory_ops = BLOCK_OPS(block_memory);

/* ---- opening ---- */

enum result block_memory_open(struct block_memory *memory,
                              const struct block_memory_parameters *parameters)
{
    uint64_t block_bytes = parameters->block_bytes;
    if (!block_bytes_are_valid(block_bytes) || parameters->size_bytes < block_bytes) {
        log_error("a block of %zu bytes, in %zu: its size is a power of two from %u to %u, and the "
                  "disk has at least one",
                  (size_t)block_bytes, (size_t)parameters->size_bytes, BLOCK_BYTES_MIN,
                  BLOCK_BYTES_MAX);
        return INVALID;
    }
    *memory = (struct block_memory){
        .block = { .ops = &block_memory_ops,
                   .block_count = parameters->size_bytes / block_bytes,
                   .block_bytes = (uint32_t)block_bytes,
                   .alignment_bytes = 1 },
        .turn = { .run = take_turn },
    };
    list_init(&memory->waiting);
    return memory_take(block_size_bytes(&memory->block), &memory->memory);
}

void block_memory_close(struct block_memory *memory)
{
    assert(list_is_empty(&memory->waiting));
    loop_withdraw(&memory->turn);
    memory_give_back(memory->memory);
}
