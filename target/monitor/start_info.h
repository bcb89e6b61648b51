/* start_info.h - what a machine that starts by PVH is told (Xen, xen/include/public/arch-x86/hvm/
 * start_info.h): where its memory is, and its command line.
 *
 * Whoever started the machine can do with it what he likes; it is checked all the same, so that one
 * that is wrong is told of and not run into.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_MONITOR_START_INFO_H
#define LOOM_MONITOR_START_INFO_H

#include "base/result.h"
#include "base/view.h"

struct start_info {
    struct view command_line;
    uint64_t memory_end; /* of the memory in which the monitor lies */
    uint64_t rsdp;       /* where ACPI's tables begin (acpi.h); 0: it is not told */
    const char *problem; /* in words, where it is INVALID */
};

/* `memory` is the machine's from physical 0 on, as far as it can be read; `address` is where the
 * information lies, and `loaded` an address in the memory that is looked for. */
enum result start_info_read(struct start_info *info, struct view memory, uint64_t address,
                            uint64_t loaded) CHECKED;

#endif
