/* stacks.h - how many stacks of each class a machine gets. Within target/machine.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_STACKS_H
#define LOOM_STACKS_H

#include "target/machine/layout.h"

struct stack_counts {
    uint64_t count[MACHINE_STACK_CLASSES];
    bool is_asked[MACHINE_STACK_CLASSES]; /* the command line gives the number */
    uint32_t stack_bytes[MACHINE_STACK_CLASSES];
};

/* What the command line asks for, or else the image's header. INVALID: *problem is the argument. */
enum result stack_counts_read(struct stack_counts *counts, const struct machine_header *header,
                              struct view arguments, struct view *problem) CHECKED;

/* Makes those that nobody has asked for fewer until all take no more than `bytes`, or one of each
 * is left. */
void stack_counts_fit(struct stack_counts *counts, uint64_t bytes);

/* With their guard pages. */
uint64_t stack_counts_bytes(const struct stack_counts *counts);

#endif
