/* http_memory_exchange.h - one request and its response, in memory; private to http_memory.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_MEMORY_EXCHANGE_H
#define LOOM_HTTP_MEMORY_EXCHANGE_H

#include "http/http_hop.h"
#include "http/http_memory.h"

struct http_memory_exchange {
    struct http_exchange exchange;
    struct http_memory *memory;
    struct list_node node; /* among the free */
    struct task task;
    struct scope scope;
    struct http_hop *hop;
    struct http_sink *sink;
    uint64_t taken_bytes; /* of the request's body */
    uint64_t left_bytes;  /* of the response's body; HTTP_LENGTH_UNKNOWN: not told */
    bool has_no_body;     /* HEAD, 204, 304 */
    bool is_followed;     /* the response was a redirect, and the hop is the next one */
    enum result result;   /* of the fetch */
    struct http_field fields[HTTP_MEMORY_FIELDS_MAX];
    struct http_field answer_fields[HTTP_MEMORY_FIELDS_MAX];
    uint8_t target[HTTP_URL_MAX], path[HTTP_URL_MAX], host[HTTP_URL_MAX];
};

extern const struct http_exchange_ops http_memory_exchange_ops;

/* Fills the request from the hop. Refused: with this status; 0: it is not. TOO_LARGE: more fields
 * than there is room for; INVALID: one of them. */
enum result http_memory_exchange_fill(struct http_memory_exchange *exchange,
                                      unsigned *refused) CHECKED;

/* What is left to do when the handler has returned. */
void http_memory_exchange_end(struct http_memory_exchange *exchange, enum result result);

#endif
