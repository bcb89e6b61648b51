/* heap.h - objects of any size from one bounded piece of memory: what foreign archives call malloc.
 * (Nothing of Loom's own does.)
 *
 * Buddies: a block has 64 bytes or twice, four times ... as many, and begins at a multiple of its
 * size. Half of a block that is free joins its other half. So taking and giving back are a few
 * steps, whatever happened before; the price is what an object leaves of its block, which for the
 * buffers that matter, powers of two themselves, is nothing: what the heap knows of a block is not
 * beside the object but in a map with a byte for every 64.
 *
 *     | blocks ...                                                        | map |
 *
 * With zones, which a debug image has, each object is between two: 32 bytes before it, and up to 64
 * behind it, that hold a pattern.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HEAP_H
#define LOOM_HEAP_H

#include "base/list.h"
#include "target/vm/red_zones.h"

#define HEAP_UNIT_BYTES 64
#define HEAP_ORDERS     32

struct heap {
    struct span blocks, map;
    struct list free[HEAP_ORDERS]; /* by the logarithm of the block's units */
    bool has_zones;
};

/* `memory` is page-aligned. Objects are aligned to 16 bytes. */
COLD void heap_open(struct heap *heap, struct span memory, bool has_zones);

/* Of at least one byte; not zeroed. FULL: no block is so long. */
enum result heap_take(struct heap *heap, size_t length_bytes, uintptr_t taker,
                      struct span *object) CHECKED;

/* Ends the image if the object is none that was taken and not given back yet, or if its zones are
 * not whole. */
void heap_give_back(struct heap *heap, const uint8_t *object);

/* How many bytes the object may have without moving: at least what was asked for. */
size_t heap_room_bytes(const struct heap *heap, const uint8_t *object);

/* Blocks from unit *at on; see red_zones_find_breach. */
COLD bool heap_find_breach(const struct heap *heap, size_t *at, struct breach *breach);

#endif
