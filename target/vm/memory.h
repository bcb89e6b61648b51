/* memory.h - a figure of the machine's memory, beside those of target/memory.h.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_VM_MEMORY_H
#define LOOM_VM_MEMORY_H

#include <stddef.h>

/* Of memory_machine_bytes, what pools have taken. */
size_t memory_taken_bytes(void);

#endif
