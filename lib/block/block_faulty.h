/* block_faulty.h - a disk that fails, dawdles and loses its power as a test wants it, over one that
 * does not.
 *
 *     written --> cache: told, not flushed --flush--> below: lasts
 *
 * It does all that the contract of block.h allows, and nothing else: requests under way are carried
 * out in any order; a write that failed has written any of its blocks; a flush that failed has lost
 * any of what was to be flushed; a discard gives zeros in some blocks and leaves others; and when
 * the power goes, each block of each write that was not flushed, or was still under way, is kept or
 * lost by itself, so that what lasts may be any version since the last flush.
 *
 * And it wants parts aligned to a block, as the strictest devices do.
 *
 * What it does follows from the plan and its seed alone, so a test that failed fails again.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BLOCK_FAULTY_H
#define LOOM_BLOCK_FAULTY_H

#include "block/block.h"
#include "fiber/sync.h"

#define BLOCK_FAULTY_CACHE_BLOCKS 1024

struct block_faulty_plan {
    uint64_t seed;
    uint64_t fail_at;          /* this request fails, counted from 1; 0: none does */
    uint32_t fail_per_million; /* and of all others so many */
    enum result failure;       /* with this; OK: FAILED */
    uint64_t power_off_at;     /* the power goes at this request, counted from 1; 0: at none */
    uint64_t delay_ns_max;     /* each request waits up to so long before it begins */
    size_t cache_blocks;       /* that are not flushed yet; more, and the oldest last after all; 0:
                                  BLOCK_FAULTY_CACHE_BLOCKS. Not to be changed later */
};

struct block_faulty {
    struct block block;
    struct block *below;
    struct block_faulty_plan plan; /* may be changed at any time */
    uint64_t random;
    uint64_t request_count; /* that have begun */
    uint64_t failed_count;
    bool is_off;
    struct scope scope; /* of the fiber that carries out */
    struct task task;
    struct list waiting;
    struct waiters changed;
    struct mutex mutex; /* held round what is done below */
    struct list finished;
    struct deferred turn;
    struct span memory;
    uint64_t *numbers; /* of the blocks in the cache, oldest first */
    struct span cache;
    size_t cached_count;
};

/* `below` must outlive it. A plan of NULL: no faults. FULL: no memory, or no small stack. */
enum result block_faulty_open(struct block_faulty *faulty, struct block *below,
                              const struct block_faulty_plan *plan) CHECKED;

/* Waits. No request may be under way. What was not flushed is lost. */
void block_faulty_close(struct block_faulty *faulty);

/* Waits. Takes the power away now: what was not flushed is kept or lost, what is under way fails,
 * and so does every request from now on. */
void block_faulty_power_off(struct block_faulty *faulty);

/* It works again, with what it kept. */
void block_faulty_power_on(struct block_faulty *faulty);

#endif
