/* fiber_pool.c - where fibers and their stacks come from: one pool a size, laid out when the image
 * starts.
 *
 * SPDX-License-Identifier: ISC */
#include "base/assert.h"
#include "fiber/fiber_private.h"
#include "target/clock.h"
#include "target/memory.h"
#include "target/stack.h"

#define TEXT_OF(value)  TEXT_OF_(value)
#define TEXT_OF_(value) #value

struct fiber_runtime fiber_runtime;

const size_t fiber_stack_bytes[STACK_SIZES] = { FIBER_SMALL_BYTES, FIBER_MEDIUM_BYTES,
                                                FIBER_LARGE_BYTES };

const struct parameter fiber_parameters[] = {
    PARAMETER_NUMBER(struct fiber_parameters, small_count, FIBER_SMALL_PARAMETER,
                     TEXT_OF(FIBER_SMALL_COUNT), 0, 1000000, "fibers with a stack of 16 KiB"),
    PARAMETER_NUMBER(struct fiber_parameters, medium_count, FIBER_MEDIUM_PARAMETER,
                     TEXT_OF(FIBER_MEDIUM_COUNT), 1, 1000000, "fibers with a stack of 64 KiB"),
    PARAMETER_NUMBER(struct fiber_parameters, large_count, FIBER_LARGE_PARAMETER,
                     TEXT_OF(FIBER_LARGE_COUNT), 0, 100000, "fibers with a stack of 256 KiB"),
    PARAMETER_END,
};

struct fiber *fiber_pool_take(enum stack_size size)
{
    struct fiber_pool *pool = &fiber_runtime.pools[size];
    struct list_node *node = list_take(&pool->free);
    if (node == NULL && pool->used_count == pool->count) return NULL;
    pool->alive_count++;
    if (node != NULL) return CONTAINER_OF(node, struct fiber, node);

    size_t index = pool->used_count++;
    size_t stack_bytes = fiber_stack_bytes[size];
    size_t stride = STACK_GUARD_BYTES + stack_bytes;
    struct fiber *fiber = &pool->fibers[index];
    fiber->size = size;
    fiber->stack = span_first(span_from_offset(pool->arena, index * stride + STACK_GUARD_BYTES),
                              stack_bytes);
    return fiber;
}

void fiber_pool_give_back(struct fiber *fiber)
{
    struct fiber_pool *pool = &fiber_runtime.pools[fiber->size];
    fiber->state = FIBER_FREE;
    pool->alive_count--;
    list_prepend(&pool->free, &fiber->node);
}

size_t fiber_stacks_used(enum stack_size size)
{
    return fiber_runtime.pools[size].alive_count;
}

size_t fiber_stacks_free(enum stack_size size)
{
    return fiber_runtime.pools[size].count - fiber_runtime.pools[size].alive_count;
}

static enum result pool_open(struct fiber_pool *pool, enum stack_size size, size_t count)
{
    *pool = (struct fiber_pool){ .count = count };
    list_init(&pool->free);
    if (count == 0) return OK;
    enum result result = stack_arena_take(&pool->count, fiber_stack_bytes[size], &pool->arena);
    if (result != OK) return result;
    result = memory_take(pool->count * sizeof(struct fiber), &pool->memory);
    pool->fibers = (struct fiber *)(void *)pool->memory.bytes;
    return result;
}

static void pool_close(struct fiber_pool *pool)
{
    assert_that(pool->alive_count, ==, 0);
    stack_arena_give_back(pool->arena);
    memory_give_back(pool->memory);
    *pool = (struct fiber_pool){ 0 };
}

COLD enum result fiber_open(const struct fiber_parameters *parameters)
{
    const uint64_t counts[STACK_SIZES] = { parameters->small_count, parameters->medium_count,
                                           parameters->large_count };
    fiber_runtime = (struct fiber_runtime){ .loop.name = "loop", .loop.state = FIBER_RUNNING };
    fiber_runtime.current = &fiber_runtime.loop;
    fiber_runtime.now_ns = clock_monotonic_ns();
    list_init(&fiber_runtime.runnable);
    list_init(&fiber_runtime.deferred);
    timer_wheel_init(&fiber_runtime.timers, fiber_runtime.now_ns);
    enum result result = OK;
    for (size_t size = 0; size < STACK_SIZES && result == OK; size++)
        result = pool_open(&fiber_runtime.pools[size], (enum stack_size)size, counts[size]);
    if (result != OK) fiber_close();
    return result;
}

COLD void fiber_close(void)
{
    for (size_t size = 0; size < STACK_SIZES; size++)
        pool_close(&fiber_runtime.pools[size]);
}
