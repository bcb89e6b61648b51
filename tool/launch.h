/* launch.h - all that starts an image.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_LAUNCH_H
#define LOOM_TOOL_LAUNCH_H

#include "options.h"
#include "process.h"

struct launch {
    struct command_line line; /* with QEMU, without what is opened anew for each start */
    const char *image;        /* the file that is another one when something was built */
    bool is_machine;          /* somebody stands between: relay.h */
    struct qemu *qemu;        /* what QEMU wants besides; NULL: it is not by QEMU */
};

/* Reads the command line of a command that starts an image, which has set its name, its words and
 * its own options. The value is the application. Ends the command on a mistake. */
struct application launch_read(struct options *options, int count, char *arguments[]);

/* Builds the image, and makes what starts it, or what runs it, with all that it is given by the
 * options. Ends the command where it cannot be built or run, or where an option is about something
 * else. */
void launch_make(struct launch *launch, const struct application *application,
                 const struct options *options);

/* Runs it; the value is its exit status. An image that is a process is become, if that is possible.
 */
int launch_run(const struct launch *launch);

/* Starts it and does not wait. What was started ends with the status of the image, passes on to it
 * what asks it to end, and ends when we do. */
pid_t launch_start(const struct launch *launch);

#endif
