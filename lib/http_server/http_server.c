/* http_server.c - opens and closes a server, and serves with it.
 *
 * SPDX-License-Identifier: ISC */
#include "http_server/http_server.h"

#include "fiber/stop.h"
#include "http_server/http_private.h"
#include "target/memory.h"

#define LOG_MODULE "http"
#include "log/log.h"

/* ---- parameters ---- */

static const char *const access_log_choices[] = { "off", "console", NULL };

/* "*" for every address of the image, or one of them. */
static enum result parse_address(struct view text, struct span value)
{
    struct address address = { 0 };
    enum result result = view_equal(text, VIEW("*")) ? OK : address_parse(text, &address);
    if (result == OK) (void)span_copy(value, VIEW_OF(address));
    return result;
}

#define VALUES struct http_server_parameters

const struct parameter http_server_parameters[] = {
    PARAMETER_PARSED(VALUES, address, struct address, "address", "*", "IPV4|IPV6|*", parse_address,
                     "address to listen on; * for all"),
    PARAMETER_NUMBER(VALUES, port, "port", "8080", 0, 65535, "TCP port to listen on; 0 for any"),
    PARAMETER_POOL(VALUES, connections_count, "connections", "10000", 1, 1000000,
                   "connections open at once; more are told 503"),
    PARAMETER_POOL(VALUES, sessions_count, "sessions", "256", 1, 100000,
                   "requests answered at once, each on a stack; more wait"),
    PARAMETER_POOL(VALUES, buffers_count, "buffers", "2048", 1, 1000000,
                   "connections that may have sent a part of a request; more wait"),
    PARAMETER_BYTES(VALUES, header_bytes, "header-bytes", "8KiB", 512, MIB,
                    "largest head of a request; over it 414 or 431"),
    PARAMETER_NUMBER(VALUES, header_fields_count, "header-fields", "100", 8, 1000,
                     "most fields in a request; over it 431"),
    PARAMETER_BYTES(VALUES, body_bytes, "body-bytes", "1MiB", 0, UINT64_MAX,
                    "largest body of a request; over it 413"),
    PARAMETER_BYTES(VALUES, body_rate_bytes, "body-rate", "256", 0, GIB,
                    "least a body must bring each second on average; 0 for any; below it 408"),
    PARAMETER_NUMBER(VALUES, requests_per_connection_count, "requests-per-connection", "100000", 1,
                     1000000000, "requests after which a connection is closed"),
    PARAMETER_DURATION(VALUES, header_timeout_ns, "header-timeout", "10s",
                       "how long the head of a request may take; over it 408"),
    PARAMETER_DURATION(VALUES, body_timeout_ns, "body-timeout", "30s",
                       "how long the next piece of a body may take; over it 408"),
    PARAMETER_DURATION(VALUES, send_timeout_ns, "send-timeout", "30s",
                       "how long a client may take nothing of its response"),
    PARAMETER_BYTES(VALUES, send_rate_bytes, "send-rate", "1KiB", 0, GIB,
                    "least a client must take each second on average while the server has to wait "
                    "for it; 0 for any"),
    PARAMETER_DURATION(VALUES, idle_timeout_ns, "idle-timeout", "60s",
                       "how long a connection may wait between two requests"),
    PARAMETER_DURATION(
        VALUES, linger_timeout_ns, "linger-timeout", "5s",
        "how long a client may take to close after it was answered for the last time"),
    PARAMETER_DURATION(VALUES, queue_timeout_ns, "queue-timeout", "5s",
                       "how long a request may wait for a session; over it 503"),
    PARAMETER_DURATION(VALUES, drain_timeout_ns, "drain-timeout", "8s",
                       "how long requests in flight may take when the image stops"),
    PARAMETER_CHOICE(VALUES, access_log, "access-log", "console", access_log_choices,
                     "one line a request, written within a second"),
    PARAMETER_TEXT(VALUES, server_name, "server-name", "Loom",
                   "what the Server field says; empty for none"),
    PARAMETER_END,
};

/* ---- figures ---- */

#define COUNTER(member, name, label, help) \
    METRIC_COUNTER_LABELLED(struct http_server, figures.member, name, label, help)

