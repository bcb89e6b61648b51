/* histogram.c - counting durations by their size.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "metrics/metrics.h"

/* The least i with duration <= 2^i microseconds. */
static unsigned bucket_of(uint64_t duration_ns)
{
    uint64_t us = duration_ns / US_NS + (duration_ns % US_NS != 0);
    if (us <= 1) return 0;
    return 64 - (unsigned)__builtin_clzll(us - 1);
}

void histogram_add(struct histogram *histogram, uint64_t duration_ns)
{
    histogram->buckets[MIN(bucket_of(duration_ns), HISTOGRAM_BUCKETS - 1u)]++;
    histogram->sum_ns += duration_ns;
    histogram->count++;
}
