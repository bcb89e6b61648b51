/* clock.c - the host's clocks, read without a system call (vDSO).
 *
 * SPDX-License-Identifier: ISC */
#include "target/clock.h"

#include <time.h>

#include "base/units.h"

static uint64_t read_ns(clockid_t clock)
{
    struct timespec time;
    (void)clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * S_NS + (uint64_t)time.tv_nsec;
}

uint64_t clock_monotonic_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_wall_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}
