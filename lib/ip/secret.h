/* secret.h - numbers that nobody can predict, from a secret key.
 *
 * A protocol core reads no entropy: it is given a key when it is opened, and SipHash, which is a
 * pseudo-random function, stretches it as far as need be. What is drawn goes over the wire as
 * ports and identifiers of 16 or 32 bits.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SECRET_H
#define LOOM_SECRET_H

#include "base/siphash.h"

struct secret_numbers {
    struct siphash_key key;
    uint64_t count;
};

static inline uint64_t secret_number(struct secret_numbers *numbers)
{
    numbers->count++;
    return siphash(numbers->key, VIEW_OF(numbers->count));
}

/* Below `bound`, near enough to even for bounds of 32 bits. */
static inline uint64_t secret_number_below(struct secret_numbers *numbers, uint64_t bound)
{
    return secret_number(numbers) % bound;
}

#endif
