/* siphash.c - SipHash-2-4, from the paper's section 2.
 *
 * SPDX-License-Identifier: ISC */
#include "base/siphash.h"

#include "base/cursor.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate_left(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static void rounds(struct state *s, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate_left(s->v1, 13) ^ s->v0;
        s->v3 = rotate_left(s->v3, 16) ^ s->v2;
        s->v0 = rotate_left(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate_left(s->v1, 17) ^ s->v2;
        s->v3 = rotate_left(s->v3, 21) ^ s->v0;
        s->v2 = rotate_left(s->v2, 32);
    }
}

static void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    rounds(s, 2);
    s->v0 ^= word;
}

uint64_t siphash(struct siphash_key key, struct view bytes)
{
    struct state s = {
        key.k0 ^ 0x736f6d6570736575u,
        key.k1 ^ 0x646f72616e646f6du,
        key.k0 ^ 0x6c7967656e657261u,
        key.k1 ^ 0x7465646279746573u,
    };
    struct cursor cursor = cursor_over(bytes);
    while (cursor_left(&cursor) >= 8)
        absorb(&s, cursor_u64_le(&cursor));

    uint64_t last = (uint64_t)bytes.length_bytes << 56;
    for (unsigned shift = 0; cursor_left(&cursor) > 0; shift += 8)
        last |= (uint64_t)cursor_u8(&cursor) << shift;
    absorb(&s, last);

    s.v2 ^= 0xff;
    rounds(&s, 4);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

struct siphash_key siphash_derive(struct siphash_key key, uint64_t purpose)
{
    const uint64_t first[2] = { purpose, 0 }, second[2] = { purpose, 1 };
    return (struct siphash_key){ .k0 = siphash(key, VIEW_OF(first)),
                                 .k1 = siphash(key, VIEW_OF(second)) };
}
