/* block_partition_test.c - tables as partitioners write them, damaged and hostile ones, and
 * windows.
 *
 * The tables are written here from UEFI 2.10, 5.2 and 5.3.
 *
 * SPDX-License-Identifier: ISC */
#include "block/block_partition.h"

#include "base/units.h"
#include "base/writer.h"
#include "block/block_memory.h"
#include "block/block_suite.h"
#include "block/crc32.h"

#define DISK_BLOCKS 4096
#define ENTRIES     128

static struct block_memory memory;
static struct block_partition partition;

static struct block *open_disk(uint64_t block_bytes)
{
    const struct block_memory_parameters parameters = { .size_bytes = DISK_BLOCKS * block_bytes,
                                                        .block_bytes = block_bytes };
    expect_ok(block_memory_open(&memory, &parameters));
    return &memory.block;
}

static struct span blocks_at(uint64_t number, uint64_t count)
{
    size_t block_bytes = memory.block.block_bytes;
    return span_first(span_from_offset(memory.memory, number * block_bytes), count * block_bytes);
}

/* ---- writing tables ---- */

struct mbr_row {
    uint8_t boot, type;
    uint32_t first, count;
};

static void write_mbr(const struct mbr_row rows[], size_t count)
{
    struct writer writer = writer_over(blocks_at(0, 1));
    (void)writer_take(&writer, 446);
    for (size_t i = 0; i < 4; i++) {
        struct mbr_row row = i < count ? rows[i] : (struct mbr_row){ 0 };
        writer_put_u32_le(&writer, row.boot);
        writer_put_u32_le(&writer, row.type);
        writer_put_u32_le(&writer, row.first);
        writer_put_u32_le(&writer, row.count);
    }
    writer_put_u16_le(&writer, 0xaa55);
}

struct gpt {
    uint64_t first[ENTRIES], last[ENTRIES]; /* last 0: unused */
    uint32_t entry_bytes, entry_count;
    uint64_t first_usable, last_usable, entries_block, backup_entries_block;
};

static uint64_t entries_blocks(const struct gpt *gpt)
{
    uint64_t block_bytes = memory.block.block_bytes;
    return ((uint64_t)gpt->entry_count * gpt->entry_bytes + block_bytes - 1) / block_bytes;
}

/* As a partitioner does it: partitions from block 2048 on. */
static struct gpt *gpt_usual(void)
{
    static struct gpt gpt;
    gpt = (struct gpt){ .entry_bytes = 128, .entry_count = ENTRIES };
    gpt.entries_block = 2;
    gpt.first_usable = 2 + entries_blocks(&gpt);
    gpt.backup_entries_block = DISK_BLOCKS - 1 - entries_blocks(&gpt);
    gpt.last_usable = gpt.backup_entries_block - 1;
    gpt.first[0] = 2048;
    gpt.last[0] = 2047 + 500;
    gpt.first[1] = 2048 + 500;
    gpt.last[1] = gpt.last_usable;
    gpt.first[4] = gpt.first_usable;
    gpt.last[4] = gpt.first_usable;
    return &gpt;
}

static uint32_t write_entries(const struct gpt *gpt, uint64_t at)
{
    struct span room = span_first(span_from_offset(memory.memory, at * memory.block.block_bytes),
                                  (size_t)gpt->entry_count * gpt->entry_bytes);
    span_fill(room, 0);
    for (uint32_t i = 0; i < gpt->entry_count && i < ENTRIES; i++) {
        struct writer writer = writer_over(span_from_offset(room, (size_t)i * gpt->entry_bytes));
        if (gpt->last[i] == 0) continue;
        writer_put_u64_le(&writer, 0x1122334455667788);
        writer_put_u64_le(&writer, 0x99aabbccddeeff00);
        writer_put_u64_le(&writer, i + 1);
        writer_put_u64_le(&writer, 0);
        writer_put_u64_le(&writer, gpt->first[i]);
        writer_put_u64_le(&writer, gpt->last[i]);
    }
    return crc32(span_view(room));
}

static void seal_header(uint64_t at)
{
    struct span header = span_first(blocks_at(at, 1), 92);
    uint32_t crc = 0;
    struct span place = span_first(span_from_offset(header, 16), sizeof crc);
    span_fill(place, 0);
    crc = crc32(span_view(header));
    (void)span_copy(place, VIEW_OF(crc));
}

