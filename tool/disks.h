/* disks.h - which files `loom run` makes the disks of an image.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_DISKS_H
#define LOOM_TOOL_DISKS_H

#include "options.h"
#include "process.h"

/* The option that `loom run` has for it, by its letter; it may be given several times. */
#define DISKS_BLOCK 'b'
#define DISKS_LISTS "b"

#define DISKS_OPTIONS \
    { \
        "block", DISKS_BLOCK, "[NAME=]FILE", 0, \
            "of an image with a disk: the file or block device that it is", 0 \
    }

/* Adds the boot parameters of a process, or what a machine's monitor attaches. The image is built.
 * Ends the command when the image has no such disk, and a machine's when nobody said what one is.
 */
void disks_add(struct command_line *line, const struct application *application,
               const struct options *options);
void disks_attach(struct command_line *line, const struct application *application,
                  const struct options *options);

/* Ends the command when the option was given: a simulated image's disks are in memory. */
void disks_refuse(const struct options *options);

#endif
