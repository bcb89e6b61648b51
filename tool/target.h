/* target.h - what an image can be built for; known to the `loom` command and to the configuration
 * alike.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_TARGET_H
#define LOOM_TOOL_TARGET_H

#include <stdbool.h>

#define LOOM_VERSION "0.1.0"

enum { TARGET_SOURCES_MAX = 24 };

struct target {
    const char *name;
    const char *words;
    const char
        *sources[TARGET_SOURCES_MAX]; /* what every image has of it; patterns, from the house */
    const char *without[TARGET_SOURCES_MAX]; /* of those, what belongs to modules: compiled when
                                                they are wired in */
    const char *libraries;

    /* The image is a machine of its own, and no host is below it: it brings its C library along,
     * has a stack of its own, and `loom run` gives it to a monitor. */
    bool is_machine;

    /* Of those, what only a machine has that others than our tender are to start (--boot=pvh). */
    const char *of_pvh[TARGET_SOURCES_MAX];

    /* A linker's version script, from the house: the image is a shared object that shows no more
     * than it says, and the program NAME-run runs it. NULL: the image is a program itself. */
    const char *exports;
    const char *runner; /* the folder of the program's main, or NULL */
    const char *runner_sources[TARGET_SOURCES_MAX];
};

/* Ends with one whose name is NULL. */
extern const struct target targets[];

/* NULL: there is no such target. */
const struct target *target_find(const char *name);

#endif
