/* http_pair.h - a server and a client of HTTP that speak over one tcp: what the conformance suite
 * needs of them. For tests.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_PAIR_H
#define LOOM_HTTP_PAIR_H

#include "http_client/http_fetcher.h"
#include "http_server/http_server.h"

/* Every name that ends in ".test" leads to the loopback address of IPv4. */
struct http_pair_resolver {
    struct resolver resolver;
};

struct http_pair {
    struct http_server server;
    struct http_fetcher fetcher;
    struct http_pair_resolver resolver;
    struct tcp *tcp;
};

#define HTTP_PAIR_BODY_BYTES MIB

/* With the defaults of both, any port, and no access log. */
void http_pair_open(struct http_pair *pair, struct tcp *tcp);
void http_pair_close(struct http_pair *pair);

/* The port on which the server listens while it serves. */
uint16_t http_pair_port(const struct http_pair *pair);

#endif
