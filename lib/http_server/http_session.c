/* http_session.c - answers the requests of a connection, on a fiber from the pool.
 *
 * A session stays with a connection as long as whole heads are in its buffer (pipelining, RFC 9112
 * 9.3.2), then gives it back to its watch and takes the next that waits.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_error.h"
#include "http/http_target.h"
#include "http_server/http_private.h"
#include "target/clock.h"

#define LOG_MODULE "http"
#include "log/log.h"

/* What the head of a response may hold besides a field as long as a request's head. */
#define RESPONSE_HEAD_BYTES 1024

#define REFUSE(code, words) ((struct http_refusal){ .status = (code), .why = (words) })

/* ---- the pool ---- */

static size_t fields_bytes(const struct http_server_parameters *parameters)
{
    return parameters->header_fields_count * sizeof(struct http_field);
}

size_t http_session_bytes(const struct http_server_parameters *parameters)
{
    size_t bytes = sizeof(struct http_session) + fields_bytes(parameters) +
                   2 * parameters->header_bytes + RESPONSE_HEAD_BYTES;
    return (bytes + 63) / 64 * 64;
}

void http_session_init(struct http_session *session, struct http_server *server)
{
    const struct http_server_parameters *parameters = &server->parameters;
    struct span room = span_from_offset(span_from(session, server->session_bytes), sizeof *session);
    session->server = server;
    session->exchange.ops = &http_session_ops;
    session->head.fields.fields = (void *)room.bytes;
    session->head.fields.room = parameters->header_fields_count;
    room = span_from_offset(room, fields_bytes(parameters));
    session->path_room = span_first(room, parameters->header_bytes);
    session->head_room = span_first(span_from_offset(room, parameters->header_bytes),
                                    parameters->header_bytes + RESPONSE_HEAD_BYTES);
    list_append(&server->free_sessions, &session->node);
}

/* ---- reading a request ---- */

static void set_host(struct http_request *request, struct view authority)
{
    uint16_t port;
    request->host = (struct view){ 0 };
    if (authority.length_bytes == 0) return;
    bool valid = http_authority_split(authority, &request->host, &port);
    assert(valid);
}

/* Takes the target apart; the authority of an absolute one wins over Host (RFC 9112 3.2.2). */
static struct http_refusal read_target(struct http_session *session)
{
    struct http_request *request = &session->exchange.request;
    struct http_target target;
    struct http_refusal refusal = http_target_split(session->head.target, session->head.method,
                                                    &target);
    if (refusal.status != 0) return refusal;
    set_host(request,
             target.authority.length_bytes > 0 ? target.authority : session->head.framing.host);
    request->query = target.query;
    request->path = VIEW("*");
    return target.is_asterisk ? refusal
                              : http_path_decode(target.path, session->path_room, &request->path);
}

static struct http_refusal read_request(struct http_session *session)
{
    struct http_connection *connection = session->connection;
    struct http_request *request = &session->exchange.request;
    struct http_request_head *head = &session->head;
    struct view bytes = view_first(http_connection_bytes(connection), connection->head_bytes);
    struct http_refusal refusal = http_request_head_parse(head, bytes);
    request->method = head->method == HTTP_METHODS ? HTTP_GET : head->method;
    request->version_minor = head->version_minor;
    request->target = head->target;
    request->fields = head->fields.fields;
    request->field_count = head->fields.count;
    request->content_length = head->framing.chunked ? HTTP_LENGTH_UNKNOWN
                                                    : head->framing.content_length;
    request->peer = connection->flow->peer;
    request->local = connection->flow->local;
    request->parameter_count = 0;
    if (refusal.status == 0) refusal = read_target(session);
    if (refusal.status == 0 &&
        head->framing.content_length > session->server->parameters.body_bytes)
        refusal = REFUSE(413, "Content-Length is over body-bytes");
    return refusal;
}

static void reset(struct http_session *session)
{
    session->started_ns = loop_now_ns();
    session->exchange.responded = false;
    session->status = 0;
    session->frame = HTTP_FRAME_NONE;
    session->response_left_bytes = session->response_bytes = 0;
    session->send_waits_ns = session->send_waits_bytes = 0;
    session->replaced = session->broken = false;
    session->held.length_bytes = 0;
}

/* ---- answering it ---- */

/* "GET, HEAD, OPTIONS" */
static struct view write_allowed(struct span room, unsigned allowed)
{
    struct writer writer = writer_over(room);
    for (unsigned i = 0; i < HTTP_METHODS; i++) {
        if ((allowed & 1u << i) == 0) continue;
        if (writer.length_bytes > 0) writer_put(&writer, VIEW(", "));
        writer_put(&writer, http_method_text((enum http_method)i));
    }
    return writer_view(&writer);
}

