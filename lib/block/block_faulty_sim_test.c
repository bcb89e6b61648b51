/* block_faulty_sim_test.c - without faults it is a block like any other; with them it keeps to its
 * plan, and what it loses with its power is what the contract allows. In virtual time.
 *
 * SPDX-License-Identifier: ISC */
#include "block/block_faulty.h"

#include "base/units.h"
#include "block/block_memory.h"
#include "block/block_suite.h"
#include "target/clock.h"

#define BLOCKS 64

static struct block_memory memory;
static struct block_faulty faulty;

static struct block *open_faulty(uint64_t block_count, const struct block_faulty_plan *plan)
{
    const struct block_memory_parameters parameters = { .size_bytes = block_count * 512,
                                                        .block_bytes = 512 };
    expect_ok(block_memory_open(&memory, &parameters));
    expect_ok(block_faulty_open(&faulty, &memory.block, plan));
    return &faulty.block;
}

static void close_faulty(void)
{
    block_faulty_close(&faulty);
    block_memory_close(&memory);
}

static struct block *suite_open(struct block_fixture *fixture, uint64_t block_count)
{
    (void)fixture;
    return open_faulty(block_count,
                       &(struct block_faulty_plan){ .seed = 1, .delay_ns_max = 100 * US_NS });
}

static struct block *tiny_open(struct block_fixture *fixture, uint64_t block_count)
{
    (void)fixture;
    return open_faulty(block_count, &(struct block_faulty_plan){ .seed = 2, .cache_blocks = 3 });
}

static void suite_close(struct block_fixture *fixture)
{
    (void)fixture;
    close_faulty();
}

static struct block *suite_reopen(struct block_fixture *fixture)
{
    (void)fixture;
    block_faulty_close(&faulty);
    expect_ok(block_faulty_open(&faulty, &memory.block, &(struct block_faulty_plan){ .seed = 3 }));
    return &faulty.block;
}

static struct block_fixture dawdling = { suite_open, suite_close, suite_reopen };
static struct block_fixture tiny = { tiny_open, suite_close, suite_reopen };

BLOCK_SUITE(block_faulty, &dawdling)
BLOCK_LASTING_SUITE(block_faulty, &dawdling)
BLOCK_SUITE(block_faulty_tiny_cache, &tiny)

/* ---- failing ---- */

TEST(block_faulty_fails_at_each_request)
{
    for (uint64_t at = 1; at <= 5; at++) {
        struct span room = span_first(block_suite_room(0), 512);
        struct block *block = open_faulty(
            BLOCKS, &(struct block_faulty_plan){ .fail_at = at, .failure = FULL });
        expect_result(block_write(block, 3, span_view(room), NEVER), at == 1 ? FULL : OK);
        expect_result(block_flush(block, NEVER), at == 2 ? FULL : OK);
        expect_result(block_read(block, 3, room, NEVER), at == 3 ? FULL : OK);
        expect_result(block_discard(block, 3, 1, NEVER), at == 4 ? FULL : OK);
        expect_that(faulty.failed_count, ==, at < 5);
        expect_that(block->statistics.failures, ==, at < 5);
        close_faulty();
    }
}

/* The fates of 64 flushes as bits. */
static uint64_t fates(uint64_t seed, uint32_t per_million)
{
    uint64_t bits = 0;
    struct block *block = open_faulty(
        BLOCKS, &(struct block_faulty_plan){ .seed = seed, .fail_per_million = per_million });
    for (unsigned i = 0; i < 64; i++)
        bits = bits << 1 | (block_flush(block, NEVER) == FAILED);
    close_faulty();
    return bits;
}

TEST(block_faulty_follows_its_seed)
{
    uint64_t first = fates(1, 500000);
    expect(first == fates(1, 500000));
    expect(first != fates(2, 500000));
    expect_that(__builtin_popcountll(first), >, 16);
    expect_that(__builtin_popcountll(first), <, 48);
    expect_that(fates(1, 0), ==, 0);
    expect_that(fates(1, 1000000), ==, UINT64_MAX);
}

