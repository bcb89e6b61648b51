/* block_partition.c - reading tables from a disk, and windows on it.
 *
 * SPDX-License-Identifier: ISC */
#include "block/block_partition.h"

#include "base/units.h"
#include "target/memory.h"

#define LOG_MODULE "block"
#include "log/log.h"

const struct parameter block_partition_parameters[] = {
    PARAMETER_NUMBER(struct block_partition_parameters, number, "partition", "1", 1, UINT32_MAX,
                     "which partition of the disk"),
    PARAMETER_END,
};

/* ---- reading a GPT ---- */

/* So many bytes from that block on, in whole blocks; the room has as many. */
static enum result read_bytes(struct block *below, uint64_t first_block, struct span room,
                              uint32_t length_bytes)
{
    size_t blocks = (length_bytes + below->block_bytes - 1) / below->block_bytes;
    return block_read(below, first_block, span_first(room, blocks * below->block_bytes), NEVER);
}

static enum result read_header(struct block *below, uint64_t number, struct span room,
                               struct gpt_header *header)
{
    if (number >= below->block_count) return INVALID;
    enum result result = read_bytes(below, number, room, below->block_bytes);
    if (result != OK) return result;
    return gpt_header_read(view_first(span_view(room), below->block_bytes), number,
                           below->block_count, header);
}

static enum result read_entries(struct block *below, struct span room,
                                const struct gpt_header *header, struct partition_table *table)
{
    struct gpt_entries entries;
    uint64_t block = header->entries_block;
    uint32_t wanted_bytes;
    gpt_entries_begin(&entries, header, table);
    while ((wanted_bytes = gpt_entries_wanted_bytes(&entries)) > 0) {
        enum result result = read_bytes(below, block, room, wanted_bytes);
        if (result != OK) return result;
        gpt_entries_take(&entries, view_first(span_view(room), wanted_bytes));
        block += GPT_CHUNK_BYTES / below->block_bytes;
    }
    return gpt_entries_end(&entries);
}

/* The first header, or the one at the end of the disk. *alternate_block stays where this one does
 * not say where the other is. */
static enum result read_gpt(struct block *below, uint64_t number, struct span room,
                            struct partition_table *table, uint64_t *alternate_block)
{
    struct gpt_header header;
    enum result result = read_header(below, number, room, &header);
    if (result != OK) return result;
    *alternate_block = header.alternate_block;
    return read_entries(below, room, &header, table);
}

/* A disk that cannot be read at one place may have been damaged there alone. */
static enum result read_either_gpt(struct block *below, struct span room,
                                   struct partition_table *table)
{
    uint64_t alternate_block = below->block_count - 1, ignored;
    enum result first = read_gpt(below, 1, room, table, &alternate_block);
    if (first == OK || first == UNSUPPORTED) return first;
    if (read_gpt(below, alternate_block, room, table, &ignored) != OK) return first;
    log_warning("the disk's table of partitions is damaged; its copy at the end serves");
    return OK;
}

/* ---- reading either table ---- */

static enum result read_table(struct block *below, struct span room, struct partition_table *table)
{
    enum result result = read_bytes(below, 0, room, below->block_bytes);
    if (result != OK) return result;
    struct view block = view_first(span_view(room), below->block_bytes);
    switch (mbr_kind_of(block)) {
    case MBR_NONE: return NOT_FOUND;
    case MBR_PROTECTIVE: return read_either_gpt(below, room, table);
    case MBR_PARTITIONS: return mbr_read(block, below->block_count, table);
    }
    return INVALID;
}

enum result block_partition_list(struct block *below, struct partition_table *table)
{
    struct span room;
    enum result result = memory_take(GPT_CHUNK_BYTES, &room);
    table->count = 0;
    if (result != OK) return result;
    result = read_table(below, room, table);
    memory_give_back(room);
    if (result == NOT_FOUND) log_error("the disk has no table of partitions");
    if (result == INVALID) log_error("the disk's table of partitions is damaged");
    if (result == UNSUPPORTED) log_error("the disk's table of partitions is too large");
    return result;
}

/* ---- the signature ---- */

static void block_partition_submit(struct block *block, struct block_request *request)
{
    struct block_partition *partition = CONTAINER_OF(block, struct block_partition, block);
    request->device_block += partition->first_block;
    block_forward(partition->below, request);
}

static bool block_partition_withdraw(struct block *block, struct block_request *request)
{
    return block_withdraw(CONTAINER_OF(block, struct block_partition, block)->below, request);
}

static const struct block_ops block_partition_ops = BLOCK_OPS(block_partition);

/* ---- opening ---- */

void block_partition_open_range(struct block_partition *partition, struct block *below,
                                uint64_t first_block, uint64_t block_count)
{
    assert(first_block <= below->block_count && block_count <= below->block_count - first_block);
    *partition = (struct block_partition){
        .block = { .ops = &block_partition_ops,
                   .block_count = block_count,
                   .block_bytes = below->block_bytes,
                   .alignment_bytes = below->alignment_bytes,
                   .read_only = below->read_only },
        .below = below,
        .first_block = first_block,
    };
}

static enum result open_number(struct block_partition *partition, struct block *below,
                               uint64_t number, struct partition_table *table)
{
    enum result result = block_partition_list(below, table);
    if (result != OK) return result;
    const struct partition *found = partition_find(table, number);
    if (found == NULL) {
        log_error("the disk has no partition %zu; it has %zu", (size_t)number, table->count);
        return NOT_FOUND;
    }
    block_partition_open_range(partition, below, found->first_block, found->block_count);
    return OK;
}

enum result block_partition_open(struct block_partition *partition, struct block *below,
                                 const struct block_partition_parameters *parameters)
{
    struct span memory;
    enum result result = memory_take(sizeof(struct partition_table), &memory);
    if (result != OK) return result;
    struct partition_table *table = (void *)memory.bytes;
    result = open_number(partition, below, parameters->number, table);
    memory_give_back(memory);
    return result;
}

void block_partition_close(struct block_partition *partition)
{
    *partition = (struct block_partition){ 0 };
}