/* To OPTIONS that no route answers, and 405 (RFC 9110 15.5.6). */
static enum result respond_allowed(struct http_exchange *exchange, unsigned allowed)
{
    uint8_t room[64];
    struct http_field field = { VIEW("Allow"), write_allowed(SPAN_OF(room), allowed) };
    struct http_response response = { .status = 204, .fields = &field, .field_count = 1 };
    if (exchange->request.method == HTTP_OPTIONS) return http_respond(exchange, &response, NULL, 0);
    struct http_error_page page;
    http_error_page_write(&page, 405);
    response.status = 405;
    response.media_type = HTTP_ERROR_MEDIA_TYPE;
    return http_respond(exchange, &response, page.views, HTTP_ERROR_VIEWS);
}

static enum result call_handler(struct http_session *session)
{
    struct http_exchange *exchange = &session->exchange;
    struct http_request *request = &exchange->request;
    if (session->head.target.length_bytes == 1 && session->head.target.bytes[0] == '*')
        return respond_allowed(exchange, (1u << HTTP_METHODS) - 1);
    struct http_match match = http_routes_match(&session->server->routes, request);
    if (match.route != NULL) return match.route->handler->handle(match.route->handler, exchange);
    return match.allowed == 0 ? NOT_FOUND : respond_allowed(exchange, match.allowed);
}

static void count_refusal(struct http_server_figures *figures, unsigned status)
{
    if (status == 413 || status == 431) {
        figures->refused_too_large++;
    } else {
        figures->refused_malformed++;
    }
}

static void answer(struct http_session *session)
{
    struct http_refusal refusal = read_request(session);
    session->keep = session->head.framing.persistent &&
                    session->connection->requests <
                        session->server->parameters.requests_per_connection_count;
    http_body_begin(session);
    if (refusal.status == 0) {
        http_response_finish(session, call_handler(session));
        return;
    }
    log_debug("refused with %u: %s", refusal.status, refusal.why);
    count_refusal(&session->server->figures, refusal.status);
    session->keep = false;
    /* Where the body ends is no longer known, or not wanted. */
    session->body_result = INVALID;
    http_response_error(session, refusal.status);
}

static void write_log(struct http_session *session)
{
    struct http_log_entry entry = {
        .peer = session->connection->flow->peer,
        .head = view_first(http_connection_bytes(session->connection),
                           session->connection->head_bytes),
        .status = session->status,
        .body_bytes = session->response_bytes,
        .duration_ns = clock_monotonic_ns() - session->started_ns,
    };
    http_log_response(session->server, &entry);
}

/* ---- the connection afterwards ---- */

/* The client said that this was its last request, and nothing further has come: no reset can
 * follow, and the connection need not linger. */
static bool peer_is_done(const struct http_session *session)
{
    return !session->head.framing.persistent && session->body_result == CLOSED &&
           session->body_at == session->connection->used;
}

/* True: the next request is whole, too. False: the connection is no longer this session's. */
static bool go_on(struct http_session *session)
{
    struct http_connection *connection = session->connection;
    if (session->broken) {
        http_connection_abort(connection);
        return false;
    }
    if (session->keep && http_body_leave(session)) {
        connection->start = session->body_at;
        return http_connection_advance(connection);
    }
    if (peer_is_done(session)) {
        http_connection_close(connection);
    } else {
        http_connection_linger(connection);
    }
    return false;
}

static void serve(struct http_session *session)
{
    struct http_connection *connection = session->connection;
    do {
        connection->state = HTTP_CONNECTION_BUSY;
        connection->requests++;
        reset(session);
        answer(session);
        write_log(session);
    } while (go_on(session));
}

/* ---- the fiber ---- */

static void session_run(struct task *task)
{
    struct http_session *session = CONTAINER_OF(task, struct http_session, task);
    struct http_server *server = session->server;
    do {
        serve(session);
        session->connection = http_queue_take_ready(server);
    } while (session->connection != NULL);
    list_prepend(&server->free_sessions, &session->node);
    server->figures.sessions_in_use--;
}

bool http_session_start(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    struct list_node *node = list_first(&server->free_sessions);
    if (node == NULL) return false;
    struct http_session *session = CONTAINER_OF(node, struct http_session, node);
    session->connection = connection;
    session->task.run = session_run;
    if (fiber_start(&server->session_scope, &session->task, "http session", STACK_SMALL) != OK)
        return false;
    list_remove(node);
    connection->state = HTTP_CONNECTION_BUSY;
    server->figures.sessions_in_use++;
    return true;
}
