/* node_clock.c - see node_clock.h.
 *
 * SPDX-License-Identifier: ISC */
#include "target/sim/node_clock.h"

#include "base/assert.h"
#include "base/units.h"

#define MILLION ((uint64_t)1000000)

/* duration * numerator / denominator, rounded down, without a wider type: both are at most a few
 * million. */
static uint64_t scale(uint64_t duration_ns, uint64_t numerator, uint64_t denominator)
{
    return duration_ns / denominator * numerator +
           duration_ns % denominator * numerator / denominator;
}

static uint64_t rate(const struct node_clock *clock)
{
    return (uint64_t)((int64_t)MILLION + clock->skew.ppm);
}

static void check(struct node_skew skew)
{
    assert(skew.ppm >= -NODE_CLOCK_PPM_MAX && skew.ppm <= NODE_CLOCK_PPM_MAX);
}

void node_clock_start(struct node_clock *clock, uint64_t world_ns, struct node_skew skew)
{
    check(skew);
    *clock = (struct node_clock){ .world_ns = world_ns, .local_ns = S_NS, .skew = skew };
}

void node_clock_change(struct node_clock *clock, uint64_t world_ns, struct node_skew skew)
{
    check(skew);
    clock->local_ns = node_clock_read(clock, world_ns);
    clock->world_ns = world_ns;
    clock->skew = skew;
}

uint64_t node_clock_read(const struct node_clock *clock, uint64_t world_ns)
{
    assert_that(world_ns, >=, clock->world_ns);
    return clock->local_ns + scale(world_ns - clock->world_ns, rate(clock), MILLION);
}

uint64_t node_clock_when(const struct node_clock *clock, uint64_t local_ns)
{
    if (local_ns == NEVER) return NEVER;
    if (local_ns <= clock->local_ns) return clock->world_ns;
    uint64_t elapsed_ns = local_ns - clock->local_ns;
    /* Further away than anybody waits; and scaled it would not fit. */
    if (elapsed_ns > NEVER / 4) return NEVER;
    uint64_t world_ns = clock->world_ns + scale(elapsed_ns, MILLION, rate(clock));
    while (node_clock_read(clock, world_ns) < local_ns)
        world_ns++;
    return world_ns;
}
