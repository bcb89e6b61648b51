/* ring.h - the indices of a bounded first-in first-out queue; the slots are the caller's array.
 *
 *     slots        [ . . x x x x . . ]          `taken` and `put` only ever grow;
 *                        ^       ^              an index is one of them masked.
 *                        taken   put
 *
 * The same ring serves an array of structures and an array of bytes: ring_room_run and
 * ring_used_run give the contiguous stretch that one copy can cover.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_RING_H
#define LOOM_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/units.h"

struct ring {
    size_t put, taken; /* slots, since the start; they wrap */
    size_t capacity;   /* a power of two */
};

/* A stretch of slots that does not wrap round. */
struct ring_run {
    size_t index, length;
};

static inline void ring_init(struct ring *ring, size_t capacity)
{
    assert(capacity > 0 && (capacity & (capacity - 1)) == 0);
    *ring = (struct ring){ .capacity = capacity };
}

static inline size_t ring_used(const struct ring *ring)
{
    return ring->put - ring->taken;
}

static inline size_t ring_room(const struct ring *ring)
{
    return ring->capacity - ring_used(ring);
}

static inline struct ring_run ring_room_run(const struct ring *ring)
{
    size_t index = ring->put & (ring->capacity - 1);
    return (struct ring_run){ index, MIN(ring_room(ring), ring->capacity - index) };
}

static inline struct ring_run ring_used_run(const struct ring *ring)
{
    size_t index = ring->taken & (ring->capacity - 1);
    return (struct ring_run){ index, MIN(ring_used(ring), ring->capacity - index) };
}

static inline void ring_put(struct ring *ring, size_t slots)
{
    assert_that(slots, <=, ring_room(ring));
    ring->put += slots;
}

static inline void ring_take(struct ring *ring, size_t slots)
{
    assert_that(slots, <=, ring_used(ring));
    ring->taken += slots;
}

#endif
