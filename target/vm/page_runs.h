/* page_runs.h - memory in whole pages, first fit, from one stretch of it.
 *
 *     | taken | record, free      | taken | free | taken | record, free ...           |
 *                                                        ^ fresh: never given before
 *
 * What is free is a list of runs in the order of their addresses, none next to another; a run's
 * record lies at its start. What has never been given is zero already and is not touched before it
 * is; the rest is zeroed when it is given again, not when it comes back: most of that is at the
 * end.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_PAGE_RUNS_H
#define LOOM_PAGE_RUNS_H

#include "base/list.h"
#include "base/result.h"
#include "base/view.h"

#define PAGE_RUNS_PAGE_BYTES ((size_t)4096)

struct page_runs {
    struct list free; /* of struct page_run */
    struct span memory;
    size_t fresh_offset; /* in `memory` */
    size_t free_bytes;
};

/* `memory` is zero and page-aligned, whole pages of it are used. */
COLD void page_runs_open(struct page_runs *runs, struct span memory);

/* Zeroed, page-aligned. FULL: no run is so long. */
COLD enum result page_runs_take(struct page_runs *runs, size_t length_bytes,
                                struct span *taken) CHECKED;
COLD size_t page_runs_longest_bytes(const struct page_runs *runs);

/* Gives back exactly what was taken. */
COLD void page_runs_give_back(struct page_runs *runs, struct span taken);

#endif