static const struct metric http_server_metrics[] = {
    COUNTER(responses_2xx, "http_responses_total", "code=\"2xx\"", "Responses by class of status."),
    COUNTER(responses_3xx, "http_responses_total", "code=\"3xx\"", "Responses by class of status."),
    COUNTER(responses_4xx, "http_responses_total", "code=\"4xx\"", "Responses by class of status."),
    COUNTER(responses_5xx, "http_responses_total", "code=\"5xx\"", "Responses by class of status."),
    COUNTER(refused_malformed, "http_refusals_total", "reason=\"malformed\"",
            "Requests refused before a handler saw them."),
    COUNTER(refused_timeout, "http_refusals_total", "reason=\"timeout\"",
            "Requests refused before a handler saw them."),
    COUNTER(refused_too_large, "http_refusals_total", "reason=\"too_large\"",
            "Requests refused before a handler saw them."),
    COUNTER(refused_busy, "http_refusals_total", "reason=\"busy\"",
            "Requests refused before a handler saw them."),
    METRIC_COUNTER(struct http_server, figures.connections_total, "http_connections_total",
                   "Connections accepted."),
    METRIC_COUNTER(struct http_server, figures.connections_over_limit,
                   "http_connections_over_limit_total",
                   "Connections told that there are too many."),
    METRIC_COUNTER(struct http_server, figures.sent_bytes, "http_sent_bytes_total",
                   "Bytes of responses, heads included."),
    METRIC_COUNTER(struct http_server, figures.body_received_bytes,
                   "http_received_body_bytes_total", "Bytes of request bodies."),
    METRIC_GAUGE(struct http_server, figures.connections_open, "http_connections",
                 "Connections open now."),
    METRIC_GAUGE(struct http_server, figures.sessions_in_use, "http_sessions",
                 "Requests being answered now."),
    METRIC_GAUGE(struct http_server, figures.queued_now, "http_queued",
                 "Connections waiting for a session or a buffer."),
    METRIC_HISTOGRAM(struct http_server, figures.duration, "http_request_duration_seconds",
                     "From the whole head to the end of the response."),
    METRIC_END,
};

/* ---- pools ---- */

static void fill_connections(struct http_server *server, size_t count)
{
    struct http_connection *connections = (void *)server->connection_memory.bytes;
    for (size_t i = 0; i < count; i++)
        list_append(&server->free_connections, &connections[i].node);
}

static void fill_sessions(struct http_server *server, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct span place = span_from_offset(server->session_memory, i * server->session_bytes);
        http_session_init((void *)place.bytes, server);
    }
}

static enum result open_pools(struct http_server *server)
{
    const struct http_server_parameters *p = &server->parameters;
    size_t connections = p->connections_count + HTTP_OVER_LIMIT_COUNT;
    server->buffer_bytes = (p->header_bytes + HTTP_BUFFER_BODY_BYTES + 63) / 64 * 64;
    server->session_bytes = http_session_bytes(p);
    enum result result = memory_take(connections * sizeof(struct http_connection),
                                     &server->connection_memory);
    if (result == OK)
        result = memory_take(p->buffers_count * server->buffer_bytes, &server->buffer_memory);
    if (result == OK)
        result = memory_take(p->sessions_count * server->session_bytes, &server->session_memory);
    if (result != OK) {
        log_error("no memory for %zu connections, %llu buffers and %llu sessions; ask for fewer",
                  connections, (unsigned long long)p->buffers_count,
                  (unsigned long long)p->sessions_count);
        http_server_close(server);
        return result;
    }
    fill_connections(server, connections);
    fill_sessions(server, p->sessions_count);
    return OK;
}

/* ---- serving ---- */

/* A link to follow: one that listens on every address is reached here as localhost. */
static void put_url(struct writer *text, const struct endpoint *local)
{
    writer_put(text, VIEW("http://"));
    if (local->address.family == ADDRESS_ANY) {
        writer_format(text, "localhost:%u", local->port);
    } else {
        writer_put_endpoint(text, local);
    }
    writer_put(text, VIEW("/"));
}

static enum result begin_listening(struct http_server *server)
{
    struct endpoint local = { server->parameters.address, (uint16_t)server->parameters.port };
    struct listen_options options = { .backlog = 1024 };
    uint8_t room[ENDPOINT_TEXT_MAX + 16];
    struct writer text = writer_over(SPAN_OF(room));
    enum result result = tcp_listen(server->tcp, &local, &options, &server->listener);
    if (result != OK) {
        writer_put_endpoint(&text, &local);
        log_error("cannot listen on %.*s: %s", VIEW_FORMAT(writer_view(&text)),
                  result_text(result));
    }
    return result;
}

