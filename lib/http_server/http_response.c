/* http_response.c - the response as the handler writes it: head, framing, deadlines.
 *
 * The head of a response whose body follows piece by piece is held until the first piece, so that
 * both leave in one write.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_characters.h"
#include "http/http_error.h"
#include "http_server/http_private.h"

#define LOG_MODULE "http"
#include "log/log.h"

/* The head, the chunk's head and tail, and the handler's views. */
#define SEND_VIEWS_MAX (HTTP_VIEWS_MAX + 3)

static_assert(SEND_VIEWS_MAX <= FLOW_VIEWS_MAX, "a piece of a body goes out in one write");

static struct http_session *session_of(struct http_exchange *exchange)
{
    return CONTAINER_OF(exchange, struct http_session, exchange);
}

static uint64_t total_bytes(const struct view views[], size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += views[i].length_bytes;
    return sum;
}

/* ---- sending ---- */

/* Drops the first `gone_bytes` of the views. */
static void skip_bytes(struct view views[], size_t count, size_t gone_bytes)
{
    for (size_t i = 0; i < count && gone_bytes > 0; i++) {
        size_t part = MIN(gone_bytes, views[i].length_bytes);
        views[i] = view_from_offset(views[i], part);
        gone_bytes -= part;
    }
}

/* The peer has `send-timeout` for each part of its progress; and for all waits together as long as
 * that, and the time that what it took would need at `send-rate`. A response holds a stack, so a
 * client must not hold it by taking a byte now and then. */
static uint64_t send_deadline(const struct http_session *session)
{
    const struct http_server_parameters *parameters = &session->server->parameters;
    uint64_t all_ns = deadline_after(
        parameters->send_timeout_ns,
        http_rate_ns(session->send_waits_bytes, parameters->send_rate_bytes));
    uint64_t left_ns = all_ns - MIN(all_ns, session->send_waits_ns);
    return deadline_after(loop_now_ns(), MIN(parameters->send_timeout_ns, left_ns));
}

/* One write of the views, of which what has gone is dropped. */
static enum result send_some(struct http_session *session, struct view views[], size_t count,
                             bool ends, size_t *gone_bytes)
{
    struct flow *flow = session->connection->flow;
    uint64_t start_ns = loop_now_ns(), deadline_ns = send_deadline(session);
    enum result result = ends ? flow_write_last(flow, views, count, gone_bytes, deadline_ns)
                              : flow_write_counted(flow, views, count, gone_bytes, deadline_ns);
    if (result == OK) *gone_bytes = (size_t)total_bytes(views, count);
    session->server->figures.sent_bytes += *gone_bytes;
    skip_bytes(views, count, *gone_bytes);
    session->send_waits_ns += loop_now_ns() - start_ns;
    if (session->send_waits_ns > 0) session->send_waits_bytes += *gone_bytes;
    return result;
}

/* Writes all of the views. A wait in which there was progress is followed by another, so a peer
 * that stands still is noticed between one and two of them after the last byte. `ends`: the
 * connection is shut or closed next, and the end goes out with these bytes. */
static enum result send_views(struct http_session *session, struct view views[], size_t count,
                              bool ends)
{
    enum result result;
    size_t gone_bytes;
    if (session->broken) return FAILED;
    do {
        result = send_some(session, views, count, ends, &gone_bytes);
    } while (result == TIMED_OUT && gone_bytes > 0);
    if (result != OK) session->broken = true;
    return result;
}

/* Where the body of the request was not read yet, a 100 (Continue) might follow. */
static bool nothing_follows(const struct http_session *session)
{
    return !session->keep && session->body_result == CLOSED;
}

/* Sends the head, if it is still held, and a piece of the body with its frame. The last chunk goes
 * with it when `last`. */
static enum result send_piece(struct http_session *session, const struct view body[], size_t count,
                              bool last)
{
    struct view views[SEND_VIEWS_MAX];
    uint8_t chunk_room[HTTP_CHUNK_HEAD_MAX];
    size_t n = 0;
    uint64_t body_bytes = total_bytes(body, count);
    bool chunked = session->frame == HTTP_FRAME_CHUNKED;
    if (session->frame == HTTP_FRAME_NONE) count = body_bytes = 0;
    if (session->held.length_bytes > 0) views[n++] = writer_view(&session->held);
    if (chunked && body_bytes > 0) views[n++] = http_chunk_head(chunk_room, body_bytes);
    for (size_t i = 0; i < count; i++) {
        if (body[i].length_bytes > 0) views[n++] = body[i];
    }
    if (chunked && body_bytes > 0) views[n++] = last ? VIEW("\r\n0\r\n\r\n") : HTTP_CHUNK_TAIL;
    if (chunked && body_bytes == 0 && last) views[n++] = HTTP_CHUNK_LAST;
    session->held.length_bytes = 0;
    session->response_bytes += body_bytes;
    return n == 0 ? OK : send_views(session, views, n, last && nothing_follows(session));
}

