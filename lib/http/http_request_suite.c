/* http_request_suite.c - cases for every HTTP: what a handler is told, and the request's body.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_suite.h"

#include "base/writer.h"

/* ---- what is told ---- */

static enum result check_request(struct http_handler *handler, struct http_exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    expect_that(request->method, ==, HTTP_PUT);
    expect_that(request->version_minor, ==, 1);
    expect_view(request->target, VIEW("/a%20b/c?x=%20&y"));
    expect_view(request->path, VIEW("/a b/c"));
    expect_view(request->query, VIEW("x=%20&y"));
    expect_view(request->host, VIEW("www.test"));
    expect_that(request->content_length, ==, 3);
    expect_view(http_request_field(request, VIEW("x-twice")), VIEW("one"));
    expect(http_request_field(request, VIEW("X-None")).bytes == NULL);
    expect(view_starts_with(http_request_field(request, VIEW("HOST")), VIEW("www.test")));
    expect(request->peer.address.family != ADDRESS_ANY && request->local.port != 0);
    return http_suite_hello(handler, exchange);
}

void http_case_request_is_told(struct http_fixture *fixture)
{
    struct http_handler check = { check_request };
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/*", &check) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    struct http_field fields[] = { { VIEW("X-Twice"), VIEW("one") },
                                   { VIEW("X-Twice"), VIEW("two") } };
    struct http_fetch fetch = http_suite_to(suite, "/a%20b/c?x=%20&y#not-this");
    fetch.method = HTTP_PUT;
    fetch.body = VIEW("abc");
    fetch.fields = fields;
    fetch.field_count = LENGTH_OF(fields);
    expect_ok(http_suite_fetch(suite, &fetch));
    expect_that(suite->fetched.status, ==, 200);
    http_suite_close(suite);
}

static enum result say_path(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    return http_respond_text(exchange, 200, VIEW("text/plain"), exchange->request.path);
}

void http_case_path_is_normalised(struct http_fixture *fixture)
{
    struct http_handler say = { say_path };
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/*", &say) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    http_suite_expect(suite, "", 200, VIEW("/"));
    http_suite_expect(suite, "/a/./b/../c", 200, VIEW("/a/c"));
    http_suite_expect(suite, "/%7Ea%2e", 200, VIEW("/~a."));
    http_suite_expect(suite, "/a//b/", 200, VIEW("/a//b/"));
    static const char *const bad[] = { "/a%2fb", "/a%00b", "/../x", "/%2e%2e/x" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        struct http_fetch fetch = http_suite_to(suite, bad[i]);
        expect_ok(http_suite_fetch(suite, &fetch));
        expect_that(suite->fetched.status, ==, 400);
    }
    http_suite_close(suite);
}

/* ---- bodies ---- */

static void expect_count(struct http_suite *suite, const struct http_fetch *fetch,
                         const char *words)
{
    expect_ok(http_suite_fetch(suite, fetch));
    expect_that(suite->fetched.status, ==, 200);
    expect_view(suite->body, view_from_string(words));
}

static struct http_suite *open_count(struct http_fixture *fixture, struct http_handler *count,
                                     struct http_route *route)
{
    *count = (struct http_handler){ http_suite_count };
    *route = (struct http_route)HTTP_SUITE_ROUTE("/count", count);
    return http_suite_open(fixture, route, 1);
}

void http_case_body_is_read(struct http_fixture *fixture)
{
    struct http_handler count;
    struct http_route route;
    uint8_t small[300];
    static const uint8_t zeros[20000];
    struct http_suite *suite = open_count(fixture, &count, &route);
    struct http_fetch fetch = http_suite_to(suite, "/count");
    http_suite_fill(SPAN_OF(small), 0);
    fetch.method = HTTP_POST;
    fetch.body = VIEW_OF(small);
    expect_count(suite, &fetch, "POST 300 pattern");
    fetch.body = VIEW_OF(zeros);
    expect_count(suite, &fetch, "POST 20000");
    fetch.body = VIEW_OF(small);
    fetch.method = HTTP_PATCH;
    expect_count(suite, &fetch, "PATCH 300 pattern");
    http_suite_close(suite);
}

static void expect_source(struct http_fixture *fixture, bool is_told)
{
    static const uint64_t sizes[] = { 0, 1, 4999, 5000, 16384, 300000 };
    struct http_handler count;
    struct http_route route;
    struct http_suite *suite = open_count(fixture, &count, &route);
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        struct http_suite_source source = http_suite_source(sizes[i], is_told);
        uint8_t room[40];
        struct writer writer = writer_over(SPAN_OF(room));
        writer_format(&writer, "PUT %llu pattern", (unsigned long long)sizes[i]);
        struct http_fetch fetch = http_suite_to(suite, "/count");
        fetch.method = HTTP_PUT;
        fetch.source = &source.source;
        expect_ok(http_suite_fetch(suite, &fetch));
        expect_view(suite->body, writer_view(&writer));
    }
    http_suite_close(suite);
}

