/* net_chance.h - chance under a seed, for what makes networks bad.
 *
 * SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_CHANCE_H
#define LOOM_NET_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

#define NET_MILLION 1000000u

static inline uint64_t net_chance(uint64_t *state)
{
    uint64_t mixed = *state += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}

/* A step of the sequence whatever the odds are, so that other odds meet the same numbers. */
static inline bool net_chance_strikes(uint64_t *state, uint32_t per_million)
{
    return net_chance(state) % NET_MILLION < per_million;
}

#endif
