/* sources.h - which files are compiled into the image.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CONFIG_SOURCES_H
#define LOOM_CONFIG_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include <loom/module.h>

enum unit_use {
    UNIT_HOUSE,       /* Loom's, in the image and, where they need it, in its tests */
    UNIT_APPLICATION, /* the application's own, in both */
    UNIT_TEST,        /* Loom's, in the tests where they need it */
    UNIT_HARNESS,     /* the tests themselves and what runs them */
    UNIT_HOST,        /* of a target whose image is no program: below its tests and its runner */
    UNIT_RUNNER,      /* and the runner's own */
};

struct unit {
    const char *source;          /* absolute */
    const char *object;          /* from the output folder */
    const char *label;           /* the module that `loom size` adds it to */
    const struct module *module; /* NULL: nobody described it */
    enum unit_use use;
    bool is_house; /* stands in Loom's tree: includes nothing of the application's */
};

struct units {
    struct unit *units;
    size_t count;
    const char **folders; /* whose change may change the list */
    size_t folder_count;
    const char **libraries;
    size_t library_count;
};

/* Collects, from the complete graph, what is always needed, what its devices need, and the
 * application's own files. */
struct units units_collect(void);

#endif
