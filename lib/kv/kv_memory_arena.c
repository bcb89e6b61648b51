/* kv_memory_arena.c - two levels of lists of free blocks.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/kv_memory_arena.h"

#include "base/units.h"

#define ALIGN      ((size_t)16)
#define STEPS_LOG  4
#define FREE_FLAG  ((size_t)1)
#define NOTHING    SIZE_MAX
#define POWERS_LOW STEPS_LOG /* blocks are at least 16 bytes: there the lists start */

struct block {
    size_t size_and_free; /* of what follows the header */
    size_t before;        /* the offset of the block before, or NOTHING */
    struct list_node node;
};

#define HEADER_BYTES offsetof(struct block, node)

static_assert(HEADER_BYTES == ALIGN && sizeof(struct list_node) == ALIGN, "the drawing");
static_assert(ARENA_STEPS == 1 << STEPS_LOG, "a list a step");

struct place {
    unsigned power, step;
};

static struct block *block_at(const struct kv_memory_arena *arena, size_t offset)
{
    return (struct block *)(void *)span_from_offset(arena->memory, offset).bytes;
}

static size_t offset_of(const struct kv_memory_arena *arena, const struct block *block)
{
    return (size_t)((uintptr_t)block - (uintptr_t)arena->memory.bytes);
}

static size_t size_of(const struct block *block)
{
    return block->size_and_free & ~FREE_FLAG;
}

static bool is_free(const struct block *block)
{
    return (block->size_and_free & FREE_FLAG) != 0;
}

static size_t round_up(size_t length_bytes)
{
    return (MAX(length_bytes, 1) + ALIGN - 1) / ALIGN * ALIGN;
}

/* The list in which a block of this size stands. */
static struct place place_of(size_t size)
{
    unsigned power = 63 - (unsigned)__builtin_clzll(size);
    return (struct place){ .power = power - POWERS_LOW,
                           .step = (unsigned)(size >> (power - STEPS_LOG)) & (ARENA_STEPS - 1) };
}

/* The first list whose blocks are all at least this long. */
static struct place place_above(size_t size)
{
    unsigned power = 63 - (unsigned)__builtin_clzll(size);
    return place_of(size + ((size_t)1 << (power - STEPS_LOG)) - 1);
}

static void insert_free(struct kv_memory_arena *arena, struct block *block)
{
    struct place place = place_of(size_of(block));
    block->size_and_free |= FREE_FLAG;
    block->node = (struct list_node){ 0 };
    list_prepend(&arena->free[place.power][place.step], &block->node);
    arena->steps[place.power] = (uint16_t)(arena->steps[place.power] | 1u << place.step);
    arena->powers |= (uint64_t)1 << place.power;
}

static void remove_free(struct kv_memory_arena *arena, struct block *block)
{
    struct place place = place_of(size_of(block));
    list_remove(&block->node);
    block->size_and_free &= ~FREE_FLAG;
    if (!list_is_empty(&arena->free[place.power][place.step])) return;
    arena->steps[place.power] = (uint16_t)(arena->steps[place.power] & ~(1u << place.step));
    if (arena->steps[place.power] == 0) arena->powers &= ~((uint64_t)1 << place.power);
}

static struct block *first_of(const struct kv_memory_arena *arena, struct place place)
{
    struct list_node *node = list_first(&arena->free[place.power][place.step]);
    return CONTAINER_OF(node, struct block, node);
}

/* A block from the lists that hold only blocks of that size or more. */
static struct block *find_above(const struct kv_memory_arena *arena, size_t size)
{
    struct place place = place_above(size);
    if (place.power >= ARENA_POWERS) return NULL;
    uint64_t steps = arena->steps[place.power] & ~(uint64_t)0 << place.step;
    if (steps == 0) {
        uint64_t powers = arena->powers & ~(uint64_t)0 << place.power &
                          ~((uint64_t)1 << place.power);
        if (powers == 0) return NULL;
        place.power = (unsigned)__builtin_ctzll(powers);
        steps = arena->steps[place.power];
    }
    place.step = (unsigned)__builtin_ctzll(steps);
    return first_of(arena, place);
}

/* The list in which the size itself stands may hold longer blocks too. Looked through only when
 * nothing else is left, so that FULL means that there is really no block. */
