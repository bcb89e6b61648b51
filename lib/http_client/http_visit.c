/* http_visit.c - the response's head, and what it decides.
 *
 * SPDX-License-Identifier: ISC */
#include "http_client/http_visit.h"

#include "http_client/http_fetcher_pool.h"

#define INTERIM_MAX 8 /* 1xx responses that are passed over before one is a flood */

enum result http_visit_receive(struct http_visit *visit)
{
    enum result result = http_fetcher_receive(visit->fetcher, visit->connection,
                                              visit->hop->fetch->deadline_ns);
    if (result == OK) visit->has_received = true;
    return result;
}

static enum result parse_head(struct http_visit *visit, size_t head_bytes)
{
    struct http_fetcher_connection *connection = visit->connection;
    struct view bytes = view_first(http_fetcher_unused(connection), head_bytes);
    visit->head.fields = (struct http_fields){ .fields = connection->fields,
                                               .room = LENGTH_OF(connection->fields) };
    struct http_refusal refusal = http_response_head_parse(&visit->head, bytes);
    http_fetcher_use(connection, head_bytes);
    if (refusal.status != 0) return refusal.status == 431 ? TOO_LARGE : INVALID;
    return visit->head.status == 101 ? INVALID : OK;
}

static enum result receive_head(struct http_visit *visit)
{
    struct http_head_search search = { 0 };
    size_t head_bytes;
    for (;;) {
        switch (http_head_search(&search, http_fetcher_unused(visit->connection), &head_bytes)) {
        case HTTP_HEAD_WHOLE: return parse_head(visit, head_bytes);
        case HTTP_HEAD_MALFORMED: return INVALID;
        case HTTP_HEAD_PARTIAL: break;
        }
        enum result result = http_visit_receive(visit);
        if (result != OK) return result;
    }
}

static enum result receive_final_head(struct http_visit *visit)
{
    enum result result = receive_head(visit);
    for (unsigned i = 0; result == OK && visit->head.status < 200; i++)
        result = i < INTERIM_MAX ? receive_head(visit) : INVALID;
    return result;
}

/* A redirect's head becomes the next hop before its body is received, which may overwrite it. */
static enum result use_head(struct http_visit *visit)
{
    const struct http_fields *fields = &visit->head.fields;
    unsigned status = visit->head.status;
    if (!http_hop_is_followed(visit->hop, status, fields->fields, fields->count))
        return http_hop_answer(visit->hop, status, fields->fields, fields->count);
    visit->is_followed = true;
    visit->sink = NULL;
    return http_hop_follow(visit->hop, status, fields->fields, fields->count);
}

static enum result receive_response(struct http_visit *visit)
{
    enum http_method method = visit->hop->method;
    enum result result = receive_final_head(visit);
    if (result != OK) return result;
    enum http_body_end end = http_response_head_body(&visit->head, method);
    result = use_head(visit);
    if (result == OK) result = http_visit_body(visit, end);
    visit->can_go_on = visit->head.framing.persistent && end != HTTP_BODY_TO_CLOSE &&
                       view_is_empty(http_fetcher_unused(visit->connection));
    return result;
}

/* A server may answer what it does not want to read to its end; so what the sender met on its way
 * counts only when there is no answer. */
enum result http_visit_run(struct http_visit *visit)
{
    enum result result = http_visit_send(visit);
    if (result == OK || result == CLOSED || result == FAILED) {
        enum result received = receive_response(visit);
        if (result != OK) visit->can_go_on = false;
        result = received;
    }
    http_visit_send_end(visit);
    if (visit->sender.source_result != OK) return visit->sender.source_result;
    return result;
}
