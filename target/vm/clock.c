/* clock.c - the time from the processor's own counter, by the scale that the monitor gives.
 *
 * SPDX-License-Identifier: ISC */
#include "target/clock.h"

#include "target/vm/boot.h"

/* The fence keeps the counter from being read before what stands before it, as in Linux's own
 * clock: without it the time could seem to go back. */
static uint64_t read_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

uint64_t clock_monotonic_ns(void)
{
    uint64_t ticks = read_tsc() - boot_page->tsc_base;
    __extension__ unsigned __int128 scaled = (unsigned __int128)ticks * boot_page->tsc_scale;
    return (uint64_t)(scaled >> 32);
}

uint64_t clock_wall_ns(void)
{
    return boot_page->wall_ns + clock_monotonic_ns();
}
