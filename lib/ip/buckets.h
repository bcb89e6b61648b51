/* buckets.h - how many buckets a table of so many nodes gets, and where they stand.
 *
 * The cores' pools are one piece of memory each: the records, and behind them the buckets of the
 * table that finds them.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BUCKETS_H
#define LOOM_BUCKETS_H

#include "base/table.h"
#include "target/memory.h"

/* A power of two, and at least one for each node. */
static inline size_t buckets_for(size_t node_count)
{
    size_t buckets = 16;
    while (buckets < node_count)
        buckets *= 2;
    return buckets;
}

/* Takes memory for `count` records, zeroed, and sets the table up behind them. FULL: there is not
 * so much. */
CHECKED static inline enum result buckets_take(struct span *memory, struct table *table,
                                               size_t count, size_t record_bytes,
                                               struct siphash_key key)
{
    size_t buckets = buckets_for(count);
    enum result result = memory_take(count * record_bytes + buckets * sizeof(struct table_node *),
                                     memory);
    if (result != OK) return result;
    void *behind = span_from_offset(*memory, count * record_bytes).bytes;
    table_init(table, behind, buckets, key);
    return OK;
}

#endif
