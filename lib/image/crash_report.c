/* crash_report.c - see crash_report.h.
 *
 * SPDX-License-Identifier: ISC */
#include "image/crash_report.h"

#include "base/sanitizer.h"
#include "base/units.h"
#include "base/writer.h"
#include "fiber/fiber_private.h"
#include "image/segments.h"
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

static bool stack_holds(struct view stack, uintptr_t address, size_t length_bytes)
{
    uintptr_t base = (uintptr_t)stack.bytes;
    return address >= base && address % sizeof(uintptr_t) == 0 &&
           address + length_bytes <= base + stack.length_bytes;
}

static struct view current_stack(struct view loop_stack)
{
    struct view stack = fiber_current_stack();
    return view_is_empty(stack) ? loop_stack : stack;
}

NO_ADDRESS_CHECKS static void say_frames(unsigned number, const struct crash_frame *frame,
                                         struct view stack, const struct crash_names *names)
{
    while (number < BACKTRACE_MAX && stack_holds(stack, (uintptr_t)frame, sizeof *frame)) {
        if (frame->return_address == 0) return;
        /* The call, not what stands behind it: after a call that never returns that is another
         * function. */
        crash_say_frame(number++, frame->return_address - 1, names);
        if (frame->caller <= frame) return;
        frame = frame->caller;
    }
}

void crash_say_backtrace(const struct crash_frame *frame, struct view loop_stack,
                         const struct crash_names *names)
{
    say_frames(1, frame, current_stack(loop_stack), names);
}

/* ---- functions without a frame ---- */

#define FUNCTION_BYTES_MAX 4096 /* nearly all are shorter; a longer reach finds others' calls */
#define CALL_BYTES_MAX     7    /* Intel SDM 2A, CALL: FF /2 with all that may follow it */
#define CALL_DIRECT_BYTES  5    /* E8 and a distance */

/* What stands in the code before an address to which a call may return. */
struct call {
    bool is_one, is_direct;
    uintptr_t target; /* of a direct one */
};

static struct call call_before(uintptr_t address)
{
    struct view code = segment_code();
    size_t offset = address - (uintptr_t)code.bytes;
    if (offset < CALL_BYTES_MAX || offset > code.length_bytes) return (struct call){ 0 };
    struct view before = view_slice(code, offset - CALL_BYTES_MAX, CALL_BYTES_MAX);
    if (view_byte(before, CALL_BYTES_MAX - CALL_DIRECT_BYTES) == 0xe8) {
        int32_t distance;
        (void)span_copy(SPAN_OF(distance), view_from_offset(before, CALL_BYTES_MAX - 4));
        return (struct call){ true, true, address + (uintptr_t)(intptr_t)distance };
    }
    for (size_t i = 0; i + 1 < CALL_BYTES_MAX; i++) {
        if (view_byte(before, i) == 0xff && (view_byte(before, i + 1) >> 3 & 7) == 2)
            return (struct call){ .is_one = true };
    }
    return (struct call){ 0 };
}

/* Whether the function that it has called may be the one of the instruction. */
static bool calls_function_of(const struct call *call, uintptr_t instruction)
{
    return call->is_direct && call->target <= instruction &&
           instruction - call->target < FUNCTION_BYTES_MAX;
}

/* Where the stack ends may stand anything, an older return address too. It is believed where it is
 * behind a call of this function, or of one that is not known; unless the frame, which is the
 * function's own then or its caller's, is of a function that begins nearer to the instruction. */
NO_ADDRESS_CHECKS static uintptr_t return_without_frame(const struct crash_place *place,
                                                        const struct crash_frame *frame,
                                                        struct view stack)
{
    if (!stack_holds(stack, place->stack_pointer, sizeof(uintptr_t))) return 0;
    uintptr_t found = *(const uintptr_t *)place->stack_pointer; // NOLINT: a register's number
    struct call inner = call_before(found), outer = { 0 };
    if (!inner.is_one) return 0;
    if (stack_holds(stack, (uintptr_t)frame, sizeof *frame))
        outer = call_before(frame->return_address);
    bool has_frame = calls_function_of(&outer, place->instruction);
    if (!inner.is_direct) return has_frame ? 0 : found;
    bool is_inner = calls_function_of(&inner, place->instruction);
    return is_inner && !(has_frame && outer.target >= inner.target) ? found : 0;
}

void crash_say_backtrace_from(const struct crash_place *place, struct view loop_stack,
                              const struct crash_names *names)
{
    struct view stack = current_stack(loop_stack);
    const struct crash_frame *frame = (const struct crash_frame *)place->frame_pointer; // NOLINT
    crash_say_frame(0, place->instruction, names);
    uintptr_t without_frame = return_without_frame(place, frame, stack);
    if (without_frame != 0) crash_say_frame(1, without_frame - 1, names);
    say_frames(without_frame != 0 ? 2 : 1, frame, stack, names);
}
