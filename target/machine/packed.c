/* packed.c - unpacks relocations, one address at a time.
 *
 * SPDX-License-Identifier: ISC */
#include "target/machine/packed.h"

bool packed_walk_next(struct packed_walk *walk, uint64_t *address)
{
    while (walk->bits == 0) {
        if (cursor_left(&walk->words) < PACKED_WORD_BYTES) return false;
        uint64_t word = cursor_u64_le(&walk->words);
        if ((word & 1) == 0) {
            *address = word;
            walk->next = word + PACKED_WORD_BYTES;
            return true;
        }
        walk->bits = word >> 1;
        walk->bits_base = walk->next;
        walk->next += (uint64_t)63 * PACKED_WORD_BYTES;
    }
    *address = walk->bits_base + (uint64_t)__builtin_ctzll(walk->bits) * PACKED_WORD_BYTES;
    walk->bits &= walk->bits - 1;
    return true;
}
