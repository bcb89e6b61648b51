/* heap.c - see heap.h.
 *
 * SPDX-License-Identifier: ISC */
#include "target/vm/libc/heap.h"

#include "base/units.h"

/* What the map says of a block's first unit, beside its order; of its others it says nothing. */
#define IS_FREE 0x40
#define IS_USED 0x80
#define ORDER   0x3f

#define PATTERN      0xa7
#define ZONE_BYTES   64 /* behind an object, unless its block ends before */
#define MARGIN_BYTES 16 /* of them at least */

/* Before an object, where there are zones. */
struct heap_zone {
    size_t length_bytes;
    uintptr_t taker;
    uint8_t pattern[16];
};
static_assert(sizeof(struct heap_zone) % 16 == 0, "so that objects stay aligned");

/* ---- blocks ---- */

static size_t units_of(const struct heap *heap)
{
    return heap->map.length_bytes;
}

static size_t block_bytes(unsigned order)
{
    return (size_t)HEAP_UNIT_BYTES << order;
}

static struct span block_at(const struct heap *heap, size_t unit, unsigned order)
{
    return span_first(span_from_offset(heap->blocks, unit * HEAP_UNIT_BYTES), block_bytes(order));
}

static unsigned logarithm(size_t value)
{
    return 63 - (unsigned)__builtin_clzl(value);
}

/* The order of the smallest block that has so many bytes; HEAP_ORDERS: none has. */
static unsigned order_for(size_t length_bytes)
{
    if (length_bytes > block_bytes(HEAP_ORDERS - 1)) return HEAP_ORDERS;
    size_t units = (length_bytes + HEAP_UNIT_BYTES - 1) / HEAP_UNIT_BYTES;
    return units <= 1 ? 0 : logarithm(units - 1) + 1;
}

static void free_block(struct heap *heap, size_t unit, unsigned order)
{
    struct list_node *node = (struct list_node *)(void *)block_at(heap, unit, order).bytes;
    *node = (struct list_node){ 0 };
    list_prepend(&heap->free[order], node);
    heap->map.bytes[unit] = (uint8_t)(IS_FREE | order);
}

static void unfree_block(struct heap *heap, size_t unit)
{
    list_remove((struct list_node *)(void *)block_at(heap, unit, 0).bytes);
    heap->map.bytes[unit] = 0;
}

void heap_open(struct heap *heap, struct span memory, bool has_zones)
{
    size_t units = memory.length_bytes / (HEAP_UNIT_BYTES + 1);
    *heap = (struct heap){ .blocks = span_first(memory, units * HEAP_UNIT_BYTES),
                           .map = span_first(span_from_offset(memory, units * HEAP_UNIT_BYTES),
                                             units),
                           .has_zones = has_zones };
    span_fill(heap->map, 0);
    for (unsigned order = 0; order < HEAP_ORDERS; order++)
        list_init(&heap->free[order]);
    /* Each as large as where it begins, and what is left, allow. */
    for (size_t unit = 0; unit < units;) {
        unsigned order = MIN(logarithm(units - unit), (unsigned)HEAP_ORDERS - 1);
        if (unit > 0) order = MIN(order, (unsigned)__builtin_ctzl(unit));
        free_block(heap, unit, order);
        unit += (size_t)1 << order;
    }
}

static size_t unit_of(const struct heap *heap, const uint8_t *byte)
{
    size_t offset_bytes = (size_t)((uintptr_t)byte - (uintptr_t)heap->blocks.bytes);
    assert_that(offset_bytes, <, heap->blocks.length_bytes);
    return offset_bytes / HEAP_UNIT_BYTES;
}

/* The first unit of a block that was free and has this order now: the smallest is cut in halves
 * until it has. */
static bool take_block(struct heap *heap, unsigned order, size_t *unit)
{
    unsigned found = order;
    while (found < HEAP_ORDERS && list_is_empty(&heap->free[found]))
        found++;
    if (found == HEAP_ORDERS) return false;
    *unit = unit_of(heap, (const uint8_t *)list_first(&heap->free[found]));
    unfree_block(heap, *unit);
    while (found > order) {
        found--;
        free_block(heap, *unit + ((size_t)1 << found), found);
    }
    heap->map.bytes[*unit] = (uint8_t)(IS_USED | order);
    return true;
}

/* With its other half, as long as that is free. */
static void give_back_block(struct heap *heap, size_t unit, unsigned order)
{
    heap->map.bytes[unit] = 0;
    for (; order < HEAP_ORDERS - 1; order++) {
        size_t buddy = unit ^ (size_t)1 << order;
        if (buddy >= units_of(heap) || heap->map.bytes[buddy] != (IS_FREE | order)) break;
        unfree_block(heap, buddy);
        unit = MIN(unit, buddy);
    }
    free_block(heap, unit, order);
}

