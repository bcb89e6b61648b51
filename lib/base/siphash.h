/* siphash.h - a keyed hash for tables whose keys a stranger may choose: SipHash-2-4 with a 64-bit
 * result.
 *
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIPHASH_H
#define LOOM_SIPHASH_H

#include <stdint.h>

#include "base/view.h"

struct siphash_key {
    uint64_t k0, k1;
};

uint64_t siphash(struct siphash_key key, struct view bytes);

/* A key for one purpose of several that a secret key serves. */
struct siphash_key siphash_derive(struct siphash_key key, uint64_t purpose);

#endif
