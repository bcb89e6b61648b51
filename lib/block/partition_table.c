/* partition_table.c - GPT and MBR.
 *
 * SPDX-License-Identifier: ISC */
#include "block/partition_table.h"

#include "base/cursor.h"
#include "base/units.h"
#include "block/crc32.h"

/* ---- both ---- */

static bool overlaps(const struct partition *a, const struct partition *b)
{
    return a->first_block < b->first_block + b->block_count &&
           b->first_block < a->first_block + a->block_count;
}

/* At most PARTITIONS_MAX are compared with each other. */
static bool overlaps_any(const struct partition *partition, const struct partition others[],
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (overlaps(&others[i], partition)) return true;
    }
    return false;
}

const struct partition *partition_find(const struct partition_table *table, uint64_t number)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->partitions[i].number == number) return &table->partitions[i];
    }
    return NULL;
}

/* ---- MBR (UEFI 2.10, 5.2.1) ---- */

#define MBR_ENTRIES_OFFSET   446
#define MBR_ENTRY_BYTES      16
#define MBR_ENTRIES          4
#define MBR_SIGNATURE_OFFSET 510
#define MBR_BYTES            512

#define MBR_TYPE_NONE           0x00
#define MBR_TYPE_EXTENDED       0x05
#define MBR_TYPE_EXTENDED_LBA   0x0f
#define MBR_TYPE_EXTENDED_LINUX 0x85
#define MBR_TYPE_PROTECTIVE     0xee

struct mbr_entry {
    uint8_t boot, type;
    uint32_t first_block, block_count;
};

static struct mbr_entry mbr_entry_read(struct view block, size_t index)
{
    struct mbr_entry entry;
    struct cursor cursor = cursor_over(
        view_slice(block, MBR_ENTRIES_OFFSET + index * MBR_ENTRY_BYTES, MBR_ENTRY_BYTES));
    entry.boot = cursor_u8(&cursor);
    cursor_skip(&cursor, 3); /* cylinder, head and sector, which nobody has any more */
    entry.type = cursor_u8(&cursor);
    cursor_skip(&cursor, 3);
    entry.first_block = cursor_u32_le(&cursor);
    entry.block_count = cursor_u32_le(&cursor);
    return entry;
}

enum mbr_kind mbr_kind_of(struct view block)
{
    if (block.length_bytes < MBR_BYTES || view_byte(block, MBR_SIGNATURE_OFFSET) != 0x55 ||
        view_byte(block, MBR_SIGNATURE_OFFSET + 1) != 0xaa)
        return MBR_NONE;
    for (size_t i = 0; i < MBR_ENTRIES; i++) {
        if (mbr_entry_read(block, i).type == MBR_TYPE_PROTECTIVE) return MBR_PROTECTIVE;
    }
    return MBR_PARTITIONS;
}

static bool is_extended(uint8_t type)
{
    return type == MBR_TYPE_EXTENDED || type == MBR_TYPE_EXTENDED_LBA ||
           type == MBR_TYPE_EXTENDED_LINUX;
}

/* The boot flag has two values; the code of a boot sector that stands there seldom has either. */
static bool mbr_entry_is_sound(const struct mbr_entry *entry, uint64_t block_count)
{
    return (entry->boot == 0 || entry->boot == 0x80) && entry->first_block > 0 &&
           entry->block_count > 0 && entry->first_block < block_count &&
           entry->block_count <= block_count - entry->first_block;
}

enum result mbr_read(struct view block, uint64_t block_count, struct partition_table *table)
{
    struct partition all[MBR_ENTRIES];
    size_t count = 0;
    table->count = 0;
    for (uint32_t i = 0; i < MBR_ENTRIES; i++) {
        struct mbr_entry entry = mbr_entry_read(block, i);
        if (entry.type == MBR_TYPE_NONE) continue;
        all[count] = (struct partition){ .number = i + 1,
                                         .first_block = entry.first_block,
                                         .block_count = entry.block_count,
                                         .type = { entry.type } };
        if (!mbr_entry_is_sound(&entry, block_count) || overlaps_any(&all[count], all, count))
            return INVALID;
        if (!is_extended(entry.type)) table->partitions[table->count++] = all[count];
        count++;
    }
    return OK;
}

/* ---- the header of GPT (UEFI 2.10, 5.3.2) ---- */

#define GPT_REVISION         0x00010000
#define GPT_HEADER_BYTES_MIN 92
#define GPT_CRC_OFFSET       16

static uint32_t header_crc(struct view header)
{
    static const uint32_t zero = 0;
    uint32_t crc = crc32(view_first(header, GPT_CRC_OFFSET));
    crc = crc32_continue(crc, VIEW_OF(zero));
    return crc32_continue(crc, view_from_offset(header, GPT_CRC_OFFSET + sizeof zero));
}

/* Its entries lie on the disk, and neither where partitions may be nor over a header. */
static bool entries_are_placed(const struct gpt_header *header, uint64_t number,
                               uint64_t block_count, uint64_t block_bytes)
{
    uint64_t length = (gpt_entries_length_bytes(header) + block_bytes - 1) / block_bytes;
    uint64_t first = header->entries_block;
    if (first < 2 || first >= block_count || length > block_count - first) return false;
    if (first <= number && number < first + length) return false;
    return first + length <= header->first_usable || first > header->last_usable;
}

