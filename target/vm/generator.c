/* generator.c - see generator.h.
 *
 * SPDX-License-Identifier: ISC */
#include "target/vm/generator.h"

#include "base/units.h"

/* That the compiler does not drop because nobody reads it again. */
static void erase(struct span bytes)
{
    span_fill(bytes, 0);
    __asm__ volatile("" : : "r"(bytes.bytes) : "memory");
}

void generator_open(struct generator *generator, const uint8_t seed[CHACHA20_KEY_BYTES])
{
    *generator = (struct generator){ 0 };
    (void)span_copy(SPAN_OF(generator->key), view_from(seed, CHACHA20_KEY_BYTES));
}

static void next_batch(struct generator *generator)
{
    struct chacha20_input input = { .counter = 0 };
    (void)span_copy(SPAN_OF(input.key), VIEW_OF(generator->key));
    for (; input.counter < GENERATOR_BATCH_BYTES / CHACHA20_BLOCK_BYTES; input.counter++)
        chacha20_block(&generator->batch[(size_t)input.counter * CHACHA20_BLOCK_BYTES], &input);
    erase(SPAN_OF(input));

    struct span key = span_first(SPAN_OF(generator->batch), CHACHA20_KEY_BYTES);
    (void)span_copy(SPAN_OF(generator->key), span_view(key));
    erase(key);
    generator->left_bytes = GENERATOR_BATCH_BYTES - CHACHA20_KEY_BYTES;
}

/* The next key comes before the bytes are in it, so that of no key two are seen that differ in what
 * somebody has chosen. */
void generator_mix(struct generator *generator, struct view bytes)
{
    while (!view_is_empty(bytes)) {
        struct view part = view_first(bytes, MIN(bytes.length_bytes, CHACHA20_KEY_BYTES));
        next_batch(generator);
        for (size_t i = 0; i < part.length_bytes; i++)
            generator->key[i] ^= view_byte(part, i);
        bytes = view_from_offset(bytes, part.length_bytes);
    }
    erase(SPAN_OF(generator->batch));
    generator->left_bytes = 0;
}

void generator_fill(struct generator *generator, struct span room)
{
    while (room.length_bytes > 0) {
        if (generator->left_bytes == 0) next_batch(generator);
        size_t length_bytes = MIN(room.length_bytes, generator->left_bytes);
        struct span taken = span_first(
            span_from_offset(SPAN_OF(generator->batch),
                             GENERATOR_BATCH_BYTES - generator->left_bytes),
            length_bytes);
        room = span_copy(room, span_view(taken));
        erase(taken);
        generator->left_bytes -= length_bytes;
    }
}
