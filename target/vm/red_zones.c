/* red_zones.c - see red_zones.h.
 *
 * SPDX-License-Identifier: ISC */
#include "target/vm/red_zones.h"

#include "base/units.h"

#define PATTERN    0xa7
#define ZONE_BYTES PAGE_RUNS_PAGE_BYTES

static size_t whole_bytes(size_t pool_bytes)
{
    return (pool_bytes + ZONE_BYTES - 1) / ZONE_BYTES * ZONE_BYTES + 2 * ZONE_BYTES;
}

/* The pool with its zones. */
static struct span whole_of(struct span pool)
{
    void *start = (void *)((uintptr_t)pool.bytes - ZONE_BYTES); // NOLINT: the page before it
    return span_from(start, whole_bytes(pool.length_bytes));
}

static struct span zone_before(struct span pool)
{
    return span_first(whole_of(pool), ZONE_BYTES);
}

static struct span zone_behind(struct span pool)
{
    return span_from_offset(whole_of(pool), ZONE_BYTES + pool.length_bytes);
}

/* The record of the pool that begins there; of none with NULL. */
static struct guarded_pool *find_record(struct red_zones *zones, const uint8_t *bytes)
{
    for (size_t i = 0; i < RED_ZONES_POOLS_MAX; i++) {
        if (zones->pools[i].pool.bytes == bytes) return &zones->pools[i];
    }
    return NULL;
}

enum result red_zones_take(struct red_zones *zones, struct page_runs *runs, size_t length_bytes,
                           uintptr_t taker, struct span *pool)
{
    struct guarded_pool *record = find_record(zones, NULL);
    if (record == NULL) return page_runs_take(runs, length_bytes, pool);

    struct span whole;
    *pool = (struct span){ 0 };
    if (length_bytes > runs->memory.length_bytes) return FULL; /* so what follows does not wrap */
    enum result result = page_runs_take(runs, whole_bytes(length_bytes), &whole);
    if (result != OK) return result;
    *pool = span_first(span_from_offset(whole, ZONE_BYTES), length_bytes);
    span_fill(zone_before(*pool), PATTERN);
    span_fill(zone_behind(*pool), PATTERN);
    *record = (struct guarded_pool){ .pool = *pool, .taker = taker };
    return OK;
}

void red_zones_give_back(struct red_zones *zones, struct page_runs *runs, struct span pool)
{
    struct guarded_pool *record = find_record(zones, pool.bytes);
    if (record != NULL) {
        assert_that(record->pool.length_bytes, ==, pool.length_bytes);
        *record = (struct guarded_pool){ 0 };
        pool = whole_of(pool);
    }
    page_runs_give_back(runs, pool);
}

/* Each byte is as the one behind it: the fastest look at many. */
static bool is_whole(struct view zone)
{
    return view_byte(zone, 0) == PATTERN &&
           view_equal(view_first(zone, zone.length_bytes - 1), view_from_offset(zone, 1));
}

/* What has changed nearest to the pool. */
static struct breach breach_of(struct guarded_pool pool, struct view zone, bool is_behind)
{
    struct breach breach = { .pool = pool, .is_behind = is_behind };
    do {
        size_t distance = breach.distance_bytes++;
        breach.byte = view_byte(zone, is_behind ? distance : zone.length_bytes - 1 - distance);
    } while (breach.byte == PATTERN);
    return breach;
}

bool red_zones_find_breach(const struct red_zones *zones, size_t *at, struct breach *breach)
{
    while (*at < RED_ZONES_POOLS_MAX) {
        struct guarded_pool pool = zones->pools[(*at)++];
        if (pool.pool.length_bytes == 0) continue;
        struct view behind = span_view(zone_behind(pool.pool));
        struct view before = span_view(zone_before(pool.pool));
        bool is_behind = !is_whole(behind);
        if (!is_behind && is_whole(before)) continue;
        *breach = breach_of(pool, is_behind ? behind : before, is_behind);
        return true;
    }
    return false;
}
