/* stack.c - the arenas of stacks, which the monitor has laid out before the first instruction: no
 * call of the image changes a mapping.
 *
 * SPDX-License-Identifier: ISC */
#include "target/stack.h"

#include "base/units.h"
#include "target/vm/boot.h"

#define LOG_MODULE "stack"
#include "log/log.h"

static bool is_taken[MACHINE_STACK_CLASSES];

/* The class with stacks of that size; MACHINE_STACK_CLASSES: there is none. */
static size_t find_class(size_t stack_bytes)
{
    size_t kind = 0;
    while (kind < MACHINE_STACK_CLASSES && (boot_page->stacks[kind].stack_bytes != stack_bytes ||
                                            boot_page->stacks[kind].count == 0))
        kind++;
    return kind;
}

COLD enum result stack_arena_take(size_t *count, size_t stack_bytes, struct span *arena)
{
    *arena = (struct span){ 0 };
    size_t kind = find_class(stack_bytes);
    if (kind == MACHINE_STACK_CLASSES || is_taken[kind]) {
        log_error("the machine was started without stacks of %zu KiB", stack_bytes / (size_t)KIB);
        return FULL;
    }
    const struct machine_stacks *stacks = &boot_page->stacks[kind];
    if (stacks->count < *count)
        log_info("the machine's memory holds %u stacks of %zu KiB instead of %zu; give it more "
                 "(--mem) if fibers run short",
                 stacks->count, stack_bytes / (size_t)KIB, *count);
    *count = MIN(*count, (size_t)stacks->count);
    is_taken[kind] = true;
    void *base = (void *)(uintptr_t)stacks->base; // NOLINT: as the boot pages tell it
    *arena = span_from(base, *count * (STACK_GUARD_BYTES + stack_bytes));
    return OK;
}

COLD void stack_arena_give_back(struct span arena)
{
    for (size_t kind = 0; kind < MACHINE_STACK_CLASSES; kind++) {
        if (arena.length_bytes > 0 && boot_page->stacks[kind].base == (uintptr_t)arena.bytes)
            is_taken[kind] = false;
    }
}
