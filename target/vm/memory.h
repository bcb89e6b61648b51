/* memory.h - figures of the machine's memory.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_VM_MEMORY_H
#define LOOM_VM_MEMORY_H

#include <stddef.h>

/* Of what is left beside the image and its stacks. */
size_t memory_total_bytes(void);
size_t memory_taken_bytes(void);

#endif
