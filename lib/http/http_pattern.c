/* http_pattern.c - checks, orders and matches the patterns of routes.
 *
 * A pattern is kept as text and walked segment by segment: patterns are short, and a compiled form
 * would be no smaller.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_pattern.h"

#include "http/http_characters.h"

enum segment_kind { SEGMENT_LITERAL, SEGMENT_PARAMETER, SEGMENT_REST };

/* What is behind the slash that `rest` begins with, up to the next one; `rest` moves there. */
static struct view next_segment(struct view *rest)
{
    struct view behind = view_from_offset(*rest, 1);
    size_t end = view_find_byte(behind, '/');
    *rest = view_from_offset(behind, end);
    return view_first(behind, end);
}

static enum segment_kind kind_of(struct view segment)
{
    if (view_equal(segment, VIEW("*"))) return SEGMENT_REST;
    return segment.length_bytes > 0 && segment.bytes[0] == '{' ? SEGMENT_PARAMETER
                                                               : SEGMENT_LITERAL;
}

static struct view name_of(struct view segment)
{
    return view_slice(segment, 1, segment.length_bytes - 2);
}

/* ---- checking ---- */

static const char *literal_check(struct view segment)
{
    if (view_equal(segment, VIEW(".")) || view_equal(segment, VIEW("..")))
        return "a path is matched without its \".\" and \"..\" segments";
    for (size_t i = 0; i < segment.length_bytes; i++) {
        uint8_t byte = segment.bytes[i];
        if (byte == '{' || byte == '}' || byte == '*')
            return "a parameter or \"*\" must be a whole segment";
        if (byte == '?') return "the query is no part of a pattern";
        if (http_byte_is_control(byte)) return "it holds a control byte";
    }
    return NULL;
}

static bool holds_name(const struct view names[], size_t count, struct view name)
{
    for (size_t i = 0; i < count; i++) {
        if (view_equal(names[i], name)) return true;
    }
    return false;
}

static const char *segment_check(struct view segment, bool last, struct view names[],
                                 size_t *name_count)
{
    enum segment_kind kind = kind_of(segment);
    struct view name = segment;
    if (kind == SEGMENT_LITERAL) return literal_check(segment);
    if (kind == SEGMENT_REST && !last) return "\"*\" must be the last segment";
    if (kind == SEGMENT_PARAMETER) {
        if (segment.length_bytes < 3 || segment.bytes[segment.length_bytes - 1] != '}')
            return "a parameter is written {name}";
        name = name_of(segment);
        if (!http_text_is(name, HTTP_TOKEN) || view_equal(name, VIEW("*")))
            return "a parameter's name is made of letters, digits, \"-\" and \"_\"";
    }
    if (holds_name(names, *name_count, name)) return "two parameters have the same name";
    if (*name_count == HTTP_ROUTE_PARAMETERS_MAX) return "it has too many parameters";
    names[(*name_count)++] = name;
    return NULL;
}

const char *http_pattern_check(struct view pattern)
{
    struct view names[HTTP_ROUTE_PARAMETERS_MAX];
    size_t name_count = 0;
    if (pattern.length_bytes == 0 || pattern.bytes[0] != '/') return "it must begin with \"/\"";
    while (pattern.length_bytes > 0) {
        struct view segment = next_segment(&pattern);
        const char *wrong = segment_check(segment, pattern.length_bytes == 0, names, &name_count);
        if (wrong != NULL) return wrong;
    }
    return NULL;
}

static bool host_is_wild(struct view host)
{
    return view_starts_with(host, VIEW("*."));
}

const char *http_pattern_host_check(struct view host)
{
    if (host.length_bytes == 0) return NULL;
    if (host.bytes[0] == '[') return NULL; /* an IPv6 address, compared as it is */
    struct view name = host_is_wild(host) ? view_from_offset(host, 2) : host;
    if (!http_text_is(name, HTTP_HOST) || view_find_byte(name, '*') < name.length_bytes)
        return "a host is a name without port, or \"*.\" and a name";
    return view_ends_with(name, VIEW(".")) ? "a host is written without a dot at its end" : NULL;
}

/* ---- ordering ---- */

bool http_pattern_is_literal(struct view pattern)
{
    while (pattern.length_bytes > 0) {
        if (kind_of(next_segment(&pattern)) != SEGMENT_LITERAL) return false;
    }
    return true;
}

static int segment_compare(struct view a, struct view b)
{
    int order = (int)kind_of(a) - (int)kind_of(b);
    if (order != 0) return order;
    return kind_of(a) == SEGMENT_LITERAL ? view_compare(a, b) : 0;
}

int http_pattern_compare(struct view a, struct view b)
{
    while (a.length_bytes > 0 && b.length_bytes > 0) {
        int order = segment_compare(next_segment(&a), next_segment(&b));
        if (order != 0) return order;
    }
    return (a.length_bytes > 0) - (b.length_bytes > 0);
}

static int host_class(struct view host)
{
    return host.length_bytes == 0 ? 2 : host_is_wild(host) ? 1 : 0;
}

int http_pattern_host_compare(struct view a, struct view b)
{
    int order = host_class(a) - host_class(b);
    if (order != 0) return order;
    if (a.length_bytes != b.length_bytes) return a.length_bytes > b.length_bytes ? -1 : 1;
    return view_equal_ignoring_case(a, b) ? 0 : view_compare(a, b);
}

/* ---- matching ---- */

bool http_pattern_match(struct view pattern, struct view path, struct http_field parameters[],
                        size_t *parameter_count)
{
    size_t count = 0;
    while (pattern.length_bytes > 0) {
        if (path.length_bytes == 0) return false;
        struct view wanted = next_segment(&pattern);
        enum segment_kind kind = kind_of(wanted);
        if (kind == SEGMENT_REST) {
            parameters[count++] = (struct http_field){ wanted, view_from_offset(path, 1) };
            path = VIEW("");
            break;
        }
        struct view segment = next_segment(&path);
        if (kind == SEGMENT_LITERAL && !view_equal(segment, wanted)) return false;
        if (kind != SEGMENT_PARAMETER) continue;
        if (segment.length_bytes == 0) return false;
        parameters[count++] = (struct http_field){ name_of(wanted), segment };
    }
    if (path.length_bytes > 0) return false;
    *parameter_count = count;
    return true;
}

bool http_pattern_host_match(struct view pattern, struct view host)
{
    if (pattern.length_bytes == 0) return true;
    /* "example.org." is the same name (RFC 3986 3.2.2). */
    if (view_ends_with(host, VIEW("."))) host = view_first(host, host.length_bytes - 1);
    if (!host_is_wild(pattern)) return view_equal_ignoring_case(pattern, host);
    struct view suffix = view_from_offset(pattern, 1);
    return host.length_bytes > suffix.length_bytes &&
           view_equal_ignoring_case(view_from_offset(host, host.length_bytes - suffix.length_bytes),
                                    suffix);
}
