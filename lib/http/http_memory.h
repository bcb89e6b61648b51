/* http_memory.h - HTTP without a network: an `http` to serve with and an `http_client` that fetches
 * from it, both in this process.
 *
 * A double for tests of handlers and of what fetches; and a way for one part of an image to be the
 * origin of another. Every URL leads to the site that is being served; its host chooses among the
 * site's hosts. A handler runs on a fiber of its own (a medium stack), so a fetch can time out
 * while it goes on waiting: then it is cancelled. Sinks and sources are called on that fiber.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_MEMORY_H
#define LOOM_HTTP_MEMORY_H

#include "fiber/fiber.h"
#include "http/http.h"
#include "http/http_route.h"

#define HTTP_MEMORY_FIELDS_MAX 64

struct http_memory_options {
    size_t exchange_count;   /* at once; a further fetch is FULL. 0: 8 */
    uint64_t body_bytes_max; /* of a request; 0: 1 MiB */
};

struct http_memory {
    struct http http;
    struct http_client http_client;
    struct http_memory_options options;
    struct http_routes routes;
    bool is_serving;
    struct span memory; /* the exchanges */
    struct list free;
    size_t exchanges_count; /* under way */
    struct waiters waiters; /* for their end */
};

/* FULL: no memory. */
enum result http_memory_open(struct http_memory *memory,
                             const struct http_memory_options *options) CHECKED;

/* Nobody serves or fetches. */
void http_memory_close(struct http_memory *memory);

#endif
