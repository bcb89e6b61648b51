/* http_url.h - URLs: their parts, and what a reference means where it stands (RFC 3986).
 *
 * Strict: a byte that RFC 3986 does not allow makes the whole text INVALID, so that nothing that
 * stands in a URL can end a request line or a field early.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_URL_H
#define LOOM_HTTP_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"
#include "base/view.h"
#include "base/writer.h"

/* The parts of a URL or of a relative reference: views into its text, as they stand there. */
struct http_url {
    struct view scheme; /* empty: a relative reference */
    struct view user;   /* what stands before an "@" */
    struct view host;   /* an IPv6 address without its brackets */
    struct view path, query, fragment;
    uint16_t port; /* 0: none given */
    bool has_authority, has_user, has_query, has_fragment;
    bool host_in_brackets;
};

#define HTTP_URL_PORT 80

/* INVALID: not a URI reference (RFC 3986 4.1), or its port is not 1 to 65535. */
enum result http_url_parse(struct view text, struct http_url *url) CHECKED;

/* Whether this client can go there: UNSUPPORTED for another scheme than http; INVALID without a
 * host, or with a user name (RFC 9110 4.2.4). */
enum result http_url_check(const struct http_url *url) CHECKED;

/* Writes what `reference` means when it stands in `base`, which must have a scheme (RFC 3986
 * 5.2.2). Watch writer->ran_short. */
void http_url_resolve(const struct http_url *base, const struct http_url *reference,
                      struct writer *writer);

/* Writes the URL without its fragment, which is not for the server. */
void http_url_write(const struct http_url *url, struct writer *writer);

/* Writes what a request line and its Host field say: "/path?query" and "host:port". */
void http_url_write_target(const struct http_url *url, struct writer *writer);
void http_url_write_authority(const struct http_url *url, struct writer *writer);

/* The port it means, given or not. */
static inline uint16_t http_url_port(const struct http_url *url)
{
    return url->port != 0 ? url->port : HTTP_URL_PORT;
}

/* Same scheme, host and port (RFC 6454 5). */
bool http_url_same_origin(const struct http_url *a, const struct http_url *b);

#endif
