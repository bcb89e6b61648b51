/* packed.h - packed relocations (RELR; System V ABI, "Relocation", since 2022): the words of an
 * image to which its base is added, two bits for each instead of 24 bytes.
 *
 * An even word is the address of one. An odd word tells of the 63 words behind what the last word
 * has told of: bit i + 1 is set where the i-th of them is one.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_PACKED_H
#define LOOM_PACKED_H

#include <stdbool.h>

#include "base/cursor.h"

#define PACKED_WORD_BYTES 8u

struct packed_walk {
    struct cursor words;
    uint64_t bits, bits_base; /* those that are left of an odd word, and the address of the first */
    uint64_t next;            /* what the next odd word tells of */
};

static inline struct packed_walk packed_walk_over(struct view words)
{
    return (struct packed_walk){ .words = cursor_over(words) };
}

/* The next address, which may be any number; false: there is none. */
bool packed_walk_next(struct packed_walk *walk, uint64_t *address);

#endif
