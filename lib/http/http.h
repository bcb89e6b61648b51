/* http.h - the signature of HTTP: a server that gives requests to handlers, and a client that
 * fetches.
 *
 * What is meant by the words is RFC 9110. The version of the protocol on the wire is the
 * implementation's affair.
 *
 *     struct greeting { struct http_handler handler; struct view words; };
 *
 *     static enum result greet(struct http_handler *handler, struct http_exchange *exchange)
 *     {
 *         struct greeting *greeting = CONTAINER_OF(handler, struct greeting, handler);
 *         return http_respond_text(exchange, 200, VIEW("text/plain; charset=utf-8"),
 * greeting->words);
 *     }
 *
 *     struct greeting greeting = { { greet }, VIEW("hello") };
 *     struct http_route routes[] = { { .method = HTTP_GET, .pattern = VIEW("/hello/{name}"),
 * .handler = &greeting.handler } }; return http_serve(http, &(struct http_site){ routes,
 * LENGTH_OF(routes) });
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_H
#define LOOM_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/result.h"
#include "base/units.h"
#include "base/view.h"
#include "ip/address.h"

/* ---- requests ---- */

enum http_method {
    HTTP_GET, /* a route for GET serves HEAD too */
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_PATCH,
    HTTP_METHODS,
    HTTP_ANY_METHOD = HTTP_METHODS, /* in a route */
};

struct view http_method_text(enum http_method method);

struct http_field {
    struct view name,
        value; /* the value without the blanks round it; what is sent holds no CR, LF or NUL */
};

#define HTTP_ROUTE_PARAMETERS_MAX 8
#define HTTP_LENGTH_UNKNOWN       UINT64_MAX

/* Everything in it is a view into the exchange and lives as long. */
struct http_request {
    enum http_method method;
    unsigned version_minor; /* of HTTP/1: 0 or 1 */
    struct view target;     /* as it was sent */
    struct view path;  /* begins with "/"; percent-decoded, without "." and ".." segments, NULs and
                        * encoded slashes, so that it is safe to hand to a kv without its first
                        * byte; may hold empty segments */
    struct view query; /* as it was sent, without the "?" */
    struct view host;  /* without the port; empty in HTTP/1.0 without Host */
    const struct http_field *fields;
    size_t field_count;
    uint64_t content_length; /* 0: no body. HTTP_LENGTH_UNKNOWN: chunked. */
    struct endpoint peer, local;
    struct http_field parameters[HTTP_ROUTE_PARAMETERS_MAX]; /* of the route: {name} */
    size_t parameter_count;
};

/* The value of the first field with this name, or an empty view whose `bytes` is NULL when there is
 * none. */
struct view http_request_field(const struct http_request *request, struct view name);

/* The value of a route's parameter; it must be one of the route's. What "*" matched is the
 * parameter "*". */
struct view http_request_parameter(const struct http_request *request, struct view name);

/* ---- responses ---- */

struct http_response {
    unsigned status;                 /* 200 to 599 */
    struct view media_type;          /* Content-Type; empty: none */
    const struct http_field *fields; /* further ones; never those that frame the message
                                        (Content-Length, Transfer-Encoding, Connection, Date) */
    size_t field_count;
    uint64_t content_length; /* of what http_write will send; HTTP_LENGTH_UNKNOWN: the connection
                                frames it */
    bool close;              /* end the connection after it */
};

/* The standard reason for a status: "Not Found". Never NULL. */
struct view http_reason(unsigned status);

/* ---- exchanges ---- */

/* One request and its response. Belongs to the server; a handler has it until it returns. */
struct http_exchange {
    const struct http_exchange_ops *ops;
    struct http_request request;
    bool responded; /* a final status has been sent */
};

struct http_exchange_ops {
    enum result (*read)(struct http_exchange *exchange, struct span room, size_t *length_bytes);
    enum result (*begin)(struct http_exchange *exchange, const struct http_response *response,
                         const struct view body[], size_t count, bool last);
    enum result (*write)(struct http_exchange *exchange, const struct view body[], size_t count);
};

#define HTTP_EXCHANGE_OPS(impl) \
    { \
        .read = impl##_read, .begin = impl##_begin, .write = impl##_write \
    }

#define HTTP_VIEWS_MAX 8

/* Waits. Reads at least one byte of the request's body; sends 100 (Continue) first if the client
 * waits for it. CLOSED: that was all. TOO_LARGE: over the server's limit; return it, and the client
 * gets 413. TIMED_OUT: the client is too slow; return it (408). INVALID: the chunks are malformed
 * (400). FAILED: the connection broke. */
CHECKED static inline enum result http_read(struct http_exchange *exchange, struct span room,
                                            size_t *length_bytes)
{
    assert(room.length_bytes > 0);
    *length_bytes = 0;
    enum result result = exchange->ops->read(exchange, room, length_bytes);
    assert((result == OK) == (*length_bytes > 0));
    return result;
}

/* Waits. Sends a whole response: head and body in one go. `response->content_length` need not be
 * set. To HEAD, and with 204 and 304, no body is sent; the length is told all the same. Once an
 * exchange. On anything but OK the connection is lost; return the result. */
CHECKED static inline enum result http_respond(struct http_exchange *exchange,
                                               const struct http_response *response,
                                               const struct view body[], size_t count)
{
    assert(!exchange->responded && count <= HTTP_VIEWS_MAX);
    assert(response->status >= 200 && response->status <= 599);
    struct http_response whole = *response;
    whole.content_length = 0;
    for (size_t i = 0; i < count; i++)
        whole.content_length += body[i].length_bytes;
    exchange->responded = true;
    return exchange->ops->begin(exchange, &whole, body, count, true);
}

