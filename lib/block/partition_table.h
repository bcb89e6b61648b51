/* partition_table.h - where on a disk the partitions are: GPT (UEFI 2.10, 5.3) and MBR (5.2.1), as
 * pure parsers of blocks that somebody has read.
 *
 *     block   0      1        2 ...                               last - n ...     last
 *            | MBR | header | entries |  first to last usable   | entries copied | header copied |
 *
 * The disk may have been anybody's: every number is checked against the disk's size, partitions do
 * not overlap each other or the tables, and the work and memory for a table are bounded.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_PARTITION_TABLE_H
#define LOOM_PARTITION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"
#include "base/view.h"

#define PARTITIONS_MAX 128

#define GPT_GUID_BYTES 16

/* Of an entry: 128 times a power of two. What one chunk holds is whole entries and whole blocks. */
#define GPT_ENTRY_BYTES_MIN   128u
#define GPT_CHUNK_BYTES       4096u
#define GPT_ENTRIES_BYTES_MAX (256u * 1024)

struct partition {
    uint32_t number; /* from 1; of GPT the place of its entry, of MBR 1 to 4 */
    uint64_t first_block, block_count;
    uint8_t type[GPT_GUID_BYTES];   /* as it lies on the disk; of MBR one byte */
    uint8_t unique[GPT_GUID_BYTES]; /* zeros of MBR */
};

/* By number, which need not be without gaps. */
struct partition_table {
    size_t count;
    struct partition partitions[PARTITIONS_MAX];
};

/* ---- MBR ---- */

enum mbr_kind {
    MBR_NONE,       /* no signature */
    MBR_PROTECTIVE, /* the disk has a GPT, and this keeps others off */
    MBR_PARTITIONS, /* up to four */
};

enum mbr_kind mbr_kind_of(struct view block);

/* The primary partitions of a block 0 that is MBR_PARTITIONS; an extended one, and so those in it,
 * is left out. INVALID: they overlap or are not on the disk, or this is the boot sector of a file
 * system, which has the same signature. */
enum result mbr_read(struct view block, uint64_t block_count,
                     struct partition_table *table) CHECKED;

/* ---- GPT ---- */

struct gpt_header {
    uint64_t alternate_block; /* where the other header is said to be */
    uint64_t first_usable, last_usable;
    uint64_t entries_block;
    uint32_t entry_count, entry_bytes, entries_crc;
};

/* Of the block `number`. INVALID: damaged, or it speaks of a disk that this is not. UNSUPPORTED:
 * its entries are over the limits above. */
enum result gpt_header_read(struct view block, uint64_t number, uint64_t block_count,
                            struct gpt_header *header) CHECKED;

static inline uint32_t gpt_entries_length_bytes(const struct gpt_header *header)
{
    return header->entry_count * header->entry_bytes;
}

/* The entries are taken chunk by chunk: each of GPT_CHUNK_BYTES, the last of what is left. */
struct gpt_entries {
    const struct gpt_header *header;
    struct partition_table *table;
    uint32_t next; /* to be taken, from 0 */
    uint32_t crc;
    enum result result;
};

void gpt_entries_begin(struct gpt_entries *entries, const struct gpt_header *header,
                       struct partition_table *table);

/* How long the next chunk is: 0 when all have been taken. */
uint32_t gpt_entries_wanted_bytes(const struct gpt_entries *entries);
void gpt_entries_take(struct gpt_entries *entries, struct view chunk);

/* When all have been taken. INVALID: the checksum is wrong, or partitions are not usable or
 * overlap. UNSUPPORTED: there are more than PARTITIONS_MAX. */
enum result gpt_entries_end(const struct gpt_entries *entries) CHECKED;

/* NULL: there is none of this number. */
const struct partition *partition_find(const struct partition_table *table, uint64_t number);

#endif
