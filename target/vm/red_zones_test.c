/* red_zones_test.c - what a pool's user writes beyond it is found, and told where it is.
 *
 * SPDX-License-Identifier: ISC */
#include "target/vm/red_zones.h"

#include "base/units.h"
#include "target/memory.h"
#include "test/test.h"

#define PAGES 64
#define PAGE  PAGE_RUNS_PAGE_BYTES
#define TAKER ((uintptr_t)0x1234)

static struct arena {
    struct span memory;
    struct page_runs runs;
    struct red_zones zones;
} arena;

static void arena_open(size_t pages)
{
    arena = (struct arena){ 0 };
    expect_ok(memory_take(pages * PAGE, &arena.memory));
    page_runs_open(&arena.runs, arena.memory);
}

static void arena_close(void)
{
    memory_give_back(arena.memory);
}

static struct span take(size_t length_bytes)
{
    struct span pool;
    expect_ok(red_zones_take(&arena.zones, &arena.runs, length_bytes, TAKER, &pool));
    expect_that(pool.length_bytes, ==, length_bytes);
    expect_that((uintptr_t)pool.bytes % PAGE, ==, 0);
    for (size_t i = 0; i < length_bytes; i++)
        expect_that(pool.bytes[i], ==, 0);
    return pool;
}

static void give_back(struct span pool)
{
    red_zones_give_back(&arena.zones, &arena.runs, pool);
}

static bool is_whole(void)
{
    struct breach breach;
    size_t at = 0;
    return !red_zones_find_breach(&arena.zones, &at, &breach);
}

/* The byte so far from the start, which may be before it or behind the end. */
static uint8_t *byte_at(struct span pool, ptrdiff_t offset)
{
    return pool.bytes + offset;
}

TEST(a_pool_is_its_users_to_the_last_byte)
{
    static const size_t lengths[] = { 1, 100, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 7 };
    arena_open(PAGES);
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        struct span pool = take(lengths[i]);
        span_fill(pool, 0xff);
        expect(is_whole());
        give_back(pool);
        expect_that(arena.runs.free_bytes, ==, PAGES * PAGE);
    }
    arena_close();
}

/* Every byte of the zones, one at a time, is missed by nobody and told by its distance. */
TEST(each_byte_beyond_a_pool_is_told_with_its_distance)
{
    arena_open(PAGES);
    struct span before = take(10), pool = take(PAGE + 100), behind = take(10);
    for (size_t distance = 1; distance <= 2 * PAGE - 100; distance++) {
        uint8_t *byte = byte_at(pool, (ptrdiff_t)(pool.length_bytes + distance - 1)), was = *byte;
        struct breach breach;
        size_t at = 0;
        *byte ^= 1;
        expect(red_zones_find_breach(&arena.zones, &at, &breach));
        expect(breach.is_behind && breach.pool.pool.bytes == pool.bytes);
        expect_that(breach.distance_bytes, ==, distance);
        expect_that(breach.byte, ==, *byte);
        expect_that(breach.pool.taker, ==, TAKER);
        expect(!red_zones_find_breach(&arena.zones, &at, &breach));
        *byte = was;
    }
    for (size_t distance = 1; distance <= PAGE; distance++) {
        uint8_t *byte = byte_at(pool, -(ptrdiff_t)distance), was = *byte;
        struct breach breach;
        size_t at = 0;
        *byte = 0;
        expect(red_zones_find_breach(&arena.zones, &at, &breach));
        expect(!breach.is_behind && breach.pool.pool.bytes == pool.bytes);
        expect_that(breach.distance_bytes, ==, distance);
        expect_that(breach.byte, ==, 0);
        *byte = was;
    }
    expect(is_whole());
    give_back(behind);
    give_back(pool);
    give_back(before);
    arena_close();
}

TEST(of_many_bytes_the_nearest_is_told_and_of_many_pools_each)
{
    struct span pools[3];
    struct breach breach;
    size_t at = 0;
    arena_open(PAGES);
    for (size_t i = 0; i < LENGTH_OF(pools); i++)
        pools[i] = take(50);
    span_fill(span_from(byte_at(pools[0], 60), 20), 1);
    span_fill(span_from(byte_at(pools[2], -20), 10), 2);
    expect(red_zones_find_breach(&arena.zones, &at, &breach));
    expect(breach.is_behind && breach.distance_bytes == 11 && breach.byte == 1);
    expect(red_zones_find_breach(&arena.zones, &at, &breach));
    expect(!breach.is_behind && breach.distance_bytes == 11 && breach.byte == 2);
    expect(!red_zones_find_breach(&arena.zones, &at, &breach));
    for (size_t i = 0; i < LENGTH_OF(pools); i++)
        give_back(pools[i]);
    expect(is_whole());
    arena_close();
}

TEST(what_there_is_no_room_for_takes_nothing)
{
    struct span pool;
    arena_open(PAGES);
    expect(red_zones_take(&arena.zones, &arena.runs, (PAGES - 1) * PAGE, TAKER, &pool) == FULL);
    expect(red_zones_take(&arena.zones, &arena.runs, SIZE_MAX, TAKER, &pool) == FULL);
    expect_that(arena.runs.free_bytes, ==, PAGES * PAGE);
    give_back(take((PAGES - 2) * PAGE));
    expect_that(arena.runs.free_bytes, ==, PAGES * PAGE);
    arena_close();
}

TEST(pools_beyond_the_table_have_no_zones)
{
    static struct span pools[RED_ZONES_POOLS_MAX + 2];
    arena_open(3 * RED_ZONES_POOLS_MAX + 2);
    for (size_t i = 0; i < LENGTH_OF(pools); i++)
        pools[i] = take(1);
    expect_that(arena.runs.free_bytes, ==, 0);
    for (size_t i = 0; i < LENGTH_OF(pools); i++)
        give_back(pools[i]);
    expect_that(arena.runs.free_bytes, ==, arena.memory.length_bytes);
    arena_close();
}
