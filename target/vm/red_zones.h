/* red_zones.h - pools of a debug image, each between two stretches that nobody may write to.
 *
 *     | pattern | the pool ... , pattern | pattern |
 *     ^ a page  ^ page-aligned           ^ a page
 *
 * What runs over the end of its pool, or before its start, changes the pattern. That is seen when
 * the pool comes back, when the machine ends or crashes, and now and then while it waits. (No page
 * is unmapped for this: a machine's mappings stand before its first instruction.)
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_RED_ZONES_H
#define LOOM_RED_ZONES_H

#include <stdbool.h>

#include "target/vm/page_runs.h"

/* An image that is built to be debugged defines it as 1. */
#if !defined(MACHINE_RED_ZONES)
#define MACHINE_RED_ZONES 0
#endif

/* Pools beyond them have no zones. */
#define RED_ZONES_POOLS_MAX 256

struct red_zones {
    struct guarded_pool {
        struct span pool; /* empty: nobody's */
        uintptr_t taker;  /* an address in the code */
    } pools[RED_ZONES_POOLS_MAX];
};

/* The byte of a zone, nearest to its pool, that is not what it was. */
struct breach {
    struct guarded_pool pool;
    bool is_behind;        /* the pool's end, or before its start */
    size_t distance_bytes; /* 1: next to the pool */
    uint8_t byte;          /* what stands there now */
};

/* As page_runs_take, and two pages more. `zones` is all zero at first. */
COLD enum result red_zones_take(struct red_zones *zones, struct page_runs *runs,
                                size_t length_bytes, uintptr_t taker, struct span *pool) CHECKED;

/* Does not look at the zones. */
COLD void red_zones_give_back(struct red_zones *zones, struct page_runs *runs, struct span pool);

/* Looks at the pools of the table from *at on, which is 0 for a start; false: they are whole.
 * Otherwise *at is behind the one that is told. */
COLD bool red_zones_find_breach(const struct red_zones *zones, size_t *at, struct breach *breach);

#endif
