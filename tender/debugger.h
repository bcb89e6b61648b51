/* debugger.h - a machine under a debugger: it runs until something happens that the debugger is to
 * be told, and stands still until the debugger lets it go on.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_DEBUGGER_H
#define LOOM_TENDER_DEBUGGER_H

#include "tender/debug_traps.h"
#include "tender/vcpu.h"

enum debugger_state {
    DEBUGGER_STANDING, /* the machine stands still */
    DEBUGGER_RUNNING,
    DEBUGGER_PASSED,   /* the image meets with an exception, and ends: nothing stops it any more */
    DEBUGGER_DETACHED, /* the debugger has gone */
    DEBUGGER_KILLED,
};

struct debugger {
    struct gdb_machine machine;
    struct gdb_session session;
    struct debug_traps traps;
    struct vcpu *vcpu;
    int connection, signals; /* the latter tells of SIGIO */
    int stop;                /* a descriptor: a signal asks the machine to end */
    enum debugger_state state;
    bool is_stepping;
    bool is_exception; /* what it stands still for is one: `stub` is how the image meets it */
    struct kvm_regs stub;
    uint8_t frame[GDB_FRAME_MAX]; /* on its way to the debugger */
};

/* Before the sandbox. The machine stands still at its first instruction. */
void debugger_open(struct debugger *debugger, struct vcpu *vcpu, const struct guest_pages *pages,
                   const struct machine_layout *layout, const struct machine_image *image,
                   int connection, int stop);

/* As vcpu_run, but what is the debugger's is not told: VCPU_INTERRUPTED also where a signal comes
 * while the machine stands still. VCPU_BROKEN also where the debugger has killed it
 * (debugger_has_killed). */
enum vcpu_exit debugger_run(struct debugger *debugger);

/* The descriptor that ends a wait of the machine; -1: none does. */
int debugger_descriptor(const struct debugger *debugger);

bool debugger_has_killed(const struct debugger *debugger);

/* The image has crashed by its own word, or the processor cannot go on: the debugger may look at it
 * once more. */
void debugger_show(struct debugger *debugger, enum gdb_signal signal);

/* The machine has ended with this status. */
void debugger_end(struct debugger *debugger, int status);

#endif
