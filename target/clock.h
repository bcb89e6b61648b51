/* clock.h - ambient: the time.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TARGET_CLOCK_H
#define LOOM_TARGET_CLOCK_H

#include <stdint.h>

/* Nanoseconds since some moment before the image started; never goes back. Cheap: tens of
 * nanoseconds, no crossing. */
uint64_t clock_monotonic_ns(void);

/* Nanoseconds since 1970-01-01 00:00 UTC without leap seconds; may jump when the host's clock is
 * set. */
uint64_t clock_wall_ns(void);

#endif
