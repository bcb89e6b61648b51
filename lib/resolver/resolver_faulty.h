/* resolver_faulty.h - a resolver that makes another one slow and unreliable, under a seed.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_RESOLVER_FAULTY_H
#define LOOM_RESOLVER_FAULTY_H

#include "resolver/resolver.h"

struct resolver_faulty_plan {
    uint64_t seed;
    uint64_t delay_ns_max;       /* each look-up takes up to so much longer */
    uint32_t fail_per_million;   /* so many are FAILED */
    uint32_t absent_per_million; /* and of the others so many NOT_FOUND */
};

struct resolver_faulty {
    struct resolver resolver;
    struct resolver *below;
    struct resolver_faulty_plan plan; /* may be changed at any time */
    uint64_t random;
    uint64_t failed_count, absent_count;
};

/* `below` must outlive it. */
enum result resolver_faulty_open(struct resolver_faulty *faulty, struct resolver *below,
                                 const struct resolver_faulty_plan *plan) CHECKED;
void resolver_faulty_close(struct resolver_faulty *faulty);

#endif
