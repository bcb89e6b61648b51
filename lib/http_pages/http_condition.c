/* http_condition.c - entity tags and dates compared; see http_condition.h.
 *
 * SPDX-License-Identifier: ISC */
#include "http_pages/http_condition.h"

#include "http/http_date.h"
#include "target/clock.h"

/* ---- entity tags (RFC 9110 8.8.3) ---- */

struct tag {
    struct view opaque; /* with its quotes */
    bool weak;
};

/* Takes one entity tag from the front; false when none stands there. */
static bool take_tag(struct view *text, struct tag *tag)
{
    tag->weak = view_starts_with(*text, VIEW("W/"));
    if (tag->weak) *text = view_from_offset(*text, 2);
    if (view_is_empty(*text) || text->bytes[0] != '"') return false;
    size_t length = 1 + view_find_byte(view_from_offset(*text, 1), '"');
    if (length == text->length_bytes) return false;
    tag->opaque = view_first(*text, length + 1);
    *text = view_from_offset(*text, length + 1);
    return true;
}

/* Commas, blanks and empty members between two of a list (RFC 9110 5.6.1.2). */
static void skip_separators(struct view *text)
{
    size_t i = 0;
    while (i < text->length_bytes &&
           (text->bytes[i] == ',' || text->bytes[i] == ' ' || text->bytes[i] == '\t'))
        i++;
    *text = view_from_offset(*text, i);
}

/* Our own tag is always strong, so the strong comparison differs from the weak one only for those
 * of the list that are weak (8.8.3.2). */
static bool list_names(struct view list, struct view etag, bool weak_counts)
{
    struct tag tag;
    if (view_equal(list, VIEW("*"))) return true;
    for (skip_separators(&list); take_tag(&list, &tag); skip_separators(&list))
        if (view_equal(tag.opaque, etag) && (weak_counts || !tag.weak)) return true;
    return false;
}

/* A list may be spread over several fields of one name. */
static bool fields_name(const struct http_request *request, struct view name, struct view etag,
                        bool weak_counts)
{
    for (size_t i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        if (view_equal_ignoring_case(field->name, name) &&
            list_names(field->value, etag, weak_counts))
            return true;
    }
    return false;
}

static bool has_field(const struct http_request *request, struct view name)
{
    return http_request_field(request, name).bytes != NULL;
}

/* ---- dates ---- */

/* False when there is no such field, or more than one, or no date in it. */
static bool field_date(const struct http_request *request, struct view name, uint64_t *seconds)
{
    size_t count = 0;
    for (size_t i = 0; i < request->field_count; i++)
        if (view_equal_ignoring_case(request->fields[i].name, name)) count++;
    uint64_t wall_ns;
    if (count != 1) return false;
    if (http_date_parse(http_request_field(request, name), clock_wall_ns(), &wall_ns) != OK)
        return false;
    *seconds = wall_ns / S_NS;
    return true;
}

/* ---- conditions ---- */

/* Whether what the client wants unchanged has changed. */
static bool has_changed(const struct http_request *request,
                        const struct http_validators *validators)
{
    uint64_t since_s;
    if (has_field(request, VIEW("If-Match")))
        return !fields_name(request, VIEW("If-Match"), validators->etag, false);
    if (validators->modified_ns == 0) return false;
    if (!field_date(request, VIEW("If-Unmodified-Since"), &since_s)) return false;
    return validators->modified_ns / S_NS > since_s;
}

static bool is_known(const struct http_request *request, const struct http_validators *validators)
{
    uint64_t since_s;
    if (has_field(request, VIEW("If-None-Match")))
        return fields_name(request, VIEW("If-None-Match"), validators->etag, true);
    if (request->method != HTTP_GET && request->method != HTTP_HEAD) return false;
    if (validators->modified_ns == 0) return false;
    if (!field_date(request, VIEW("If-Modified-Since"), &since_s)) return false;
    return validators->modified_ns / S_NS <= since_s;
}

enum http_condition http_condition_check(const struct http_request *request,
                                         const struct http_validators *validators)
{
    if (has_changed(request, validators)) return HTTP_CONDITION_FAILED;
    if (!is_known(request, validators)) return HTTP_CONDITION_HOLDS;
    bool reads = request->method == HTTP_GET || request->method == HTTP_HEAD;
    return reads ? HTTP_CONDITION_NOT_MODIFIED : HTTP_CONDITION_FAILED;
}

bool http_condition_range_counts(const struct http_request *request,
                                 const struct http_validators *validators, uint64_t wall_ns)
{
    struct tag tag;
    uint64_t date_s, modified_s = validators->modified_ns / S_NS;
    struct view value = http_request_field(request, VIEW("If-Range"));
    if (value.bytes == NULL) return true;
    struct view rest = value;
    if (take_tag(&rest, &tag))
        return view_is_empty(rest) && !tag.weak && view_equal(tag.opaque, validators->etag);
    return modified_s != 0 && field_date(request, VIEW("If-Range"), &date_s) &&
           date_s == modified_s && wall_ns / S_NS > modified_s;
}
