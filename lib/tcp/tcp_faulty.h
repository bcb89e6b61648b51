/* tcp_faulty.h - a TCP that makes another one slow and unreliable, under a seed.
 *
 * Every flow that it gives, accepted or connected, is a flow_faulty with a seed of its own drawn
 * from the plan's.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_FAULTY_H
#define LOOM_TCP_FAULTY_H

#include "flow/flow_faulty.h"
#include "tcp/tcp.h"

#define TCP_FAULTY_LISTENERS 8

struct tcp_faulty_plan {
    struct flow_faulty_plan flow; /* its seed is for all of this */
    uint64_t connect_delay_ns_max;
    uint32_t refuse_per_million;      /* so many connects are REFUSED */
    uint32_t unreachable_per_million; /* and of the others so many UNREACHABLE */
};

struct tcp_faulty_flow {
    struct flow_faulty faulty;
    struct tcp_faulty *tcp;
    struct list_node node; /* among the free */
};

struct tcp_faulty_listener {
    struct listener listener;
    struct listener *below; /* NULL: not used */
    struct tcp_faulty *tcp;
};

struct tcp_faulty {
    struct tcp tcp;
    struct tcp *below;
    struct tcp_faulty_plan
        plan; /* may be changed at any time; holds for what is opened from then */
    uint64_t random;
    struct span memory;
    struct list free;
    size_t open_count; /* flows */
    struct tcp_faulty_listener listeners[TCP_FAULTY_LISTENERS];
};

/* Room for `flow_count` flows. `below` must outlive it. FULL: no memory. */
enum result tcp_faulty_open(struct tcp_faulty *faulty, struct tcp *below, size_t flow_count,
                            const struct tcp_faulty_plan *plan) CHECKED;

/* Every flow and listener of it is closed. */
void tcp_faulty_close(struct tcp_faulty *faulty);

#endif
