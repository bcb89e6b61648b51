/* stack.c - the arena of stacks, with its guard pages.
 *
 * A guard made with mprotect splits the mapping, and Linux allows 65,530 mappings
 * (vm.max_map_count): enough for some 32,000 stacks. Linux 6.13 can put guards into the page tables
 * instead (MADV_GUARD_INSTALL), without limit and twenty times faster; it is tried first.
 *
 * SPDX-License-Identifier: ISC */
#include "target/stack.h"

#include <sys/mman.h>

#include "base/assert.h"
#include "base/units.h"
#include "target/memory.h"

#define LOG_MODULE "stack"
#include "log/log.h"

#define GUARD_INSTALL 102 /* MADV_GUARD_INSTALL, in newer headers */

static bool guard_install(struct span guard)
{
    return madvise(guard.bytes, guard.length_bytes, GUARD_INSTALL) == 0;
}

static bool guard_protect(struct span guard)
{
    return mprotect(guard.bytes, guard.length_bytes, PROT_NONE) == 0;
}

enum result stack_arena_take(size_t *count, size_t stack_bytes, struct span *arena)
{
    size_t stride = STACK_GUARD_BYTES + stack_bytes;
    size_t arena_bytes;
    if (__builtin_mul_overflow(*count, stride, &arena_bytes)) return FULL;
    enum result result = memory_take(arena_bytes, arena);
    if (result != OK) return result;

    bool (*guard)(struct span) = guard_install;
    for (size_t i = 0; i < *count; i++) {
        struct span page = span_first(span_from_offset(*arena, i * stride), STACK_GUARD_BYTES);
        if (guard(page)) continue;
        guard = guard_protect;
        if (guard(page)) continue;
        log_error(
            "the host gives guard pages to %zu of %zu stacks of %zu KiB: a kernel before Linux "
            "6.13 counts "
            "each as a mapping; raise vm.max_map_count (sysctl -w vm.max_map_count=%zu) or lower "
            "--fibers-small, --fibers-medium and --fibers-large",
            i, *count, stack_bytes / (size_t)KIB, 2 * *count + 1000);
        stack_arena_give_back(*arena);
        *arena = (struct span){ 0 };
        return FULL;
    }
    return OK;
}

void stack_arena_give_back(struct span arena)
{
    memory_give_back(arena);
}
