/* exit.h - ambient: how an image ends.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TARGET_EXIT_H
#define LOOM_TARGET_EXIT_H

#include "base/view.h"

/* Ends the image at once; nothing is closed. */
__attribute__((noreturn)) void target_exit(int status);

/* Prints the report with the current fiber and a symbolised backtrace, and ends the image as one
 * that crashed. Called by assert and panic; allocates nothing and works on any stack. */
__attribute__((noreturn, cold)) void target_panic(struct view report);

#endif