static struct block *find_beside(const struct kv_memory_arena *arena, size_t size)
{
    struct place place = place_of(size);
    list_for_each (node, &arena->free[place.power][place.step]) {
        struct block *block = CONTAINER_OF(node, struct block, node);
        if (size_of(block) >= size) return block;
    }
    return NULL;
}

static size_t end_of(const struct kv_memory_arena *arena, const struct block *block)
{
    return offset_of(arena, block) + HEADER_BYTES + size_of(block);
}

/* The block behind; NULL at the end of the memory. */
static struct block *block_behind(const struct kv_memory_arena *arena, const struct block *block)
{
    size_t end = end_of(arena, block);
    return end == arena->memory.length_bytes ? NULL : block_at(arena, end);
}

static void tell_behind(const struct kv_memory_arena *arena, const struct block *block)
{
    struct block *behind = block_behind(arena, block);
    if (behind != NULL) behind->before = offset_of(arena, block);
}

/* Cuts off what is over `size`, if a block can be made of it. */
static void cut(struct kv_memory_arena *arena, struct block *block, size_t size)
{
    size_t over = size_of(block) - size;
    if (over < HEADER_BYTES + ALIGN) return;
    block->size_and_free = size;
    struct block *rest = block_at(arena, end_of(arena, block));
    rest->size_and_free = over - HEADER_BYTES;
    rest->before = offset_of(arena, block);
    tell_behind(arena, rest);
    insert_free(arena, rest);
}

void kv_memory_arena_init(struct kv_memory_arena *arena, struct span memory)
{
    size_t length_bytes = memory.length_bytes / ALIGN * ALIGN;
    assert((uintptr_t)memory.bytes % ALIGN == 0);
    assert_that(length_bytes, >=, HEADER_BYTES + ALIGN);
    arena->memory = span_first(memory, length_bytes);
    arena->used_bytes = 0;
    arena->powers = 0;
    for (size_t power = 0; power < ARENA_POWERS; power++) {
        arena->steps[power] = 0;
        for (size_t step = 0; step < ARENA_STEPS; step++)
            list_init(&arena->free[power][step]);
    }
    struct block *whole = block_at(arena, 0);
    whole->size_and_free = length_bytes - HEADER_BYTES;
    whole->before = NOTHING;
    insert_free(arena, whole);
}

void *kv_memory_arena_take(struct kv_memory_arena *arena, size_t length_bytes)
{
    if (length_bytes > arena->memory.length_bytes) return NULL;
    size_t size = round_up(length_bytes);
    struct block *block = find_above(arena, size);
    if (block == NULL) block = find_beside(arena, size);
    if (block == NULL) return NULL;
    remove_free(arena, block);
    cut(arena, block, size);
    arena->used_bytes += HEADER_BYTES + size_of(block);
    return &block->node;
}

/* Makes one block of two neighbours. */
static void join(struct kv_memory_arena *arena, struct block *block, struct block *behind)
{
    block->size_and_free = size_of(block) + HEADER_BYTES + size_of(behind);
    tell_behind(arena, block);
}

void kv_memory_arena_give_back(struct kv_memory_arena *arena, void *memory)
{
    struct block *block = CONTAINER_OF((struct list_node *)memory, struct block, node);
    assert(!is_free(block));
    arena->used_bytes -= HEADER_BYTES + size_of(block);
    struct block *behind = block_behind(arena, block);
    if (behind != NULL && is_free(behind)) {
        remove_free(arena, behind);
        join(arena, block, behind);
    }
    struct block *before = block->before == NOTHING ? NULL : block_at(arena, block->before);
    if (before != NULL && is_free(before)) {
        remove_free(arena, before);
        join(arena, before, block);
        block = before;
    }
    insert_free(arena, block);
}

size_t kv_memory_arena_cost(size_t length_bytes)
{
    return HEADER_BYTES + round_up(length_bytes);
}

size_t kv_memory_arena_capacity(const struct kv_memory_arena *arena)
{
    return arena->memory.length_bytes;
}

size_t kv_memory_arena_longest(const struct kv_memory_arena *arena)
{
    size_t longest = 0;
    for (struct block *block = block_at(arena, 0); block != NULL;
         block = block_behind(arena, block)) {
        if (is_free(block)) longest = MAX(longest, size_of(block));
    }
    return longest;
}
