/* fuzz_http_head.c - heads, targets, paths and chunks: decided the same whole and byte by byte, and
 * what is accepted holds nothing that another recipient could read otherwise.
 *
 * The first byte chooses between a request and a response.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "http/http_chunked.h"
#include "http/http_head.h"
#include "http/http_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

#define FIELDS_MAX 16
#define PATH_MAX   4096

struct verdict {
    enum http_head_found found;
    size_t head_bytes;
};

static struct verdict search_in_steps(struct view bytes, size_t step_bytes)
{
    struct verdict verdict = { .found = HTTP_HEAD_PARTIAL };
    struct http_head_search search = { 0 };
    for (size_t n = 0; verdict.found == HTTP_HEAD_PARTIAL && n < bytes.length_bytes;) {
        n = MIN(n + step_bytes, bytes.length_bytes);
        verdict.found = http_head_search(&search, view_first(bytes, n), &verdict.head_bytes);
    }
    return verdict;
}

static void check_fields(const struct http_fields *fields)
{
    assert(fields->count <= FIELDS_MAX);
    for (size_t i = 0; i < fields->count; i++) {
        assert(http_field_name_is_valid(fields->fields[i].name));
        assert(http_field_value_is_valid(fields->fields[i].value));
    }
}

static void check_framing(const struct http_framing *framing)
{
    assert(!framing->chunked || !framing->has_length);
    assert(framing->has_length || framing->content_length == 0);
    assert(framing->content_length != HTTP_LENGTH_UNKNOWN);
}

/* A path that was accepted leads nowhere but down. */
static void check_path(struct view path)
{
    assert(path.length_bytes > 0 && path.bytes[0] == '/');
    assert(view_find_byte(path, 0) == path.length_bytes);
    while (path.length_bytes > 0) {
        struct view rest = view_from_offset(path, 1);
        size_t end = view_find_byte(rest, '/');
        struct view segment = view_first(rest, end);
        assert(!view_equal(segment, VIEW(".")) && !view_equal(segment, VIEW("..")));
        path = view_from_offset(rest, end);
    }
}

static void check_target(const struct http_request_head *head)
{
    static uint8_t room[PATH_MAX];
    struct http_target target;
    struct view path, host;
    uint16_t port;
    if (http_target_split(head->target, head->method, &target).status != 0) return;
    if (target.authority.length_bytes > 0)
        assert(http_authority_split(target.authority, &host, &port));
    if (target.is_asterisk || target.path.length_bytes > PATH_MAX) return;
    if (http_path_decode(target.path, SPAN_OF(room), &path).status == 0) check_path(path);
}

static void check_request(struct view head_bytes)
{
    static struct http_field fields[FIELDS_MAX];
    struct http_request_head head = { .fields = { .fields = fields, .room = FIELDS_MAX } };
    struct http_refusal refusal = http_request_head_parse(&head, head_bytes);
    check_fields(&head.fields);
    if (refusal.status != 0) {
        assert(refusal.why != NULL && refusal.status >= 400 && refusal.status <= 505);
        return;
    }
    check_framing(&head.framing);
    check_target(&head);
}

static void check_response(struct view head_bytes)
{
    static struct http_field fields[FIELDS_MAX];
    struct http_response_head head = { .fields = { .fields = fields, .room = FIELDS_MAX } };
    if (http_response_head_parse(&head, head_bytes).status != 0) return;
    check_fields(&head.fields);
    check_framing(&head.framing);
    assert(head.status >= 100 && head.status <= 599);
}

/* What is decoded, as a sum, and how it ended. */
static enum result decode_in_steps(struct view bytes, size_t step_bytes, uint64_t *sum,
                                   size_t *at_bytes)
{
    struct http_chunked chunked = { 0 };
    enum result result = OK;
    *sum = *at_bytes = 0;
    while (result == OK && *at_bytes < bytes.length_bytes) {
        size_t n = MIN(step_bytes, bytes.length_bytes - *at_bytes);
        size_t consumed_bytes;
        struct view data;
        result = http_chunked_decode(&chunked, view_slice(bytes, *at_bytes, n), &consumed_bytes,
                                     &data);
        assert(consumed_bytes > 0 && consumed_bytes <= n && data.length_bytes <= consumed_bytes);
        *at_bytes += consumed_bytes;
        for (size_t i = 0; i < data.length_bytes; i++)
            *sum = *sum * 31 + data.bytes[i];
    }
    return result;
}

static void check_chunks(struct view bytes)
{
    uint64_t whole_sum, byte_sum;
    size_t whole_bytes, byte_bytes;
    if (bytes.length_bytes == 0) return;
    enum result whole = decode_in_steps(bytes, bytes.length_bytes, &whole_sum, &whole_bytes);
    enum result byte = decode_in_steps(bytes, 1, &byte_sum, &byte_bytes);
    assert(whole == byte && whole_sum == byte_sum && whole_bytes == byte_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    if (length_bytes < 2) return 0;
    struct view text = view_from_offset(view_from(bytes, length_bytes), 1);
    struct verdict whole = search_in_steps(text, text.length_bytes);
    struct verdict byte = search_in_steps(text, 1);
    assert(whole.found == byte.found);
    check_chunks(text);
    if (whole.found != HTTP_HEAD_WHOLE) return 0;
    assert(whole.head_bytes == byte.head_bytes);
    check_chunks(view_from_offset(text, whole.head_bytes));
    if (bytes[0] % 2 == 0) {
        check_request(view_first(text, whole.head_bytes));
    } else {
        check_response(view_first(text, whole.head_bytes));
    }
    return 0;
}
