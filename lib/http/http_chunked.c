/* http_chunked.c - the chunked coding: a decoder that is one step a byte in the lines between the
 * data, and hands the data through untouched.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_chunked.h"

#include "base/units.h"
#include "base/writer.h"
#include "http/http_characters.h"

enum {
    CHUNK_SIZE,            /* the digits */
    CHUNK_EXTENSION_START, /* behind a semicolon */
    CHUNK_EXTENSION_NAME,
    CHUNK_EXTENSION_EQUALS, /* behind the equals sign */
    CHUNK_EXTENSION_VALUE,
    CHUNK_EXTENSION_QUOTED,
    CHUNK_EXTENSION_ESCAPED, /* behind a backslash */
    CHUNK_EXTENSION_END,     /* behind the closing quote */
    CHUNK_SIZE_LF,           /* the CR of the size line has come */
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER_NAME,
    CHUNK_TRAILER_VALUE,
    CHUNK_TRAILER_LF,
    CHUNK_END,
};

static enum result size_digit(struct http_chunked *chunked, uint8_t byte)
{
    uint64_t digit;
    if (!view_hex_to_u64(view_from(&byte, 1), &digit)) return INVALID;
    if (chunked->digits == 16) return INVALID;
    chunked->digits++;
    chunked->left_bytes = chunked->left_bytes << 4 | digit;
    return OK;
}

/* The digits, with nothing before them and only an extension or the line's end behind them: blanks
 * there have been read in two ways. */
static enum result size_byte(struct http_chunked *chunked, uint8_t byte)
{
    if (byte != ';' && byte != '\r') return size_digit(chunked, byte);
    if (chunked->digits == 0) return INVALID;
    chunked->state = byte == ';' ? CHUNK_EXTENSION_START : CHUNK_SIZE_LF;
    return OK;
}

/* What may follow a part of an extension: the next one, or the line's end. */
static enum result extension_end(struct http_chunked *chunked, uint8_t byte)
{
    if (byte != ';' && byte != '\r') return INVALID;
    chunked->state = byte == ';' ? CHUNK_EXTENSION_START : CHUNK_SIZE_LF;
    return OK;
}

static enum result quoted_byte(struct http_chunked *chunked, uint8_t byte)
{
    if (byte == '"') chunked->state = CHUNK_EXTENSION_END;
    if (byte == '\\') chunked->state = CHUNK_EXTENSION_ESCAPED;
    return http_byte_is_control(byte) ? INVALID : OK;
}

/* ";" name [ "=" ( token / quoted-string ) ], without blanks (RFC 9112 7.1.1). Extensions are
 * dropped, but not skipped over: where one ends has been read in two ways. */
static enum result extension_byte(struct http_chunked *chunked, uint8_t byte)
{
    bool token = http_character_is(byte, HTTP_TOKEN);
    switch (chunked->state) {
    case CHUNK_EXTENSION_START: chunked->state = CHUNK_EXTENSION_NAME; return token ? OK : INVALID;
    case CHUNK_EXTENSION_NAME:
        if (token) return OK;
        if (byte != '=') return extension_end(chunked, byte);
        chunked->state = CHUNK_EXTENSION_EQUALS;
        return OK;
    case CHUNK_EXTENSION_EQUALS:
        chunked->state = byte == '"' ? CHUNK_EXTENSION_QUOTED : CHUNK_EXTENSION_VALUE;
        return token || byte == '"' ? OK : INVALID;
    case CHUNK_EXTENSION_VALUE: return token ? OK : extension_end(chunked, byte);
    case CHUNK_EXTENSION_QUOTED: return quoted_byte(chunked, byte);
    case CHUNK_EXTENSION_ESCAPED:
        chunked->state = CHUNK_EXTENSION_QUOTED;
        return http_byte_is_control(byte) ? INVALID : OK;
    default: return extension_end(chunked, byte);
    }
}

static void size_done(struct http_chunked *chunked)
{
    bool last = chunked->left_bytes == 0;
    chunked->state = last ? CHUNK_TRAILER_NAME : CHUNK_DATA;
    chunked->digits = 0;
    chunked->line_bytes = 0;
    chunked->line_is_empty = true;
}

/* Trailers are dropped, but must look like fields: a name, a colon right behind it, a value without
 * control bytes. */
