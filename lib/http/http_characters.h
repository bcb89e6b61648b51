/* http_characters.h - which bytes may stand where, and how to find the next one that may not.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_CHARACTERS_H
#define LOOM_HTTP_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

enum http_character {
    HTTP_TOKEN = 1,  /* tchar, RFC 9110 5.6.2 */
    HTTP_HOST = 2,   /* reg-name, RFC 3986 3.2.2, without percent-encoding: a host that is written
                      * in two ways could be routed in two ways */
    HTTP_TARGET = 4, /* 0x21 to 0x7e without "#". More than RFC 3986 allows, because browsers send
                      * "|", "[" and "^" as they are. */
};

extern const uint8_t http_characters[256];

static inline bool http_character_is(uint8_t byte, enum http_character kind)
{
    return (http_characters[byte] & kind) != 0;
}

/* Whether all of `text` is of this kind, and not empty. */
static inline bool http_text_is(struct view text, enum http_character kind)
{
    for (size_t i = 0; i < text.length_bytes; i++) {
        if (!http_character_is(text.bytes[i], kind)) return false;
    }
    return text.length_bytes > 0;
}

static inline bool http_byte_is_control(uint8_t byte)
{
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

/* The index of the first control byte (a tab is none) at `from` or behind it; the view's length
 * when there is none. */
size_t http_find_control(struct view bytes, size_t from);

#endif
