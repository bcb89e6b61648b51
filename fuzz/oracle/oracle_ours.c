/* oracle_ours.c - what Loom's parser makes of a request.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_chunked.h"
#include "http/http_head.h"
#include "http/http_target.h"
#include "oracle.h"

#define FIELDS_MAX 64

static struct oracle_verdict refused(const char *why)
{
    return (struct oracle_verdict){ .kind = ORACLE_REFUSED, .why = why };
}

static struct oracle_verdict read_chunks(struct oracle_verdict verdict, struct view body)
{
    struct http_chunked chunked = { 0 };
    enum result result = OK;
    while (result == OK && body.length_bytes > 0) {
        size_t consumed_bytes;
        struct view data;
        result = http_chunked_decode(&chunked, body, &consumed_bytes, &data);
        verdict.body_sum = oracle_sum(verdict.body_sum, data);
        verdict.end_bytes += consumed_bytes;
        body = view_from_offset(body, consumed_bytes);
    }
    if (result == CLOSED) return verdict;
    return result == OK ? (struct oracle_verdict){ .kind = ORACLE_PARTIAL }
                        : refused("malformed chunks");
}

static struct oracle_verdict read_body(const struct http_request_head *head, struct view request,
                                       size_t head_bytes)
{
    struct oracle_verdict verdict = { .kind = ORACLE_WHOLE,
                                      .end_bytes = head_bytes,
                                      .field_count = head->fields.count,
                                      .persistent = head->framing.persistent };
    struct view body = view_from_offset(request, head_bytes);
    if (head->framing.chunked) return read_chunks(verdict, body);
    if (head->framing.content_length > body.length_bytes)
        return (struct oracle_verdict){ .kind = ORACLE_PARTIAL };
    body = view_first(body, head->framing.content_length);
    verdict.body_sum = oracle_sum(0, body);
    verdict.end_bytes += body.length_bytes;
    return verdict;
}

struct oracle_verdict oracle_ours(struct view request)
{
    static struct http_field fields[FIELDS_MAX];
    struct http_request_head head = { .fields = { .fields = fields, .room = FIELDS_MAX } };
    struct http_head_search search = { 0 };
    struct http_target target;
    size_t head_bytes;
    switch (http_head_search(&search, request, &head_bytes)) {
    case HTTP_HEAD_PARTIAL: return (struct oracle_verdict){ .kind = ORACLE_PARTIAL };
    case HTTP_HEAD_MALFORMED: return refused("a control byte, or a bare CR or LF");
    case HTTP_HEAD_WHOLE: break;
    }
    struct http_refusal refusal = http_request_head_parse(&head, view_first(request, head_bytes));
    if (refusal.status == 0) refusal = http_target_split(head.target, head.method, &target);
    return refusal.status != 0 ? refused(refusal.why) : read_body(&head, request, head_bytes);
}