/* Waits. Begins a response whose body follows with http_write; the body ends when the handler
 * returns. The head goes with the first piece, so that a handler which fails before that can still
 * be answered for. */
CHECKED static inline enum result http_begin(struct http_exchange *exchange,
                                             const struct http_response *response)
{
    assert(!exchange->responded && response->status >= 200 && response->status <= 599);
    exchange->responded = true;
    return exchange->ops->begin(exchange, response, NULL, 0, false);
}

/* Waits until the peer has taken enough to go on. Sends a part of the body, at once: a handler that
 * wants larger pieces gathers them. What is written to HEAD is dropped. Writing more than
 * content_length said is a mistake; writing less loses the connection. */
CHECKED static inline enum result http_write(struct http_exchange *exchange,
                                             const struct view body[], size_t count)
{
    assert(exchange->responded && count > 0 && count <= HTTP_VIEWS_MAX);
    return exchange->ops->write(exchange, body, count);
}

enum result http_respond_text(struct http_exchange *exchange, unsigned status,
                              struct view media_type, struct view text) CHECKED;

/* Waits. An error page for `status`, with a body that says so in words. */
enum result http_respond_error(struct http_exchange *exchange, unsigned status) CHECKED;

/* Waits. A redirect (301, 302, 303, 307, 308) to `location`. */
enum result http_respond_redirect(struct http_exchange *exchange, unsigned status,
                                  struct view location) CHECKED;

/* ---- serving ---- */

/* Answers the requests of a route, on a fiber of the server's. One that returns without having
 * responded gets the error page of its result: NOT_FOUND 404, INVALID 400, DENIED 403, TOO_LARGE
 * 413, TIMED_OUT 408, FULL 503, UNSUPPORTED 501, anything else (OK too) 500. */
struct http_handler {
    enum result (*handle)(struct http_handler *handler, struct http_exchange *exchange);
};

/* The status of that error page. */
unsigned http_status_of(enum result result);

/* `pattern`: segments of literal text or {name}, which matches one segment that is not empty; a
 * last segment "*" matches the rest, also none. Literals win over parameters, these over "*".
 * `host`: empty for every host; "example.org", or "*.example.org" for all below it; an exact host
 * wins over "*." and that over none. */
struct http_route {
    enum http_method method;
    struct view host;
    struct view pattern;
    struct http_handler *handler;
};

struct http_site {
    const struct http_route *routes; /* live as long as the server serves */
    size_t count;
};

struct http {
    const struct http_ops *ops;
};

struct http_ops {
    enum result (*serve)(struct http *http, const struct http_site *site);
};

#define HTTP_OPS(impl) \
    { \
        .serve = impl##_serve \
    }

/* Waits. Listens and serves until a stop is requested or the fiber is cancelled, finishes what is
 * in flight within a bound, and returns OK. INVALID: a pattern is malformed (the log names it).
 * What tcp_listen says when that fails. */
CHECKED static inline enum result http_serve(struct http *http, const struct http_site *site)
{
    assert(site->count > 0);
    return http->ops->serve(http, site);
}

/* ---- fetching ---- */

#define HTTP_URL_MAX 2048

/* Takes the body of a response, piece by piece; anything but OK ends the fetch with that result.
 * May wait. */
struct http_sink {
    enum result (*put)(struct http_sink *sink, struct view piece);
};

/* Gives the body of a request, piece by piece: fills some of `room`, CLOSED at its end. May wait.
 */
struct http_source {
    enum result (*get)(struct http_source *source, struct span room, size_t *length_bytes);
    uint64_t content_length; /* HTTP_LENGTH_UNKNOWN: chunked */
};

struct http_fetch {
    enum http_method method;
    struct view url; /* "http://example.org/path?query" */
    const struct http_field *fields;
    size_t field_count;
    struct view body; /* of the request; or */
    struct http_source
        *source; /* NULL: none. With one, redirects that would send it again are not followed. */
    unsigned redirects_max;  /* 0: a redirect is the answer */
    uint64_t body_bytes_max; /* of the response; over it TOO_LARGE */
    uint64_t deadline_ns;    /* of all of it */
};

/* The head of the last response, in room of the caller's. */
struct http_fetched {
    struct span room; /* given by the caller: holds the head and the final url; 8 KiB is plenty.
                         TOO_LARGE when it is not. */
    unsigned status;
    struct http_field *fields; /* given by the caller. TOO_LARGE when there are more than ... */
    size_t field_room;         /* ... this; 0: the fields are not wanted */
    size_t field_count;
    struct view url; /* where it came from in the end */
    uint64_t body_bytes;
};

struct http_client {
    const struct http_client_ops *ops;
};

struct http_client_ops {
    enum result (*fetch)(struct http_client *client, const struct http_fetch *fetch,
                         struct http_fetched *fetched, struct http_sink *sink);
};

#define HTTP_CLIENT_OPS(impl) \
    { \
        .fetch = impl##_fetch \
    }

/* Waits. Fetches, follows redirects (RFC 9110 15.4: 303, and 301 and 302 after POST, become GET;
 * Authorization and Cookie are not sent to another origin), gives the body to `sink` (NULL: drops
 * it). OK: a whole response has come, whatever its status. INVALID: the URL, or what the server
 * sent. UNSUPPORTED: a scheme that is not http. NOT_FOUND: no such host. TOO_LARGE, TIMED_OUT,
 * REFUSED, UNREACHABLE, FAILED as they say; CLOSED: the server ended before the response did. */
CHECKED static inline enum result http_fetch(struct http_client *client,
                                             const struct http_fetch *fetch,
                                             struct http_fetched *fetched, struct http_sink *sink)
{
    return client->ops->fetch(client, fetch, fetched, sink);
}

#endif
