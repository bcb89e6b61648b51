/* malloc.h - what the machine's memory asks of the heap.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_MALLOC_H
#define LOOM_MALLOC_H

#include "target/vm/red_zones.h"

/* Of objects from *at on; see red_zones_find_breach. */
COLD bool malloc_find_breach(size_t *at, struct breach *breach);

#endif
