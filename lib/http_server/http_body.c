/* http_body.c - the body of a request, read as the handler asks for it.
 *
 * What came with the head stands in the connection's buffer and is given first. Beyond it, a body
 * with a length is read straight into the handler's room; a chunked one goes through the buffer,
 * behind the head, whose views must stay.
 *
 * SPDX-License-Identifier: ISC */
#include "http_server/http_private.h"

static uint32_t head_end(const struct http_session *session)
{
    return session->connection->start + session->connection->head_bytes;
}

void http_body_begin(struct http_session *session)
{
    const struct http_framing *framing = &session->head.framing;
    session->chunked = (struct http_chunked){ 0 };
    session->body_left_bytes = framing->content_length;
    session->body_bytes = session->body_started_ns = 0;
    session->body_at = head_end(session);
    session->body_result = framing->chunked || framing->content_length > 0 ? OK : CLOSED;
    /* A client whose body has begun to come does not wait for it. */
    session->owes_continue = framing->expects_continue && session->body_result == OK &&
                             session->body_at == session->connection->used;
}

/* The bytes behind the head that nobody has taken. */
static struct view buffered(const struct http_session *session)
{
    const struct http_connection *connection = session->connection;
    struct view all = view_from(connection->buffer, connection->used);
    return view_from_offset(all, session->body_at);
}

/* ---- from the flow ---- */

static enum result send_continue(struct http_session *session)
{
    session->owes_continue = false;
    /* Once a final status is on its way it is too late; while its head is held it is not, and
     * without it the two sides would wait for each other. */
    if (session->exchange.responded && session->held.length_bytes == 0) return OK;
    uint64_t deadline_ns = deadline_after(loop_now_ns(),
                                          session->server->parameters.send_timeout_ns);
    return flow_write_view(session->connection->flow, VIEW("HTTP/1.1 100 Continue\r\n\r\n"),
                           deadline_ns);
}

/* The next piece has `body-timeout`; and the whole body as long as that, and the time that what has
 * come would take at `body-rate`. A reader holds a stack, so a client must not hold it with a byte
 * now and then. */
static uint64_t read_deadline(struct http_session *session)
{
    const struct http_server_parameters *parameters = &session->server->parameters;
    uint64_t now_ns = loop_now_ns();
    uint64_t next_ns = deadline_after(now_ns, parameters->body_timeout_ns);
    if (session->body_started_ns == 0) session->body_started_ns = now_ns;
    uint64_t whole_ns = deadline_after(session->body_started_ns, parameters->body_timeout_ns);
    uint64_t rate_ns = http_rate_ns(session->body_bytes, parameters->body_rate_bytes);
    return MIN(next_ns, deadline_after(whole_ns, rate_ns));
}

static enum result read_flow(struct http_session *session, struct span room, size_t *length_bytes)
{
    enum result result = session->owes_continue ? send_continue(session) : OK;
    if (result == OK)
        result = flow_read(session->connection->flow, room, length_bytes, read_deadline(session));
    if (result == OK || result == TIMED_OUT || result == CANCELLED) return result;
    /* The peer has sent its last before the end of the body. It may still read why that is not
     * enough (RFC 9112 8). */
    if (result == CLOSED) return INVALID;
    session->broken = true;
    return FAILED;
}

/* Bytes for the decoder, in the buffer. */
static enum result fill_buffer(struct http_session *session)
{
    struct http_connection *connection = session->connection;
    if (session->body_at < connection->used) return OK;
    session->body_at = connection->used = head_end(session);
    struct span all = span_from(connection->buffer, session->server->buffer_bytes);
    size_t length_bytes = 0;
    enum result result = read_flow(session, span_from_offset(all, connection->used), &length_bytes);
    connection->used += (uint32_t)length_bytes;
    return result;
}

/* ---- the two framings ---- */

static enum result read_plain(struct http_session *session, struct span room, size_t *length_bytes)
{
    struct view ready = buffered(session);
    size_t most = (size_t)MIN(session->body_left_bytes, room.length_bytes);
    if (ready.length_bytes > 0) {
        *length_bytes = MIN(most, ready.length_bytes);
        (void)span_copy(room, view_first(ready, *length_bytes));
        session->body_at += (uint32_t)*length_bytes;
    } else {
        enum result result = read_flow(session, span_first(room, most), length_bytes);
        if (result != OK) return result;
    }
    session->body_left_bytes -= *length_bytes;
    if (session->body_left_bytes == 0) session->body_result = CLOSED;
    return OK;
}

static enum result read_chunked(struct http_session *session, struct span room,
                                size_t *length_bytes)
{
    while (*length_bytes == 0) {
        enum result result = fill_buffer(session);
        if (result != OK) return result;
        struct view ready = buffered(session);
        struct view data;
        size_t consumed_bytes;
        ready = view_first(ready, MIN(ready.length_bytes, room.length_bytes));
        result = http_chunked_decode(&session->chunked, ready, &consumed_bytes, &data);
        session->body_at += (uint32_t)consumed_bytes;
        if (result != OK) return result;
        (void)span_copy(room, data);
        *length_bytes = data.length_bytes;
    }
    return OK;
}

enum result http_body_read(struct http_session *session, struct span room, size_t *length_bytes)
{
    if (session->body_result != OK) return session->body_result;
    size_t read_bytes = 0;
    enum result result = session->head.framing.chunked ? read_chunked(session, room, &read_bytes)
                                                       : read_plain(session, room, &read_bytes);
    session->body_bytes += read_bytes;
    session->server->figures.body_received_bytes += read_bytes;
    if (result == OK && session->body_bytes > session->server->parameters.body_bytes)
        result = TOO_LARGE;
    if (result != OK) {
        session->body_result = result;
        return result;
    }
    *length_bytes = read_bytes;
    return OK;
}

/* ---- what the handler leaves ---- */

bool http_body_can_be_left(const struct http_session *session)
{
    if (session->body_result == CLOSED) return true;
    /* Whether a client that waits for 100 sends its body after a final status is its choice, so
     * the next request could not be told from the body (RFC 9110 10.1.1). */
    return session->body_result == OK && !session->head.framing.chunked &&
           !session->owes_continue && session->body_left_bytes <= HTTP_UNREAD_BODY_MAX;
}

bool http_body_leave(struct http_session *session)
{
    if (!http_body_can_be_left(session)) return false;
    size_t ready_bytes = MIN(session->body_left_bytes, buffered(session).length_bytes);
    session->body_at += (uint32_t)ready_bytes;
    session->server->figures.body_received_bytes += ready_bytes;
    session->connection->drop_bytes = (uint32_t)(session->body_left_bytes - ready_bytes);
    return true;
}
