/* view.h - bytes, as everybody passes them: a view to read, a span to fill. By value, never owning.
 *
 * Pointer arithmetic on bytes happens here and in cursor.h, writer.h and ring.h, and nowhere else.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_VIEW_H
#define LOOM_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

struct view {
    const uint8_t *bytes;
    size_t length_bytes;
};

struct span {
    uint8_t *bytes;
    size_t length_bytes;
};

/* A view of a string literal, without its NUL: in an expression, and among the constants of a
 * table, where ISO C allows no compound literal. */
#define VIEW(literal) ((struct view){ (const uint8_t *)("" literal), sizeof(literal) - 1 })
#define VIEW_ROW(literal) \
    { \
        (const uint8_t *)("" literal), sizeof(literal) - 1 \
    }
#define VIEW_OF(object) ((struct view){ (const uint8_t *)&(object), sizeof(object) })
#define SPAN_OF(object) ((struct span){ (uint8_t *)&(object), sizeof(object) })

/* For "%.*s". */
#define VIEW_FORMAT(view) (int)(view).length_bytes, (const char *)(view).bytes

static inline struct view view_from(const void *bytes, size_t length_bytes)
{
    return (struct view){ bytes, length_bytes };
}

static inline struct span span_from(void *bytes, size_t length_bytes)
{
    return (struct span){ bytes, length_bytes };
}

/* For strings from the console, the command line and the compiler; nothing else ends in NUL. */
static inline struct view view_from_string(const char *string)
{
    return (struct view){ (const uint8_t *)string, __builtin_strlen(string) };
}

static inline struct view span_view(struct span span)
{
    return (struct view){ span.bytes, span.length_bytes };
}

static inline bool view_is_empty(struct view view)
{
    return view.length_bytes == 0;
}

/* A broken check ends in one of these: there are so many checks in an image that the words stand
 * in one place. */
__attribute__((noreturn, cold)) void view_panic_index(size_t index, size_t length_bytes);
__attribute__((noreturn, cold)) void view_panic_first(size_t length_bytes, size_t of_bytes);
__attribute__((noreturn, cold)) void view_panic_offset(size_t offset_bytes, size_t of_bytes);
__attribute__((noreturn, cold)) void view_panic_copy(size_t from_bytes, size_t to_bytes);

static inline uint8_t view_byte(struct view view, size_t index)
{
    if (__builtin_expect(index >= view.length_bytes, 0)) view_panic_index(index, view.length_bytes);
    return view.bytes[index];
}

/* The first `length_bytes`, and what stands behind the first `offset_bytes`. */
static inline struct view view_first(struct view view, size_t length_bytes)
{
    if (__builtin_expect(length_bytes > view.length_bytes, 0))
        view_panic_first(length_bytes, view.length_bytes);
    return (struct view){ view.bytes, length_bytes };
}

static inline struct view view_from_offset(struct view view, size_t offset_bytes)
{
    if (__builtin_expect(offset_bytes > view.length_bytes, 0))
        view_panic_offset(offset_bytes, view.length_bytes);
    return (struct view){ offset_bytes == 0 ? view.bytes : view.bytes + offset_bytes,
                          view.length_bytes - offset_bytes };
}

static inline struct view view_slice(struct view view, size_t offset_bytes, size_t length_bytes)
{
    return view_first(view_from_offset(view, offset_bytes), length_bytes);
}

static inline struct span span_first(struct span span, size_t length_bytes)
{
    if (__builtin_expect(length_bytes > span.length_bytes, 0))
        view_panic_first(length_bytes, span.length_bytes);
    return (struct span){ span.bytes, length_bytes };
}

static inline struct span span_from_offset(struct span span, size_t offset_bytes)
{
    if (__builtin_expect(offset_bytes > span.length_bytes, 0))
        view_panic_offset(offset_bytes, span.length_bytes);
    return (struct span){ offset_bytes == 0 ? span.bytes : span.bytes + offset_bytes,
                          span.length_bytes - offset_bytes };
}

/* Copies all of `from` to the start of `to`, which must have room, and gives the rest of `to`. */
static inline struct span span_copy(struct span to, struct view from)
{
    if (__builtin_expect(from.length_bytes > to.length_bytes, 0))
        view_panic_copy(from.length_bytes, to.length_bytes);
    if (from.length_bytes > 0) __builtin_memcpy(to.bytes, from.bytes, from.length_bytes);
    return span_from_offset(to, from.length_bytes);
}

static inline void span_fill(struct span span, uint8_t byte)
{
    if (span.length_bytes > 0) __builtin_memset(span.bytes, byte, span.length_bytes);
}

static inline bool view_equal(struct view a, struct view b)
{
    return a.length_bytes == b.length_bytes &&
           (a.length_bytes == 0 || __builtin_memcmp(a.bytes, b.bytes, a.length_bytes) == 0);
}

/* Negative, zero or positive, in byte order; a prefix comes first. */
int view_compare(struct view a, struct view b);

/* ASCII letters count as equal in both cases. */
bool view_equal_ignoring_case(struct view a, struct view b);

bool view_starts_with(struct view view, struct view prefix);
bool view_ends_with(struct view view, struct view suffix);

/* The index of the first one, or the view's length when there is none. */
size_t view_find_byte(struct view view, uint8_t byte);
size_t view_find(struct view view, struct view part);

/* Cuts at the first `byte`: gives what stands before it and leaves in *rest what stands behind.
 * Without one, all of it is given, and *rest is empty. */
struct view view_cut(struct view view, uint8_t byte, struct view *rest);

/* Without the spaces and tabs at both ends. */
struct view view_trim(struct view view);

/* Decimal digits and nothing else, as in HTTP and on the command line; false when empty, malformed
 * or too large. */
bool view_to_u64(struct view view, uint64_t *value);
/* Hexadecimal digits of either case and nothing else, at most 16. */
bool view_hex_to_u64(struct view view, uint64_t *value);

#endif
