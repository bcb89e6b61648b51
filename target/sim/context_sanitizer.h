/* context_sanitizer.h - tells the address sanitizer that the stack changes; nothing in other
 * builds.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_CONTEXT_SANITIZER_H
#define LOOM_SIM_CONTEXT_SANITIZER_H

#include "base/sanitizer.h"
#include "base/view.h"

#if SANITIZED_ADDRESS

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* Before the switch. `fake_stack` is NULL when nobody comes back. */
static inline void sanitizer_leave(void **fake_stack, struct view to)
{
    __sanitizer_start_switch_fiber(fake_stack, to.bytes, to.length_bytes);
}

/* First thing behind it. `from` (or NULL) is filled in with the stack that was left. */
static inline void sanitizer_arrive(void *fake_stack, struct view *from)
{
    const void *bottom;
    size_t length_bytes;
    __sanitizer_finish_switch_fiber(fake_stack, &bottom, &length_bytes);
    if (from != NULL) *from = view_from(bottom, length_bytes);
}

static inline void sanitizer_forget(struct span memory)
{
    __asan_unpoison_memory_region(memory.bytes, memory.length_bytes);
}

#else

static inline void sanitizer_leave(void **fake_stack, struct view to)
{
    (void)fake_stack, (void)to;
}

static inline void sanitizer_arrive(void *fake_stack, struct view *from)
{
    (void)fake_stack, (void)from;
}

static inline void sanitizer_forget(struct span memory)
{
    (void)memory;
}

#endif

#endif
