/* fiber_sanitizer.h - tells the address sanitizer that the stack changes; nothing in other builds.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_FIBER_SANITIZER_H
#define LOOM_FIBER_SANITIZER_H

#include "base/sanitizer.h"
#include "fiber/fiber_private.h"

#if SANITIZED_ADDRESS

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* Before a stack is used again: the last frames on it never returned, so their marks are still
 * there. */
static inline void sanitizer_begin(struct span stack)
{
    __asan_unpoison_memory_region(stack.bytes, stack.length_bytes);
}

/* Before the switch. `ends`: nobody comes back to `from`. */
static inline void sanitizer_leave(struct fiber *from, const struct fiber *to, bool ends)
{
    __sanitizer_start_switch_fiber(ends ? NULL : &from->fake_stack, to->stack.bytes,
                                   to->stack.length_bytes);
}

/* First thing on the new stack. The loop's own bounds are learnt when it is first left. */
static inline void sanitizer_arrive(struct fiber *fiber)
{
    const void *bottom;
    size_t length_bytes;
    __sanitizer_finish_switch_fiber(fiber->fake_stack, &bottom, &length_bytes);
    if (fiber_runtime.loop.stack.length_bytes == 0) {
        fiber_runtime.loop.stack.bytes = (uint8_t *)(uintptr_t)bottom;
        fiber_runtime.loop.stack.length_bytes = length_bytes;
    }
}

#else

static inline void sanitizer_begin(struct span stack)
{
    (void)stack;
}

static inline void sanitizer_leave(struct fiber *from, const struct fiber *to, bool ends)
{
    (void)from, (void)to, (void)ends;
}

static inline void sanitizer_arrive(struct fiber *fiber)
{
    (void)fiber;
}

#endif

#endif
