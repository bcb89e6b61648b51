/* times.c - a stopwatch.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/times.h"

#include <stdio.h>

#include "base/units.h"
#include "target/clock.h"

void times_begin(struct times *times)
{
    *times = (struct times){ .start_ns = clock_monotonic_ns() };
}

void times_mark(struct times *times, const char *step)
{
    if (times->count == TIMES_MAX) return;
    times->steps[times->count] = step;
    times->end_ns[times->count++] = clock_monotonic_ns();
}

void times_mark_main(struct times *times, uint64_t main_ns,
                     const struct guest_pages_touched *touched)
{
    times->has_main = true;
    times->main_ns = main_ns;
    times->main_touched = *touched;
}

static void tell_main(const struct times *times)
{
    if (!times->has_main) return;
    (void)fprintf(stderr,
                  "loom-tender: microseconds from the first instruction to main: %llu, with %zu "
                  "pages of 4 KiB and %zu of 2 MiB touched\n",
                  (unsigned long long)(times->main_ns / US_NS), times->main_touched.small,
                  times->main_touched.large);
}

void times_tell(const struct times *times, uint64_t crossings)
{
    uint64_t before_ns = times->start_ns;
    (void)fputs("loom-tender: microseconds:", stderr);
    for (size_t i = 0; i < times->count; i++) {
        (void)fprintf(stderr, " %s %llu,", times->steps[i],
                      (unsigned long long)((times->end_ns[i] - before_ns) / US_NS));
        before_ns = times->end_ns[i];
    }
    (void)fprintf(stderr, " in all %llu; crossings: %llu\n",
                  (unsigned long long)((before_ns - times->start_ns) / US_NS),
                  (unsigned long long)crossings);
    tell_main(times);
}