TEST(block_faulty_delays)
{
    uint64_t start_ns = clock_monotonic_ns(), longest_ns = 0;
    struct block *block = open_faulty(
        BLOCKS, &(struct block_faulty_plan){ .seed = 3, .delay_ns_max = S_NS });
    for (unsigned i = 0; i < 100; i++) {
        uint64_t before_ns = clock_monotonic_ns();
        expect_ok(block_flush(block, NEVER));
        longest_ns = MAX(longest_ns, clock_monotonic_ns() - before_ns);
    }
    close_faulty();
    expect_that(longest_ns, >, S_NS * 9 / 10);
    expect_that(longest_ns, <, S_NS + MS_NS);
    expect_that(clock_monotonic_ns() - start_ns, >, 40 * S_NS);
}

/* A deadline that comes first leaves nothing done. */
TEST(block_faulty_times_out)
{
    uint64_t start_ns = clock_monotonic_ns();
    struct block *block = open_faulty(BLOCKS, &(struct block_faulty_plan){ .seed = 4 });
    block_suite_write(block, 0, 4, 1);
    faulty.plan.delay_ns_max = 3600 * S_NS;
    struct span room = span_first(block_suite_room(2), 2048);
    span_fill(room, 0);
    uint64_t deadline_ns = clock_monotonic_ns() + S_NS;
    expect_result(block_write(block, 0, span_view(room), deadline_ns), TIMED_OUT);
    expect_result(block_flush(block, deadline_ns), TIMED_OUT);
    expect_that(clock_monotonic_ns() - start_ns, <, 2 * S_NS);
    faulty.plan.delay_ns_max = 0;
    block_suite_expect(block, 0, 4, 1);
    close_faulty();
}

/* ---- which version stands in a block ---- */

static uint64_t version_of(struct block *block, uint64_t number, uint64_t version_max)
{
    struct span found = span_first(block_suite_room(1), 512);
    struct span wanted = span_first(block_suite_room(0), 512);
    expect_ok(block_read(block, number, found, NEVER));
    for (uint64_t version = 1; version <= version_max; version++) {
        block_suite_mark(wanted, 512, number, version);
        if (view_equal(span_view(found), span_view(wanted))) return version;
    }
    test_fail(__FILE__, __LINE__, "block %llu holds none of its versions",
              (unsigned long long)number);
}

/* ---- power ---- */

/* Version 1 lasts; versions 2 and 3 of all blocks were told and not flushed. Which stay? */
struct outcome {
    bool all_kept, none_kept, torn, reordered, passed_over;
};

static void lose(uint64_t seed, struct outcome *seen)
{
    struct block *block = open_faulty(BLOCKS, &(struct block_faulty_plan){ .seed = seed });
    block_suite_write(block, 0, BLOCKS, 1);
    expect_ok(block_flush(block, NEVER));
    for (uint64_t first = 0; first < BLOCKS; first += 8) {
        block_suite_write(block, first, 8, 2);
        block_suite_write(block, first, 8, 3);
    }
    block_faulty_power_off(&faulty);
    expect_result(block_flush(block, NEVER), FAILED);
    block_faulty_power_on(&faulty);
    uint64_t versions[BLOCKS], counts[4] = { 0 };
    for (uint64_t i = 0; i < BLOCKS; i++)
        counts[versions[i] = version_of(block, i, 3)]++;
    seen->none_kept |= counts[1] == BLOCKS;
    seen->all_kept |= counts[3] == BLOCKS;
    seen->passed_over |= counts[2] > 0;
    for (uint64_t i = 1; i < BLOCKS; i++) {
        seen->torn |= i % 8 != 0 && versions[i] != versions[i - 1];
        seen->reordered |= i % 8 == 0 && versions[i] == 3 && versions[i - 1] < 3;
    }
    close_faulty();
}

TEST(block_faulty_loses_what_the_contract_lets_it)
{
    struct outcome seen = { 0 };
    for (uint64_t seed = 0; seed < 100; seed++)
        lose(seed, &seen);
    expect(seen.none_kept && seen.all_kept && seen.torn && seen.reordered && seen.passed_over);
}

