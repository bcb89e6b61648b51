/* process.h - what a hosted target sets up round an image, and round a test program.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HOSTED_PROCESS_H
#define LOOM_HOSTED_PROCESS_H

#include "base/result.h"

/* Defined by each hosted target: devices and signals, before the fibers are opened, and after the
 * last has ended. */
enum result process_open(void) CHECKED;
void process_close(void);

#endif
