/* http_connection.c - a connection between its requests.
 *
 *     IDLE --- bytes ---> HEAD --- the head is whole ---> QUEUED ---> BUSY
 *       ^                  |                                           |
 *       +------------------|-------------- keep alive -----------------+
 *                          +--- refused, timed out ---> LINGER <-------+--- to be closed
 *
 * Lingering is what spares the peer a reset: our side is shut, and what it still sends is dropped
 * until it is done as well (RFC 9112 9.6).
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_error.h"
#include "http_server/http_private.h"
#include "target/clock.h"

#define LOG_MODULE "http"
#include "log/log.h"

/* Pieces that are dropped at one notice, so that a flood does not hold the dispatcher. */
#define DROPS_AT_ONCE 8

static uint8_t *buffer_bytes(const struct http_connection *connection)
{
    return (uint8_t *)connection->buffer;
}

struct view http_connection_bytes(const struct http_connection *connection)
{
    if (connection->buffer == NULL) return (struct view){ 0 };
    struct view all = view_from(buffer_bytes(connection), connection->used);
    return view_from_offset(all, connection->start);
}

/* ---- the end ---- */

static void release(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    connection->flow = NULL;
    http_buffer_give(connection);
    list_remove(&connection->node);
    list_prepend(&server->free_connections, &connection->node);
    server->figures.connections_open--;
    waiters_wake_one(&server->slots);
    if (server->draining) http_server_wake(server);
}

void http_connection_close(struct http_connection *connection)
{
    flow_unwatch(connection->flow, &connection->watch);
    flow_close(connection->flow);
    release(connection);
}

void http_connection_abort(struct http_connection *connection)
{
    flow_unwatch(connection->flow, &connection->watch);
    flow_abort(connection->flow);
    release(connection);
}

/* ---- watching ---- */

static void rewatch(struct http_connection *connection, enum http_connection_state state)
{
    connection->state = (uint8_t)state;
    flow_watch(connection->flow, &connection->watch, connection->deadline_ns);
}

static void set_deadline(struct http_connection *connection, uint64_t duration_ns)
{
    connection->deadline_ns = deadline_after(loop_now_ns(), duration_ns);
}

void http_connection_linger(struct http_connection *connection)
{
    http_buffer_give(connection);
    if (flow_shut(connection->flow) != OK) {
        http_connection_close(connection);
        return;
    }
    set_deadline(connection, connection->server->parameters.linger_timeout_ns);
    rewatch(connection, HTTP_CONNECTION_LINGER);
}

static void drop_input(struct http_connection *connection)
{
    struct span room = SPAN_OF(connection->server->drain_room);
    enum result result = OK;
    size_t length_bytes;
    for (unsigned i = 0; result == OK && i < DROPS_AT_ONCE; i++)
        result = flow_read(connection->flow, room, &length_bytes, NO_WAIT);
    bool more = result == OK || result == TIMED_OUT;
    if (more && loop_now_ns() < connection->deadline_ns) {
        rewatch(connection, HTTP_CONNECTION_LINGER);
    } else {
        http_connection_close(connection);
    }
}

/* ---- refusing ---- */

static void count_refusal(struct http_server_figures *figures, unsigned status)
{
    switch (status) {
    case 408: figures->refused_timeout++; break;
    case 413:
    case 414:
    case 431: figures->refused_too_large++; break;
    case 503: figures->refused_busy++; break;
    default: figures->refused_malformed++; break;
    }
}

