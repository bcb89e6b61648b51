/* image.h - what the wiring (main.c, written by `loom configure`) gives to the target that runs it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_IMAGE_H
#define LOOM_IMAGE_H

#include <stddef.h>

#include "base/result.h"
#include "parameter/parameter.h"

struct image {
    const char *name;
    const struct parameter_group
        *parameters; /* of the devices; those of the ambient modules are added by the target */
    size_t parameter_count;
};

/* Defined by main.c. */
extern const struct image image;

/* Defined by main.c. Waits. Opens the devices in order, runs the application's entry on this fiber,
 * closes the devices in reverse. */
enum result image_start(void) __attribute__((warn_unused_result));

/* Logs that the device could not be opened, and why; returns `result`, so that image_start can end
 * with it. */
COLD enum result image_failed(const char *device, enum result result)
    __attribute__((warn_unused_result));

/* Runs the image: reads the boot parameters, starts the ambient modules, and runs image_start on
 * the first fiber until it returns. The value is the exit status: 0 when it returned OK, 1 when it
 * did not, 2 for a bad parameter. `--help` and `--version` write their text to the console and give
 * 0. Fibers that are left behind are told in the log. Called once, by the target. */
COLD int image_run(void);

#endif