void http_case_body_of_a_source(struct http_fixture *fixture)
{
    expect_source(fixture, true);
}

void http_case_body_in_chunks(struct http_fixture *fixture)
{
    expect_source(fixture, false);
}

void http_case_body_that_is_not_there(struct http_fixture *fixture)
{
    struct http_handler count;
    struct http_route route;
    struct http_suite *suite = open_count(fixture, &count, &route);
    static const enum http_method methods[] = { HTTP_GET, HTTP_POST, HTTP_DELETE };
    static const char *const words[] = { "GET 0 pattern", "POST 0 pattern", "DELETE 0 pattern" };
    for (size_t i = 0; i < LENGTH_OF(methods); i++) {
        struct http_fetch fetch = http_suite_to(suite, "/count");
        fetch.method = methods[i];
        expect_count(suite, &fetch, words[i]);
    }
    http_suite_close(suite);
}

static void expect_unread(struct http_fixture *fixture, uint64_t length_bytes, bool is_told)
{
    struct http_handler hello = { http_suite_hello };
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/hello", &hello) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    for (unsigned i = 0; i < 3; i++) {
        struct http_suite_source source = http_suite_source(length_bytes, is_told);
        struct http_fetch fetch = http_suite_to(suite, "/hello");
        fetch.method = HTTP_POST;
        fetch.source = &source.source;
        expect_ok(http_suite_fetch(suite, &fetch));
        expect_that(suite->fetched.status, ==, 200);
        expect_view(suite->body, VIEW("hello"));
        http_suite_expect(suite, "/hello", 200, VIEW("hello"));
    }
    http_suite_close(suite);
}

void http_case_body_that_nobody_reads(struct http_fixture *fixture)
{
    expect_unread(fixture, 100, true);
    expect_unread(fixture, 100, false);
}

void http_case_body_that_is_large_and_nobody_reads(struct http_fixture *fixture)
{
    expect_unread(fixture, MIB, true);
    expect_unread(fixture, MIB, false);
}

static void expect_over_limit(struct http_fixture *fixture, bool is_told)
{
    struct http_handler count;
    struct http_route route;
    struct http_suite *suite = open_count(fixture, &count, &route);
    struct http_suite_source source = http_suite_source(fixture->body_bytes_max + 1, is_told);
    struct http_fetch fetch = http_suite_to(suite, "/count");
    fetch.method = HTTP_POST;
    fetch.source = &source.source;
    expect_ok(http_suite_fetch(suite, &fetch));
    expect_that(suite->fetched.status, ==, 413);
    http_suite_close(suite);
}

void http_case_body_over_the_limit(struct http_fixture *fixture)
{
    expect_over_limit(fixture, true);
}

void http_case_chunks_over_the_limit(struct http_fixture *fixture)
{
    expect_over_limit(fixture, false);
}

/* Sends back what it reads, as it reads it. */
static enum result echo(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    uint8_t room[512];
    size_t length_bytes;
    struct http_response response = { .status = 200, .content_length = HTTP_LENGTH_UNKNOWN };
    enum result result = http_begin(exchange, &response);
    while (result == OK) {
        result = http_read(exchange, SPAN_OF(room), &length_bytes);
        struct view piece = view_first(VIEW_OF(room), length_bytes);
        if (result == OK) result = http_write(exchange, &piece, 1);
    }
    return result == CLOSED ? OK : result;
}

void http_case_body_goes_both_ways_at_once(struct http_fixture *fixture)
{
    struct http_handler handler = { echo };
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/echo", &handler) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    struct http_suite_source source = http_suite_source(700000, false);
    struct http_fetch fetch = http_suite_to(suite, "/echo");
    fetch.method = HTTP_POST;
    fetch.source = &source.source;
    expect_ok(http_suite_fetch(suite, &fetch));
    expect_that(suite->received_bytes, ==, 700000);
    expect(suite->is_pattern);
    http_suite_close(suite);
}
