/* block_memory.h - a disk in memory, gone when it closes.
 *
 * It does what it is given when every fiber that can run has run, in order.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BLOCK_MEMORY_H
#define LOOM_BLOCK_MEMORY_H

#include "block/block.h"
#include "fiber/fiber.h"
#include "parameter/parameter.h"

struct block_memory_parameters {
    uint64_t size_bytes;
    uint64_t block_bytes;
};
extern const struct parameter block_memory_parameters[];

struct block_memory {
    struct block block;
    struct span memory;
    struct list waiting;
    struct deferred turn;
};

/* All zeros. FULL: there is not so much memory. INVALID: the size of a block is none of
 * block_bytes_are_valid, or the disk would have no block. */
enum result block_memory_open(struct block_memory *memory,
                              const struct block_memory_parameters *parameters) CHECKED;

/* No request may be under way. */
void block_memory_close(struct block_memory *memory);

#endif
