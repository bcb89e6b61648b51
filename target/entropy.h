/* entropy.h - ambient: randomness fit for keys.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TARGET_ENTROPY_H
#define LOOM_TARGET_ENTROPY_H

#include "base/siphash.h"
#include "base/view.h"

/* Fills all of `room`; never fails and never waits: a target without entropy does not start. */
void entropy_fill(struct span room);

static inline uint64_t entropy_u64(void)
{
    uint64_t value;
    entropy_fill(SPAN_OF(value));
    return value;
}

/* A fresh key for a table. */
static inline struct siphash_key entropy_hash_key(void)
{
    struct siphash_key key;
    entropy_fill(SPAN_OF(key));
    return key;
}

#endif
