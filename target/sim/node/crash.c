/* crash.c - how a node ends: by itself, or by a broken invariant, which the simulator reports.
 *
 * The backtrace follows frame pointers, which every build keeps, and never leaves the stack it is
 * on; the simulator finds the names.
 *
 * SPDX-License-Identifier: ISC */
#include "base/sanitizer.h"
#include "base/units.h"
#include "fiber/fiber_private.h"
#include "target/exit.h"
#include "target/sim/node/node.h"

#define BACKTRACE_MAX 32

/* What every function pushes first. */
struct frame {
    const struct frame *caller;
    uintptr_t return_address;
};

static bool stack_holds(struct view stack, const struct frame *frame)
{
    uintptr_t base = (uintptr_t)stack.bytes, address = (uintptr_t)frame;
    return address >= base && address % sizeof(uintptr_t) == 0 &&
           address + sizeof *frame <= base + stack.length_bytes;
}

/* The loop's own bounds are not known: within the next 16 KiB above the frame, of a stack that ends
 * with a return address of zero. */
NO_ADDRESS_CHECKS static size_t walk(const struct frame *frame, uintptr_t addresses[])
{
    struct view stack = fiber_current_stack();
    if (view_is_empty(stack)) stack = view_from(frame, 16 * KIB);
    size_t count = 0;
    while (count < BACKTRACE_MAX && stack_holds(stack, frame) && frame->return_address != 0) {
        addresses[count++] = frame->return_address;
        if (frame->caller <= frame) break;
        frame = frame->caller;
    }
    return count;
}

void target_exit(int status)
{
    sim_host->ops->exit(sim_host, status);
    __builtin_unreachable();
}

void target_panic(struct view report)
{
    uintptr_t addresses[BACKTRACE_MAX];
    size_t count = walk(__builtin_frame_address(0), addresses);
    const struct fiber *fiber = fiber_current();
    struct view name = fiber == NULL ? VIEW("") : view_from_string(fiber->name);
    sim_host->ops->broken(sim_host, report, name, addresses, count);
    __builtin_unreachable();
}
