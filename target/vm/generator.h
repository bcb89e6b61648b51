/* generator.h - random bytes from a seed, by ChaCha20 with fast key erasure: each batch begins with
 * the key of the next, and what has been handed out is erased, so that whoever reads the memory
 * later learns nothing of what was given before.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_GENERATOR_H
#define LOOM_GENERATOR_H

#include "base/result.h"
#include "base/view.h"
#include "target/vm/chacha20.h"

#define GENERATOR_BATCH_BYTES ((size_t)8 * CHACHA20_BLOCK_BYTES)

struct generator {
    uint8_t key[CHACHA20_KEY_BYTES];
    uint8_t batch[GENERATOR_BATCH_BYTES]; /* its end is what has not been handed out */
    size_t left_bytes;
};

COLD void generator_open(struct generator *generator, const uint8_t seed[CHACHA20_KEY_BYTES]);

/* Mixes more into it, of whatever worth: who does not know the key does not know the next one
 * either, though he has chosen all of `bytes`; and who knew the key does not know it any more, as
 * far as he does not know these. What was to be handed out is not. */
COLD void generator_mix(struct generator *generator, struct view bytes);

/* Fills all of `room`. */
void generator_fill(struct generator *generator, struct span room);

#endif
