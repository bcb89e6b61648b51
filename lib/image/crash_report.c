/* crash_report.c - see crash_report.h.
 *
 * SPDX-License-Identifier: ISC */
#include "image/crash_report.h"

#include "base/sanitizer.h"
#include "base/units.h"
#include "base/writer.h"
#include "fiber/fiber_private.h"
#include "target/console.h"

#define BACKTRACE_MAX 32
#define LINE_MAX      400

void crash_say(const char *words, ...)
{
    uint8_t room[LINE_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    __builtin_va_list arguments;
    __builtin_va_start(arguments, words);
    writer_format_list(&writer, words, arguments);
    __builtin_va_end(arguments);
    console_write_diagnostic(writer_view(&writer));
}

void crash_say_access(uintptr_t address, const char *how)
{
    const struct fiber *overflowed = fiber_with_guard_at(address);
    if (overflowed != NULL) {
        crash_say("\ncrash: fiber '%s' has overflowed its stack of %zu KiB (start it with a larger "
                  "one)\n",
                  overflowed->name, overflowed->stack.length_bytes / (size_t)KIB);
    } else {
        crash_say("\ncrash: bad access to address 0x%zx%s\n", (size_t)address, how);
    }
}

void crash_say_check(void)
{
    crash_say("\ncrash: a check of the hardened build failed (bounds, overflow, shift, null or "
              "unreachable)\n");
}

void crash_say_division(void)
{
    crash_say("\ncrash: division by zero or overflow in a division\n");
}

/* However long it is. */
void crash_say_panic(struct view report)
{
    console_write_diagnostic(VIEW("\npanic: "));
    console_write_diagnostic(report);
    console_write_diagnostic(VIEW("\n"));
}

void crash_say_fiber(void)
{
    const struct fiber *fiber = fiber_current();
    if (fiber == NULL) {
        crash_say("in the loop\n");
    } else {
        crash_say("in fiber '%s'\n", fiber->name);
    }
}

void crash_say_frame(unsigned number, uintptr_t address, const struct crash_names *names)
{
    struct view name;
    uintptr_t offset_bytes;
    if (names->find(address, &name, &offset_bytes)) {
        crash_say("  #%-2u %.*s+0x%zx\n", number, VIEW_FORMAT(name), (size_t)offset_bytes);
    } else {
        crash_say("  #%-2u 0x%zx\n", number, (size_t)address);
    }
}

static bool stack_holds(struct view stack, const struct crash_frame *frame)
{
    uintptr_t base = (uintptr_t)stack.bytes, address = (uintptr_t)frame;
    return address >= base && address % sizeof(uintptr_t) == 0 &&
           address + sizeof *frame <= base + stack.length_bytes;
}

NO_ADDRESS_CHECKS void crash_say_backtrace(const struct crash_frame *frame, struct view loop_stack,
                                           const struct crash_names *names)
{
    struct view stack = fiber_current_stack();
    if (view_is_empty(stack)) stack = loop_stack;
    for (unsigned number = 1; number < BACKTRACE_MAX && stack_holds(stack, frame); number++) {
        if (frame->return_address == 0) return;
        /* The call, not what stands behind it: after a call that never returns that is another
         * function. */
        crash_say_frame(number, frame->return_address - 1, names);
        if (frame->caller <= frame) return;
        frame = frame->caller;
    }
}
