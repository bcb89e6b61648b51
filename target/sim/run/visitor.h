/* visitor.h - a client in the simulated network: it fetches one URL and tells what came.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_VISITOR_H
#define LOOM_SIM_VISITOR_H

#include "resolver/resolver_static.h"
#include "target/sim/world.h"

/* Waits. Knows the nodes by the names in `rows`. Tries for as long as nobody answers, at most until
 * the deadline. False: nothing came; what went wrong is told as an event. */
bool visitor_fetch(struct world *world, const struct resolver_static_row rows[], size_t row_count,
                   const char *url, uint64_t deadline_ns);

#endif