/* Writes what the flow takes at once: the peer of a fresh or fully answered connection has room. */
static enum result write_refusal(struct http_connection *connection, unsigned status,
                                 uint64_t *body_bytes)
{
    uint8_t room[512];
    struct writer head = writer_over(SPAN_OF(room));
    struct http_error_page page;
    http_error_page_write(&page, status);
    struct view views[1 + HTTP_ERROR_VIEWS];
    *body_bytes = 0;
    for (size_t i = 0; i < HTTP_ERROR_VIEWS; i++) {
        views[1 + i] = page.views[i];
        *body_bytes += page.views[i].length_bytes;
    }
    struct http_response response = { .status = status, .media_type = HTTP_ERROR_MEDIA_TYPE };
    struct http_head_plan plan = { .frame = HTTP_FRAME_LENGTH,
                                   .content_length = *body_bytes,
                                   .close = true };
    http_response_write_head(&head, connection->server, &response, &plan);
    assert(!head.ran_short);
    views[0] = writer_view(&head);
    connection->server->figures.sent_bytes += head.length_bytes + *body_bytes;
    return flow_write(connection->flow, views, LENGTH_OF(views), NO_WAIT);
}

void http_connection_refuse(struct http_connection *connection, unsigned status, const char *why)
{
    struct http_log_entry entry = { .peer = connection->flow->peer,
                                    .head = http_connection_bytes(connection),
                                    .status = status };
    count_refusal(&connection->server->figures, status);
    log_debug("refused with %u: %s", status, why);
    enum result result = write_refusal(connection, status, &entry.body_bytes);
    http_log_response(connection->server, &entry);
    if (result == OK) {
        http_connection_linger(connection);
    } else {
        http_connection_close(connection);
    }
}

/* ---- heads ---- */

/* The head outgrew its limit: 414 when that was the request line's fault. */
static void refuse_too_large(struct http_connection *connection)
{
    size_t limit = connection->server->parameters.header_bytes;
    struct view seen = view_first(http_connection_bytes(connection), limit);
    struct view first = view_from_offset(seen, view_starts_with(seen, VIEW("\r\n")) ? 2 : 0);
    bool has_line = view_find(first, VIEW("\r\n")) < first.length_bytes;
    http_connection_refuse(connection, has_line ? 431 : 414,
                           has_line ? "the head is over header-bytes"
                                    : "the request line is over header-bytes");
}

/* Nothing has come of the next request, and of the last one at most a part of an unread body is
 * still to come, all of it within `body-timeout`. */
static void become_idle(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    http_buffer_give(connection);
    if (server->draining) {
        http_connection_linger(connection);
        return;
    }
    set_deadline(connection, connection->drop_bytes > 0 ? server->parameters.body_timeout_ns
                                                        : server->parameters.idle_timeout_ns);
    rewatch(connection, HTTP_CONNECTION_IDLE);
}

static void move_to_front(struct http_connection *connection)
{
    if (connection->start == 0) return;
    uint8_t *bytes = buffer_bytes(connection);
    connection->used -= connection->start;
    __builtin_memmove(bytes, &bytes[connection->start], connection->used);
    connection->start = 0;
}

/* A part of a head is there: it stands at the front of the buffer, where the whole one has room. */
static void await_head(struct http_connection *connection)
{
    move_to_front(connection);
    /* The first head's time began with the connection, that of a later one begins with its bytes.
     */
    if (connection->state != HTTP_CONNECTION_HEAD && connection->requests > 0)
        set_deadline(connection, connection->server->parameters.header_timeout_ns);
    rewatch(connection, HTTP_CONNECTION_HEAD);
}

/* The whole head is there; behind it stands the room that its body may be read through. */
static void take_head(struct http_connection *connection, size_t head_bytes)
{
    size_t behind = connection->server->buffer_bytes - connection->start - head_bytes;
    if (behind < HTTP_BUFFER_BODY_BYTES) move_to_front(connection);
    connection->head_bytes = (uint32_t)head_bytes;
    connection->search = (struct http_head_search){ 0 };
}

bool http_connection_advance(struct http_connection *connection)
{
    size_t limit = connection->server->parameters.header_bytes;
    size_t head_bytes;
    struct view bytes = http_connection_bytes(connection);
    if (bytes.length_bytes == 0) {
        become_idle(connection);
        return false;
    }
    switch (http_head_search(&connection->search, bytes, &head_bytes)) {
    case HTTP_HEAD_WHOLE:
        if (head_bytes <= limit) break;
        refuse_too_large(connection);
        return false;
    case HTTP_HEAD_PARTIAL:
        if (bytes.length_bytes > limit) {
            refuse_too_large(connection);
        } else {
            await_head(connection);
        }
        return false;
    case HTTP_HEAD_MALFORMED:
        http_connection_refuse(connection, 400, "a control byte, or a bare CR or LF");
        return false;
    }
    take_head(connection, head_bytes);
    return true;
}

