/* machine_memory.h - what drivers ask of the boot pages: where memory lies for a device, and which
 * devices there are. The target defines it; in a test the test does.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_MACHINE_MEMORY_H
#define LOOM_MACHINE_MEMORY_H

#include <stdint.h>

#include "base/view.h"
#include "target/machine/machine.h"

/* virtual = physical + slide, for every byte of the image and of its memory. */
uint64_t machine_slide(void);

static inline uint64_t machine_physical(const void *address)
{
    return (uint64_t)(uintptr_t)address - machine_slide();
}

/* The device of that kind and name; an empty name: the first of the kind. NULL: there is none. */
struct machine_device *machine_device_find(enum machine_device_kind kind, struct view name);

#endif
