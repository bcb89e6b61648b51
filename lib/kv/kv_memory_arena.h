/* kv_memory_arena.h - blocks of any length out of one piece of memory that never grows.
 *
 * Taking and giving back touch a handful of words, however many blocks there are: free blocks hang
 * in lists by size, sixteen lists to a power of two, and two levels of bitmaps tell which lists are
 * not empty. Neighbours that are free become one.
 *
 * Source: Masmano, Ripoll, Crespo and Real, "TLSF: a new dynamic memory allocator for real-time
 * systems" (2004).
 *
 *      | size, free? | before | what the caller has, or a list node while free ... | size, ...
 *      +------- 16 bytes -----+--------------- a multiple of 16 bytes -------------+
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_MEMORY_ARENA_H
#define LOOM_KV_MEMORY_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/view.h"

#define ARENA_POWERS 44 /* blocks of up to 2^44 bytes */
#define ARENA_STEPS  16

struct kv_memory_arena {
    struct span memory;
    size_t used_bytes; /* headers and rounding too */
    uint64_t powers;   /* a bit for each power with a list that is not empty */
    uint16_t steps[ARENA_POWERS];
    struct list free[ARENA_POWERS][ARENA_STEPS];
};

/* Uses `memory` until the arena is no longer used. It must be aligned to 16 bytes. */
void kv_memory_arena_init(struct kv_memory_arena *arena, struct span memory);

/* NULL: no free block is long enough. Aligned to 16 bytes. */
void *kv_memory_arena_take(struct kv_memory_arena *arena, size_t length_bytes);
void kv_memory_arena_give_back(struct kv_memory_arena *arena, void *memory);

/* What a block of this length takes of the arena; and what an arena of this length can hold in
 * such pieces at most. */
size_t kv_memory_arena_cost(size_t length_bytes);
size_t kv_memory_arena_capacity(const struct kv_memory_arena *arena);

/* The longest block that could be taken now, for tests and figures: walks all blocks. */
size_t kv_memory_arena_longest(const struct kv_memory_arena *arena);

#endif
