/* crash.h - the report of an image that has broken, and the signals that tell of it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HOSTED_CRASH_H
#define LOOM_HOSTED_CRASH_H

/* From now on a fault of the processor prints a report: what happened in words, the fiber, a
 * backtrace, the census. The sanitizers have handlers of their own, and keep them. */
void crash_handlers_install(void);

#endif
