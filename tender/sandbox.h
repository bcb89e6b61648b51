/* sandbox.h - what the tender gives up before the guest's first instruction: a guest that breaks
 * out of its machine finds a process that can do next to nothing.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_SANDBOX_H
#define LOOM_TENDER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "target/machine/machine.h"

/* Closes what whoever started the tender has left open, but for stdin, stdout, stderr and the
 * descriptors that the command line names, which no process that is started gets. A standard one
 * that is missing becomes /dev/null. Before anything is opened. */
void sandbox_close_inherited(const int kept[], size_t count);

/* What stays possible besides reading, writing and waiting. */
struct sandbox {
    int processor;                     /* the machine's, to run it and look at it */
    int children[MACHINE_DEVICES_MAX]; /* processes, to end them */
    size_t child_count;
    bool is_debugged; /* all its registers are read, and written, too */
    bool leaves_core; /* all its registers are read */
    /* No file may become longer than this: a disk's is as long as it will ever be. UINT64_MAX: some
     * may, as they are written to by the end (a core, a capture, the console). */
    uint64_t file_bytes_max;
};

/* Root becomes nobody. No capabilities, no new privileges, and of system calls only those that
 * serving the machine takes; any other kills the process. Ends the process where the host does not
 * let it. */
void sandbox_enter(const struct sandbox *sandbox);

#endif
