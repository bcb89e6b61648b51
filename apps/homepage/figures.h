/* figures.h - the image's live figures, as weft: the few that say how it is, and all of them.
 *
 * SPDX-License-Identifier: ISC */
#ifndef FIGURES_H
#define FIGURES_H

#include "samples.h"
#include "woven.h"

#define FIGURES_MAX   8
#define LATENCY_STEPS 32

/* How many requests took at most so long: a cumulative histogram. */
struct latency {
    uint64_t limit_ns[LATENCY_STEPS];
    uint64_t count[LATENCY_STEPS];
    size_t steps;
    uint64_t total;
};

/* The few, as a list of terms. */
struct headline_weft {
    struct weft weft;
    struct samples samples;
    uint64_t sum[FIGURES_MAX];
    bool found[FIGURES_MAX];
    struct latency latency;
};
void headline_weft_init(struct headline_weft *headlines);

/* All of them, as a table. */
struct ledger_weft {
    struct weft weft;
    struct samples samples;
    struct writer *page;
    bool in_group; /* of one metric's samples, a tbody */
};
void ledger_weft_init(struct ledger_weft *ledger);

#endif
