/* kv_faulty.h - a kv that fails and dawdles as a test wants it, over one that does not.
 *
 * What it does follows from the plan and its seed alone, so a test that failed fails again.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_FAULTY_H
#define LOOM_KV_FAULTY_H

#include "kv/kv.h"

struct kv_faulty_plan {
    uint64_t seed;
    uint64_t fail_at;          /* this call fails, counted from 1; 0: none does */
    uint32_t fail_per_million; /* and of all others so many */
    enum result failure;       /* with this; OK: FAILED */
    uint64_t delay_ns_max;     /* each call sleeps first, up to so long */
};

struct kv_faulty {
    struct kv kv;
    struct kv *below;
    struct kv_faulty_plan plan; /* may be changed at any time */
    uint64_t random;
    uint64_t call_count; /* open, read, list, apply */
    uint64_t failed_count;
};

/* `below` must outlive it. A plan of NULL: no faults. */
enum result kv_faulty_open(struct kv_faulty *faulty, struct kv *below,
                           const struct kv_faulty_plan *plan) CHECKED;
void kv_faulty_close(struct kv_faulty *faulty);

#endif
