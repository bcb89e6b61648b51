/* relay.h - runs a machine's monitor, and names the functions in a crash report that passes.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_RELAY_H
#define LOOM_TOOL_RELAY_H

#include "process.h"

/* Runs the program to its end; the value is its exit status. What it writes is passed on as it
 * comes; in a line of a backtrace or of the monitor's own, "image+0x1234" becomes the function of
 * `image` that is there. Signals that ask us to end are passed to it: a terminal's have
 * reached it already. */
int relay_run(const struct command_line *line, const char *image);

#endif
