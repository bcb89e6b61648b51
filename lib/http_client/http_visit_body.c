/* http_visit_body.c - the response's body, framed in each of the three ways (RFC 9112 6.3), to the
 * sink.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_chunked.h"
#include "http_client/http_fetcher_pool.h"
#include "http_client/http_visit.h"

#define DROPPED_BYTES_MAX (64 * KIB) /* of a redirect's body, for the sake of the connection */

/* Counts a piece and gives it on. The body of a redirect that is followed has a limit of its own,
 * and is not the answer's. */
static enum result deliver(struct http_visit *visit, struct view piece)
{
    struct http_fetched *fetched = visit->hop->fetched;
    uint64_t limit_bytes = visit->is_followed ? DROPPED_BYTES_MAX
                                              : visit->hop->fetch->body_bytes_max;
    if (view_is_empty(piece)) return OK;
    if (piece.length_bytes > limit_bytes - fetched->body_bytes) return TOO_LARGE;
    fetched->body_bytes += piece.length_bytes;
    return visit->sink == NULL ? OK : visit->sink->put(visit->sink, piece);
}

/* What has been received and not used; receives some when there is none. */
static enum result next_bytes(struct http_visit *visit, struct view *bytes)
{
    enum result result = OK;
    if (view_is_empty(http_fetcher_unused(visit->connection))) result = http_visit_receive(visit);
    *bytes = http_fetcher_unused(visit->connection);
    return result;
}

static enum result body_of_length(struct http_visit *visit, uint64_t left_bytes)
{
    struct view bytes;
    while (left_bytes > 0) {
        enum result result = next_bytes(visit, &bytes);
        if (result != OK) return result;
        bytes = view_first(bytes, (size_t)MIN(bytes.length_bytes, left_bytes));
        http_fetcher_use(visit->connection, bytes.length_bytes);
        left_bytes -= bytes.length_bytes;
        result = deliver(visit, bytes);
        if (result != OK) return result;
    }
    return OK;
}

static enum result body_chunked(struct http_visit *visit)
{
    struct http_chunked chunked = { 0 };
    struct view bytes, data;
    size_t consumed_bytes;
    for (;;) {
        enum result result = next_bytes(visit, &bytes);
        if (result != OK) return result;
        result = http_chunked_decode(&chunked, bytes, &consumed_bytes, &data);
        if (result == INVALID || result == TOO_LARGE) return result;
        http_fetcher_use(visit->connection, consumed_bytes);
        if (result == CLOSED) return OK;
        result = deliver(visit, data);
        if (result != OK) return result;
    }
}

static enum result body_to_close(struct http_visit *visit)
{
    struct view bytes;
    for (;;) {
        enum result result = next_bytes(visit, &bytes);
        if (result != OK) return result == CLOSED ? OK : result;
        http_fetcher_use(visit->connection, bytes.length_bytes);
        result = deliver(visit, bytes);
        if (result != OK) return result;
    }
}

/* A length over the limit needs no waiting for. */
static enum result receive_body(struct http_visit *visit, enum http_body_end end)
{
    uint64_t length_bytes = visit->head.framing.content_length;
    switch (end) {
    case HTTP_BODY_NONE: return OK;
    case HTTP_BODY_CHUNKED: return body_chunked(visit);
    case HTTP_BODY_TO_CLOSE: return body_to_close(visit);
    case HTTP_BODY_LENGTH: break;
    }
    uint64_t limit_bytes = visit->is_followed ? DROPPED_BYTES_MAX
                                              : visit->hop->fetch->body_bytes_max;
    return length_bytes > limit_bytes ? TOO_LARGE : body_of_length(visit, length_bytes);
}

/* When the body of a redirect is not worth receiving, or is broken, its connection ends, but the
 * fetch goes on. */
enum result http_visit_body(struct http_visit *visit, enum http_body_end end)
{
    enum result result = receive_body(visit, end);
    if (!visit->is_followed) return result;
    visit->hop->fetched->body_bytes = 0;
    if (result == TIMED_OUT || result == CANCELLED) return result;
    if (result != OK) visit->head.framing.persistent = false;
    return OK;
}
