/* http_hop.c - the rules of redirects; see http_hop.h.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_hop.h"

#include "http/http_head.h"

static enum result hop_enter(struct http_hop *hop, struct view url)
{
    hop->fetched->url = url;
    enum result result = http_url_parse(url, &hop->url);
    return result == OK ? http_url_check(&hop->url) : result;
}

enum result http_hop_begin(struct http_hop *hop, const struct http_fetch *fetch,
                           struct http_fetched *fetched)
{
    struct http_url url;
    struct writer writer = writer_over(fetched->room);
    bool has_body = fetch->source != NULL || !view_is_empty(fetch->body);
    *hop = (struct http_hop){ .fetch = fetch,
                              .fetched = fetched,
                              .method = fetch->method,
                              .has_body = has_body,
                              .has_secrets = true,
                              .redirects_left = fetch->redirects_max };
    fetched->status = 0;
    fetched->field_count = 0;
    fetched->body_bytes = 0;
    fetched->url = (struct view){ 0 };
    if (fetch->url.length_bytes > HTTP_URL_MAX) return TOO_LARGE;
    enum result result = http_url_parse(fetch->url, &url);
    if (result == OK) result = http_url_check(&url);
    if (result != OK) return result;
    http_url_write(&url, &writer);
    return writer.ran_short ? TOO_LARGE : hop_enter(hop, writer_view(&writer));
}

/* ---- redirects ---- */

static bool becomes_get(const struct http_hop *hop, unsigned status)
{
    if (status == 303) return hop->method != HTTP_GET && hop->method != HTTP_HEAD;
    return (status == 301 || status == 302) && hop->method == HTTP_POST;
}

bool http_hop_is_followed(const struct http_hop *hop, unsigned status,
                          const struct http_field fields[], size_t count)
{
    bool redirects = status == 301 || status == 302 || status == 303 || status == 307 ||
                     status == 308;
    if (!redirects || hop->redirects_left == 0) return false;
    if (http_fields_find(fields, count, VIEW("Location")).bytes == NULL) return false;
    bool sends_again = hop->has_body && !becomes_get(hop, status);
    return !sends_again || hop->fetch->source == NULL;
}

/* Writes the next URL behind the present one, on which it may depend, and then in its place. */
static enum result write_next(struct http_hop *hop, struct view location, struct view *url)
{
    struct http_url reference, resolved;
    struct span room = hop->fetched->room;
    struct writer writer = writer_over(span_from_offset(room, hop->fetched->url.length_bytes));
    enum result result = http_url_parse(location, &reference);
    if (result != OK) return result;
    reference.has_fragment = false;
    http_url_resolve(&hop->url, &reference, &writer);
    if (writer.ran_short || writer.length_bytes > HTTP_URL_MAX) return TOO_LARGE;
    result = http_url_parse(writer_view(&writer), &resolved);
    if (result == OK) result = http_url_check(&resolved);
    if (result != OK) return result;
    if (!http_url_same_origin(&hop->url, &resolved)) hop->has_secrets = false;
    __builtin_memmove(room.bytes, writer.room.bytes, writer.length_bytes);
    *url = view_first(span_view(room), writer.length_bytes);
    return OK;
}

enum result http_hop_follow(struct http_hop *hop, unsigned status, const struct http_field fields[],
                            size_t count)
{
    struct view url;
    assert(http_hop_is_followed(hop, status, fields, count));
    enum result result = write_next(hop, http_fields_find(fields, count, VIEW("Location")), &url);
    if (result != OK) return result;
    if (becomes_get(hop, status)) {
        hop->method = HTTP_GET;
        hop->has_body = false;
    }
    hop->redirects_left--;
    return hop_enter(hop, url);
}

/* ---- requests ---- */

static bool is_one_of(struct view name, const char *const names[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (view_equal_ignoring_case(name, view_from_string(names[i]))) return true;
    return false;
}

bool http_hop_sends_field(const struct http_hop *hop, struct view name)
{
    static const char *const ours[] = { "Host",       "Content-Length", "Transfer-Encoding",
                                        "Connection", "Keep-Alive",     "Upgrade",
                                        "TE",         "Trailer",        "Expect" };
    static const char *const secrets[] = { "Authorization", "Cookie", "Proxy-Authorization" };
    static const char *const of_body[] = { "Content-Type", "Content-Encoding", "Content-Language",
                                           "Content-Location" };
    if (is_one_of(name, ours, LENGTH_OF(ours))) return false;
    if (!hop->has_secrets && is_one_of(name, secrets, LENGTH_OF(secrets))) return false;
    bool dropped_body = hop->method != hop->fetch->method;
    return !dropped_body || !is_one_of(name, of_body, LENGTH_OF(of_body));
}

uint64_t http_hop_body_length(const struct http_hop *hop)
{
    if (!hop->has_body) return 0;
    if (hop->fetch->source != NULL) return hop->fetch->source->content_length;
    return hop->fetch->body.length_bytes;
}

/* ---- answers ---- */

static struct view copied(struct writer *writer, struct view text)
{
    struct span room = writer_take(writer, text.length_bytes);
    if (!writer->ran_short) (void)span_copy(room, text);
    return span_view(room);
}

enum result http_hop_answer(const struct http_hop *hop, unsigned status,
                            const struct http_field fields[], size_t count)
{
    struct http_fetched *fetched = hop->fetched;
    struct writer writer = writer_over(span_from_offset(fetched->room, fetched->url.length_bytes));
    fetched->status = status;
    fetched->field_count = 0;
    if (fetched->field_room == 0) return OK;
    if (count > fetched->field_room) return TOO_LARGE;
    for (size_t i = 0; i < count; i++) {
        struct view name = copied(&writer, fields[i].name);
        struct view value = copied(&writer, fields[i].value);
        if (writer.ran_short) return TOO_LARGE;
        fetched->fields[fetched->field_count++] = (struct http_field){ name, value };
    }
    return OK;
}