TEST(block_faulty_keeps_what_was_flushed)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct block *block = open_faulty(BLOCKS, &(struct block_faulty_plan){ .seed = seed });
        block_suite_write(block, 0, BLOCKS, 1);
        block_suite_write(block, seed % BLOCKS, 1, 2);
        expect_ok(block_flush(block, NEVER));
        block_faulty_power_off(&faulty);
        block_faulty_power_on(&faulty);
        for (uint64_t i = 0; i < BLOCKS; i++)
            expect_that(version_of(block, i, 2), ==, i == seed % BLOCKS ? 2 : 1);
        close_faulty();
    }
}

/* The power goes at each request of a run in its turn: what was flushed by then is there, and of
 * what came later each block is as old or as new as some write made it. */
static uint64_t write_and_flush(struct block *block, uint64_t versions_max)
{
    uint64_t flushed = 1;
    for (uint64_t version = 2; version <= versions_max; version++) {
        struct span blocks = span_first(block_suite_room(0), (size_t)8 * 512);
        block_suite_mark(blocks, 512, 8, version);
        if (block_write(block, 8, span_view(blocks), NEVER) != OK) break;
        if (block_flush(block, NEVER) != OK) break;
        flushed = version;
    }
    return flushed;
}

TEST(block_faulty_power_goes_at_each_request)
{
    for (uint64_t at = 3; at < 40; at++) {
        struct block *block = open_faulty(
            BLOCKS, &(struct block_faulty_plan){ .seed = at, .power_off_at = at });
        block_suite_write(block, 8, 8, 1);
        expect_ok(block_flush(block, NEVER));
        uint64_t flushed = write_and_flush(block, 20);
        expect(faulty.is_off);
        expect_that(flushed, ==, (at - 1) / 2);
        block_faulty_power_on(&faulty);
        for (uint64_t i = 8; i < 16; i++) {
            uint64_t version = version_of(block, i, 20);
            expect(version >= flushed && version <= flushed + 1);
        }
        close_faulty();
    }
}

/* A flush that failed has lost something for good, now and then: the next one does not bring it. */
TEST(block_faulty_failed_flush_loses)
{
    unsigned lost = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct block *block = open_faulty(BLOCKS, &(struct block_faulty_plan){ .seed = seed });
        block_suite_write(block, 0, BLOCKS, 1);
        expect_ok(block_flush(block, NEVER));
        block_suite_write(block, 0, 4, 2);
        faulty.plan.fail_at = 4;
        expect_result(block_flush(block, NEVER), FAILED);
        expect_ok(block_flush(block, NEVER));
        for (uint64_t i = 0; i < 4; i++)
            lost += version_of(block, i, 2) == 1;
        close_faulty();
    }
    expect(lost > 10 && lost < 70);
}

/* ---- under way when the power goes ---- */

#define UNDER_WAY 16

struct flight {
    struct block_request request;
    union block_part part;
    unsigned told;
};
static struct flight flights[UNDER_WAY];

static void flight_told(struct block_request *request)
{
    struct flight *flight = CONTAINER_OF(request, struct flight, request);
    expect_result(request->result, FAILED);
    flight->told++;
}

TEST(block_faulty_fails_what_is_under_way)
{
    unsigned kept = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct block *block = open_faulty(
            BLOCKS, &(struct block_faulty_plan){ .seed = seed, .delay_ns_max = S_NS });
        block_suite_write(block, 0, BLOCKS, 1);
        expect_ok(block_flush(block, NEVER));
        for (size_t i = 0; i < UNDER_WAY; i++) {
            flights[i] = (struct flight){
                .request = { .kind = BLOCK_WRITE, .first_block = i, .done = flight_told }
            };
            struct span from = span_from_offset(block_suite_room(2), i * 512);
            flights[i].part.into = span_first(from, 512);
            flights[i].request.parts = &flights[i].part;
            flights[i].request.part_count = 1;
            block_suite_mark(flights[i].part.into, 512, i, 2);
            expect_ok(block_submit(block, &flights[i].request));
        }
        block_faulty_power_off(&faulty);
        (void)fiber_sleep(2 * S_NS);
        for (size_t i = 0; i < UNDER_WAY; i++)
            expect_that(flights[i].told, ==, 1);
        block_faulty_power_on(&faulty);
        for (size_t i = 0; i < UNDER_WAY; i++)
            kept += version_of(block, i, 2) == 2;
        close_faulty();
    }
    expect(kept > 0 && kept < 20 * UNDER_WAY);
}
