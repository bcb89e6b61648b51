/* block_memory_test.c - the suite over block_memory, its limits, and mistakes in its use.
 *
 * SPDX-License-Identifier: ISC */
#include "block/block_memory.h"

#include "base/units.h"
#include "block/block_suite.h"
#include "test/death.h"

static struct block_memory memory;

static struct block *open_sized(uint64_t block_count, uint64_t block_bytes)
{
    const struct block_memory_parameters parameters = { .size_bytes = block_count * block_bytes,
                                                        .block_bytes = block_bytes };
    expect_ok(block_memory_open(&memory, &parameters));
    return &memory.block;
}

static struct block *open_small(struct block_fixture *fixture, uint64_t block_count)
{
    (void)fixture;
    return open_sized(block_count, BLOCK_BYTES_MIN);
}

static struct block *open_large(struct block_fixture *fixture, uint64_t block_count)
{
    (void)fixture;
    return open_sized(block_count, BLOCK_BYTES_MAX);
}

static void close_memory(struct block_fixture *fixture)
{
    (void)fixture;
    block_memory_close(&memory);
}

static struct block_fixture small = { .open = open_small, .close = close_memory };
static struct block_fixture large = { .open = open_large, .close = close_memory };

BLOCK_SUITE(block_memory, &small)
BLOCK_SUITE(block_memory_4096, &large)

TEST(block_memory_parameters_are_valid)
{
    expect(parameter_defaults_are_valid(block_memory_parameters));
}

TEST(block_memory_refuses_other_blocks)
{
    static const struct block_memory_parameters wrong[] = {
        { .size_bytes = MIB, .block_bytes = 513 },  { .size_bytes = MIB, .block_bytes = 256 },
        { .size_bytes = MIB, .block_bytes = 8192 }, { .size_bytes = MIB, .block_bytes = 0 },
        { .size_bytes = 511, .block_bytes = 512 },  { .size_bytes = 0, .block_bytes = 512 },
    };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        expect_result(block_memory_open(&memory, &wrong[i]), INVALID);
}

TEST(block_memory_begins_with_zeros)
{
    static uint8_t room[BLOCK_BYTES_MIN], zeros[BLOCK_BYTES_MIN];
    struct block *block = open_sized(100, BLOCK_BYTES_MIN);
    for (uint64_t number = 0; number < 100; number++) {
        expect_ok(block_read(block, number, SPAN_OF(room), NEVER));
        expect_view(VIEW_OF(room), VIEW_OF(zeros));
    }
    block_memory_close(&memory);
}

/* What is too much for one turn of the loop goes on in the next, and others run meanwhile. */

#define LARGE_READS 16

static struct block_request reads[LARGE_READS];
static size_t told_count;

static void read_told(struct block_request *request)
{
    expect_ok(request->result);
    told_count++;
}

TEST(block_memory_lets_fibers_run)
{
    const union block_part part = { .into = block_suite_room(2) };
    struct block *block = open_sized(BLOCK_REQUEST_BYTES_MAX / 512, 512);
    told_count = 0;
    for (size_t i = 0; i < LARGE_READS; i++) {
        reads[i] = (struct block_request){
            .kind = BLOCK_READ, .parts = &part, .part_count = 1, .done = read_told
        };
        expect_ok(block_submit(block, &reads[i]));
    }
    size_t turns = 0;
    for (size_t before = 0; told_count < LARGE_READS; before = told_count) {
        fiber_yield();
        turns++;
        expect_that(told_count - before, <=, 4);
    }
    expect_that(turns, >=, LARGE_READS / 4);
    block_memory_close(&memory);
}

/* ---- mistakes ---- */

static void read_parts(size_t offset_bytes, size_t length_bytes, size_t part_count)
{
    static union block_part parts[BLOCK_PARTS_MAX + 1];
    for (size_t i = 0; i < part_count; i++) {
        struct span from = span_from_offset(block_suite_room(0), offset_bytes);
        parts[i].into = span_first(from, length_bytes);
    }
    struct block *block = open_sized(BLOCK_SUITE_BLOCKS, 512);
    block->alignment_bytes = 512;
    result_ignore(block_read_parts(block, 0, parts, part_count, NEVER));
}

static void read_nothing(void)
{
    read_parts(0, 512, 0);
}
static void read_empty_part(void)
{
    read_parts(0, 0, 1);
}
static void read_half_a_block(void)
{
    read_parts(0, 256, 2);
}
static void read_unaligned(void)
{
    read_parts(4, 512, 1);
}
static void read_too_many_parts(void)
{
    read_parts(0, 512, BLOCK_PARTS_MAX + 1);
}
static void read_too_much(void)
{
    read_parts(0, BLOCK_REQUEST_BYTES_MAX, 2);
}

TEST(block_mistakes_stop_the_image)
{
    expect_death(read_nothing, "part_count > 0");
    expect_death(read_empty_part, "length_bytes > 0");
    expect_death(read_half_a_block, "% block->block_bytes");
    expect_death(read_unaligned, "% block->alignment_bytes");
    expect_death(read_too_many_parts, "part_count <= BLOCK_PARTS_MAX");
    expect_death(read_too_much, "length_bytes <= ");
}
