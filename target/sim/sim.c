/* sim.c - virtual time and seeded entropy.
 *
 * SPDX-License-Identifier: ISC */
#include "target/sim/sim.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/units.h"
#include "target/clock.h"
#include "target/entropy.h"
#include "target/hosted/process.h"
#include "target/wait.h"

/* A poll while fibers are busy takes this long; without it a fiber that yields until a deadline
 * would do so for ever. */
#define POLL_NS US_NS

/* 2026-01-01 00:00 UTC. */
#define WALL_START_NS ((uint64_t)1767225600 * S_NS)

static struct {
    uint64_t now_ns;
    uint64_t random;
} sim;

uint64_t sim_seed(void)
{
    const char *text = getenv("SIM_SEED");
    uint64_t seed = 1;
    if (text != NULL && !view_to_u64(view_from_string(text), &seed))
        panic("SIM_SEED is no number: %s", text);
    return seed;
}

void sim_reseed(uint64_t seed)
{
    sim.random = seed;
}

void sim_advance(uint64_t duration_ns)
{
    sim.now_ns += duration_ns;
}

uint64_t clock_monotonic_ns(void)
{
    return sim.now_ns;
}

uint64_t clock_wall_ns(void)
{
    return WALL_START_NS + sim.now_ns;
}

void target_wait(uint64_t deadline_ns)
{
    if (deadline_ns == NEVER) panic("every fiber waits, and nothing will ever come");
    sim.now_ns = deadline_ns > sim.now_ns ? deadline_ns : sim.now_ns + POLL_NS;
}

/* SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
static uint64_t next_random(void)
{
    uint64_t mixed = sim.random += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}

void entropy_fill(struct span room)
{
    for (size_t i = 0; i < room.length_bytes; i++)
        room.bytes[i] = (uint8_t)next_random();
}

enum result process_open(void)
{
    sim.now_ns = S_NS;
    sim.random = sim_seed();
    return OK;
}

void process_close(void)
{
}
