/* http_fetcher.h - the HTTP/1.1 client over a tcp and a resolver (RFC 9110, RFC 9112).
 *
 * A fetch has a connection of its own from a bounded pool; when all are in use it waits for one,
 * until its deadline. A connection that can go on after a response is kept for the next fetch of
 * the same origin, until `--idle-timeout` has passed or the server ends it; one that turns out to
 * be dead before anything was received is replaced, once, when the method may be repeated (9112
 * 9.3.1). A head is as large as its buffer at most. 1xx responses are passed over; a switch of
 * protocols was not asked for and is INVALID. A body that is sent from a source, or is large, is
 * sent by a fiber of its own, so that a server may answer before it has all of it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_FETCHER_H
#define LOOM_HTTP_FETCHER_H

#include "fiber/sync.h"
#include "flow/flow.h"
#include "http/http.h"
#include "http_client/http_race.h"
#include "metrics/metrics.h"
#include "parameter/parameter.h"

#define HTTP_FETCHER_FIELDS_MAX 96
#define HTTP_FETCHER_SEND_BYTES ((size_t)16 * KIB)

struct http_fetcher_parameters {
    uint64_t connection_count, head_bytes, idle_timeout_ns;
};
extern const struct parameter http_fetcher_parameters[];

/* A place for a connection, open or not. */
struct http_fetcher_connection {
    struct list_node node; /* among the idle, oldest first, or the free */
    struct flow *flow;     /* NULL: free */
    struct watch watch;    /* while it is idle: it has ended, or has been idle for too long */
    struct span receive, send;
    size_t received_from, received_to; /* bytes in `receive` that are not used yet */
    bool is_reused;
    uint16_t port;
    size_t host_bytes;
    uint8_t host[RESOLVER_NAME_MAX];
    struct http_race race;
    struct http_field fields[HTTP_FETCHER_FIELDS_MAX];
};

struct http_fetcher {
    struct http_client http_client;
    struct tcp *tcp;
    struct resolver *resolver;
    struct http_fetcher_parameters parameters;
    struct span connection_memory, buffer_memory;
    struct list free, idle;
    struct waiters waiters; /* for a place */
    struct mailbox notices; /* of idle connections */
    struct scope scope;
    struct task keeper; /* closes idle connections that have ended */
    struct metrics metrics;
    uint64_t fetches_count, failures_count, connected_count, reused_count, repeated_count;
    uint64_t connections_open, received_bytes;
};

/* Takes a small stack for as long as it is open. FULL: no memory, or no stack. */
enum result http_fetcher_open(struct http_fetcher *fetcher, struct tcp *tcp,
                              struct resolver *resolver,
                              const struct http_fetcher_parameters *parameters) CHECKED;

/* Waits. No fetch is under way. */
void http_fetcher_close(struct http_fetcher *fetcher);

#endif
