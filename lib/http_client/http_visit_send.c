/* http_visit_send.c - the request: its head, and a body that is small and goes with it, or is sent
 * by a fiber of its own.
 *
 * The connection's send room holds the head, and afterwards the pieces of a source:
 *
 *     | size CRLF | piece ... | CRLF |        chunked; only the piece is in the room
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_chunked.h"
#include "http_client/http_fetcher_pool.h"
#include "http_client/http_visit.h"

#define BODY_WITH_HEAD_MAX ((size_t)4096)

/* ---- the head ---- */

static void put_field(struct writer *writer, struct view name, struct view value)
{
    writer_put(writer, name);
    writer_put(writer, VIEW(": "));
    writer_put(writer, value);
    writer_put(writer, VIEW("\r\n"));
}

/* A body of no bytes is told where a method usually has one (RFC 9110 8.6). */
static void put_framing(struct writer *writer, const struct http_hop *hop)
{
    uint64_t length_bytes = http_hop_body_length(hop);
    bool usual = hop->method == HTTP_POST || hop->method == HTTP_PUT || hop->method == HTTP_PATCH;
    if (length_bytes == HTTP_LENGTH_UNKNOWN) {
        put_field(writer, VIEW("Transfer-Encoding"), VIEW("chunked"));
    } else if (length_bytes > 0 || hop->has_body || usual) {
        writer_put(writer, VIEW("Content-Length: "));
        writer_put_decimal(writer, length_bytes);
        writer_put(writer, VIEW("\r\n"));
    }
}

static enum result put_fields(struct writer *writer, const struct http_hop *hop)
{
    const struct http_fetch *fetch = hop->fetch;
    for (size_t i = 0; i < fetch->field_count; i++) {
        struct view name = fetch->fields[i].name, value = fetch->fields[i].value;
        if (!http_field_name_is_valid(name) || !http_field_value_is_valid(value)) return INVALID;
        if (http_hop_sends_field(hop, name)) put_field(writer, name, value);
    }
    return OK;
}

static enum result write_head(const struct http_hop *hop, struct writer *writer)
{
    writer_put(writer, http_method_text(hop->method));
    writer_put(writer, VIEW(" "));
    http_url_write_target(&hop->url, writer);
    writer_put(writer, VIEW(" HTTP/1.1\r\nHost: "));
    http_url_write_authority(&hop->url, writer);
    writer_put(writer, VIEW("\r\n"));
    put_framing(writer, hop);
    enum result result = put_fields(writer, hop);
    writer_put(writer, VIEW("\r\n"));
    if (result != OK) return result;
    return writer->ran_short ? TOO_LARGE : OK;
}

/* ---- the body ---- */

static enum result write_views(struct http_visit *visit, const struct view views[], size_t count)
{
    return flow_write(visit->connection->flow, views, count, visit->hop->fetch->deadline_ns);
}

static enum result write_chunk(struct http_visit *visit, struct view piece)
{
    uint8_t room[HTTP_CHUNK_HEAD_MAX];
    struct view views[] = { http_chunk_head(room, piece.length_bytes), piece, HTTP_CHUNK_TAIL };
    return write_views(visit, views, LENGTH_OF(views));
}

static enum result write_source_chunked(struct http_visit *visit)
{
    struct http_source *source = visit->hop->fetch->source;
    size_t length_bytes;
    for (;;) {
        enum result result = source->get(source, visit->connection->send, &length_bytes);
        if (result == CLOSED) return write_views(visit, &HTTP_CHUNK_LAST, 1);
        if (result != OK) return visit->sender.source_result = result;
        struct view piece = view_first(span_view(visit->connection->send), length_bytes);
        if (length_bytes > 0) result = write_chunk(visit, piece);
        if (result != OK) return result;
    }
}

/* A source that ends before it has given what it promised leaves the request without an end. */
static enum result write_source_counted(struct http_visit *visit)
{
    struct http_source *source = visit->hop->fetch->source;
    uint64_t left_bytes = source->content_length;
    while (left_bytes > 0) {
        size_t length_bytes, room_bytes = (size_t)MIN(left_bytes, HTTP_FETCHER_SEND_BYTES);
        struct span room = span_first(visit->connection->send, room_bytes);
        enum result result = source->get(source, room, &length_bytes);
        if (result != OK) return visit->sender.source_result = result == CLOSED ? INVALID : result;
        struct view piece = view_first(span_view(room), length_bytes);
        result = write_views(visit, &piece, 1);
        if (result != OK) return result;
        left_bytes -= length_bytes;
    }
    return OK;
}

static enum result write_body(struct http_visit *visit)
{
    const struct http_fetch *fetch = visit->hop->fetch;
    if (fetch->source == NULL) return write_views(visit, &fetch->body, 1);
    if (fetch->source->content_length == HTTP_LENGTH_UNKNOWN) return write_source_chunked(visit);
    return write_source_counted(visit);
}

/* After a source has failed nothing more comes: the server sees that, and ends the connection. */
static void sender_run(struct task *task)
{
    struct http_visit_sender *sender = CONTAINER_OF(task, struct http_visit_sender, task);
    struct http_visit *visit = CONTAINER_OF(sender, struct http_visit, sender);
    sender->is_done = write_body(visit) == OK;
    if (sender->source_result == CANCELLED) sender->source_result = OK;
    bool gave_up = sender->source_result != OK;
    if (gave_up && flow_shut(visit->connection->flow) != OK) visit->can_go_on = false;
}

static enum result sender_start(struct http_visit *visit)
{
    struct http_visit_sender *sender = &visit->sender;
    sender->task.run = sender_run;
    scope_open(&sender->scope, "http request");
    enum result result = fiber_start(&sender->scope, &sender->task, "http request body",
                                     STACK_SMALL);
    sender->is_started = result == OK;
    return result;
}

enum result http_visit_send(struct http_visit *visit)
{
    const struct http_hop *hop = visit->hop;
    struct writer writer = writer_over(visit->connection->send);
    enum result result = write_head(hop, &writer);
    if (result != OK) return result;
    struct view views[] = { writer_view(&writer), hop->has_body ? hop->fetch->body : VIEW("") };
    bool together = !hop->has_body || (hop->fetch->source == NULL &&
                                       hop->fetch->body.length_bytes <= BODY_WITH_HEAD_MAX);
    result = write_views(visit, views, together ? 2 : 1);
    return result == OK && !together ? sender_start(visit) : result;
}

void http_visit_send_end(struct http_visit *visit)
{
    if (!visit->sender.is_started) return;
    scope_close(&visit->sender.scope);
    if (!visit->sender.is_done) visit->can_go_on = false;
}
