/* disks.h - which files `loom run` makes the disks of an image.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_DISKS_H
#define LOOM_TOOL_DISKS_H

#include <stdbool.h>

#include "options.h"
#include "process.h"

/* The option that `loom run` has for it, by its letter; it may be given several times. */
#define DISKS_BLOCK 'b'
#define DISKS_LISTS "b"

#define DISKS_OPTIONS \
    { \
        "block", DISKS_BLOCK, "[NAME=]FILE[,direct][,read-only]", 0, \
            "of an image with a disk: the file or block device that it is", 0 \
    }

/* Adds the boot parameters of a process. The image is built. Ends the command when the image has no
 * such disk. */
void disks_add(struct command_line *line, const struct application *application,
               const struct options *options);

/* What a machine's monitor attaches, in the manifest's order. Ends the command likewise, and when
 * nobody said what a disk is. */
enum { DISKS_MAX = 16 };

struct disks_drive {
    const char *name; /* in the image's manifest */
    const char *file;
    bool is_direct, is_read_only;
};
size_t disks_drives(const struct application *application, const struct options *options,
                    struct disks_drive drives[static DISKS_MAX]);

/* Ends the command when the option was given: a simulated image's disks are in memory. */
void disks_refuse(const struct options *options);

#endif
