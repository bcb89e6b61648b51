/* http_head.c - the strict parser of message heads: the search for the end, the lines, the fields.
 *
 * What stands before the end of a head is known to hold no control byte but whole line ends when a
 * parse begins, and the head ends with one. So every scan below stops by itself, and a bare CR or
 * LF, a NUL or a DEL need no second look.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_head.h"

#include "http/http_characters.h"
#include "http/http_framing.h"

#define REFUSE(code, words) ((struct http_refusal){ .status = (code), .why = (words) })
#define ACCEPTED            ((struct http_refusal){ 0 })

enum http_head_found http_head_search(struct http_head_search *search, struct view bytes,
                                      size_t *head_bytes)
{
    assert_that(bytes.length_bytes, <=, UINT32_MAX);
    size_t at = search->searched_bytes;
    size_t line = search->line_bytes;
    enum http_head_found found = HTTP_HEAD_PARTIAL;
    while (found == HTTP_HEAD_PARTIAL) {
        at = http_find_control(bytes, at);
        if (at == bytes.length_bytes) break;
        if (bytes.bytes[at] != '\r') return HTTP_HEAD_MALFORMED;
        if (at + 1 == bytes.length_bytes) break;
        if (bytes.bytes[at + 1] != '\n') return HTTP_HEAD_MALFORMED;
        if (at == line && at > 0) found = HTTP_HEAD_WHOLE;
        at += 2;
        line = at;
    }
    search->searched_bytes = (uint32_t)at;
    search->line_bytes = (uint32_t)line;
    *head_bytes = at;
    return found;
}

/* ---- a walk over a head ---- */

struct walk {
    struct view head;
    size_t at;
};

static uint8_t walk_byte(const struct walk *walk)
{
    return view_byte(walk->head, walk->at);
}

/* The bytes of this kind from here on, which the walk moves behind. */
static struct view walk_over(struct walk *walk, enum http_character kind)
{
    size_t start = walk->at, end = start;
    while (http_character_is(walk->head.bytes[end], kind))
        end++;
    walk->at = end;
    return view_slice(walk->head, start, end - start);
}

/* What is left of the line; the walk moves behind its end. */
static struct view walk_line(struct walk *walk)
{
    size_t start = walk->at;
    size_t end = http_find_control(walk->head, start);
    walk->at = end + 2;
    return view_slice(walk->head, start, end - start);
}

static bool walk_past(struct walk *walk, uint8_t byte)
{
    if (walk_byte(walk) != byte) return false;
    walk->at++;
    return true;
}

/* ---- versions ---- */

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* "HTTP/1.1" and nothing else (RFC 9112 2.3). */
static struct http_refusal version_parse(struct view text, unsigned *minor)
{
    if (text.length_bytes != 8 || !view_starts_with(text, VIEW("HTTP/")) ||
        !is_digit(text.bytes[5]) || text.bytes[6] != '.' || !is_digit(text.bytes[7]))
        return REFUSE(400, "the first line does not name a version of HTTP");
    if (text.bytes[5] != '1') return REFUSE(505, "a version of HTTP that is not 1.x");
    *minor = text.bytes[7] == '0' ? 0 : 1;
    return ACCEPTED;
}

/* ---- field lines ---- */

static struct http_refusal field_parse(struct walk *walk, struct http_fields *fields)
{
    if (fields->count == fields->room) return REFUSE(431, "too many fields");
    struct view name = walk_over(walk, HTTP_TOKEN);
    if (walk_byte(walk) != ':' || name.length_bytes == 0) {
        return walk_byte(walk) == ' ' || walk_byte(walk) == '\t'
                   ? REFUSE(400, "a folded field, or a blank before a colon")
                   : REFUSE(400, "a malformed field name");
    }
    walk->at++;
    fields->fields[fields->count++] = (struct http_field){ name, view_trim(walk_line(walk)) };
    return ACCEPTED;
}

static struct http_refusal fields_parse(struct walk *walk, struct http_fields *fields,
                                        struct http_framing_reader *reader)
{
    fields->count = 0;
    while (walk_byte(walk) != '\r') {
        struct http_refusal refusal = field_parse(walk, fields);
        if (refusal.status != 0) return refusal;
        refusal = http_framing_read(reader, &fields->fields[fields->count - 1]);
        if (refusal.status != 0) return refusal;
    }
    return ACCEPTED;
}