/* ---- notices ---- */

/* A piece at a notice, so that a long one does not hold the dispatcher. */
static void drop_body(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    struct span room = SPAN_OF(server->drain_room);
    size_t length_bytes;
    room = span_first(room, MIN(room.length_bytes, (size_t)connection->drop_bytes));
    enum result result = flow_read(connection->flow, room, &length_bytes, NO_WAIT);
    if (result != OK && result != TIMED_OUT) {
        http_connection_close(connection);
        return;
    }
    server->figures.body_received_bytes += length_bytes;
    connection->drop_bytes -= (uint32_t)length_bytes;
    if (connection->drop_bytes > 0) {
        rewatch(connection, HTTP_CONNECTION_IDLE);
    } else {
        become_idle(connection);
    }
}

static void read_input(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    if (connection->buffer == NULL && !http_buffer_take(connection)) {
        http_queue_for_buffer(connection);
        return;
    }
    struct span room = span_from_offset(span_from(buffer_bytes(connection), server->buffer_bytes),
                                        connection->used);
    size_t length_bytes;
    enum result result = flow_read(connection->flow, room, &length_bytes, NO_WAIT);
    if (result == OK) {
        connection->used += (uint32_t)length_bytes;
        if (http_connection_advance(connection)) http_queue_for_session(connection);
    } else if (result == TIMED_OUT) {
        if (connection->used == 0) http_buffer_give(connection);
        rewatch(connection, connection->state);
    } else {
        /* The peer left between two requests, or in the middle of a head: nothing to answer. */
        http_connection_close(connection);
    }
}

static void time_out(struct http_connection *connection)
{
    if (connection->state == HTTP_CONNECTION_HEAD) {
        http_connection_refuse(connection, 408, "the head was not whole in time");
    } else if (connection->state == HTTP_CONNECTION_IDLE) {
        http_connection_linger(connection);
    } else {
        http_connection_close(connection);
    }
}

void http_connection_notice(struct http_connection *connection)
{
    if (connection->watch.result == TIMED_OUT) {
        time_out(connection);
    } else if (connection->state == HTTP_CONNECTION_LINGER) {
        drop_input(connection);
    } else if (connection->drop_bytes > 0) {
        drop_body(connection);
    } else {
        read_input(connection);
    }
}

/* ---- the beginning, and the drain ---- */

void http_connection_open(struct http_server *server, struct flow *flow)
{
    struct list_node *node = list_take(&server->free_connections);
    struct http_connection *connection = CONTAINER_OF(node, struct http_connection, node);
    *connection = (struct http_connection){ .server = server, .flow = flow };
    connection->watch.mailbox = &server->mailbox;
    list_append(&server->open, &connection->node);
    server->figures.connections_total++;
    if (server->figures.connections_open++ >= server->parameters.connections_count) {
        server->figures.connections_over_limit++;
        http_connection_refuse(connection, 503, "over the limit of connections");
        return;
    }
    set_deadline(connection,
                 server->draining ? HTTP_GRACE_NS : server->parameters.header_timeout_ns);
    rewatch(connection, HTTP_CONNECTION_IDLE);
}

void http_connection_drain(struct http_connection *connection)
{
    /* One whose notice is in the mailbox has sent something, and is answered. */
    if (connection->state != HTTP_CONNECTION_IDLE || !connection->watch.armed) return;
    flow_unwatch(connection->flow, &connection->watch);
    if (connection->requests > 0) {
        http_connection_linger(connection);
        return;
    }
    /* A new one gets a moment for its first request. */
    set_deadline(connection, HTTP_GRACE_NS);
    rewatch(connection, HTTP_CONNECTION_IDLE);
}
