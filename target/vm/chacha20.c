/* chacha20.c - the block function, as RFC 8439 2.1 to 2.3 write it.
 *
 * SPDX-License-Identifier: ISC */
#include "target/vm/chacha20.h"

#include "base/assert.h"

#define WORDS         16
#define DOUBLE_ROUNDS 10

static uint32_t rotate_left(uint32_t value, unsigned bits)
{
    return value << bits | value >> (32 - bits);
}

/* 2.1 */
static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = rotate_left(*d ^ *a, 16);
    *c += *d;
    *b = rotate_left(*b ^ *c, 12);
    *a += *b;
    *d = rotate_left(*d ^ *a, 8);
    *c += *d;
    *b = rotate_left(*b ^ *c, 7);
}

/* Columns, then diagonals. */
static void double_round(uint32_t s[WORDS])
{
    quarter_round(&s[0], &s[4], &s[8], &s[12]);
    quarter_round(&s[1], &s[5], &s[9], &s[13]);
    quarter_round(&s[2], &s[6], &s[10], &s[14]);
    quarter_round(&s[3], &s[7], &s[11], &s[15]);
    quarter_round(&s[0], &s[5], &s[10], &s[15]);
    quarter_round(&s[1], &s[6], &s[11], &s[12]);
    quarter_round(&s[2], &s[7], &s[8], &s[13]);
    quarter_round(&s[3], &s[4], &s[9], &s[14]);
}

void chacha20_block(uint8_t block[CHACHA20_BLOCK_BYTES], const struct chacha20_input *input)
{
    static_assert(sizeof *input == 12 * sizeof(uint32_t), "the words behind the constants");
    uint32_t start[WORDS] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, state[WORDS];
    __builtin_memcpy(start + 4, input, sizeof *input);
    __builtin_memcpy(state, start, sizeof state);
    for (unsigned i = 0; i < DOUBLE_ROUNDS; i++)
        double_round(state);
    for (unsigned i = 0; i < WORDS; i++)
        state[i] += start[i];
    __builtin_memcpy(block, state, sizeof state);
}
