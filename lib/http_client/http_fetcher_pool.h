/* http_fetcher_pool.h - the connections of a fetcher; private to it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_FETCHER_POOL_H
#define LOOM_HTTP_FETCHER_POOL_H

#include "http/http_url.h"
#include "http_client/http_fetcher.h"

enum result http_fetcher_pool_open(struct http_fetcher *fetcher) CHECKED;
void http_fetcher_pool_close(struct http_fetcher *fetcher);

/* Starts the fiber that closes idle connections that have ended; closing the scope ends it. */
enum result http_fetcher_keeper_start(struct http_fetcher *fetcher) CHECKED;

/* Waits. A connection to the URL's origin: an idle one unless `fresh`, otherwise a new one. */
enum result http_fetcher_take(struct http_fetcher *fetcher, const struct http_url *url, bool fresh,
                              uint64_t deadline_ns,
                              struct http_fetcher_connection **connection) CHECKED;

/* Keeps it for another fetch, or closes it. */
void http_fetcher_keep(struct http_fetcher *fetcher, struct http_fetcher_connection *connection);
void http_fetcher_drop(struct http_fetcher *fetcher, struct http_fetcher_connection *connection);

/* Bytes received and not used yet; and the use of some of them. */
struct view http_fetcher_unused(const struct http_fetcher_connection *connection);
void http_fetcher_use(struct http_fetcher_connection *connection, size_t used_bytes);

/* Waits. Receives at least one more byte behind those not used yet, which may move. TOO_LARGE: they
 * fill the buffer. */
enum result http_fetcher_receive(struct http_fetcher *fetcher,
                                 struct http_fetcher_connection *connection,
                                 uint64_t deadline_ns) CHECKED;

#endif
