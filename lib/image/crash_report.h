/* crash_report.h - what the report of a broken image says on every target: what happened in words,
 * where, in which fiber, and how it came there. For a target's crash handler.
 *
 * The parts allocate nothing, wait for nothing, and work on any stack of 4 KiB. The backtrace
 * follows frame pointers, which every build keeps, and never leaves the stack it is on. (A function
 * that calls nobody and needs no stack has no frame all the same: its caller is told by the address
 * that its call has left where the stack ends, if the rest agrees.)
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CRASH_REPORT_H
#define LOOM_CRASH_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"
#include "base/view.h"

/* How a target names an address: the name, and how far behind its start the address is. False: no
 * name is known. */
struct crash_names {
    bool (*find)(uintptr_t address, struct view *name, uintptr_t *offset_bytes);
};

/* What every function pushes first. */
struct crash_frame {
    const struct crash_frame *caller;
    uintptr_t return_address;
};

/* One line of a report or a part of one. */
COLD __attribute__((format(printf, 1, 2))) void crash_say(const char *words, ...);

/* A bad access, or a stack that has overflowed where the address is in a guard page. `how` says
 * more of the access: "" or ", ...". */
COLD void crash_say_access(uintptr_t address, const char *how);

/* A trap that the compiler has put where a check fails, and a division that has no result. */
COLD void crash_say_check(void);
COLD void crash_say_division(void);

/* An assert that failed, as target_panic is told of it. */
COLD void crash_say_panic(struct view report);

COLD void crash_say_fiber(void);

/* A line of a backtrace. */
COLD void crash_say_frame(unsigned number, uintptr_t address, const struct crash_names *names);

/* From frame 1 on. `loop_stack` is the stack of the loop, for when no fiber runs. */
COLD void crash_say_backtrace(const struct crash_frame *frame, struct view loop_stack,
                              const struct crash_names *names);

/* Where the processor could not go on, by its registers. */
struct crash_place {
    uintptr_t instruction, stack_pointer, frame_pointer;
};

/* Frame 0, which is there, and the others. */
COLD void crash_say_backtrace_from(const struct crash_place *place, struct view loop_stack,
                                   const struct crash_names *names);

#endif
