/* block_suite.c - cases for every block: what is written, read, discarded and kept.
 *
 * SPDX-License-Identifier: ISC */
#include "block/block_suite.h"

#include "base/units.h"

static _Alignas(BLOCK_BYTES_MAX) uint8_t rooms[BLOCK_SUITE_ROOMS][BLOCK_REQUEST_BYTES_MAX];

/* ---- helpers ---- */

struct span block_suite_room(size_t index)
{
    assert_that(index, <, BLOCK_SUITE_ROOMS);
    return span_from(rooms[index], BLOCK_REQUEST_BYTES_MAX);
}

void block_suite_mark(struct span blocks, size_t block_bytes, uint64_t first_block,
                      uint64_t version)
{
    for (uint64_t number = first_block; blocks.length_bytes > 0; number++) {
        uint64_t state = number << 32 ^ version;
        struct span one = span_first(blocks, block_bytes);
        while (one.length_bytes > 0) {
            uint64_t word = test_random(&state);
            one = span_copy(one, VIEW_OF(word));
        }
        blocks = span_from_offset(blocks, block_bytes);
    }
}

static struct span room_for(const struct block *block, size_t index, uint64_t block_count)
{
    return span_first(block_suite_room(index), block_count * block->block_bytes);
}

void block_suite_write(struct block *block, uint64_t first_block, uint64_t block_count,
                       uint64_t version)
{
    struct span blocks = room_for(block, 0, block_count);
    block_suite_mark(blocks, block->block_bytes, first_block, version);
    expect_ok(block_write(block, first_block, span_view(blocks), NEVER));
}

static void read_into(struct block *block, uint64_t first_block, struct span blocks)
{
    span_fill(blocks, 0xee);
    expect_ok(block_read(block, first_block, blocks, NEVER));
}

void block_suite_expect(struct block *block, uint64_t first_block, uint64_t block_count,
                        uint64_t version)
{
    struct span found = room_for(block, 1, block_count), wanted = room_for(block, 0, block_count);
    read_into(block, first_block, found);
    block_suite_mark(wanted, block->block_bytes, first_block, version);
    expect(view_equal(span_view(found), span_view(wanted)));
}

static size_t largest(const struct block *block)
{
    return BLOCK_REQUEST_BYTES_MAX / block->block_bytes;
}

/* Parts of so many blocks each, the last of what is left. */
static size_t cut(struct span blocks, size_t part_bytes, union block_part parts[])
{
    size_t count = 0;
    for (; blocks.length_bytes > 0; count++) {
        size_t taken = MIN(part_bytes, blocks.length_bytes);
        parts[count].into = span_first(blocks, taken);
        blocks = span_from_offset(blocks, taken);
    }
    return count;
}

/* ---- cases ---- */

void block_case_tells_its_size(struct block_fixture *fixture)
{
    for (uint64_t count = 1; count <= BLOCK_SUITE_BLOCKS; count *= 8) {
        struct block *block = fixture->open(fixture, count);
        expect_that(block->block_count, ==, count);
        expect(block_bytes_are_valid(block->block_bytes));
        expect(block->alignment_bytes > 0 && block->alignment_bytes <= block->block_bytes);
        expect((block->alignment_bytes & (block->alignment_bytes - 1)) == 0);
        expect_that(block_size_bytes(block), ==, count * block->block_bytes);
        expect(!block->read_only);
        fixture->close(fixture);
    }
}

void block_case_write_reads_back(struct block_fixture *fixture)
{
    struct block *block = fixture->open(fixture, 64);
    for (uint64_t first = 0; first < 20; first += 3) {
        for (uint64_t count = 1; count <= 9; count++) {
            block_suite_write(block, first, count, first * 100 + count);
            block_suite_expect(block, first, count, first * 100 + count);
        }
    }
    expect(block->statistics.writes == 63 && block->statistics.reads == 63);
    expect_that(block->statistics.written_bytes, ==, 7 * 45 * block->block_bytes);
    expect_that(block->statistics.failures, ==, 0);
    fixture->close(fixture);
}

void block_case_parts_in_every_cut(struct block_fixture *fixture)
{
    static union block_part parts[BLOCK_PARTS_MAX];
    struct block *block = fixture->open(fixture, 64);
    struct span wanted = room_for(block, 0, 12), found = room_for(block, 1, 12);
    for (size_t out = 1; out <= 12; out++) {
        for (size_t in = 1; in <= 12; in++) {
            block_suite_mark(wanted, block->block_bytes, 5, out * 12 + in);
            size_t count = cut(wanted, out * block->block_bytes, parts);
            expect_ok(block_write_parts(block, 5, parts, count, NEVER));
            span_fill(found, 0xee);
            count = cut(found, in * block->block_bytes, parts);
            expect_ok(block_read_parts(block, 5, parts, count, NEVER));
            expect(view_equal(span_view(found), span_view(wanted)));
        }
    }
    fixture->close(fixture);
}