static void announce(struct http_server *server)
{
    uint8_t room[ENDPOINT_TEXT_MAX + 16];
    struct writer text = writer_over(SPAN_OF(room));
    put_url(&text, &server->listener->local);
    log_info("serving %.*s", VIEW_FORMAT(writer_view(&text)));
}

/* Starts the two fibers; on a failure neither is left. */
static enum result start(struct http_server *server)
{
    server->draining = server->acceptor_done = false;
    mailbox_init(&server->mailbox);
    event_init(&server->done);
    server->stop_letter = server->wake_letter = (struct letter){ 0 };
    scope_open(&server->acceptor_scope, "http acceptor");
    scope_open(&server->dispatcher_scope, "http dispatcher");
    scope_open(&server->session_scope, "http sessions");
    server->dispatcher.run = http_dispatcher_run;
    server->acceptor.run = http_acceptor_run;
    enum result result = fiber_start(&server->acceptor_scope, &server->acceptor, "http acceptor",
                                     STACK_SMALL);
    if (result != OK) return result;
    result = fiber_start(&server->dispatcher_scope, &server->dispatcher, "http dispatcher",
                         STACK_SMALL);
    if (result != OK) scope_close(&server->acceptor_scope);
    return result;
}

static void register_metrics(struct http_server *server)
{
    struct writer name = writer_over(SPAN_OF(server->instance));
    writer_format(&name, "http-%u", server->listener->local.port);
    writer_put_u8(&name, 0);
    metrics_register(&server->metrics, server->instance, http_server_metrics, SPAN_OF(*server));
}

/* Waits until a stop is requested or this fiber is cancelled, and then, whatever else happens to
 * this fiber, until the dispatcher has drained the server. */
static void serve_until_stopped(struct http_server *server)
{
    while (stop_wait(NEVER) == TIMED_OUT)
        continue;
    mailbox_put(&server->mailbox, &server->stop_letter);
    enum result result = OK;
    while (!server->done.happened && result == OK)
        result = waiters_wait_shielded(&server->done.waiters, "http drain", NEVER);
    assert(server->done.happened);
    scope_close(&server->dispatcher_scope);
}

static enum result http_server_serve(struct http *http, const struct http_site *site)
{
    struct http_server *server = CONTAINER_OF(http, struct http_server, http);
    enum result result = http_routes_open(&server->routes, site);
    if (result != OK) return result;
    result = begin_listening(server);
    if (result == OK) {
        result = start(server);
        if (result == OK) {
            announce(server);
            register_metrics(server);
            serve_until_stopped(server);
            metrics_withdraw(&server->metrics);
        } else {
            log_error("no stacks for the server's own fibers: raise --fibers-small");
            listener_close(server->listener);
        }
    }
    http_log_flush(server);
    http_routes_close(&server->routes);
    return result;
}

static const struct http_ops http_server_ops = HTTP_OPS(http_server);

/* ---- opening and closing ---- */

enum result http_server_open(struct http_server *server, struct tcp *tcp,
                             const struct http_server_parameters *parameters)
{
    *server = (struct http_server){ .http = { &http_server_ops },
                                    .tcp = tcp,
                                    .parameters = *parameters };
    if (!http_field_value_is_valid(parameters->server_name) ||
        parameters->server_name.length_bytes > HTTP_SERVER_NAME_MAX) {
        log_error("--server-name holds a control byte, or is longer than %u bytes",
                  HTTP_SERVER_NAME_MAX);
        return INVALID;
    }
    list_init(&server->free_connections);
    list_init(&server->free_sessions);
    list_init(&server->open);
    waiters_init(&server->slots);
    http_queue_open(server);
    http_log_open(server);
    return open_pools(server);
}

void http_server_close(struct http_server *server)
{
    alarm_stop(&server->queue_alarm);
    alarm_stop(&server->log_alarm);
    memory_give_back(server->session_memory);
    memory_give_back(server->buffer_memory);
    memory_give_back(server->connection_memory);
    server->session_memory = server->buffer_memory = server->connection_memory = (struct span){ 0 };
}
