/* memory.h - ambient: memory for pools, taken when a module opens and given back when it closes.
 * Not a general heap: nothing that serves a request calls it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TARGET_MEMORY_H
#define LOOM_TARGET_MEMORY_H

#include <stddef.h>

#include "base/result.h"
#include "base/view.h"

/* Zeroed, page-aligned, and costs real memory only page by page as it is touched. FULL: the machine
 * has not so much. */
enum result memory_take(size_t length_bytes, struct span *memory) CHECKED;

/* What the machine has of it in all, whoever has taken it; UINT64_MAX where it is a host's. */
uint64_t memory_machine_bytes(void);

/* Gives back exactly what memory_take gave. An empty span is ignored. */
void memory_give_back(struct span memory);

#endif
