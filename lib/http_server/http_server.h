/* http_server.h - an HTTP/1.1 and 1.0 server over any TCP (RFC 9110, RFC 9112).
 *
 * One fiber, the dispatcher, takes the notices of all connections from one mailbox. What a
 * connection holds depends on what it is doing:
 *
 *     idle, between two requests         a struct http_connection: no buffer, no stack
 *     a part of a head has come          and a buffer, from a last-in first-out pool
 *     a request is being answered        and a session: a fiber with its stack and room
 *     answered, and to be closed         no buffer, no stack, until the peer is done too
 *
 * Every pool is bounded. Connections with work that find no session or buffer wait in the order
 * they came, and past `queue-timeout` are told 503.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_SERVER_H
#define LOOM_HTTP_SERVER_H

#include "http/http.h"
#include "http/http_date.h"
#include "http/http_route.h"
#include "metrics/metrics.h"
#include "parameter/parameter.h"
#include "tcp/tcp.h"

enum http_access_log { HTTP_ACCESS_LOG_OFF, HTTP_ACCESS_LOG_CONSOLE };

struct http_server_parameters {
    struct address address;
    uint64_t port;
    uint64_t connections_count, sessions_count, buffers_count;
    uint64_t header_bytes, header_fields_count, body_bytes;
    uint64_t body_rate_bytes, send_rate_bytes; /* a second */
    uint64_t requests_per_connection_count;
    uint64_t header_timeout_ns, body_timeout_ns, send_timeout_ns;
    uint64_t idle_timeout_ns, linger_timeout_ns, queue_timeout_ns, drain_timeout_ns;
    uint32_t access_log; /* enum http_access_log */
    struct view server_name;
};
extern const struct parameter http_server_parameters[];

/* What `/metrics` shows of it. */
struct http_server_figures {
    uint64_t responses_2xx, responses_3xx, responses_4xx, responses_5xx;
    uint64_t connections_total, connections_open, connections_over_limit;
    uint64_t sessions_in_use, queued_now;
    uint64_t refused_malformed, refused_timeout, refused_too_large, refused_busy;
    uint64_t sent_bytes, body_received_bytes;
    struct histogram duration;
};

/* The access log's time, which changes once a second. */
struct http_log_time {
    uint64_t until_ns; /* monotonic */
    size_t length_bytes;
    uint8_t text[40];
};

struct http_connection;
struct http_session;
struct http_buffer;

#define HTTP_LOG_ROOM_BYTES   4096
#define HTTP_DRAIN_ROOM_BYTES 4096

#define HTTP_SERVER_NAME_MAX 128 /* bytes, so that it fits into every head */

struct http_server {
    struct http http;
    struct tcp *tcp;
    struct http_server_parameters parameters;
    size_t buffer_bytes, session_bytes;

    /* The pools, and what is free of them. */
    struct span connection_memory, buffer_memory, session_memory;
    struct list free_connections, free_sessions;
    struct http_buffer *free_buffers;
    size_t buffers_touched; /* what lies behind was never used, and costs no memory yet */
    struct waiters slots;   /* the acceptor waits here for a free connection */

    struct list open;    /* every connection */
    struct list ready;   /* a whole head has come, and no session was free */
    struct list starved; /* bytes have come, and no buffer was free */
    struct alarm queue_alarm;

    struct http_routes routes;
    struct listener *listener; /* NULL when closed */
    struct scope acceptor_scope, dispatcher_scope, session_scope;
    struct task dispatcher, acceptor;
    bool acceptor_done, draining;
    uint64_t grace_ns, drain_ns; /* deadlines, while draining */
    struct mailbox mailbox;
    struct letter stop_letter, wake_letter;
    struct event done;

    struct http_date_cache date;
    struct alarm log_alarm;
    struct http_log_time log_time;
    size_t log_bytes;
    uint8_t log_room[HTTP_LOG_ROOM_BYTES];
    uint8_t drain_room[HTTP_DRAIN_ROOM_BYTES];

    char instance[16]; /* "http-8080" */
    struct metrics metrics;
    struct http_server_figures figures;
};

/* INVALID: the server's name cannot stand in a field, or is too long; the log says so. FULL: no
 * memory for the pools. It listens when it serves, one http_serve at a time. */
enum result http_server_open(struct http_server *server, struct tcp *tcp,
                             const struct http_server_parameters *parameters) CHECKED;

/* Not while it serves. */
void http_server_close(struct http_server *server);

#endif
