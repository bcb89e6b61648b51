/* wait.h - figures of waiting.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_VM_WAIT_H
#define LOOM_VM_WAIT_H

#include <stdint.h>

/* How often the machine has crossed to sleep or to have its queues served. */
uint64_t machine_crossings(void);

#endif
