/* writer.h - builds bytes and text in a span, and never past its end.
 *
 *     struct writer writer = writer_over(room);
 *     writer_put(&writer, VIEW("HTTP/1.1 "));
 *     writer_put_decimal(&writer, status);
 *     if (writer.ran_short) return TOO_LARGE;
 *
 * A write that does not fit writes nothing and sets `ran_short` for good; so does every later one.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_WRITER_H
#define LOOM_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

struct writer {
    struct span room;
    size_t length_bytes;
    bool ran_short;
};

static inline struct writer writer_over(struct span room)
{
    return (struct writer){ .room = room };
}

static inline struct view writer_view(const struct writer *writer)
{
    return view_first(span_view(writer->room), writer->length_bytes);
}

static inline size_t writer_left(const struct writer *writer)
{
    return writer->room.length_bytes - writer->length_bytes;
}

/* The next `length_bytes` of room, counted as written; an empty span where they do not fit. */
static inline struct span writer_take(struct writer *writer, size_t length_bytes)
{
    if (writer->ran_short || length_bytes > writer_left(writer)) {
        writer->ran_short = true;
        return (struct span){ 0 };
    }
    struct span taken = span_first(span_from_offset(writer->room, writer->length_bytes),
                                   length_bytes);
    writer->length_bytes += length_bytes;
    return taken;
}

void writer_put(struct writer *writer, struct view bytes);

/* The same, in place: for the few bytes of a number. */
static inline void writer_put_inline(struct writer *writer, struct view bytes)
{
    struct span taken = writer_take(writer, bytes.length_bytes);
    if (taken.length_bytes > 0) (void)span_copy(taken, bytes);
}

#define WRITER_PUT(bits, order, swap) \
    static inline void writer_put_u##bits##_##order(struct writer *writer, uint##bits##_t value) \
    { \
        value = swap(value); \
        writer_put_inline(writer, VIEW_OF(value)); \
    }

#define WRITER_AS_IT_IS(value) (value)

WRITER_PUT(8, raw, WRITER_AS_IT_IS)
WRITER_PUT(16, le, WRITER_AS_IT_IS)
WRITER_PUT(32, le, WRITER_AS_IT_IS)
WRITER_PUT(64, le, WRITER_AS_IT_IS)
WRITER_PUT(16, be, __builtin_bswap16)
WRITER_PUT(32, be, __builtin_bswap32)
WRITER_PUT(64, be, __builtin_bswap64)

static inline void writer_put_u8(struct writer *writer, uint8_t value)
{
    writer_put_u8_raw(writer, value);
}

/* Text. Hexadecimal is lower case, with at least `digits` digits (at most 16). */
void writer_put_decimal(struct writer *writer, uint64_t value);
void writer_put_hex(struct writer *writer, uint64_t value, unsigned digits);

/* Two hexadecimal digits a byte. */
void writer_put_hex_bytes(struct writer *writer, struct view bytes);

/* As printf, for: % flags "-0+ ", width, precision (both also "*"), h hh l ll z j t, and d i u x X
 * o c s p %. No floating point and no locale; the compiler checks the arguments. Unlike the writes
 * above it writes as much of a text as fits; of a number all or nothing. */
__attribute__((format(printf, 2, 3))) void writer_format(struct writer *writer, const char *words,
                                                         ...);
void writer_format_list(struct writer *writer, const char *words, __builtin_va_list list);

/* Formats into `room` and gives what fits of it; a text that is cut ends there. */
__attribute__((format(printf, 2, 3))) struct view format(struct span room, const char *words, ...);

#endif
