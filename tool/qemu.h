/* qemu.h - a machine run by QEMU: its command line, and what has to be open beside it.
 *
 * The image is the same, and so is what is attached to it; in it the monitor of target/monitor
 * stands where our tender does.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_QEMU_H
#define LOOM_TOOL_QEMU_H

#include <stdbool.h>

#include "launch.h"
#include "network.h"
#include "obstacle.h"
#include "options.h"

/* What was asked for; NULL: nothing was. */
struct qemu_wish {
    const char *kind;        /* microvm, q35, pc */
    const char *accelerator; /* kvm, tcg */
    const char *features;    /* all, none */
};

/* What keeps it from running one here. */
struct obstacle qemu_obstacle(void);

/* Adds all of its command line that is the same for each start, for an image that is built. Ends
 * the command where something cannot be had. */
void qemu_add(struct launch *launch, const struct application *application,
              const struct options *options, const struct qemu_wish *wish);

/* ---- one start of it ---- */

enum { QEMU_KEPT_MAX = NETWORK_CARDS_MAX + 2 };

struct qemu_run {
    int control;             /* the monitor protocol: answers come that nobody needs */
    int input;               /* what the machine is told on its console */
    int status;              /* where it says how it ended */
    int kept[QEMU_KEPT_MAX]; /* QEMU's, until it has started */
    size_t kept_count;
    int standard_input; /* QEMU's, too */
};

/* Starts passt where it is wanted, opens the rest, and adds to a copy of the line what QEMU is told
 * of that. Ends the command where that fails. */
void qemu_open(struct qemu_run *run, const struct qemu *qemu, struct command_line *line);

/* It has started, with its own ends. */
void qemu_started(struct qemu_run *run);

/* Asks the machine to end: presses its power button. */
void qemu_ask(const struct qemu_run *run);

/* It has ended, with this status; the machine's own is the value, or 1 where it had none. */
int qemu_ended(struct qemu_run *run, int status);

#endif