/* ---- heads ---- */

static void put_field(struct writer *writer, struct view name, struct view value)
{
    writer_put(writer, name);
    writer_put(writer, VIEW(": "));
    writer_put(writer, value);
    writer_put(writer, VIEW("\r\n"));
}

static void put_status_line(struct writer *writer, unsigned status)
{
    if (status == 200) {
        writer_put(writer, VIEW("HTTP/1.1 200 OK\r\n"));
        return;
    }
    writer_put(writer, VIEW("HTTP/1.1 "));
    writer_put_decimal(writer, status);
    writer_put(writer, VIEW(" "));
    writer_put(writer, http_reason(status));
    writer_put(writer, VIEW("\r\n"));
}

void http_response_write_head(struct writer *writer, struct http_server *server,
                              const struct http_response *response,
                              const struct http_head_plan *plan)
{
    put_status_line(writer, response->status);
    if (server->parameters.server_name.length_bytes > 0)
        put_field(writer, VIEW("Server"), server->parameters.server_name);
    put_field(writer, VIEW("Date"), http_date_now(&server->date, loop_now_ns()));
    if (response->media_type.length_bytes > 0)
        put_field(writer, VIEW("Content-Type"), response->media_type);
    if (plan->frame == HTTP_FRAME_CHUNKED) {
        writer_put(writer, VIEW("Transfer-Encoding: chunked\r\n"));
    } else if (plan->content_length != HTTP_LENGTH_UNKNOWN) {
        writer_put(writer, VIEW("Content-Length: "));
        writer_put_decimal(writer, plan->content_length);
        writer_put(writer, VIEW("\r\n"));
    }
    if (plan->close) {
        writer_put(writer, VIEW("Connection: close\r\n"));
    } else if (plan->keep_alive) {
        writer_put(writer, VIEW("Connection: keep-alive\r\n"));
    }
    for (size_t i = 0; i < response->field_count; i++)
        put_field(writer, response->fields[i].name, response->fields[i].value);
    writer_put(writer, VIEW("\r\n"));
}

/* ---- what a handler may send ---- */

static bool frames_the_message(struct view name)
{
    return view_equal_ignoring_case(name, VIEW("Content-Length")) ||
           view_equal_ignoring_case(name, VIEW("Transfer-Encoding")) ||
           view_equal_ignoring_case(name, VIEW("Connection")) ||
           view_equal_ignoring_case(name, VIEW("Date"));
}

/* A value may come from a request: one that would end its line early is no assertion's matter. */
static bool can_be_sent(const struct http_response *response)
{
    if (!http_field_value_is_valid(response->media_type)) {
        log_error("a handler's media type holds a control byte");
        return false;
    }
    for (size_t i = 0; i < response->field_count; i++) {
        const struct http_field *field = &response->fields[i];
        if (http_field_name_is_valid(field->name) && http_field_value_is_valid(field->value) &&
            !frames_the_message(field->name))
            continue;
        log_error("a handler's field \"%.*s\" cannot be sent: \"%.*s\"", VIEW_FORMAT(field->name),
                  VIEW_FORMAT(field->value));
        return false;
    }
    return true;
}

static struct http_head_plan plan_response(struct http_session *session,
                                           const struct http_response *response)
{
    bool has_length = response->content_length != HTTP_LENGTH_UNKNOWN;
    bool old = session->head.version_minor == 0;
    struct http_head_plan plan = { .content_length = response->content_length };
    if (session->head.method == HTTP_HEAD || response->status == 204 || response->status == 304) {
        plan.frame = HTTP_FRAME_NONE;
        /* RFC 9110 8.6: never with 204; with 304 only what a 200 would have said. */
        if (response->status == 204 || (response->status == 304 && response->content_length == 0))
            plan.content_length = HTTP_LENGTH_UNKNOWN;
    } else {
        plan.frame = has_length ? HTTP_FRAME_LENGTH
                     : old      ? HTTP_FRAME_TO_CLOSE
                                : HTTP_FRAME_CHUNKED;
    }
    session->keep = session->keep && !response->close && !session->server->draining &&
                    plan.frame != HTTP_FRAME_TO_CLOSE && http_body_can_be_left(session);
    plan.close = !session->keep;
    plan.keep_alive = old;
    return plan;
}

