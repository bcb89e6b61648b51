/* http_route.h - the routes of a site, compiled: which handler answers a request.
 *
 * Routes stand in the order in which they win (the rank):
 *
 *     host       exact, then "*." with the longer suffix first, then none
 *     pattern    segment by segment: literal, then {name}, then "*"
 *     method     the method itself, then any
 *
 * Those whose pattern is literal are found by the hash of the path; the others are tried in order.
 * So the time of a look-up does not grow with the number of literal routes, and grows with that of
 * the patterns.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_ROUTE_H
#define LOOM_HTTP_ROUTE_H

#include "base/siphash.h"
#include "http/http.h"

/* One route, as the table keeps it. */
struct http_route_entry {
    const struct http_route *route;
    uint64_t hash;                 /* of a literal pattern */
    struct http_route_entry *next; /* literal, in the same bucket, of higher rank */
    bool literal;
};

struct http_routes {
    struct span memory;
    struct http_route_entry *entries; /* by rank */
    struct http_route_entry **buckets;
    struct http_route_entry *patterns; /* the first that is not literal, in `next` order */
    size_t count, bucket_count;
    struct siphash_key key;
};

/* Compiles `site`, whose routes must live until http_routes_close. INVALID: a pattern or a host is
 * malformed, or two routes are the same; the log names them. FULL: no memory. */
enum result http_routes_open(struct http_routes *routes, const struct http_site *site) CHECKED;
void http_routes_close(struct http_routes *routes);

struct http_match {
    const struct http_route *route; /* NULL: none for this method */
    unsigned allowed;               /* a bit (1 << method) for each that the path has; 0: no such
                                     * path. A path with GET has HEAD, every path has OPTIONS. */
};

/* Finds the route for request->method, host and path, and fills request->parameters. */
struct http_match http_routes_match(const struct http_routes *routes, struct http_request *request);

#endif