/* ---- objects ---- */

static size_t zone_bytes(const struct heap *heap)
{
    return heap->has_zones ? sizeof(struct heap_zone) : 0;
}

static struct heap_zone *zone_of(struct span block)
{
    return (struct heap_zone *)(void *)block.bytes;
}

/* Behind an object of the length. */
static struct span zone_behind(struct span block, size_t length_bytes)
{
    struct span rest = span_from_offset(block, sizeof(struct heap_zone) + length_bytes);
    return span_first(rest, MIN(rest.length_bytes, (size_t)ZONE_BYTES));
}

static void mark_zones(struct span block, size_t length_bytes, uintptr_t taker)
{
    struct heap_zone *zone = zone_of(block);
    *zone = (struct heap_zone){ .length_bytes = length_bytes, .taker = taker };
    span_fill(SPAN_OF(zone->pattern), PATTERN);
    span_fill(zone_behind(block, length_bytes), PATTERN);
}

/* The first byte that is not as it was; the zone's length: all are. From behind, where that is the
 * byte next to the object. */
static size_t find_change(struct view zone, bool from_behind)
{
    size_t at = 0;
    while (at < zone.length_bytes &&
           view_byte(zone, from_behind ? zone.length_bytes - 1 - at : at) == PATTERN)
        at++;
    return at;
}

static bool is_breached(const struct heap *heap, size_t unit, struct breach *breach)
{
    struct span block = block_at(heap, unit, heap->map.bytes[unit] & ORDER);
    const struct heap_zone *zone = zone_of(block);
    struct view before = VIEW_OF(zone->pattern);
    size_t at = find_change(before, true);
    bool is_before = at < before.length_bytes;
    struct span object = span_from_offset(block, sizeof *zone);
    *breach = (struct breach){ .distance_bytes = at + 1 };
    if (is_before) {
        /* What the zone says of the object may be overwritten, too. */
        breach->byte = view_byte(before, before.length_bytes - 1 - at);
        breach->pool = (struct guarded_pool){ object, 0 };
        return true;
    }
    breach->pool = (struct guarded_pool){ span_first(object, zone->length_bytes), zone->taker };
    struct view behind = span_view(zone_behind(block, zone->length_bytes));
    at = find_change(behind, false);
    if (at == behind.length_bytes) return false;
    breach->is_behind = true;
    breach->distance_bytes = at + 1;
    breach->byte = view_byte(behind, at);
    return true;
}

enum result heap_take(struct heap *heap, size_t length_bytes, uintptr_t taker, struct span *object)
{
    size_t unit, around_bytes = heap->has_zones ? zone_bytes(heap) + MARGIN_BYTES : 0;
    *object = (struct span){ 0 };
    if (length_bytes > heap->blocks.length_bytes) return FULL; /* so what follows does not wrap */
    unsigned order = order_for(length_bytes + around_bytes);
    if (!take_block(heap, order, &unit)) return FULL;
    struct span block = block_at(heap, unit, order);
    if (heap->has_zones) mark_zones(block, length_bytes, taker);
    *object = span_first(span_from_offset(block, zone_bytes(heap)), length_bytes);
    return OK;
}

/* The first unit of the object's block. */
static size_t unit_of_object(const struct heap *heap, const uint8_t *object)
{
    size_t unit = unit_of(heap, object);
    const uint8_t *start = span_from_offset(heap->blocks, unit * HEAP_UNIT_BYTES + zone_bytes(heap))
                               .bytes;
    if (object != start || (heap->map.bytes[unit] & IS_USED) == 0)
        panic("what is freed or resized is no object, or not any more");
    return unit;
}

void heap_give_back(struct heap *heap, const uint8_t *object)
{
    struct breach breach;
    size_t unit = unit_of_object(heap, object);
    if (heap->has_zones && is_breached(heap, unit, &breach))
        panic("memory beyond an object has been written to");
    give_back_block(heap, unit, heap->map.bytes[unit] & ORDER);
}

size_t heap_room_bytes(const struct heap *heap, const uint8_t *object)
{
    size_t unit = unit_of_object(heap, object);
    struct span block = block_at(heap, unit, heap->map.bytes[unit] & ORDER);
    return heap->has_zones ? zone_of(block)->length_bytes : block.length_bytes;
}

bool heap_find_breach(const struct heap *heap, size_t *at, struct breach *breach)
{
    while (heap->has_zones && *at < units_of(heap)) {
        size_t unit = *at;
        uint8_t mark = heap->map.bytes[unit];
        *at += (size_t)1 << (mark & ORDER);
        if ((mark & IS_USED) && is_breached(heap, unit, breach)) return true;
    }
    return false;
}