static void write_header(const struct gpt *gpt, uint64_t at, uint64_t other, uint64_t entries)
{
    uint32_t crc = write_entries(gpt, entries);
    struct writer writer = writer_over(blocks_at(at, 1));
    writer_put(&writer, VIEW("EFI PART"));
    writer_put_u32_le(&writer, 0x00010000);
    writer_put_u32_le(&writer, 92);
    writer_put_u32_le(&writer, 0);
    writer_put_u32_le(&writer, 0);
    writer_put_u64_le(&writer, at);
    writer_put_u64_le(&writer, other);
    writer_put_u64_le(&writer, gpt->first_usable);
    writer_put_u64_le(&writer, gpt->last_usable);
    (void)writer_take(&writer, 16);
    writer_put_u64_le(&writer, entries);
    writer_put_u32_le(&writer, gpt->entry_count);
    writer_put_u32_le(&writer, gpt->entry_bytes);
    writer_put_u32_le(&writer, crc);
    seal_header(at);
}

static void write_gpt(const struct gpt *gpt)
{
    write_mbr(&(struct mbr_row){ .type = 0xee, .first = 1, .count = UINT32_MAX }, 1);
    write_header(gpt, 1, DISK_BLOCKS - 1, gpt->entries_block);
    write_header(gpt, DISK_BLOCKS - 1, 1, gpt->backup_entries_block);
}

/* ---- reading them ---- */

static struct partition_table table;

static void expect_usual(const struct gpt *gpt)
{
    expect_ok(block_partition_list(&memory.block, &table));
    expect_that(table.count, ==, 3);
    for (size_t i = 0; i < 3; i++) {
        static const uint32_t numbers[] = { 1, 2, 5 };
        const struct partition *found = partition_find(&table, numbers[i]);
        expect(found != NULL && found == &table.partitions[i]);
        expect_that(found->first_block, ==, gpt->first[numbers[i] - 1]);
        expect_that(found->first_block + found->block_count - 1, ==, gpt->last[numbers[i] - 1]);
        expect(found->type[0] == 0x88 && found->unique[0] == numbers[i]);
    }
    expect(partition_find(&table, 3) == NULL && partition_find(&table, 0) == NULL);
}

TEST(gpt_of_each_block_size)
{
    for (uint64_t block_bytes = 512; block_bytes <= 4096; block_bytes *= 2) {
        (void)open_disk(block_bytes);
        write_gpt(gpt_usual());
        expect_usual(gpt_usual());
        block_memory_close(&memory);
    }
}

TEST(gpt_of_each_entry_size)
{
    for (uint32_t entry_bytes = 128; entry_bytes <= 4096; entry_bytes *= 2) {
        (void)open_disk(512);
        struct gpt *gpt = gpt_usual();
        gpt->entry_bytes = entry_bytes;
        gpt->entry_count = 37;
        gpt->first_usable = 2 + entries_blocks(gpt);
        gpt->backup_entries_block = DISK_BLOCKS - 1 - entries_blocks(gpt);
        gpt->last_usable = gpt->backup_entries_block - 1;
        gpt->first[4] = gpt->last[4] = gpt->first_usable;
        gpt->last[1] = gpt->last_usable;
        write_gpt(gpt);
        expect_usual(gpt);
        block_memory_close(&memory);
    }
}

TEST(gpt_without_partitions)
{
    (void)open_disk(512);
    struct gpt *gpt = gpt_usual();
    gpt->last[0] = gpt->last[1] = gpt->last[4] = 0;
    write_gpt(gpt);
    expect_ok(block_partition_list(&memory.block, &table));
    expect_that(table.count, ==, 0);
    gpt->entry_count = 0;
    write_gpt(gpt);
    expect_ok(block_partition_list(&memory.block, &table));
    expect_that(table.count, ==, 0);
    block_memory_close(&memory);
}

/* Every bit of the first header and of its entries: the copy serves. Then of the copy's as well:
 * nothing does. */
static void expect_damage(struct span place, enum result wanted)
{
    struct span one = span_first(place, 1);
    uint8_t whole = one.bytes[0];
    for (unsigned bit = 0; bit < 8; bit++) {
        one.bytes[0] = (uint8_t)(whole ^ 1u << bit);
        if (wanted == OK) {
            expect_usual(gpt_usual());
        } else {
            expect_result(block_partition_list(&memory.block, &table), wanted);
        }
    }
    one.bytes[0] = whole;
}

