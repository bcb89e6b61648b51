/* stack.h - ambient: the arena of fiber stacks, laid out once at start with a guard page below each
 * stack.
 *
 *      arena_base
 *      | guard | stack 0        | guard | stack 1        | ... | guard | stack n-1      |
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TARGET_STACK_H
#define LOOM_TARGET_STACK_H

#include <stddef.h>

#include "base/result.h"
#include "base/view.h"

#define STACK_GUARD_BYTES ((size_t)4096)

/* Lays out `*count` stacks of `stack_bytes` (a multiple of the page) each, with a guard page below
 * every one. Where the machine has less memory there are fewer: then *count is how many, at least
 * one, and the log says so. FULL: the host cannot give so many guard pages or so much address
 * space; the log says which limit it was and what raises it. */
enum result stack_arena_take(size_t *count, size_t stack_bytes, struct span *arena) CHECKED;
void stack_arena_give_back(struct span arena);

#endif
