/* fuzz_partition.c - tables of partitions as anybody may have written them: what is taken for a
 * partition is on the disk, is where partitions may be, and overlaps no other.
 *
 * The input is a byte of choices, two that tell how long the disk is, 66 for the end of block 0, 92
 * for the header in block 1, and the entries. Where the choices say so the checksums are made
 * right, so that what stands behind them is reached.
 *
 * SPDX-License-Identifier: ISC */
#include "base/cursor.h"
#include "base/units.h"
#include "block/block.h"
#include "block/crc32.h"
#include "block/partition_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

#define HEADER_BYTES 92

enum { SEALS = 1, BLOCK_SHIFT = 1, IS_LAST = 8 };

static uint8_t blocks[2][BLOCK_BYTES_MAX];

static void check(const struct partition_table *table, uint64_t first, uint64_t last)
{
    assert(table->count <= PARTITIONS_MAX);
    for (size_t i = 0; i < table->count; i++) {
        const struct partition *one = &table->partitions[i];
        assert(one->block_count > 0 && one->first_block >= first && one->first_block <= last);
        assert(one->block_count - 1 <= last - one->first_block);
        assert(i == 0 || one->number > table->partitions[i - 1].number);
        assert(partition_find(table, one->number) == one);
        for (size_t j = 0; j < i; j++) {
            const struct partition *other = &table->partitions[j];
            assert(one->first_block + one->block_count <= other->first_block ||
                   other->first_block + other->block_count <= one->first_block);
        }
    }
}

static void put_u32(struct span room, size_t offset_bytes, uint32_t value)
{
    (void)span_copy(span_from_offset(room, offset_bytes), VIEW_OF(value));
}

/* The checksum of what the entries will be: the input's bytes, and zeros behind them. */
static uint32_t crc_of_entries(struct view entries, size_t length_bytes)
{
    static const uint8_t zeros[GPT_CHUNK_BYTES];
    uint32_t crc = crc32(view_first(entries, MIN(entries.length_bytes, length_bytes)));
    for (size_t at = entries.length_bytes; at < length_bytes; at += sizeof zeros)
        crc = crc32_continue(crc, view_from(zeros, MIN(sizeof zeros, length_bytes - at)));
    return crc;
}

/* Makes header and entries what a partitioner would have sealed. */
static void seal(struct span block, struct view entries)
{
    struct cursor cursor = cursor_over(view_slice(span_view(block), 80, 8));
    uint32_t count = cursor_u32_le(&cursor), each = cursor_u32_le(&cursor);
    uint64_t length_bytes = MIN((uint64_t)count * each, GPT_ENTRIES_BYTES_MAX);
    (void)span_copy(block, VIEW("EFI PART\0\0\1\0\x5c\0\0\0\0\0\0\0"));
    put_u32(block, 88, crc_of_entries(entries, (size_t)length_bytes));
    put_u32(block, 16, crc32(view_first(span_view(block), HEADER_BYTES)));
}

static void take_entries(struct gpt_entries *entries, struct view input)
{
    static uint8_t chunk[GPT_CHUNK_BYTES];
    uint32_t wanted_bytes;
    while ((wanted_bytes = gpt_entries_wanted_bytes(entries)) > 0) {
        size_t there = MIN(input.length_bytes, wanted_bytes);
        span_fill(SPAN_OF(chunk), 0);
        (void)span_copy(SPAN_OF(chunk), view_first(input, there));
        input = view_from_offset(input, there);
        gpt_entries_take(entries, view_from(chunk, wanted_bytes));
    }
}

static void read_gpt(struct view block, uint64_t number, uint64_t block_count, struct view input)
{
    static struct partition_table table;
    struct gpt_header header;
    struct gpt_entries entries;
    if (gpt_header_read(block, number, block_count, &header) != OK) return;
    assert(header.last_usable < block_count && header.first_usable >= 2);
    assert(header.entries_block < block_count && header.entries_block >= 2);
    assert(gpt_entries_length_bytes(&header) <= GPT_ENTRIES_BYTES_MAX);
    gpt_entries_begin(&entries, &header, &table);
    take_entries(&entries, input);
    if (gpt_entries_end(&entries) == OK) check(&table, header.first_usable, header.last_usable);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    static struct partition_table table;
    struct cursor cursor = cursor_over(view_from(bytes, length_bytes));
    uint8_t choices = cursor_u8(&cursor);
    uint64_t block_count = cursor_u16_le(&cursor) + 1u;
    size_t block_bytes = (size_t)BLOCK_BYTES_MIN << (choices >> BLOCK_SHIFT & 3);
    struct view mbr = cursor_take(&cursor, 66), header = cursor_take(&cursor, HEADER_BYTES);
    struct view entries = cursor_rest(&cursor);
    if (cursor.ran_short) return 0;
    span_fill(SPAN_OF(blocks), 0);
    struct span first = span_from(blocks[0], block_bytes),
                second = span_from(blocks[1], block_bytes);
    (void)span_copy(span_from_offset(first, 446), mbr);
    (void)span_copy(second, header);
    if ((choices & SEALS) != 0) seal(second, entries);

    if (mbr_kind_of(span_view(first)) != MBR_NONE &&
        mbr_read(span_view(first), block_count, &table) == OK)
        check(&table, 1, block_count - 1);
    uint64_t number = (choices & IS_LAST) != 0 ? block_count - 1 : 1;
    read_gpt(span_view(second), number, block_count, entries);
    return 0;
}
