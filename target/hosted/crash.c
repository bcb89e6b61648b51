/* crash.c - what an image prints when it breaks: in words, with the fiber and a symbolised
 * backtrace. Here is how a process learns of it and ends; the words are image/crash_report.h's.
 *
 * SPDX-License-Identifier: ISC */
#include "target/hosted/crash.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/sanitizer.h"
#include "base/units.h"
#include "fiber/fiber.h"
#include "image/crash_report.h"
#include "log/log.h"
#include "target/exit.h"
#include "target/hosted/symbol.h"

static const struct crash_names names = { .find = symbol_find };

/* In the loop the bounds are not known: stay within the next 64 KiB above the place. */
static struct view stack_above(uintptr_t address)
{
    return view_from((const void *)address, 64 * KIB); // NOLINT: a register's number
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
    log_write_last();
    (void)signal(SIGABRT, SIG_DFL);
    abort();
}

void target_panic(struct view report)
{
    begin_report();
    crash_say_panic(report);
    crash_say_fiber();
    const struct crash_frame *frame = __builtin_frame_address(0);
    crash_say_backtrace(frame, stack_above((uintptr_t)frame), &names);
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
    if (number == SIGILL || number == SIGTRAP) {
        crash_say_check();
    } else if (number == SIGFPE) {
        crash_say_division();
    } else {
        crash_say_access((uintptr_t)information->si_addr, "");
    }
}

/* The kernel looks, since who looks himself and is wrong crashes again. */
static bool is_readable(uintptr_t address)
{
    uintptr_t word;
    struct iovec to = { &word, sizeof word };
    struct iovec from = { (void *)address, sizeof word }; // NOLINT: as above
    return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)sizeof word;
}

/* Where the stack has overflowed its pointer is beyond it, and only the frame is on it. */
static struct view loop_stack(const struct crash_place *place)
{
    if (is_readable(place->stack_pointer)) return stack_above(place->stack_pointer);
    return is_readable(place->frame_pointer) ? stack_above(place->frame_pointer) : VIEW("");
}

static void handle_fault(int number, siginfo_t *information, void *context)
{
    const ucontext_t *machine = context;
    begin_report();
    say_fault(number, information);
    crash_say_fiber();
    const greg_t *registers = machine->uc_mcontext.gregs;
    const struct crash_place place = { .instruction = (uintptr_t)registers[REG_RIP],
                                       .stack_pointer = (uintptr_t)registers[REG_RSP],
                                       .frame_pointer = (uintptr_t)registers[REG_RBP] };
    crash_say_backtrace_from(&place, loop_stack(&place), &names);
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
