/* wait.h - ambient: the one place where an image sleeps.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TARGET_WAIT_H
#define LOOM_TARGET_WAIT_H

#include <stdint.h>

/* Polls the devices, wakes the fibers and delivers the watches that have something, and returns;
 * where there is nothing, sleeps until a device has something or the deadline (monotonic) has come.
 * With NO_WAIT it only polls. Called by the loop alone. */
void target_wait(uint64_t deadline_ns);

#endif
