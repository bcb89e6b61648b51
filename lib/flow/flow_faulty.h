/* flow_faulty.h - a flow that makes another one short-breathed, slow and unreliable, under a seed.
 *
 * Reads are short, writes go out in pieces, calls are late, and the connection breaks when the plan
 * says so: the caller then gets FAILED and the peer a reset. All of that a flow may do, so whatever
 * works over a flow must work, or end cleanly, over this one.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_FLOW_FAULTY_H
#define LOOM_FLOW_FAULTY_H

#include "flow/flow.h"

struct flow_faulty_plan {
    uint64_t seed;
    size_t piece_bytes_max;   /* the most that one read gives and one write moves; 0: no limit */
    uint64_t delay_ns_max;    /* each read, and each piece of a write, is up to so late */
    uint64_t cut_at_bytes;    /* breaks when so many have been carried, both ways; 0: never */
    uint32_t cut_per_million; /* and so many reads and pieces break it besides */
};

struct flow_faulty {
    struct flow flow;
    struct flow *below; /* NULL once it is cut */
    struct flow_faulty_plan plan;
    uint64_t random;
    uint64_t carried_bytes;
    unsigned inside; /* fibers in a call of `below` */
    bool cut;
    void (*ended)(struct flow_faulty *faulty); /* it is closed; NULL: nobody wants to know */
};

/* `below` belongs to it from now on, and ends with it. */
void flow_faulty_open(struct flow_faulty *faulty, struct flow *below,
                      const struct flow_faulty_plan *plan);

#endif
