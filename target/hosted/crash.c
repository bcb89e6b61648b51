/* crash.c - what an image prints when it breaks: in words, with the fiber and a symbolised
 * backtrace.
 *
 * The backtrace follows frame pointers, which every build keeps, and never leaves the stack it is
 * on.
 *
 * SPDX-License-Identifier: ISC */
#include "target/hosted/crash.h"

#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

#include "base/assert.h"
#include "base/sanitizer.h"
#include "base/units.h"
#include "base/writer.h"
#include "fiber/fiber_private.h"
#include "target/console.h"
#include "target/exit.h"
#include "target/hosted/symbol.h"

#define BACKTRACE_MAX 32
#define LINE_MAX      400

__attribute__((format(printf, 1, 2))) static void say(const char *words, ...)
{
    uint8_t room[LINE_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    __builtin_va_list arguments;
    __builtin_va_start(arguments, words);
    writer_format_list(&writer, words, arguments);
    __builtin_va_end(arguments);
    console_write_diagnostic(writer_view(&writer));
}

static void say_frame(unsigned number, uintptr_t address)
{
    struct view name;
    uintptr_t offset_bytes;
    if (symbol_find(address, &name, &offset_bytes)) {
        say("  #%-2u %.*s+0x%zx\n", number, VIEW_FORMAT(name), (size_t)offset_bytes);
    } else {
        say("  #%-2u 0x%zx\n", number, (size_t)address);
    }
}

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

NO_ADDRESS_CHECKS static void say_backtrace(const struct frame *frame)
{
    struct view stack = fiber_current_stack();
    /* In the loop the bounds are not known: stay within the next 64 KiB above the frame. */
    if (view_is_empty(stack)) stack = view_from(frame, 64 * KIB);
    for (unsigned number = 1; number < BACKTRACE_MAX && stack_holds(stack, frame); number++) {
        if (frame->return_address == 0) return;
        /* The call, not what stands behind it: after a call that never returns that is another
         * function. */
        say_frame(number, frame->return_address - 1);
        if (frame->caller <= frame) return;
        frame = frame->caller;
    }
}

static void say_fiber(void)
{
    const struct fiber *fiber = fiber_current();
    if (fiber == NULL) {
        say("in the loop\n");
    } else {
        say("in fiber '%s'\n", fiber->name);
    }
}

/* A crash within a crash ends the process at once. */
static void begin_report(void)
{
    static bool crashing;
    if (crashing) _Exit(134);
    crashing = true;
}

__attribute__((noreturn)) static void end_report(void)
{
    fiber_census_write();
    (void)signal(SIGABRT, SIG_DFL);
    abort();
}

void target_panic(struct view report)
{
    begin_report();
    console_write_diagnostic(VIEW("\npanic: "));
    console_write_diagnostic(report);
    console_write_diagnostic(VIEW("\n"));
    say_fiber();
    say_backtrace(__builtin_frame_address(0));
    end_report();
}

void target_exit(int status)
{
    exit(status);
}

#if SANITIZED_ADDRESS

void crash_handlers_install(void)
{
}

#else

/* A signal handler's stack of its own, since the fiber's may be what has overflowed. */
static uint8_t handler_stack[32 * KIB] __attribute__((aligned(16)));

static void say_fault(int number, const siginfo_t *information)
{
    uintptr_t address = (uintptr_t)information->si_addr;
    const struct fiber *overflowed = fiber_with_guard_at(address);
    if (number == SIGSEGV && overflowed != NULL) {
        say("\ncrash: fiber '%s' has overflowed its stack of %zu KiB (start it with a larger "
            "one)\n",
            overflowed->name, overflowed->stack.length_bytes / (size_t)KIB);
    } else if (number == SIGILL || number == SIGTRAP) {
        say("\ncrash: a check of the hardened build failed (bounds, overflow, shift, null or "
            "unreachable)\n");
    } else if (number == SIGFPE) {
        say("\ncrash: division by zero or overflow in a division\n");
    } else {
        say("\ncrash: bad access to address 0x%zx\n", (size_t)address);
    }
}

static void handle_fault(int number, siginfo_t *information, void *context)
{
    const ucontext_t *machine = context;
    begin_report();
    say_fault(number, information);
    say_fiber();
    say_frame(0, (uintptr_t)machine->uc_mcontext.gregs[REG_RIP]);
    /* A register holds it as a number. */
    say_backtrace((const struct frame *)machine->uc_mcontext.gregs[REG_RBP]); // NOLINT
    end_report();
}

void crash_handlers_install(void)
{
    static const int numbers[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE };
    stack_t stack = { .ss_sp = handler_stack, .ss_size = sizeof handler_stack };
    struct sigaction action = { .sa_sigaction = handle_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    int failed = sigaltstack(&stack, NULL);
    for (size_t i = 0; i < LENGTH_OF(numbers); i++)
        failed |= sigaction(numbers[i], &action, NULL);
    assert(failed == 0);
}

#endif
