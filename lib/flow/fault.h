/* fault.h - chance and delay under a seed: what the faulty doubles are made of.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_FAULT_H
#define LOOM_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "fiber/fiber.h"
#include "target/clock.h"

#define FAULT_MILLION 1000000u

/* SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014). */
static inline uint64_t fault_random(uint64_t *state)
{
    uint64_t mixed = *state += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}

/* Below `bound`, which is not 0. */
static inline uint64_t fault_below(uint64_t *state, uint64_t bound)
{
    return fault_random(state) % bound;
}

static inline bool fault_strikes(uint64_t *state, uint32_t per_million)
{
    return per_million > 0 && fault_below(state, FAULT_MILLION) < per_million;
}

/* Waits up to `delay_ns_max`, where the caller waits at all. OK: go on. TIMED_OUT, CANCELLED: as
 * ever. */
CHECKED static inline enum result fault_delay(uint64_t *state, uint64_t delay_ns_max,
                                              uint64_t deadline_ns)
{
    if (delay_ns_max == 0 || deadline_ns <= loop_now_ns()) return OK;
    uint64_t end_ns = deadline_after(clock_monotonic_ns(), fault_below(state, delay_ns_max + 1));
    enum result result = fiber_sleep_until(MIN(end_ns, deadline_ns));
    return result == TIMED_OUT && end_ns <= deadline_ns ? OK : result;
}

#endif