TEST(gpt_copy_serves_where_the_first_is_damaged)
{
    (void)open_disk(512);
    write_gpt(gpt_usual());
    for (size_t i = 0; i < 92; i++)
        expect_damage(span_from_offset(blocks_at(1, 1), i), OK);
    for (size_t i = 0; i < (size_t)6 * 128; i++)
        expect_damage(span_from_offset(blocks_at(2, 32), i), OK);
    expect_usual(gpt_usual());
    span_fill(blocks_at(1, 1), 0);
    expect_usual(gpt_usual());
    for (size_t i = 0; i < 92; i++)
        expect_damage(span_from_offset(blocks_at(DISK_BLOCKS - 1, 1), i), INVALID);
    for (size_t i = 0; i < (size_t)6 * 128; i++)
        expect_damage(span_from_offset(blocks_at(DISK_BLOCKS - 33, 32), i), INVALID);
    block_memory_close(&memory);
}

/* ---- hostile ones, with the right checksums ---- */

static void expect_refused(const struct gpt *gpt, enum result wanted)
{
    write_gpt(gpt);
    expect_result(block_partition_list(&memory.block, &table), wanted);
}

TEST(gpt_partitions_are_usable_and_apart)
{
    struct gpt *gpt;
    (void)open_disk(512);
    gpt = gpt_usual();
    gpt->first[0] = gpt->first_usable - 1;
    expect_refused(gpt, INVALID);
    gpt = gpt_usual();
    gpt->first[0] = 0;
    expect_refused(gpt, INVALID);
    gpt = gpt_usual();
    gpt->last[1] = gpt->last_usable + 1;
    expect_refused(gpt, INVALID);
    gpt = gpt_usual();
    gpt->last[1] = UINT64_MAX;
    expect_refused(gpt, INVALID);
    gpt->first[1] = UINT64_MAX;
    expect_refused(gpt, INVALID);
    gpt = gpt_usual();
    gpt->last[0] = gpt->first[0] - 1;
    expect_refused(gpt, INVALID);
    gpt = gpt_usual();
    gpt->last[0] = gpt->first[1];
    expect_refused(gpt, INVALID);
    gpt = gpt_usual();
    gpt->first[2] = gpt->first[0] + 5;
    gpt->last[2] = gpt->first[2];
    expect_refused(gpt, INVALID);
    write_gpt(gpt_usual());
    expect_usual(gpt_usual());
    block_memory_close(&memory);
}

TEST(gpt_header_knows_this_disk)
{
    struct gpt *gpt;
    (void)open_disk(512);
    gpt = gpt_usual();
    gpt->last_usable = DISK_BLOCKS;
    expect_refused(gpt, INVALID);
    gpt = gpt_usual();
    gpt->last_usable = DISK_BLOCKS - 1;
    expect_refused(gpt, INVALID);
    gpt = gpt_usual();
    gpt->last_usable = gpt->first_usable - 1;
    expect_refused(gpt, INVALID);
    gpt = gpt_usual();
    gpt->first_usable = 1;
    expect_refused(gpt, INVALID);
    gpt = gpt_usual();
    gpt->first_usable = 3; /* the entries stand there, but for the copy */
    write_gpt(gpt);
    span_fill(blocks_at(DISK_BLOCKS - 1, 1), 0);
    expect_result(block_partition_list(&memory.block, &table), INVALID);
    block_memory_close(&memory);
}

TEST(gpt_work_is_bounded)
{
    struct gpt *gpt;
    (void)open_disk(512);
    static const uint32_t sizes[] = { 0, 1, 64, 100, 127, 129, 192, 8192 };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        write_gpt(gpt_usual());
        struct writer writer = writer_over(span_from_offset(blocks_at(1, 1), 84));
        writer_put_u32_le(&writer, sizes[i]);
        seal_header(1);
        expect_result(block_partition_list(&memory.block, &table), UNSUPPORTED);
    }
    write_gpt(gpt_usual());
    struct writer writer = writer_over(span_from_offset(blocks_at(1, 1), 80));
    writer_put_u32_le(&writer, UINT32_MAX);
    seal_header(1);
    expect_result(block_partition_list(&memory.block, &table), UNSUPPORTED);
    gpt = gpt_usual();
    for (uint32_t i = 0; i < ENTRIES; i++)
        gpt->first[i] = gpt->last[i] = 2048 + i;
    write_gpt(gpt);
    expect_ok(block_partition_list(&memory.block, &table));
    expect_that(table.count, ==, PARTITIONS_MAX);
    block_memory_close(&memory);
}

/* ---- MBR ---- */

