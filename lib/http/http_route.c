/* http_route.c - compiles a site's routes, and finds the one that answers.
 *
 * The parameters of a match live in the request; the patterns and hosts stay where the application
 * has them.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_route.h"

#include "http/http_pattern.h"
#include "target/entropy.h"
#include "target/memory.h"

#define LOG_MODULE "http"
#include "log/log.h"

/* ---- compiling ---- */

static int method_compare(enum http_method a, enum http_method b)
{
    return (int)a - (int)b; /* HTTP_ANY_METHOD is the last */
}

static int route_compare(const struct http_route *a, const struct http_route *b)
{
    int order = http_pattern_host_compare(a->host, b->host);
    if (order == 0) order = http_pattern_compare(a->pattern, b->pattern);
    return order != 0 ? order : method_compare(a->method, b->method);
}

static enum result route_check(const struct http_route *route)
{
    const char *wrong = http_pattern_check(route->pattern);
    if (wrong != NULL) {
        log_error("the route \"%.*s\" is malformed: %s", VIEW_FORMAT(route->pattern), wrong);
        return INVALID;
    }
    wrong = http_pattern_host_check(route->host);
    if (wrong != NULL) {
        log_error("the host \"%.*s\" of the route \"%.*s\" is malformed: %s",
                  VIEW_FORMAT(route->host), VIEW_FORMAT(route->pattern), wrong);
        return INVALID;
    }
    assert(route->handler != NULL && route->method <= HTTP_ANY_METHOD);
    return OK;
}

/* Puts a route where its rank wants it. */
static enum result insert(struct http_routes *routes, const struct http_route *route)
{
    size_t at = routes->count;
    for (; at > 0; at--) {
        const struct http_route *before = routes->entries[at - 1].route;
        int order = route_compare(before, route);
        if (order == 0) {
            log_error("the routes \"%.*s\" and \"%.*s\" answer the same requests",
                      VIEW_FORMAT(before->pattern), VIEW_FORMAT(route->pattern));
            return INVALID;
        }
        if (order < 0) break;
        routes->entries[at] = routes->entries[at - 1];
    }
    routes->entries[at] = (struct http_route_entry){
        .route = route, .literal = http_pattern_is_literal(route->pattern)
    };
    routes->count++;
    return OK;
}

static struct http_route_entry **bucket_of(const struct http_routes *routes, uint64_t hash)
{
    return &routes->buckets[hash & (routes->bucket_count - 1)];
}

/* From the last to the first, so that each chain begins with the highest rank. */
static void link_entries(struct http_routes *routes)
{
    for (size_t i = routes->count; i > 0; i--) {
        struct http_route_entry *entry = &routes->entries[i - 1];
        struct http_route_entry **chain = &routes->patterns;
        if (entry->literal) {
            entry->hash = siphash(routes->key, entry->route->pattern);
            chain = bucket_of(routes, entry->hash);
        }
        entry->next = *chain;
        *chain = entry;
    }
}

static enum result take_memory(struct http_routes *routes, size_t count)
{
    routes->bucket_count = 1;
    while (routes->bucket_count < 2 * count)
        routes->bucket_count *= 2;
    size_t entry_bytes = count * sizeof(struct http_route_entry);
    size_t bucket_bytes = routes->bucket_count * sizeof(struct http_route_entry *);
    enum result result = memory_take(entry_bytes + bucket_bytes, &routes->memory);
    if (result != OK) return result;
    routes->entries = (void *)routes->memory.bytes;
    routes->buckets = (void *)span_from_offset(routes->memory, entry_bytes).bytes;
    return OK;
}

enum result http_routes_open(struct http_routes *routes, const struct http_site *site)
{
    *routes = (struct http_routes){ .key = entropy_hash_key() };
    enum result result = take_memory(routes, site->count);
    for (size_t i = 0; result == OK && i < site->count; i++) {
        result = route_check(&site->routes[i]);
        if (result == OK) result = insert(routes, &site->routes[i]);
    }
    if (result != OK) {
        http_routes_close(routes);
        return result;
    }
    link_entries(routes);
    return OK;
}

void http_routes_close(struct http_routes *routes)
{
    memory_give_back(routes->memory);
    *routes = (struct http_routes){ 0 };
}

/* ---- matching ---- */

/* What one look-up knows: two chains that are walked in the order of rank. */
struct lookup {
    struct http_request *request;
    const struct http_route_entry *literal, *pattern;
    uint64_t hash;
};

/* The next entry whose host and path match, from either chain; NULL when there is none. */
static const struct http_route_entry *next_entry(struct lookup *lookup)
{
    while (lookup->literal != NULL || lookup->pattern != NULL) {
        bool literal = lookup->pattern == NULL ||
                       (lookup->literal != NULL && lookup->literal < lookup->pattern);
        const struct http_route_entry **chain = literal ? &lookup->literal : &lookup->pattern;
        const struct http_route_entry *entry = *chain;
        *chain = entry->next;
        struct http_request *request = lookup->request;
        if (literal && entry->hash != lookup->hash) continue;
        if (http_pattern_host_match(entry->route->host, request->host) &&
            http_pattern_match(entry->route->pattern, request->path, request->parameters,
                               &request->parameter_count))
            return entry;
    }
    return NULL;
}

static unsigned methods_of(enum http_method method)
{
    if (method == HTTP_ANY_METHOD) return (1u << HTTP_METHODS) - 1;
    unsigned methods = 1u << method | 1u << HTTP_OPTIONS;
    return method == HTTP_GET ? methods | 1u << HTTP_HEAD : methods;
}

static bool serves(const struct http_route *route, enum http_method method)
{
    return route->method == method || route->method == HTTP_ANY_METHOD ||
           (method == HTTP_HEAD && route->method == HTTP_GET);
}

/* A route for HEAD itself wins over one for GET with the same pattern, which stands before it. */
static const struct http_route *prefer_head(struct lookup *lookup, const struct http_route *route)
{
    if (lookup->request->method != HTTP_HEAD || route->method != HTTP_GET) return route;
    const struct http_route_entry *entry = next_entry(lookup);
    return entry != NULL && entry->route->method == HTTP_HEAD &&
                   http_pattern_compare(entry->route->pattern, route->pattern) == 0 &&
                   http_pattern_host_compare(entry->route->host, route->host) == 0
               ? entry->route
               : route;
}

struct http_match http_routes_match(const struct http_routes *routes, struct http_request *request)
{
    struct http_match match = { 0 };
    struct lookup lookup = { .request = request,
                             .pattern = routes->patterns,
                             .hash = siphash(routes->key, request->path) };
    lookup.literal = *bucket_of(routes, lookup.hash);
    const struct http_route_entry *entry;
    while (match.route == NULL && (entry = next_entry(&lookup)) != NULL) {
        match.allowed |= methods_of(entry->route->method);
        if (serves(entry->route, request->method)) match.route = entry->route;
    }
    if (match.route == NULL) {
        request->parameter_count = 0;
        return match;
    }
    match.route = prefer_head(&lookup, match.route);
    /* The walk may have looked at a further route: set the parameters of the one that won. */
    bool matches = http_pattern_match(match.route->pattern, request->path, request->parameters,
                                      &request->parameter_count);
    assert(matches);
    return match;
}
