/* crash.c - what a machine prints when it breaks, before it ends: in words, with the registers, the
 * fiber, a backtrace and the census. The words are image/crash_report.h's, as in a process.
 *
 * Addresses within the image are told as the linker chose them, so that `addr2line -e IMAGE` knows
 * them, wherever this machine had it.
 *
 * SPDX-License-Identifier: ISC */
#include "base/assert.h"
#include "base/units.h"
#include "fiber/fiber.h"
#include "image/crash_report.h"
#include "log/log.h"
#include "target/exit.h"
#include "target/vm/boot.h"
#include "target/vm/memory.h"

#define STATUS_CRASHED 134 /* as a process that abort() has ended */

__attribute__((noreturn, cold)) void machine_fault(const struct machine_fault_frame *frame);

static bool find_in_image(uintptr_t address, struct view *name, uintptr_t *offset_bytes)
{
    *name = VIEW("image");
    *offset_bytes = address - boot_page->image.base;
    return *offset_bytes < boot_page->image.length_bytes;
}

static const struct crash_names names = { .find = find_in_image };

static struct view loop_stack(void)
{
    const struct machine_range *stack = &boot_page->boot_stack;
    const void *base = (const void *)(uintptr_t)stack->base; // NOLINT: as the boot pages tell it
    return view_from(base, stack->length_bytes);
}

/* A crash within a crash ends the machine at once. */
static void begin_report(void)
{
    static bool crashing;
    if (crashing) machine_end(MACHINE_CRASH, STATUS_CRASHED);
    crashing = true;
}

static void say_breach(const struct breach *breach)
{
    crash_say("memory: byte %zu %s of %zu bytes is 0x%02x; they were taken here:\n",
              breach->distance_bytes, breach->is_behind ? "behind the end" : "before the start",
              breach->pool.pool.length_bytes, breach->byte);
    crash_say_frame(0, breach->pool.taker - 1, &names);
}

static void say_breaches(void)
{
    struct breach breach;
    for (size_t at = 0; memory_find_breach(&at, &breach);)
        say_breach(&breach);
}

__attribute__((noreturn)) static void end_report(void)
{
    fiber_census_write();
    log_write_last();
    say_breaches();
    machine_end(MACHINE_CRASH, STATUS_CRASHED);
}

void target_panic(struct view report)
{
    begin_report();
    crash_say_panic(report);
    crash_say_fiber();
    crash_say_backtrace(__builtin_frame_address(0), loop_stack(), &names);
    end_report();
}

/* ---- exceptions ---- */

/* Intel SDM 3A, table 6-1. */
enum exception {
    DIVIDE_ERROR = 0,
    BREAKPOINT = 3,
    INVALID_OPCODE = 6,
    STACK_FAULT = 12,
    GENERAL_PROTECTION = 13,
    PAGE_FAULT = 14,
    FLOATING_POINT = 16,
    ALIGNMENT_CHECK = 17,
    VECTOR_FLOATING_POINT = 19,
};

/* Of a page fault (Intel SDM 3A, 4.7). */
#define ERROR_PRESENT 0x01u
#define ERROR_WRITE   0x02u
#define ERROR_FETCH   0x10u

static bool overflows_boot_stack(uintptr_t address)
{
    uintptr_t base = boot_page->boot_stack.base;
    return address < base && base - address <= MACHINE_PAGE_BYTES;
}

static const char *how_accessed(uintptr_t address, uint64_t error)
{
    if (address < MACHINE_PAGE_BYTES) return ", a null pointer";
    if (error & ERROR_FETCH) return ", executing what is no code";
    if ((error & ERROR_WRITE) && (error & ERROR_PRESENT)) return ", writing to what is read-only";
    return error & ERROR_WRITE ? ", writing" : ", reading";
}

static void say_page_fault(const struct machine_fault_frame *frame)
{
    machine_cross(MACHINE_FAULT);
    uintptr_t address = boot_page->control.fault_address;
    if (overflows_boot_stack(address)) {
        crash_say("\ncrash: the loop has overflowed its stack of %zu KiB\n",
                  (size_t)(boot_page->boot_stack.length_bytes / KIB));
    } else {
        crash_say_access(address, how_accessed(address, frame->error));
    }
}

static void say_fault(const struct machine_fault_frame *frame)
{
    switch (frame->vector) {
    case PAGE_FAULT: say_page_fault(frame); return;
    case INVALID_OPCODE: crash_say_check(); return;
    case DIVIDE_ERROR: crash_say_division(); return;
    case STACK_FAULT:
    case GENERAL_PROTECTION:
        crash_say("\ncrash: an address that cannot be one, or an instruction that is not allowed "
                  "(error 0x%zx)\n",
                  (size_t)frame->error);
        return;
    case BREAKPOINT: crash_say("\ncrash: a breakpoint without a debugger\n"); return;
    case FLOATING_POINT:
    case VECTOR_FLOATING_POINT: crash_say("\ncrash: a floating-point exception\n"); return;
    case ALIGNMENT_CHECK: crash_say("\ncrash: an access that is not aligned\n"); return;
    default:
        crash_say("\ncrash: exception %u (error 0x%zx)\n", (unsigned)frame->vector,
                  (size_t)frame->error);
    }
}

/* A register's place in the frame, in words. */
#define REGISTER(field) \
    { \
#field, offsetof(struct machine_fault_frame, field) / sizeof(uint64_t) \
    }

static void say_registers(const struct machine_fault_frame *frame)
{
    static const struct {
        char name[4];
        uint8_t place;
    } registers[] = {
        REGISTER(rax), REGISTER(rbx), REGISTER(rcx), REGISTER(rdx), REGISTER(rsi), REGISTER(rdi),
        REGISTER(rbp), REGISTER(rsp), REGISTER(r8),  REGISTER(r9),  REGISTER(r10), REGISTER(r11),
        REGISTER(r12), REGISTER(r13), REGISTER(r14), REGISTER(r15),
    };
    for (size_t i = 0; i < LENGTH_OF(registers); i++) {
        const uint64_t *words = (const uint64_t *)frame;
        crash_say("  %-3s %016zx%s", registers[i].name, words[registers[i].place],
                  i % 4 == 3 ? "\n" : "");
    }
    crash_say("  rip %016zx  rflags %08zx  image at %016zx\n", frame->rip, frame->rflags,
              (size_t)boot_page->image.base);
}

void machine_fault(const struct machine_fault_frame *frame)
{
    begin_report();
    say_fault(frame);
    crash_say_fiber();
    say_registers(frame);
    const struct crash_place place = { frame->rip, frame->rsp, frame->rbp };
    crash_say_backtrace_from(&place, loop_stack(), &names);
    end_report();
}