/* Writes the head into the session's room; false when it does not fit. */
static bool hold_head(struct http_session *session, const struct http_response *response)
{
    struct http_head_plan plan = plan_response(session, response);
    session->status = response->status;
    session->frame = plan.frame;
    session->response_left_bytes = response->content_length;
    session->response_bytes = 0;
    session->held = writer_over(session->head_room);
    http_response_write_head(&session->held, session->server, response, &plan);
    return !session->held.ran_short;
}

/* In place of what the handler wanted to send. */
static enum result send_instead(struct http_session *session)
{
    struct http_error_page page;
    http_error_page_write(&page, 500);
    struct http_response response = {
        .status = 500,
        .media_type = HTTP_ERROR_MEDIA_TYPE,
        .content_length = total_bytes(page.views, HTTP_ERROR_VIEWS),
    };
    session->replaced = true;
    bool fits = hold_head(session, &response);
    assert(fits);
    session->response_left_bytes = 0;
    enum result result = send_piece(session, page.views, HTTP_ERROR_VIEWS, true);
    return result == OK ? INVALID : result;
}

/* ---- the exchange's operations ---- */

static enum result http_session_begin(struct http_exchange *exchange,
                                      const struct http_response *response,
                                      const struct view body[], size_t count, bool last)
{
    struct http_session *session = session_of(exchange);
    if (!can_be_sent(response)) return send_instead(session);
    if (!hold_head(session, response)) {
        log_error("a handler's response head does not fit into %zu bytes",
                  session->head_room.length_bytes);
        return send_instead(session);
    }
    if (!last) return OK;
    session->response_left_bytes = 0;
    return send_piece(session, body, count, true);
}

static enum result http_session_write(struct http_exchange *exchange, const struct view body[],
                                      size_t count)
{
    struct http_session *session = session_of(exchange);
    if (session->replaced) return INVALID;
    uint64_t body_bytes = total_bytes(body, count);
    if (session->response_left_bytes != HTTP_LENGTH_UNKNOWN) {
        assert_that(body_bytes, <=, session->response_left_bytes);
        session->response_left_bytes -= body_bytes;
    }
    return send_piece(session, body, count, false);
}

static enum result http_session_read(struct http_exchange *exchange, struct span room,
                                     size_t *length_bytes)
{
    return http_body_read(session_of(exchange), room, length_bytes);
}

const struct http_exchange_ops http_session_ops = HTTP_EXCHANGE_OPS(http_session);

/* ---- the end ---- */

void http_response_error(struct http_session *session, unsigned status)
{
    if (http_respond_error(&session->exchange, status) != OK) session->broken = true;
}

/* While the head is held nothing is on its way yet, and the client can still be told why a handler
 * failed. Later, or when it wrote less than it said, a connection that breaks must tell. */
static void end_early(struct http_session *session, enum result result)
{
    if (result == OK || session->held.length_bytes == 0) {
        session->broken = true;
        return;
    }
    session->exchange.responded = false;
    http_response_error(session, http_status_of(result));
}

static void finish_body(struct http_session *session, enum result result)
{
    bool counted = session->frame == HTTP_FRAME_LENGTH;
    bool whole = counted ? session->response_left_bytes == 0 : result == OK;
    if (session->replaced) return;
    if (!whole && session->frame != HTTP_FRAME_NONE) {
        log_warning("a handler ended before its response did: %s", result_text(result));
        end_early(session, result);
        return;
    }
    if (session->held.length_bytes > 0 || session->frame == HTTP_FRAME_CHUNKED)
        session->broken = send_piece(session, NULL, 0, true) != OK;
}

void http_response_finish(struct http_session *session, enum result result)
{
    if (!session->exchange.responded) {
        if (result == OK) log_error("a handler returned without a response");
        /* Of a connection that broke in the request's body only the log is told. */
        http_response_error(session, session->broken ? 400 : http_status_of(result));
    } else if (!session->broken &&
               (session->held.length_bytes > 0 || session->response_left_bytes != 0)) {
        finish_body(session, result);
    }
}
