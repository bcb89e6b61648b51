/* http_url.c - takes URLs apart, and resolves references; see http_url.h.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_url.h"

#include "ip/address.h"

/* ---- characters (RFC 3986 2 and 3) ---- */

static bool is_letter(uint8_t byte)
{
    return (byte | 32) >= 'a' && (byte | 32) <= 'z';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_hex_digit(uint8_t byte)
{
    return is_digit(byte) || ((byte | 32) >= 'a' && (byte | 32) <= 'f');
}

static bool is_one_of(uint8_t byte, struct view characters)
{
    return view_find_byte(characters, byte) < characters.length_bytes;
}

/* unreserved and sub-delims, which every part may hold */
#define URL_EVERYWHERE VIEW("-._~!$&'()*+,;=")

#define URL_USER  VIEW(":")
#define URL_HOST  VIEW("")
#define URL_PATH  VIEW(":@/")
#define URL_QUERY VIEW(":@/?")

/* Every byte is allowed in this part, or belongs to "%" and two hexadecimal digits. */
static bool consists_of(struct view text, struct view further)
{
    for (size_t i = 0; i < text.length_bytes; i++) {
        uint8_t byte = text.bytes[i];
        if (is_letter(byte) || is_digit(byte) || is_one_of(byte, URL_EVERYWHERE)) continue;
        if (is_one_of(byte, further)) continue;
        if (byte != '%' || text.length_bytes - i < 3) return false;
        if (!is_hex_digit(text.bytes[i + 1]) || !is_hex_digit(text.bytes[i + 2])) return false;
        i += 2;
    }
    return true;
}

static bool is_scheme(struct view text)
{
    if (view_is_empty(text) || !is_letter(text.bytes[0])) return false;
    for (size_t i = 0; i < text.length_bytes; i++) {
        uint8_t byte = text.bytes[i];
        if (!is_letter(byte) && !is_digit(byte) && !is_one_of(byte, VIEW("+-."))) return false;
    }
    return true;
}

/* ---- parts ---- */

/* Cuts what stands before the first `byte` off, when there is one. */
static bool cut_behind(struct view *text, uint8_t byte, struct view *behind)
{
    size_t at = view_find_byte(*text, byte);
    if (at == text->length_bytes) return false;
    *behind = view_from_offset(*text, at + 1);
    *text = view_first(*text, at);
    return true;
}

/* A colon makes what stands before it a scheme, unless a "/" comes first. */
static enum result take_scheme(struct view *text, struct http_url *url)
{
    size_t colon = view_find_byte(*text, ':');
    if (colon == text->length_bytes || view_find_byte(*text, '/') < colon) return OK;
    url->scheme = view_first(*text, colon);
    *text = view_from_offset(*text, colon + 1);
    return is_scheme(url->scheme) ? OK : INVALID;
}

static enum result take_port(struct view text, struct http_url *url)
{
    uint64_t port;
    if (view_is_empty(text)) return OK; /* "http://host:/" (RFC 3986 3.2.3) */
    if (!view_to_u64(text, &port) || port == 0 || port > UINT16_MAX) return INVALID;
    url->port = (uint16_t)port;
    return OK;
}

static enum result take_bracketed(struct view text, struct http_url *url)
{
    struct view rest, inside = view_from_offset(text, 1);
    struct address address;
    if (!cut_behind(&inside, ']', &rest)) return INVALID;
    url->host = inside;
    url->host_in_brackets = true;
    if (address_parse(inside, &address) != OK || address.family != ADDRESS_IPV6) return INVALID;
    if (view_is_empty(rest)) return OK;
    return rest.bytes[0] == ':' ? take_port(view_from_offset(rest, 1), url) : INVALID;
}

static enum result take_authority(struct view text, struct http_url *url)
{
    struct view host;
    url->has_authority = true;
    if (cut_behind(&text, '@', &host)) {
        url->has_user = true;
        url->user = text;
        if (!consists_of(text, URL_USER)) return INVALID;
        text = host;
    }
    if (!view_is_empty(text) && text.bytes[0] == '[') return take_bracketed(text, url);
    struct view port = { 0 };
    (void)cut_behind(&text, ':', &port);
    url->host = text;
    return consists_of(text, URL_HOST) ? take_port(port, url) : INVALID;
}

enum result http_url_parse(struct view text, struct http_url *url)
{
    *url = (struct http_url){ 0 };
    url->has_fragment = cut_behind(&text, '#', &url->fragment);
    url->has_query = cut_behind(&text, '?', &url->query);
    enum result result = take_scheme(&text, url);
    if (result == OK && view_starts_with(text, VIEW("//"))) {
        text = view_from_offset(text, 2);
        size_t end = view_find_byte(text, '/');
        result = take_authority(view_first(text, end), url);
        text = view_from_offset(text, end);
    }
    url->path = text;
    if (result != OK) return result;
    bool valid = consists_of(url->path, URL_PATH) && consists_of(url->query, URL_QUERY) &&
                 consists_of(url->fragment, URL_QUERY);
    return valid ? OK : INVALID;
}

enum result http_url_check(const struct http_url *url)
{
    if (view_is_empty(url->scheme)) return INVALID;
    if (!view_equal_ignoring_case(url->scheme, VIEW("http"))) return UNSUPPORTED;
    return view_is_empty(url->host) || url->has_user ? INVALID : OK;
}

bool http_url_same_origin(const struct http_url *a, const struct http_url *b)
{
    return http_url_port(a) == http_url_port(b) && view_equal_ignoring_case(a->host, b->host) &&
           view_equal_ignoring_case(a->scheme, b->scheme);
}

/* ---- resolving (RFC 3986 5.2) ---- */

/* The output loses its last segment and the slash before it. */
static size_t without_last_segment(struct span path, size_t length)
{
    while (length > 0 && path.bytes[length - 1] != '/')
        length--;
    return length > 0 ? length - 1 : 0;
}

/* RFC 3986 5.2.4, in place: what is read always stands behind what is written. Gives the new
 * length. */
static size_t remove_dot_segments(struct span path)
{
    size_t in = 0, out = 0;
    while (in < path.length_bytes) {
        struct view rest = view_from_offset(span_view(path), in);
        if (view_starts_with(rest, VIEW("../"))) {
            in += 3;
        } else if (view_starts_with(rest, VIEW("./")) || view_starts_with(rest, VIEW("/./"))) {
            in += 2;
        } else if (view_equal(rest, VIEW("/."))) {
            path.bytes[++in] = '/';
        } else if (view_starts_with(rest, VIEW("/../"))) {
            in += 3;
            out = without_last_segment(path, out);
        } else if (view_equal(rest, VIEW("/.."))) {
            path.bytes[in += 2] = '/';
            out = without_last_segment(path, out);
        } else if (view_equal(rest, VIEW(".")) || view_equal(rest, VIEW(".."))) {
            in = path.length_bytes;
        } else {
            do
                path.bytes[out++] = path.bytes[in++];
            while (in < path.length_bytes && path.bytes[in] != '/');
        }
    }
    return out;
}

/* RFC 3986 5.2.3: the reference's path stands in the folder of the base's. */
static void put_folder_of(const struct http_url *base, struct writer *writer)
{
    if (base->has_authority && view_is_empty(base->path)) {
        writer_put(writer, VIEW("/"));
        return;
    }
    size_t length = base->path.length_bytes;
    while (length > 0 && base->path.bytes[length - 1] != '/')
        length--;
    writer_put(writer, view_first(base->path, length));
}

static void put_path(const struct http_url *base, const struct http_url *reference,
                     struct writer *writer)
{
    size_t start = writer->length_bytes;
    bool absolute = !view_is_empty(reference->scheme) || reference->has_authority ||
                    view_starts_with(reference->path, VIEW("/"));
    if (view_is_empty(reference->path) && !absolute) {
        writer_put(writer, base->path);
        return;
    }
    if (!absolute) put_folder_of(base, writer);
    writer_put(writer, reference->path);
    if (writer->ran_short) return;
    struct span path = span_first(span_from_offset(writer->room, start),
                                  writer->length_bytes - start);
    writer->length_bytes = start + remove_dot_segments(path);
}

void http_url_write_authority(const struct http_url *url, struct writer *writer)
{
    if (url->host_in_brackets) writer_put(writer, VIEW("["));
    writer_put(writer, url->host);
    if (url->host_in_brackets) writer_put(writer, VIEW("]"));
    if (url->port == 0 || url->port == HTTP_URL_PORT) return;
    writer_put(writer, VIEW(":"));
    writer_put_decimal(writer, url->port);
}

static void put_scheme_and_authority(struct view scheme, const struct http_url *of,
                                     struct writer *writer)
{
    writer_put(writer, scheme);
    writer_put(writer, VIEW(":"));
    if (!of->has_authority) return;
    writer_put(writer, VIEW("//"));
    if (of->has_user) {
        writer_put(writer, of->user);
        writer_put(writer, VIEW("@"));
    }
    http_url_write_authority(of, writer);
}

static void put_marked(bool there, struct view mark, struct view text, struct writer *writer)
{
    if (!there) return;
    writer_put(writer, mark);
    writer_put(writer, text);
}

void http_url_resolve(const struct http_url *base, const struct http_url *reference,
                      struct writer *writer)
{
    bool own_scheme = !view_is_empty(reference->scheme);
    bool own_authority = own_scheme || reference->has_authority;
    bool own_query = own_authority || !view_is_empty(reference->path) || reference->has_query;
    const struct http_url *query_of = own_query ? reference : base;
    put_scheme_and_authority(own_scheme ? reference->scheme : base->scheme,
                             own_authority ? reference : base, writer);
    put_path(base, reference, writer);
    put_marked(query_of->has_query, VIEW("?"), query_of->query, writer);
    put_marked(reference->has_fragment, VIEW("#"), reference->fragment, writer);
}

void http_url_write(const struct http_url *url, struct writer *writer)
{
    put_scheme_and_authority(url->scheme, url, writer);
    writer_put(writer, url->path);
    put_marked(url->has_query, VIEW("?"), url->query, writer);
}

void http_url_write_target(const struct http_url *url, struct writer *writer)
{
    writer_put(writer, view_is_empty(url->path) ? VIEW("/") : url->path);
    put_marked(url->has_query, VIEW("?"), url->query, writer);
}