TEST(mbr_primary_partitions)
{
    static const struct mbr_row rows[] = { { 0x80, 0x83, 2048, 1000 },
                                           { 0, 0, 0, 0 },
                                           { 0, 0x05, 3048, 500 },
                                           { 0, 0x0c, 3548, DISK_BLOCKS - 3548 } };
    (void)open_disk(512);
    write_mbr(rows, LENGTH_OF(rows));
    expect_ok(block_partition_list(&memory.block, &table));
    expect_that(table.count, ==, 2);
    const struct partition *first = partition_find(&table, 1), *last = partition_find(&table, 4);
    expect(first != NULL && last != NULL && partition_find(&table, 3) == NULL);
    expect(first->first_block == 2048 && first->block_count == 1000 && first->type[0] == 0x83);
    expect(last->first_block == 3548 && last->type[0] == 0x0c);
    block_memory_close(&memory);
}

TEST(mbr_partitions_are_on_the_disk_and_apart)
{
    static const struct mbr_row wrong[][2] = {
        { { 0, 0x83, 0, 10 } },
        { { 0, 0x83, 10, 0 } },
        { { 0, 0x83, DISK_BLOCKS, 1 } },
        { { 0, 0x83, DISK_BLOCKS - 1, 2 } },
        { { 0, 0x83, 1, UINT32_MAX } },
        { { 0, 0x83, UINT32_MAX, UINT32_MAX } },
        { { 0x7f, 0x83, 10, 10 } },
        { { 0, 0x83, 10, 10 }, { 0, 0x83, 19, 1 } },
        { { 0, 0x05, 10, 10 }, { 0, 0x83, 12, 2 } },
    };
    (void)open_disk(512);
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        write_mbr(wrong[i], 2);
        expect_result(block_partition_list(&memory.block, &table), INVALID);
    }
    span_fill(blocks_at(0, 1), 0);
    expect_result(block_partition_list(&memory.block, &table), NOT_FOUND);
    block_memory_close(&memory);
}

/* ---- windows ---- */

static struct block *window_open(struct block_fixture *fixture, uint64_t block_count)
{
    const struct block_memory_parameters parameters = { .size_bytes = (block_count + 30) * 512,
                                                        .block_bytes = 512 };
    (void)fixture;
    expect_ok(block_memory_open(&memory, &parameters));
    span_fill(memory.memory, 0x5a);
    block_partition_open_range(&partition, &memory.block, 17, block_count);
    return &partition.block;
}

/* Nothing of the disk has changed beside the window. */
static void window_close(struct block_fixture *fixture)
{
    (void)fixture;
    struct view disk = span_view(memory.memory);
    size_t behind = (17 + partition.block.block_count) * 512;
    block_partition_close(&partition);
    for (size_t i = 0; i < disk.length_bytes; i++) {
        if (i < (size_t)17 * 512 || i >= behind) expect(view_byte(disk, i) == 0x5a);
    }
    block_memory_close(&memory);
}

static struct block_fixture window = { .open = window_open, .close = window_close };

BLOCK_SUITE(block_partition, &window)

TEST(block_partition_parameters_are_valid)
{
    expect(parameter_defaults_are_valid(block_partition_parameters));
}

TEST(block_partition_of_a_partition)
{
    static struct block_partition inner;
    const struct gpt *gpt = gpt_usual();
    struct block *disk = open_disk(512);
    write_gpt(gpt);
    expect_result(
        block_partition_open(&partition, disk, &(struct block_partition_parameters){ .number = 3 }),
        NOT_FOUND);
    expect_ok(block_partition_open(&partition, disk,
                                   &(struct block_partition_parameters){ .number = 1 }));
    expect_that(partition.block.block_count, ==, 500);
    block_partition_open_range(&inner, &partition.block, 100, 50);
    uint64_t writes = disk->statistics.writes;
    block_suite_write(&inner.block, 7, 3, 1);
    block_suite_expect(&inner.block, 7, 3, 1);
    expect_that(disk->statistics.writes, ==, writes + 1);
    expect_result(block_read(&inner.block, 49, span_first(block_suite_room(0), 1024), NEVER),
                  INVALID);
    struct span wanted = span_first(block_suite_room(0), 512);
    block_suite_mark(wanted, 512, 7, 1);
    expect(view_equal(span_view(blocks_at(2048 + 100 + 7, 1)), span_view(wanted)));
    expect_usual(gpt);
    block_partition_close(&inner);
    block_partition_close(&partition);
    block_memory_close(&memory);
}
