/* options.h - the command line that most commands share: an application, a target, keys, and what
 * follows `--`.
 *
 * A key is "--name=value", where name is no option of the command: which keys there are, only the
 * application knows.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_OPTIONS_H
#define LOOM_TOOL_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

#include "application.h"

struct options {
    const char *name;              /* set before: of the command */
    const char *words;             /* set before: what it does */
    const char *arguments;         /* set before: "[APP]" */
    const struct argp_option *own; /* set before: options of its own, or NULL */
    const char *lists;             /* set before: letters of options that may be given several
                                      times, whose values commas join; or NULL */
    bool takes_keys;               /* set before */
    bool takes_rest;               /* set before: `--` and what follows */

    const char *target;
    const char *path; /* of the application: "." when none was given */
    bool has_path, has_target;
    struct keys keys;
    char *const *rest; /* what followed `--` */
    int rest_count;
    const char *values[128]; /* of its own options, by their key, which is a letter; "" for one
                                without a value */
};

/* Reads the command line of a command. Ends the command on a mistake and for --help. */
void options_read(struct options *options, int count, char *arguments[]);

/* The application that they name. */
struct application options_application(const struct options *options);

#endif
