/* kv_memory.h - a kv in memory: read-write, bounded, gone when the image ends.
 *
 * A value is a block that never changes and counts those who have it: its entry, and everyone who
 * has it open. So kv_open copies nothing, and a value that is replaced or removed lives until the
 * last one releases it; its memory is free only then.
 *
 * Bounds: `--kv-entries` keys; `--kv-bytes` of memory for keys and values, each with some 32 to 96
 * bytes of its own and rounded up to 16. TOO_LARGE: the batch would not fit an empty store. FULL:
 * there is no room now, for the new values beside the old ones, which stay until the whole batch
 * has been applied; or no free piece is long enough. Any number of values may be open.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_MEMORY_H
#define LOOM_KV_MEMORY_H

#include "base/table.h"
#include "kv/kv.h"
#include "kv/kv_memory_arena.h"
#include "kv/kv_memory_order.h"
#include "parameter/parameter.h"

struct kv_memory_parameters {
    uint64_t bytes;
    uint64_t entries;
};
extern const struct parameter kv_memory_parameters[];

struct kv_memory_entry;
struct kv_memory_key;
struct kv_memory_value;

/* How to take one change back. */
struct kv_memory_undo {
    struct kv_memory_entry *entry;     /* what it has set, or renamed */
    struct kv_memory_value *old_value; /* of an entry that was there before */
    struct kv_memory_key *old_key;     /* of a renamed one */
    struct kv_memory_entry *gone;      /* what it has removed */
};

struct kv_memory {
    struct kv kv;
    struct span memory;
    struct kv_memory_arena arena;
    struct table table;
    struct kv_memory_order order;
    struct kv_memory_entry *entries; /* those behind `touched_count` were never used */
    struct kv_memory_entry *free_entries;
    size_t touched_count;
    size_t entry_count, entry_limit;
    size_t open_count;
    uint64_t modified_ns; /* the last one given, so that they grow */
    struct kv_memory_undo undo[KV_BATCH_MAX];
};

/* FULL: the machine has not so much memory. */
enum result kv_memory_open(struct kv_memory *memory,
                           const struct kv_memory_parameters *parameters) CHECKED;

/* No value may be open. */
void kv_memory_close(struct kv_memory *memory);

#endif
