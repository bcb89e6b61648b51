/* times.h - what each step of the start takes, for `--times`.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_TIMES_H
#define LOOM_TENDER_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tender/guest_pages.h"

#define TIMES_MAX 16

struct times {
    const char *steps[TIMES_MAX];
    uint64_t end_ns[TIMES_MAX];
    size_t count;
    uint64_t start_ns;
    bool has_main; /* the machine has come so far */
    uint64_t main_ns;
    struct guest_pages_touched main_touched;
};

void times_begin(struct times *times);

/* The step that this names, a literal, has ended. */
void times_mark(struct times *times, const char *step);

/* Within the machine: from its first instruction to the image's own part (MACHINE_MAIN), and what
 * of its memory it has touched on the way. */
void times_mark_main(struct times *times, uint64_t main_ns,
                     const struct guest_pages_touched *touched);

/* On stderr, in microseconds, and how often the machine has crossed. */
void times_tell(const struct times *times, uint64_t crossings);

#endif
