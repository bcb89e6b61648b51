/* relay.h - runs a machine's monitor, and names the functions in a crash report that passes.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_RELAY_H
#define LOOM_TOOL_RELAY_H

#include "launch.h"

/* Runs a machine to its end; the value is its exit status. What it writes is passed on as it comes;
 * in a line of a backtrace or of the monitor's own, "image+0x1234" becomes the function of the
 * image that is there. Signals that ask us to end are passed to our tender: a terminal's have
 * reached it already. QEMU would end at once: it is apart from the terminal, what is typed is
 * passed to it, and the signals become the machine's power button. A machine that does not heed it
 * is ended after a while, and when it is asked again. */
int relay_run(const struct launch *launch);

#endif
