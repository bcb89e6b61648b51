/* escape.c - which bytes of a text can be shown as they are.
 *
 * UTF-8 is RFC 3629's: no surrogates, nothing longer than it need be, nothing above U+10FFFF.
 *
 * SPDX-License-Identifier: ISC */
#include "base/escape.h"

#include "base/result.h"
#include "base/units.h"

/* The characters of this many bytes, from their first byte on. */
struct shape {
    uint8_t mask, lead;
    uint32_t least; /* the first character that needs so many bytes */
};

static const struct shape shapes[] = {
    { .mask = 0x80, .lead = 0x00, .least = 0 },
    { .mask = 0xe0, .lead = 0xc0, .least = 0x80 },
    { .mask = 0xf0, .lead = 0xe0, .least = 0x800 },
    { .mask = 0xf8, .lead = 0xf0, .least = 0x10000 },
};

struct range {
    uint32_t first, last;
};

/* Controls, line and paragraph separators, bidirectional controls, surrogates. */
static const struct range hidden[] = {
    { .first = 0x00, .last = 0x1f },     { .first = 0x7f, .last = 0x9f },
    { .first = 0x200e, .last = 0x200f }, { .first = 0x2028, .last = 0x202e },
    { .first = 0x2066, .last = 0x2069 }, { .first = 0xd800, .last = 0xdfff },
    { .first = 0xfeff, .last = 0xfeff }, { .first = 0x110000, .last = UINT32_MAX },
};

static bool is_hidden(uint32_t character)
{
    for (size_t i = 0; i < LENGTH_OF(hidden); i++) {
        if (character >= hidden[i].first && character <= hidden[i].last) return true;
    }
    return false;
}

/* How many bytes the character at the start of `text` has; 0 when they are no character that can be
 * shown. */
static size_t shown_bytes(struct view text)
{
    size_t length = 1;
    while (length <= LENGTH_OF(shapes) &&
           (text.bytes[0] & shapes[length - 1].mask) != shapes[length - 1].lead)
        length++;
    if (length > LENGTH_OF(shapes) || length > text.length_bytes) return 0;

    const struct shape *shape = &shapes[length - 1];
    uint32_t character = text.bytes[0] & (uint8_t)~shape->mask;
    for (size_t i = 1; i < length; i++) {
        if ((text.bytes[i] & 0xc0) != 0x80) return 0;
        character = character << 6 | (text.bytes[i] & 0x3f);
    }
    return character < shape->least || is_hidden(character) ? 0 : length;
}

/* Whole or not at all. */
static void put_hex_escape(struct writer *writer, uint8_t byte)
{
    struct writer escape = writer_over(writer_take(writer, sizeof "\\xNN" - 1));
    writer_put(&escape, VIEW("\\x"));
    writer_put_hex(&escape, byte, 2);
}

COLD void writer_put_escaped(struct writer *writer, struct view text)
{
    while (!view_is_empty(text) && !writer->ran_short) {
        size_t length = shown_bytes(text);
        if (length > 0)
            writer_put(writer, view_first(text, length));
        else
            put_hex_escape(writer, text.bytes[0]);
        text = view_from_offset(text, MAX(length, (size_t)1));
    }
}
