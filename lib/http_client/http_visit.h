/* http_visit.h - one request and its response on one connection; private to http_fetcher.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_VISIT_H
#define LOOM_HTTP_VISIT_H

#include "http/http_head.h"
#include "http/http_hop.h"
#include "http_client/http_fetcher.h"

/* The fiber that sends a body while the visit's own waits for the answer. */
struct http_visit_sender {
    struct task task;
    struct scope scope;
    bool is_started, is_done;
    enum result source_result; /* why the source ended too early; OK: it did not */
};

struct http_visit {
    struct http_fetcher *fetcher;
    struct http_hop *hop;
    struct http_sink *sink; /* NULL: the body is dropped */
    struct http_fetcher_connection *connection;
    struct http_visit_sender sender;
    struct http_response_head head;
    bool has_received; /* a byte of the response */
    bool is_followed;  /* the response was a redirect, and the hop is the next one */
    bool can_go_on;    /* the connection is good for another request */
};

/* Waits. Sends the request and receives the whole response: an answer goes to the fetched and the
 * sink, a redirect that is followed into the hop. Results as http_fetch. */
enum result http_visit_run(struct http_visit *visit) CHECKED;

/* ---- for the files of http_visit ---- */

/* Waits. Sends the head and, unless a fiber was started for it, the body. */
enum result http_visit_send(struct http_visit *visit) CHECKED;

/* Waits. Calls the sending fiber off if it is at it still. */
void http_visit_send_end(struct http_visit *visit);

/* Waits. Receives at least one more byte. */
enum result http_visit_receive(struct http_visit *visit) CHECKED;

/* Waits. Receives the body, gives it to the sink, or drops it when it is that of a redirect. */
enum result http_visit_body(struct http_visit *visit, enum http_body_end end) CHECKED;

#endif
