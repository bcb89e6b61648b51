/* launch.h - the command line that starts an image.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_LAUNCH_H
#define LOOM_TOOL_LAUNCH_H

#include "options.h"
#include "process.h"

/* Builds the image and adds it to the line, or what runs it, with all that it is given by the
 * options. The value is the file that is
 * another one when something was built. Ends the command where it cannot be built or run, or where
 * an option is about something else. */
const char *launch_add(struct command_line *line, const struct application *application,
                       const struct options *options);

#endif
