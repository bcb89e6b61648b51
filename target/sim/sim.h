/* sim.h - the ambient services of a simulated world: virtual time and reproducible randomness.
 *
 * Time stands still while fibers run and jumps to the next deadline when all of them wait, so that
 * an hour of timeouts takes a moment, and the same seed gives the same run. Tests whose name ends
 * in _sim_test.c are linked with it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_H
#define LOOM_SIM_H

#include <stdint.h>

/* The seed: `SIM_SEED` of the environment, otherwise 1. */
uint64_t sim_seed(void);

/* Begins the randomness anew, as if the process had been started with this seed. */
void sim_reseed(uint64_t seed);

/* Moves the clocks forward by hand, as if the processor had been busy. */
void sim_advance(uint64_t duration_ns);

#endif
