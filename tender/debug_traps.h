/* debug_traps.h - how a machine that is debugged comes to stand still: its exceptions leave it.
 *
 * KVM's own means for that (KVM_SET_GUEST_DEBUG) are not everywhere where there is a KVM: of a
 * nested one they are taken and do nothing. So each stub that an exception goes to begins with
 * an `out` to a port of its own, which the machine may use only while it is debugged:
 *
 *     stub:  out %al, $TRAP_PORT        for  push $0  or  push $vector
 *
 * What the processor has pushed lies on the fault stack then, no register has changed, and the
 * machine goes on as if there had been nothing when it gets its registers back. Breakpoints are
 * `int3`, a single step is the trap flag; both are exceptions. The stubs are made whole again for
 * an exception that the image is to meet with.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_DEBUG_TRAPS_H
#define LOOM_TENDER_DEBUG_TRAPS_H

#include <linux/kvm.h>

#include "target/machine/layout.h"
#include "tender/gdb_protocol.h"
#include "tender/guest_pages.h"

#define DEBUG_BREAKPOINTS_MAX 256
#define DEBUG_VECTORS         32
#define DEBUG_STUB_BYTES      2

struct debug_breakpoint {
    uint64_t address;
    uint8_t original;
};

struct debug_traps {
    struct guest_pages pages;
    uint64_t faults;   /* where the stubs are */
    uint64_t ports;    /* physical: the byte of the task state that forbids TRAP_PORT */
    bool are_set;      /* the stubs lead here */
    bool are_breaking; /* the breakpoints are in the text */
    uint8_t stubs[DEBUG_VECTORS][DEBUG_STUB_BYTES]; /* what they begin with */
    struct debug_breakpoint breakpoints[DEBUG_BREAKPOINTS_MAX];
    size_t count;
};

void debug_traps_init(struct debug_traps *traps, const struct guest_pages *pages,
                      const struct machine_layout *layout, uint64_t faults);

/* Exceptions leave the machine from here on, or go to the image again. */
void debug_traps_set(struct debug_traps *traps);
void debug_traps_unset(struct debug_traps *traps);

/* Breakpoints are in the text while the machine runs; while it stands still, the text is whole. */
bool debug_breakpoint_add(struct debug_traps *traps, uint64_t address);
bool debug_breakpoint_remove(struct debug_traps *traps, uint64_t address);
bool debug_breakpoint_is_at(const struct debug_traps *traps, uint64_t address);
void debug_breakpoints_insert(struct debug_traps *traps);
void debug_breakpoints_take_out(struct debug_traps *traps);

/* An exception that has left the machine. */
struct debug_exception {
    unsigned vector;
    struct kvm_regs at;   /* of the instruction that it belongs to */
    struct kvm_regs stub; /* with which the image meets with it, once the stubs are whole */
};

/* Whether the machine has been left by way of the port. */
bool debug_traps_took(const struct debug_traps *traps, const struct kvm_run *run);

/* False: the machine has used the port from elsewhere, or its fault stack is not there.
 * `registers`: behind the `out`. */
bool debug_traps_read(const struct debug_traps *traps, const struct kvm_regs *registers,
                      struct debug_exception *exception);

enum gdb_signal debug_signal(unsigned vector);

#endif
