/* context.h - a stack for a node to run on, and the switch to it and back.
 *
 * The node's own fibers have stacks of theirs and switch among themselves; here is only what the
 * simulator needs: to enter the node, and for the node to leave from whichever stack it is on.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_CONTEXT_H
#define LOOM_SIM_CONTEXT_H

#include <stdbool.h>

#include "base/result.h"
#include "base/view.h"

struct context {
    void (*run)(struct context *context); /* must end in context_leave with `ends` */
    struct span arena, stack;
    void *stack_pointer, *host_pointer; /* of the side that does not run */
    void *fake_stack, *host_fake_stack; /* the address sanitizer's */
    struct view host_stack;
};

/* FULL: the host has no memory for the stack. */
enum result context_open(struct context *context, void (*run)(struct context *context)) CHECKED;

/* It is not running, and never will again. */
void context_close(struct context *context);

/* Runs it until it leaves. */
void context_enter(struct context *context);

/* Called on the context's side. Returns when it is entered again; with `ends` it never is. */
void context_leave(struct context *context, bool ends);

/* For memory that its stacks may have been in: the frames that never returned have left marks. */
void context_forget_marks(struct span memory);

#endif
