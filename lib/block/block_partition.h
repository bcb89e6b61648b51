/* block_partition.h - a window on another block: one partition of it, or any stretch of blocks.
 *
 * A request goes straight on to the disk below, whose blocks it then names, and it is the disk
 * below that tells it; so a window costs an addition. Its flush is that of the whole disk.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BLOCK_PARTITION_H
#define LOOM_BLOCK_PARTITION_H

#include "block/block.h"
#include "block/partition_table.h"
#include "parameter/parameter.h"

struct block_partition_parameters {
    uint64_t number;
};
extern const struct parameter block_partition_parameters[];

struct block_partition {
    struct block block; /* its statistics know no failures: the disk below has them */
    struct block *below;
    uint64_t first_block;
};

/* Waits. Opens the partition of that number. NOT_FOUND: the disk has no table, or none of that
 * number. INVALID: both tables are damaged, or say what cannot be. UNSUPPORTED: see
 * partition_table.h. FULL: no memory for the table while it is read. FAILED: the disk. The log says
 * what it was. */
enum result block_partition_open(struct block_partition *partition, struct block *below,
                                 const struct block_partition_parameters *parameters) CHECKED;

/* The blocks from `first_block` on, which must be on the disk below. */
void block_partition_open_range(struct block_partition *partition, struct block *below,
                                uint64_t first_block, uint64_t block_count);

/* No request may be under way. */
void block_partition_close(struct block_partition *partition);

/* Waits. Reads the disk's table, from its copy at the end where the first is damaged, which the log
 * tells. Results as above. */
enum result block_partition_list(struct block *below, struct partition_table *table) CHECKED;

#endif