/* ---- requests ---- */

static enum http_method method_of(struct view text)
{
    for (unsigned i = 0; i < HTTP_METHODS; i++) {
        if (view_equal(text, http_method_text((enum http_method)i))) return (enum http_method)i;
    }
    return HTTP_METHODS;
}

/* method SP target SP version CRLF (RFC 9112 3) */
static struct http_refusal request_line_parse(struct walk *walk, struct http_request_head *head)
{
    head->method_text = walk_over(walk, HTTP_TOKEN);
    if (head->method_text.length_bytes == 0 || !walk_past(walk, ' '))
        return REFUSE(400, "a malformed method");
    head->target = walk_over(walk, HTTP_TARGET);
    if (head->target.length_bytes == 0 || !walk_past(walk, ' '))
        return REFUSE(400, "a malformed request target");
    struct http_refusal refusal = version_parse(walk_line(walk), &head->version_minor);
    if (refusal.status != 0) return refusal;
    head->method = method_of(head->method_text);
    return head->method == HTTP_METHODS ? REFUSE(501, "an unknown method") : ACCEPTED;
}

struct http_refusal http_request_head_parse(struct http_request_head *head, struct view bytes)
{
    assert(bytes.length_bytes >= 4 && view_ends_with(bytes, VIEW("\r\n\r\n")));
    *head = (struct http_request_head){ .fields = head->fields, .method = HTTP_METHODS };
    head->fields.count = 0;
    struct walk walk = { .head = bytes };
    if (walk_byte(&walk) == '\r') walk.at = 2; /* RFC 9112 2.2 */
    struct http_refusal refusal = request_line_parse(&walk, head);
    if (refusal.status != 0) return refusal;
    struct http_framing_reader reader = { .version_minor = head->version_minor };
    refusal = fields_parse(&walk, &head->fields, &reader);
    if (refusal.status != 0) return refusal;
    if (!reader.framing.has_host && head->version_minor > 0)
        return REFUSE(400, "HTTP/1.1 without Host");
    return http_framing_finish(&reader, &head->framing);
}

/* ---- responses ---- */

/* version SP status SP reason CRLF (RFC 9112 4). The space before an empty reason is often
 * forgotten, and nothing can be misread without it. */
static struct http_refusal status_line_parse(struct walk *walk, struct http_response_head *head)
{
    struct view rest;
    struct view version = view_cut(walk_line(walk), ' ', &rest);
    struct http_refusal refusal = version_parse(version, &head->version_minor);
    if (refusal.status != 0) return refusal;
    uint64_t status;
    struct view digits = view_cut(rest, ' ', &head->reason);
    if (digits.length_bytes != 3 || !view_to_u64(digits, &status) || status < 100 || status > 599)
        return REFUSE(400, "a malformed status");
    head->status = (unsigned)status;
    return ACCEPTED;
}

struct http_refusal http_response_head_parse(struct http_response_head *head, struct view bytes)
{
    assert(bytes.length_bytes >= 4 && view_ends_with(bytes, VIEW("\r\n\r\n")));
    *head = (struct http_response_head){ .fields = head->fields };
    head->fields.count = 0;
    struct walk walk = { .head = bytes };
    struct http_refusal refusal = status_line_parse(&walk, head);
    if (refusal.status != 0) return refusal;
    struct http_framing_reader reader = { .version_minor = head->version_minor,
                                          .is_response = true };
    refusal = fields_parse(&walk, &head->fields, &reader);
    if (refusal.status != 0) return refusal;
    return http_framing_finish(&reader, &head->framing);
}

enum http_body_end http_response_head_body(const struct http_response_head *head,
                                           enum http_method method)
{
    if (method == HTTP_HEAD || head->status < 200 || head->status == 204 || head->status == 304)
        return HTTP_BODY_NONE;
    if (head->framing.chunked) return HTTP_BODY_CHUNKED;
    return head->framing.has_length ? HTTP_BODY_LENGTH : HTTP_BODY_TO_CLOSE;
}