static enum result trailer_name_byte(struct http_chunked *chunked, uint8_t byte)
{
    bool empty = chunked->line_is_empty;
    if (byte == '\r' && empty) {
        chunked->state = CHUNK_TRAILER_LF;
        return OK;
    }
    if (byte == ':' && !empty) {
        chunked->state = CHUNK_TRAILER_VALUE;
        return OK;
    }
    chunked->line_is_empty = false;
    return http_character_is(byte, HTTP_TOKEN) ? OK : INVALID;
}

static enum result trailer_value_byte(struct http_chunked *chunked, uint8_t byte)
{
    if (byte == '\r') {
        chunked->state = CHUNK_TRAILER_LF;
        return OK;
    }
    return http_byte_is_control(byte) ? INVALID : OK;
}

static enum result trailer_done(struct http_chunked *chunked)
{
    chunked->state = chunked->line_is_empty ? CHUNK_END : CHUNK_TRAILER_NAME;
    chunked->line_is_empty = true;
    return chunked->state == CHUNK_END ? CLOSED : OK;
}

static enum result line_byte(struct http_chunked *chunked, uint8_t byte)
{
    bool in_trailers = chunked->state >= CHUNK_TRAILER_NAME;
    uint32_t limit = in_trailers ? HTTP_CHUNK_TRAILS_MAX : HTTP_CHUNK_LINE_MAX;
    if (++chunked->line_bytes > limit) return TOO_LARGE;
    switch (chunked->state) {
    case CHUNK_SIZE: return size_byte(chunked, byte);
    case CHUNK_EXTENSION_START:
    case CHUNK_EXTENSION_NAME:
    case CHUNK_EXTENSION_EQUALS:
    case CHUNK_EXTENSION_VALUE:
    case CHUNK_EXTENSION_QUOTED:
    case CHUNK_EXTENSION_ESCAPED:
    case CHUNK_EXTENSION_END: return extension_byte(chunked, byte);
    case CHUNK_SIZE_LF:
        if (byte != '\n') return INVALID;
        size_done(chunked);
        return OK;
    case CHUNK_DATA_CR: chunked->state = CHUNK_DATA_LF; return byte == '\r' ? OK : INVALID;
    case CHUNK_DATA_LF:
        chunked->state = CHUNK_SIZE;
        chunked->line_bytes = 0;
        return byte == '\n' ? OK : INVALID;
    case CHUNK_TRAILER_NAME: return trailer_name_byte(chunked, byte);
    case CHUNK_TRAILER_VALUE: return trailer_value_byte(chunked, byte);
    case CHUNK_TRAILER_LF: return byte == '\n' ? trailer_done(chunked) : INVALID;
    default: panic("chunked body decoded past its end");
    }
}

static struct view take_data(struct http_chunked *chunked, struct view bytes)
{
    struct view data = view_first(bytes, (size_t)MIN(chunked->left_bytes, bytes.length_bytes));
    chunked->left_bytes -= data.length_bytes;
    if (chunked->left_bytes == 0) chunked->state = CHUNK_DATA_CR;
    return data;
}

enum result http_chunked_decode(struct http_chunked *chunked, struct view bytes,
                                size_t *consumed_bytes, struct view *data)
{
    assert(bytes.length_bytes > 0);
    *data = (struct view){ 0 };
    for (size_t at = 0; at < bytes.length_bytes; at++) {
        if (chunked->state == CHUNK_DATA) {
            *data = take_data(chunked, view_from_offset(bytes, at));
            *consumed_bytes = at + data->length_bytes;
            return OK;
        }
        enum result result = line_byte(chunked, bytes.bytes[at]);
        if (result != OK) {
            *consumed_bytes = at + 1;
            return result;
        }
    }
    *consumed_bytes = bytes.length_bytes;
    return OK;
}

struct view http_chunk_head(uint8_t room[HTTP_CHUNK_HEAD_MAX], uint64_t length_bytes)
{
    assert(length_bytes > 0);
    struct writer writer = writer_over(span_from(room, HTTP_CHUNK_HEAD_MAX));
    writer_put_hex(&writer, length_bytes, 1);
    writer_put(&writer, VIEW("\r\n"));
    return writer_view(&writer);
}
