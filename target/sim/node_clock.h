/* node_clock.h - a node's own clock: it runs too fast or too slow, and its wall clock is off.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_NODE_CLOCK_H
#define LOOM_SIM_NODE_CLOCK_H

#include <stdint.h>

#define NODE_CLOCK_PPM_MAX 500000

/* How a clock differs from the world's. */
struct node_skew {
    int32_t ppm; /* parts per million: it gains (or loses, below 0) as many us a second */
    int64_t wall_offset_ns; /* what its wall clock is ahead of the true time */
};

struct node_clock {
    uint64_t world_ns, local_ns; /* a moment at which both are known */
    struct node_skew skew;
};

/* The node boots: its monotonic clock starts at one second. */
void node_clock_start(struct node_clock *clock, uint64_t world_ns, struct node_skew skew);

/* From this moment on; the monotonic clock goes on from where it is. */
void node_clock_change(struct node_clock *clock, uint64_t world_ns, struct node_skew skew);

/* What it shows at a moment of the world not before the last change. */
uint64_t node_clock_read(const struct node_clock *clock, uint64_t world_ns);

/* The first moment of the world at which it shows at least `local_ns`; NEVER stays NEVER. */
uint64_t node_clock_when(const struct node_clock *clock, uint64_t local_ns);

#endif