/* The parts lie in memory the other way round, with gaps that stay as they are. */
void block_case_most_parts(struct block_fixture *fixture)
{
    static union block_part parts[BLOCK_PARTS_MAX];
    struct block *block = fixture->open(fixture, BLOCK_PARTS_MAX);
    size_t block_bytes = block->block_bytes;
    struct span room = room_for(block, 2, (uint64_t)2 * BLOCK_PARTS_MAX);
    block_suite_write(block, 0, BLOCK_PARTS_MAX, 1);
    span_fill(room, 0xee);
    for (size_t i = 0; i < BLOCK_PARTS_MAX; i++)
        parts[BLOCK_PARTS_MAX - 1 - i].into = span_first(
            span_from_offset(room, 2 * i * block_bytes), block_bytes);
    expect_ok(block_read_parts(block, 0, parts, BLOCK_PARTS_MAX, NEVER));
    for (size_t i = 0; i < BLOCK_PARTS_MAX; i++) {
        struct span wanted = room_for(block, 0, 1);
        block_suite_mark(wanted, block_bytes, i, 1);
        expect(view_equal(parts[i].from, span_view(wanted)));
        span_fill(wanted, 0xee);
        size_t gap = (2 * (BLOCK_PARTS_MAX - 1 - i) + 1) * block_bytes;
        expect(view_equal(view_slice(span_view(room), gap, block_bytes), span_view(wanted)));
    }
    fixture->close(fixture);
}

void block_case_largest_request(struct block_fixture *fixture)
{
    struct block *block = fixture->open(fixture, BLOCK_SUITE_BLOCKS);
    size_t count = MIN(largest(block), BLOCK_SUITE_BLOCKS);
    block_suite_write(block, BLOCK_SUITE_BLOCKS - count, count, 1);
    block_suite_expect(block, BLOCK_SUITE_BLOCKS - count, count, 1);
    fixture->close(fixture);
}

void block_case_first_and_last_block(struct block_fixture *fixture)
{
    struct block *block = fixture->open(fixture, 1);
    block_suite_write(block, 0, 1, 1);
    block_suite_expect(block, 0, 1, 1);
    fixture->close(fixture);
    block = fixture->open(fixture, 1000);
    block_suite_write(block, 999, 1, 1);
    block_suite_write(block, 0, 1, 2);
    block_suite_expect(block, 999, 1, 1);
    block_suite_expect(block, 0, 1, 2);
    fixture->close(fixture);
}

void block_case_neighbours_stay(struct block_fixture *fixture)
{
    struct block *block = fixture->open(fixture, 16);
    for (uint64_t first = 1; first < 15; first++) {
        block_suite_write(block, 0, 16, first);
        block_suite_write(block, first, MIN(3, 15 - first), 100 + first);
        block_suite_expect(block, 0, first, first);
        block_suite_expect(block, first, MIN(3, 15 - first), 100 + first);
        uint64_t behind = first + MIN(3, 15 - first);
        block_suite_expect(block, behind, 16 - behind, first);
    }
    fixture->close(fixture);
}

static void expect_invalid(struct block *block, uint64_t first_block, uint64_t block_count)
{
    struct span room = room_for(block, 2, block_count);
    expect_result(block_read(block, first_block, room, NEVER), INVALID);
    expect_result(block_write(block, first_block, span_view(room), NEVER), INVALID);
    expect_result(block_discard(block, first_block, block_count, NEVER), INVALID);
}

void block_case_outside_is_invalid(struct block_fixture *fixture)
{
    struct block *block = fixture->open(fixture, 16);
    block_suite_write(block, 0, 16, 1);
    expect_invalid(block, 16, 1);
    expect_invalid(block, 15, 2);
    expect_invalid(block, 0, 17);
    expect_invalid(block, 17, 1);
    expect_invalid(block, UINT64_MAX, 1);
    expect_invalid(block, UINT64_MAX - 1, 4);
    expect_invalid(block, UINT64_MAX / block->block_bytes + 1, 1);
    expect_invalid(block, UINT64_MAX / block->block_bytes + 2, 4);
    expect_invalid(block, (uint64_t)1 << 63, 8);
    expect_result(block_discard(block, 1, UINT64_MAX, NEVER), INVALID);
    expect_result(block_discard(block, 1, UINT64_MAX / block->block_bytes + 1, NEVER), INVALID);
    block_suite_expect(block, 0, 16, 1);
    fixture->close(fixture);
}

