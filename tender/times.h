/* times.h - what each step of the start takes, for `--times`.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_TIMES_H
#define LOOM_TENDER_TIMES_H

#include <stddef.h>
#include <stdint.h>

#define TIMES_MAX 16

struct times {
    const char *steps[TIMES_MAX];
    uint64_t end_ns[TIMES_MAX];
    size_t count;
    uint64_t start_ns;
};

void times_begin(struct times *times);

/* The step that this names, a literal, has ended. */
void times_mark(struct times *times, const char *step);

/* On stderr, in microseconds. */
void times_tell(const struct times *times);

#endif
