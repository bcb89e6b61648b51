/* fiber_census.c - who lives, what it waits for, and how deep its stack has been.
 *
 * Stacks are zero until they are used, so the deepest use ends at the first word that is not.
 *
 * SPDX-License-Identifier: ISC */
#include "base/sanitizer.h"
#include "base/units.h"
#include "fiber/fiber_private.h"
#include "target/clock.h"
#include "target/stack.h"

#define LOG_MODULE "fiber"
#include "log/log.h"

NO_ADDRESS_CHECKS static size_t deepest_bytes(struct span stack)
{
    size_t offset_bytes = 0;
    while (offset_bytes + sizeof(uint64_t) <= stack.length_bytes &&
           *(const uint64_t *)(const void *)(stack.bytes + offset_bytes) == 0)
        offset_bytes += sizeof(uint64_t);
    return stack.length_bytes - offset_bytes;
}

static const char *waits_for(const struct fiber *fiber)
{
    switch (fiber->state) {
    case FIBER_RUNNING: return "running";
    case FIBER_RUNNABLE: return "runnable";
    case FIBER_WAITING: return fiber->reason;
    case FIBER_FREE: break;
    }
    panic("fiber '%s' is not alive", fiber->name);
}

static void visit_one(struct fiber_visitor *visitor, const struct fiber *fiber)
{
    if (fiber->state == FIBER_FREE) return;
    struct fiber_census census = {
        .name = fiber->name,
        .scope = fiber->scope->name,
        .waits_for = waits_for(fiber),
        .deadline_ns = timer_is_running(&fiber->alarm.timer) ? fiber->alarm.timer.deadline_ns
                                                             : NEVER,
        .stack_bytes = fiber->stack.length_bytes,
        .stack_deepest_bytes = deepest_bytes(fiber->stack),
    };
    visitor->visit(visitor, &census);
}

COLD void fiber_visit(struct fiber_visitor *visitor)
{
    for (size_t size = 0; size < STACK_SIZES; size++) {
        const struct fiber_pool *pool = &fiber_runtime.pools[size];
        for (size_t i = 0; i < pool->used_count; i++)
            visit_one(visitor, &pool->fibers[i]);
    }
}

/* A census of very many is cut: the first ones tell the story. */
#define CENSUS_LINES_MAX 64

struct census_log {
    struct fiber_visitor visitor;
    size_t count;
};

static void write_line(struct fiber_visitor *visitor, const struct fiber_census *fiber)
{
    struct census_log *census = CONTAINER_OF(visitor, struct census_log, visitor);
    if (census->count++ >= CENSUS_LINES_MAX) return;
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t left_ms = fiber->deadline_ns > now_ns ? (fiber->deadline_ns - now_ns) / MS_NS : 0;
    if (fiber->deadline_ns == NEVER) {
        log_census("  %-20s in %-16s %-20s no deadline    stack %zu of %zu", fiber->name,
                   fiber->scope, fiber->waits_for, fiber->stack_deepest_bytes, fiber->stack_bytes);
    } else {
        log_census("  %-20s in %-16s %-20s %8llu ms    stack %zu of %zu", fiber->name, fiber->scope,
                   fiber->waits_for, (unsigned long long)left_ms, fiber->stack_deepest_bytes,
                   fiber->stack_bytes);
    }
}

COLD void fiber_census_write(void)
{
    struct census_log census = { .visitor.visit = write_line };
    fiber_visit(&census.visitor);
    log_census("fibers: %zu%s", census.count,
               census.count > CENSUS_LINES_MAX ? ", of which the first 64 are shown" : "");
}

const struct fiber *fiber_with_guard_at(uintptr_t address)
{
    for (size_t size = 0; size < STACK_SIZES; size++) {
        const struct fiber_pool *pool = &fiber_runtime.pools[size];
        uintptr_t base = (uintptr_t)pool->arena.bytes;
        if (address < base || address >= base + pool->arena.length_bytes) continue;
        size_t stride = STACK_GUARD_BYTES + fiber_stack_bytes[size];
        size_t index = (address - base) / stride;
        bool in_guard = (address - base) % stride < STACK_GUARD_BYTES;
        if (in_guard && index < pool->used_count) return &pool->fibers[index];
    }
    return NULL;
}

struct view fiber_current_stack(void)
{
    const struct fiber *fiber = fiber_current();
    if (fiber == NULL) return (struct view){ 0 };
    return span_view(fiber->stack);
}