void block_case_read_only_denies(struct block_fixture *fixture)
{
    struct block *block = fixture->open(fixture, 16);
    struct span room = room_for(block, 2, 1);
    block_suite_write(block, 0, 16, 1);
    block->read_only = true;
    expect_result(block_write(block, 3, span_view(room), NEVER), DENIED);
    expect_result(block_write(block, 16, span_view(room), NEVER), DENIED);
    expect_result(block_discard(block, 3, 1, NEVER), DENIED);
    expect_ok(block_flush(block, NEVER));
    block_suite_expect(block, 0, 16, 1);
    block->read_only = false;
    fixture->close(fixture);
}

/* Each block by itself; and what is written again is there again. */
void block_case_discard_gives_zeros_or_what_was(struct block_fixture *fixture)
{
    struct block *block = fixture->open(fixture, 1024);
    struct span found = room_for(block, 1, 1), was = room_for(block, 0, 1);
    struct span zeros = room_for(block, 2, 1);
    block_suite_write(block, 0, 64, 1);
    expect_ok(block_discard(block, 3, 41, NEVER));
    expect_ok(block_flush(block, NEVER));
    block_suite_expect(block, 0, 3, 1);
    block_suite_expect(block, 44, 20, 1);
    span_fill(zeros, 0);
    for (uint64_t number = 3; number < 44; number++) {
        read_into(block, number, found);
        block_suite_mark(was, block->block_bytes, number, 1);
        expect(view_equal(span_view(found), span_view(was)) ||
               view_equal(span_view(found), span_view(zeros)));
    }
    block_suite_write(block, 10, 4, 2);
    block_suite_expect(block, 10, 4, 2);
    expect_ok(block_discard(block, 0, 1024, NEVER));
    expect_ok(block_discard(block, 1024, 0, NEVER));
    fixture->close(fixture);
}

void block_case_flushed_outlives_closing(struct block_fixture *fixture)
{
    struct block *block = fixture->open(fixture, 64);
    block_suite_write(block, 0, 64, 1);
    block_suite_write(block, 7, 9, 2);
    expect_ok(block_flush(block, NEVER));
    for (unsigned i = 0; i < 3; i++) {
        block = fixture->reopen(fixture);
        expect_that(block->block_count, ==, 64);
        block_suite_expect(block, 0, 7, 1);
        block_suite_expect(block, 7, 9, 2);
        block_suite_expect(block, 16, 48, 1);
    }
    fixture->close(fixture);
}

/* ---- against a model ---- */

#define MODEL_BLOCKS 100

/* Which version of it each block should be. */
static uint64_t versions[MODEL_BLOCKS];

static void model_write(struct block *block, uint64_t first, uint64_t count, uint64_t version)
{
    block_suite_write(block, first, count, version);
    for (uint64_t i = 0; i < count; i++)
        versions[first + i] = version;
}

static void model_read(struct block *block, uint64_t first, uint64_t count)
{
    struct span found = room_for(block, 1, count), wanted = room_for(block, 0, 1);
    read_into(block, first, found);
    for (uint64_t i = 0; i < count; i++) {
        block_suite_mark(wanted, block->block_bytes, first + i, versions[first + i]);
        expect(view_equal(view_slice(span_view(found), i * block->block_bytes, block->block_bytes),
                          span_view(wanted)));
    }
}

void block_case_random_against_a_model(struct block_fixture *fixture)
{
    uint64_t random = 42;
    struct block *block = fixture->open(fixture, MODEL_BLOCKS);
    model_write(block, 0, MODEL_BLOCKS, 1);
    for (uint64_t version = 2; version < 1000; version++) {
        uint64_t first = test_random(&random) % MODEL_BLOCKS;
        uint64_t count = 1 + test_random(&random) % (MODEL_BLOCKS - first);
        if (test_random(&random) % 2 == 0) {
            model_write(block, first, count, version);
        } else {
            model_read(block, first, count);
        }
        if (test_random(&random) % 32 == 0) expect_ok(block_flush(block, NEVER));
    }
    model_read(block, 0, MODEL_BLOCKS);
    fixture->close(fixture);
}