static bool is_usable(const struct gpt_header *header, uint64_t number)
{
    return number >= header->first_usable && number <= header->last_usable;
}

/* Where partitions may be, neither header is. */
static bool header_fits(const struct gpt_header *header, uint64_t number, uint64_t block_count)
{
    return header->first_usable >= 2 && header->first_usable <= header->last_usable &&
           header->last_usable < block_count && header->alternate_block < block_count &&
           !is_usable(header, number) && !is_usable(header, header->alternate_block);
}

static bool entries_are_bounded(const struct gpt_header *header)
{
    uint32_t entry_bytes = header->entry_bytes;
    return entry_bytes >= GPT_ENTRY_BYTES_MIN && entry_bytes <= GPT_CHUNK_BYTES &&
           (entry_bytes & (entry_bytes - 1)) == 0 &&
           header->entry_count <= GPT_ENTRIES_BYTES_MAX / entry_bytes;
}

enum result gpt_header_read(struct view block, uint64_t number, uint64_t block_count,
                            struct gpt_header *header)
{
    struct cursor cursor = cursor_over(block);
    bool is_gpt = view_equal(cursor_take(&cursor, 8), VIEW("EFI PART"));
    is_gpt = cursor_u32_le(&cursor) == GPT_REVISION && is_gpt;
    uint32_t length_bytes = cursor_u32_le(&cursor), crc = cursor_u32_le(&cursor);
    cursor_skip(&cursor, 4);
    uint64_t own_block = cursor_u64_le(&cursor);
    header->alternate_block = cursor_u64_le(&cursor);
    header->first_usable = cursor_u64_le(&cursor);
    header->last_usable = cursor_u64_le(&cursor);
    cursor_skip(&cursor, GPT_GUID_BYTES);
    header->entries_block = cursor_u64_le(&cursor);
    header->entry_count = cursor_u32_le(&cursor);
    header->entry_bytes = cursor_u32_le(&cursor);
    header->entries_crc = cursor_u32_le(&cursor);
    if (!is_gpt || cursor.ran_short || length_bytes < GPT_HEADER_BYTES_MIN ||
        length_bytes > block.length_bytes || crc != header_crc(view_first(block, length_bytes)))
        return INVALID;
    if (own_block != number || !header_fits(header, number, block_count)) return INVALID;
    if (!entries_are_bounded(header)) return UNSUPPORTED;
    bool are_placed = entries_are_placed(header, number, block_count, block.length_bytes);
    return are_placed ? OK : INVALID;
}

/* ---- its entries (UEFI 2.10, 5.3.3) ---- */

void gpt_entries_begin(struct gpt_entries *entries, const struct gpt_header *header,
                       struct partition_table *table)
{
    *entries = (struct gpt_entries){ .header = header, .table = table };
    table->count = 0;
}

uint32_t gpt_entries_wanted_bytes(const struct gpt_entries *entries)
{
    uint32_t left = entries->header->entry_count - entries->next;
    return MIN(left * entries->header->entry_bytes, GPT_CHUNK_BYTES);
}

static bool is_unused(const uint8_t type[GPT_GUID_BYTES])
{
    uint8_t any = 0;
    for (size_t i = 0; i < GPT_GUID_BYTES; i++)
        any |= type[i];
    return any == 0;
}

static enum result take_entry(struct gpt_entries *entries, struct view entry)
{
    struct partition partition = { .number = entries->next + 1 };
    struct partition_table *table = entries->table;
    const struct gpt_header *header = entries->header;
    struct cursor cursor = cursor_over(entry);
    (void)span_copy(SPAN_OF(partition.type), cursor_take(&cursor, GPT_GUID_BYTES));
    (void)span_copy(SPAN_OF(partition.unique), cursor_take(&cursor, GPT_GUID_BYTES));
    partition.first_block = cursor_u64_le(&cursor);
    uint64_t last_block = cursor_u64_le(&cursor);
    if (is_unused(partition.type)) return OK;
    if (partition.first_block < header->first_usable || last_block < partition.first_block ||
        last_block > header->last_usable)
        return INVALID;
    partition.block_count = last_block - partition.first_block + 1;
    if (overlaps_any(&partition, table->partitions, table->count)) return INVALID;
    if (table->count == PARTITIONS_MAX) return UNSUPPORTED;
    table->partitions[table->count++] = partition;
    return OK;
}

void gpt_entries_take(struct gpt_entries *entries, struct view chunk)
{
    assert_that(chunk.length_bytes, ==, gpt_entries_wanted_bytes(entries));
    entries->crc = crc32_continue(entries->crc, chunk);
    while (chunk.length_bytes > 0) {
        struct view entry = view_first(chunk, entries->header->entry_bytes);
        chunk = view_from_offset(chunk, entry.length_bytes);
        if (entries->result == OK) entries->result = take_entry(entries, entry);
        entries->next++;
    }
}

enum result gpt_entries_end(const struct gpt_entries *entries)
{
    assert_that(entries->next, ==, entries->header->entry_count);
    if (entries->crc != entries->header->entries_crc) return INVALID;
    return entries->result;
}
