/* cursor.h - reads integers and bytes from a view, in either byte order, and never past its end.
 *
 *     struct cursor cursor = cursor_over(datagram);
 *     uint16_t id = cursor_u16_be(&cursor);
 *     uint16_t count = cursor_u16_be(&cursor);
 *     if (cursor.ran_short) return INVALID;
 *
 * A read that does not fit gives zero (or an empty view), moves nothing and sets `ran_short` for
 * good, so that one check at the end is enough.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CURSOR_H
#define LOOM_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

struct cursor {
    struct view bytes;
    size_t offset_bytes;
    bool ran_short;
};

static inline struct cursor cursor_over(struct view bytes)
{
    return (struct cursor){ .bytes = bytes };
}

static inline size_t cursor_left(const struct cursor *cursor)
{
    return cursor->bytes.length_bytes - cursor->offset_bytes;
}

/* The next `length_bytes`, which the cursor moves behind. */
static inline struct view cursor_take(struct cursor *cursor, size_t length_bytes)
{
    if (cursor->ran_short || length_bytes > cursor_left(cursor)) {
        cursor->ran_short = true;
        return (struct view){ 0 };
    }
    struct view taken = view_slice(cursor->bytes, cursor->offset_bytes, length_bytes);
    cursor->offset_bytes += length_bytes;
    return taken;
}

static inline void cursor_skip(struct cursor *cursor, size_t length_bytes)
{
    (void)cursor_take(cursor, length_bytes);
}

/* All that is left. */
static inline struct view cursor_rest(struct cursor *cursor)
{
    return cursor_take(cursor, cursor_left(cursor));
}

#define CURSOR_READ(bits, order, swap) \
    static inline uint##bits##_t cursor_u##bits##_##order(struct cursor *cursor) \
    { \
        uint##bits##_t value = 0; \
        struct view taken = cursor_take(cursor, sizeof value); \
        if (taken.length_bytes == sizeof value) \
            __builtin_memcpy(&value, taken.bytes, sizeof value); \
        return swap(value); \
    }

#define CURSOR_AS_IT_IS(value) (value)

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the swaps below are for a little-endian processor");

CURSOR_READ(8, raw, CURSOR_AS_IT_IS)
CURSOR_READ(16, le, CURSOR_AS_IT_IS)
CURSOR_READ(32, le, CURSOR_AS_IT_IS)
CURSOR_READ(64, le, CURSOR_AS_IT_IS)
CURSOR_READ(16, be, __builtin_bswap16)
CURSOR_READ(32, be, __builtin_bswap32)
CURSOR_READ(64, be, __builtin_bswap64)

static inline uint8_t cursor_u8(struct cursor *cursor)
{
    return cursor_u8_raw(cursor);
}

#endif
