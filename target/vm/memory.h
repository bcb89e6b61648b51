/* memory.h - more of the machine's memory than target/memory.h has: a figure, and the red zones of
 * a debug image. (A release has none, and pays nothing.)
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_VM_MEMORY_H
#define LOOM_VM_MEMORY_H

#include "target/vm/red_zones.h"

/* Of memory_machine_bytes, what pools have taken. */
size_t memory_taken_bytes(void);

/* Breaches from *at on, which is 0 for a start; false: there are no more. */
COLD bool memory_find_breach(size_t *at, struct breach *breach);

/* A breach ends the machine; its report tells them all. */
COLD void memory_check(void);

/* The same, now and then. */
void memory_check_at(uint64_t now_ns);

#endif
