/* http_suite.h - what every server of HTTP and every client of it must do: the cases that run
 * against each pair.
 *
 *     HTTP_SUITE(http_memory, &memory)
 *
 * A fixture opens both; the client reaches the server by any name that ends in ".test" and by the
 * port that the fixture tells. Each case serves a site of its own.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_SUITE_H
#define LOOM_HTTP_SUITE_H

#include "fiber/fiber.h"
#include "http/http.h"
#include "test/test.h"

struct http_fixture {
    void (*open)(struct http_fixture *fixture, struct http **http, struct http_client **client);
    uint16_t (*port)(struct http_fixture *fixture); /* asked while it serves */
    void (*close)(struct http_fixture *fixture);
    uint64_t body_bytes_max; /* of a request, that the server takes; at least 1 MiB */
};

#define HTTP_CASES(CASE, implementation, fixture) \
    CASE(implementation, fixture, get) \
    CASE(implementation, fixture, request_is_told) \
    CASE(implementation, fixture, path_is_normalised) \
    CASE(implementation, fixture, head_is_get_without_a_body) \
    CASE(implementation, fixture, head_of_a_streamed_body) \
    CASE(implementation, fixture, body_is_read) \
    CASE(implementation, fixture, body_of_a_source) \
    CASE(implementation, fixture, body_in_chunks) \
    CASE(implementation, fixture, body_that_is_not_there) \
    CASE(implementation, fixture, body_that_nobody_reads) \
    CASE(implementation, fixture, body_that_is_large_and_nobody_reads) \
    CASE(implementation, fixture, body_over_the_limit) \
    CASE(implementation, fixture, chunks_over_the_limit) \
    CASE(implementation, fixture, body_goes_both_ways_at_once) \
    CASE(implementation, fixture, response_of_known_length) \
    CASE(implementation, fixture, response_of_unknown_length) \
    CASE(implementation, fixture, response_without_bytes) \
    CASE(implementation, fixture, response_of_many_views) \
    CASE(implementation, fixture, response_that_is_large) \
    CASE(implementation, fixture, response_that_is_too_short) \
    CASE(implementation, fixture, response_that_breaks_off) \
    CASE(implementation, fixture, response_204) \
    CASE(implementation, fixture, response_304) \
    CASE(implementation, fixture, response_that_closes) \
    CASE(implementation, fixture, response_with_a_bad_field) \
    CASE(implementation, fixture, results_become_statuses) \
    CASE(implementation, fixture, helpers_respond) \
    CASE(implementation, fixture, two_at_once) \
    CASE(implementation, fixture, routes_by_precedence) \
    CASE(implementation, fixture, routes_have_parameters) \
    CASE(implementation, fixture, routes_by_method) \
    CASE(implementation, fixture, routes_by_host) \
    CASE(implementation, fixture, routes_that_are_malformed) \
    CASE(implementation, fixture, fetch_follows_redirects) \
    CASE(implementation, fixture, fetch_counts_redirects) \
    CASE(implementation, fixture, fetch_turns_post_into_get) \
    CASE(implementation, fixture, fetch_sends_a_body_again) \
    CASE(implementation, fixture, fetch_does_not_repeat_a_source) \
    CASE(implementation, fixture, fetch_keeps_secrets_at_home) \
    CASE(implementation, fixture, fetch_goes_nowhere_else) \
    CASE(implementation, fixture, fetch_has_a_deadline) \
    CASE(implementation, fixture, fetch_bounds_the_body) \
    CASE(implementation, fixture, fetch_ends_with_its_sink) \
    CASE(implementation, fixture, fetch_ends_with_its_source) \
    CASE(implementation, fixture, fetch_needs_room) \
    CASE(implementation, fixture, fetch_refuses_bad_requests)

#define HTTP_CASE_DECLARE(implementation, fixture, name) \
    void http_case_##name(struct http_fixture *fixture);
HTTP_CASES(HTTP_CASE_DECLARE, , fixture)

#define HTTP_CASE_TEST(implementation, fixture, name) \
    TEST(implementation##_##name) \
    { \
        http_case_##name(fixture); \
    }
#define HTTP_SUITE(implementation, fixture) HTTP_CASES(HTTP_CASE_TEST, implementation, fixture)

/* ---- for the cases ---- */

#define HTTP_SUITE_FIELDS 40
#define HTTP_SUITE_ROOM   8192

/* A site being served, and the last fetch from it. */
struct http_suite {
    struct http_fixture *fixture;
    struct http *http;
    struct http_client *client;
    struct http_site site;
    struct scope scope;
    struct task server;
    enum result served;
    struct span memory; /* it is in */

    struct http_fetched fetched;
    struct http_sink sink;
    struct view body; /* the first bytes of it */
    bool is_pattern;  /* all of it was */
    uint64_t received_bytes;
    struct http_field fields[HTTP_SUITE_FIELDS];
    uint8_t room[HTTP_SUITE_ROOM];
    uint8_t url[HTTP_URL_MAX];
    uint8_t body_room[4096];
};

/* Serves the routes; and ends that, expecting that it went well. */
struct http_suite *http_suite_open(struct http_fixture *fixture, const struct http_route routes[],
                                   size_t count);
void http_suite_close(struct http_suite *suite);

/* A fetch with GET of "http://HOST:PORT" and `path`, which lasts ten seconds at most and takes any
 * body. The host of the first is "www.test". The URL is in the suite until the next one. */
struct http_fetch http_suite_to(struct http_suite *suite, const char *path);
struct http_fetch http_suite_to_host(struct http_suite *suite, const char *host, const char *path);

/* Fetches into the suite. */
enum result http_suite_fetch(struct http_suite *suite, const struct http_fetch *fetch);

/* Fetches `path`, and expects this status and body. */
void http_suite_expect(struct http_suite *suite, const char *path, unsigned status,
                       struct view body);

/* A field of the last response; `bytes` is NULL when it has none. */
struct view http_suite_field(const struct http_suite *suite, struct view name);

/* Bytes by which one can tell that nothing was lost or doubled. */
uint8_t http_suite_byte(uint64_t offset);
void http_suite_fill(struct span room, uint64_t offset);
bool http_suite_is_pattern(struct view bytes, uint64_t offset);

/* A source of that pattern. */
struct http_suite_source {
    struct http_source source;
    uint64_t given_bytes, total_bytes;
    enum result end; /* what it says then: CLOSED, usually */
};
struct http_suite_source http_suite_source(uint64_t total_bytes, bool is_told);

/* Handlers that every case may use: `struct http_handler hello = { http_suite_hello };` */
enum result http_suite_hello(struct http_handler *handler, struct http_exchange *exchange);

/* Reads the body to its end: 200 "METHOD BYTES", and " pattern" when it was that. */
enum result http_suite_count(struct http_handler *handler, struct http_exchange *exchange);

/* Does nothing, and returns so. */
struct http_suite_returning {
    struct http_handler handler;
    enum result result;
};
struct http_suite_returning http_suite_returning(enum result result);

#define HTTP_SUITE_ROUTE(path, what) \
    { \
        .method = HTTP_ANY_METHOD, .pattern = VIEW(path), .handler = (what) \
    }

#endif
