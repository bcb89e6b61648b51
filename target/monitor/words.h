/* words.h - the command line of a machine, which comes as one line, as words.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_MONITOR_WORDS_H
#define LOOM_MONITOR_WORDS_H

#include "base/result.h"
#include "base/view.h"

/* A device that is told of there, as Linux has it: virtio_mmio.device=512@0xfeb00e00:12 */
struct told_device {
    uint64_t registers;
    uint32_t interrupt;
};

struct words {
    struct span room; /* the caller's: words, each ended by NUL */
    size_t length_bytes;
    struct told_device *devices; /* the caller's, of device_max */
    size_t device_max, device_count;
};

/* Cuts the line at its spaces; between double quotes a space is one of the word. Words are left out
 * that monitors add for a Linux: "root=...", "ro", "rw" and "pci=off". FULL: there is no
 * room for all of them. INVALID: a device is told of that cannot be, or a quote has no other. */
enum result words_read(struct words *words, struct view line) CHECKED;

#endif
