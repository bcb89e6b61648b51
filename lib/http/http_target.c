/* http_target.c - takes request targets apart, and makes their paths safe to use.
 *
 * A path is decoded once, and only then are its segments judged: "%2e%2e" is as much a step up as
 * ".." is. An encoded slash is refused, since a decoded one could not be told from a real one.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_target.h"

#include "base/writer.h"
#include "http/http_characters.h"

#define REFUSE(code, words) ((struct http_refusal){ .status = (code), .why = (words) })
#define ACCEPTED            ((struct http_refusal){ 0 })

/* ---- authorities ---- */

static bool address_literal_is_valid(struct view host)
{
    /* "[" and "]" are there; within them what an IPv6 address is made of (RFC 3986 3.2.2). */
    bool has_colon = false;
    for (size_t i = 1; i + 1 < host.length_bytes; i++) {
        uint8_t byte = host.bytes[i];
        uint8_t lower = byte | 0x20;
        bool hex = (byte >= '0' && byte <= '9') || (lower >= 'a' && lower <= 'f');
        if (byte == ':') has_colon = true;
        if (!hex && byte != ':' && byte != '.') return false;
    }
    return has_colon && host.length_bytes <= 2 + ADDRESS_TEXT_MAX;
}

bool http_authority_split(struct view authority, struct view *host, uint16_t *port)
{
    struct view rest;
    uint64_t number = 0;
    *port = 0;
    if (authority.length_bytes > 0 && authority.bytes[0] == '[') {
        size_t end = view_find_byte(authority, ']');
        if (end == authority.length_bytes) return false;
        *host = view_first(authority, end + 1);
        rest = view_from_offset(authority, end + 1);
        if (!address_literal_is_valid(*host)) return false;
    } else {
        size_t end = view_find_byte(authority, ':');
        *host = view_first(authority, end);
        rest = view_from_offset(authority, end);
        if (!http_text_is(*host, HTTP_HOST)) return false;
    }
    if (rest.length_bytes == 0) return true;
    if (rest.bytes[0] != ':') return false;
    rest = view_from_offset(rest, 1);
    if (rest.length_bytes == 0) return true; /* RFC 3986 3.2.3: an empty port is the default */
    if (rest.length_bytes > 5 || !view_to_u64(rest, &number) || number > UINT16_MAX) return false;
    *port = (uint16_t)number;
    return true;
}

/* ---- targets ---- */

static void path_and_query(struct view text, struct http_target *parts)
{
    parts->path = view_cut(text, '?', &parts->query);
}

static struct http_refusal absolute_split(struct view target, struct http_target *parts)
{
    struct view scheme = VIEW("http://");
    if (target.length_bytes < scheme.length_bytes ||
        !view_equal_ignoring_case(view_first(target, scheme.length_bytes), scheme))
        return REFUSE(400, "a request target that is neither a path nor an http URL");
    struct view rest = view_from_offset(target, scheme.length_bytes);
    size_t end = 0;
    while (end < rest.length_bytes && rest.bytes[end] != '/' && rest.bytes[end] != '?')
        end++;
    struct view host;
    uint16_t port;
    parts->authority = view_first(rest, end);
    if (!http_authority_split(parts->authority, &host, &port))
        return REFUSE(400, "a malformed authority in the request target");
    path_and_query(view_from_offset(rest, end), parts);
    return ACCEPTED;
}

struct http_refusal http_target_split(struct view target, enum http_method method,
                                      struct http_target *parts)
{
    *parts = (struct http_target){ 0 };
    if (!http_text_is(target, HTTP_TARGET)) return REFUSE(400, "a malformed request target");
    if (target.bytes[0] == '/') {
        path_and_query(target, parts);
        return ACCEPTED;
    }
    if (view_equal(target, VIEW("*"))) {
        parts->is_asterisk = true;
        return method == HTTP_OPTIONS ? ACCEPTED
                                      : REFUSE(400, "\"*\" for a method that is not OPTIONS");
    }
    return absolute_split(target, parts);
}

/* ---- paths ---- */

static unsigned hex_value(uint8_t byte)
{
    uint64_t value;
    return view_hex_to_u64(view_from(&byte, 1), &value) ? (unsigned)value : 16;
}

/* Whether decoding and normalising would leave the path as it is, which most are. */
static bool path_is_plain(struct view path)
{
    if (path.length_bytes == 0) return false;
    bool after_slash = false;
    for (size_t i = 0; i < path.length_bytes; i++) {
        uint8_t byte = path.bytes[i];
        if (byte == '%' || (byte == '.' && after_slash)) return false;
        after_slash = byte == '/';
    }
    return true;
}

static struct http_refusal percent_decode(struct view encoded, struct writer *writer)
{
    for (size_t i = 0; i < encoded.length_bytes; i++) {
        uint8_t byte = encoded.bytes[i];
        if (byte == '%') {
            if (encoded.length_bytes - i < 3) return REFUSE(400, "a cut percent-encoding");
            unsigned high = hex_value(encoded.bytes[i + 1]);
            unsigned low = hex_value(encoded.bytes[i + 2]);
            if (high > 15 || low > 15) return REFUSE(400, "a malformed percent-encoding");
            byte = (uint8_t)(high << 4 | low);
            if (byte == 0) return REFUSE(400, "an encoded NUL in the path");
            if (byte == '/') return REFUSE(400, "an encoded slash in the path");
            i += 2;
        }
        writer_put_u8(writer, byte);
    }
    return ACCEPTED;
}

/* Drops the last segment and its slash from what is written; false when there is none. */
static bool step_up(struct writer *writer)
{
    if (writer->length_bytes == 0) return false;
    do {
        writer->length_bytes--;
    } while (writer->room.bytes[writer->length_bytes] != '/');
    return true;
}

/* Removes dot segments (RFC 3986 5.2.4) in place: what is written never overtakes what is read. A
 * trailing "." or ".." leaves the slash before it. */
static struct http_refusal remove_dots(struct span decoded, struct view *path)
{
    struct view rest = view_from_offset(span_view(decoded), 1);
    struct writer writer = writer_over(decoded);
    bool more = true;
    while (more) {
        size_t end = view_find_byte(rest, '/');
        more = end < rest.length_bytes;
        struct view segment = view_first(rest, end);
        rest = view_from_offset(rest, more ? end + 1 : end);
        bool dot = view_equal(segment, VIEW("."));
        bool up = view_equal(segment, VIEW(".."));
        if (up && !step_up(&writer)) return REFUSE(400, "a path that leads above the root");
        if (!dot && !up) {
            writer_put_u8(&writer, '/');
            struct span to = writer_take(&writer, segment.length_bytes);
            if (to.length_bytes > 0)
                __builtin_memmove(to.bytes, segment.bytes, segment.length_bytes);
        } else if (!more) {
            writer_put_u8(&writer, '/');
        }
    }
    *path = writer_view(&writer);
    return ACCEPTED;
}

struct http_refusal http_path_decode(struct view encoded, struct span room, struct view *path)
{
    assert(encoded.length_bytes == 0 || encoded.bytes[0] == '/');
    *path = encoded;
    if (path_is_plain(encoded)) return ACCEPTED;
    if (encoded.length_bytes == 0) {
        *path = VIEW("/");
        return ACCEPTED;
    }
    assert_that(room.length_bytes, >=, encoded.length_bytes);
    struct writer writer = writer_over(room);
    struct http_refusal refusal = percent_decode(encoded, &writer);
    if (refusal.status != 0) return refusal;
    return remove_dots(span_first(room, writer.length_bytes), path);
}
