/* http_route_test.c - which route wins, and which tables are refused.
 *
 * SPDX-License-Identifier: ISC */
#include "base/writer.h"
#include "http/http_route.h"
#include "test/test.h"

static enum result handle(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler, (void)exchange;
    return OK;
}

static struct http_handler handler = { handle };
static struct http_request request;

static struct http_route route_of(enum http_method method, struct view host, struct view pattern)
{
    return (struct http_route){ method, host, pattern, &handler };
}

static enum result open_one(struct view host, struct view pattern)
{
    struct http_routes routes;
    struct http_route route = route_of(HTTP_GET, host, pattern);
    enum result result = http_routes_open(&routes, &(struct http_site){ &route, 1 });
    if (result == OK) http_routes_close(&routes);
    return result;
}

TEST(http_route_patterns_are_checked)
{
    const struct view good[] = {
        VIEW("/"),  VIEW("/a/b"), VIEW("/{x}"),  VIEW("/a/{x}/b"), VIEW("/a/{x}/*"),
        VIEW("/*"), VIEW("/a/"),  VIEW("/a//b"), VIEW("/a b"),     VIEW("/a.b/c"),
    };
    const struct view bad[] = {
        VIEW(""),
        VIEW("a"),
        VIEW("*"),
        VIEW("/{}"),
        VIEW("/{x"),
        VIEW("/x}"),
        VIEW("/a{x}"),
        VIEW("/{x}a"),
        VIEW("/{x}/{x}"),
        VIEW("/*/a"),
        VIEW("/a*"),
        VIEW("/a/../b"),
        VIEW("/a\nb"),
        VIEW("/a?b"),
        VIEW("/{a b}"),
        VIEW("/{*}"),
        VIEW("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"),
    };
    for (size_t i = 0; i < LENGTH_OF(good); i++)
        expect_ok(open_one(VIEW(""), good[i]));
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        expect_result(open_one(VIEW(""), bad[i]), INVALID);
    expect_ok(open_one(VIEW("example.org"), VIEW("/")));
    expect_ok(open_one(VIEW("*.example.org"), VIEW("/")));
    expect_ok(open_one(VIEW("[::1]"), VIEW("/")));
    expect_result(open_one(VIEW("example.org:80"), VIEW("/")), INVALID);
    expect_result(open_one(VIEW("*.*.org"), VIEW("/")), INVALID);
    expect_result(open_one(VIEW("*"), VIEW("/")), INVALID);
    expect_result(open_one(VIEW("example.org."), VIEW("/")), INVALID);
}

static enum result open_two(struct http_route a, struct http_route b)
{
    struct http_routes routes;
    const struct http_route both[] = { a, b };
    enum result result = http_routes_open(&routes, &(struct http_site){ both, 2 });
    if (result == OK) http_routes_close(&routes);
    return result;
}

TEST(http_route_conflicts_are_refused)
{
    struct view none = VIEW(""), host = VIEW("a.b"), same = VIEW("A.B");
    expect_result(
        open_two(route_of(HTTP_GET, none, VIEW("/a")), route_of(HTTP_GET, none, VIEW("/a"))),
        INVALID);
    expect_result(
        open_two(route_of(HTTP_GET, none, VIEW("/{a}")), route_of(HTTP_GET, none, VIEW("/{b}"))),
        INVALID);
    expect_result(
        open_two(route_of(HTTP_GET, host, VIEW("/a")), route_of(HTTP_GET, same, VIEW("/a"))),
        INVALID);
    expect_ok(
        open_two(route_of(HTTP_GET, none, VIEW("/a")), route_of(HTTP_POST, none, VIEW("/a"))));
    expect_ok(open_two(route_of(HTTP_GET, none, VIEW("/a")),
                       route_of(HTTP_ANY_METHOD, none, VIEW("/a"))));
    expect_ok(open_two(route_of(HTTP_GET, none, VIEW("/a")), route_of(HTTP_GET, host, VIEW("/a"))));
    expect_ok(
        open_two(route_of(HTTP_GET, none, VIEW("/{a}")), route_of(HTTP_GET, none, VIEW("/*"))));
}

/* ---- matching ---- */

static struct http_routes routes;

static size_t match(const struct http_route table[], enum http_method method, struct view host,
                    struct view path)
{
    request = (struct http_request){ .method = method, .host = host, .path = path };
    struct http_match match = http_routes_match(&routes, &request);
    return match.route == NULL ? SIZE_MAX : (size_t)(match.route - table);
}

static struct view parameter(struct view name)
{
    return http_request_parameter(&request, name);
}

TEST(http_route_the_most_particular_wins)
{
    struct view none = VIEW(""), org = VIEW("example.org"), wild = VIEW("*.example.org");
    const struct http_route table[] = {
        route_of(HTTP_GET, none, VIEW("/*")),                    /* 0 */
        route_of(HTTP_GET, none, VIEW("/a/{x}")),                /* 1 */
        route_of(HTTP_GET, none, VIEW("/a/b")),                  /* 2 */
        route_of(HTTP_GET, none, VIEW("/{x}/b")),                /* 3 */
        route_of(HTTP_POST, none, VIEW("/a/b")),                 /* 4 */
        route_of(HTTP_ANY_METHOD, none, VIEW("/any")),           /* 5 */
        route_of(HTTP_GET, none, VIEW("/any")),                  /* 6 */
        route_of(HTTP_GET, org, VIEW("/*")),                     /* 7 */
        route_of(HTTP_GET, wild, VIEW("/*")),                    /* 8 */
        route_of(HTTP_GET, VIEW("*.b.example.org"), VIEW("/*")), /* 9 */
        route_of(HTTP_HEAD, none, VIEW("/head")),                /* 10 */
        route_of(HTTP_GET, none, VIEW("/head")),                 /* 11 */
        route_of(HTTP_GET, none, VIEW("/a/{x}/c/{y}")),          /* 12 */
        route_of(HTTP_PUT, none, VIEW("/{x}/b")),                /* 13 */
    };
    expect_ok(http_routes_open(&routes, &(struct http_site){ table, LENGTH_OF(table) }));
    expect_that(match(table, HTTP_GET, none, VIEW("/a/b")), ==, 2);
    expect_that(match(table, HTTP_HEAD, none, VIEW("/a/b")), ==, 2);
    expect_that(match(table, HTTP_POST, none, VIEW("/a/b")), ==, 4);
    expect_that(match(table, HTTP_PUT, none, VIEW("/a/b")), ==, 13);
    expect_that(match(table, HTTP_GET, none, VIEW("/a/x")), ==, 1);
    expect_view(parameter(VIEW("x")), VIEW("x"));
    expect_that(match(table, HTTP_GET, none, VIEW("/y/b")), ==, 3);
    expect_view(parameter(VIEW("x")), VIEW("y"));
    expect_that(match(table, HTTP_GET, none, VIEW("/a/")), ==, 0);
    expect_view(parameter(VIEW("*")), VIEW("a/"));
    expect_that(match(table, HTTP_GET, none, VIEW("/")), ==, 0);
    expect_view(parameter(VIEW("*")), VIEW(""));
    expect_that(match(table, HTTP_GET, none, VIEW("/a/1/c/2")), ==, 12);
    expect_view(parameter(VIEW("x")), VIEW("1"));
    expect_view(parameter(VIEW("y")), VIEW("2"));
    expect_that(match(table, HTTP_GET, none, VIEW("/any")), ==, 6);
    expect_that(match(table, HTTP_PATCH, none, VIEW("/any")), ==, 5);
    expect_that(match(table, HTTP_OPTIONS, none, VIEW("/any")), ==, 5);
    expect_that(match(table, HTTP_HEAD, none, VIEW("/head")), ==, 10);
    expect_that(match(table, HTTP_GET, none, VIEW("/head")), ==, 11);
    expect_that(match(table, HTTP_GET, VIEW("EXAMPLE.org."), VIEW("/a/b")), ==, 7);
    expect_that(match(table, HTTP_GET, VIEW("www.example.org"), VIEW("/a/b")), ==, 8);
    expect_that(match(table, HTTP_GET, VIEW("a.b.example.org"), VIEW("/a/b")), ==, 9);
    expect_that(match(table, HTTP_GET, VIEW("xexample.org"), VIEW("/a/b")), ==, 2);
    http_routes_close(&routes);
}

TEST(http_route_tells_what_is_allowed)
{
    const struct http_route table[] = {
        route_of(HTTP_POST, VIEW(""), VIEW("/a")),
        route_of(HTTP_GET, VIEW(""), VIEW("/{x}")),
    };
    expect_ok(http_routes_open(&routes, &(struct http_site){ table, LENGTH_OF(table) }));
    request = (struct http_request){ .method = HTTP_PUT, .path = VIEW("/a") };
    struct http_match found = http_routes_match(&routes, &request);
    expect(found.route == NULL);
    expect_that(found.allowed, ==,
                1u << HTTP_POST | 1u << HTTP_GET | 1u << HTTP_HEAD | 1u << HTTP_OPTIONS);
    request.path = VIEW("/a/b");
    expect_that(http_routes_match(&routes, &request).allowed, ==, 0);
    http_routes_close(&routes);
}

/* A thousand literals: each is found, and only it. */
TEST(http_route_finds_literals_among_many)
{
    static struct http_route table[1000];
    static uint8_t names[LENGTH_OF(table)][8];
    for (size_t i = 0; i < LENGTH_OF(table); i++) {
        struct view pattern = format(SPAN_OF(names[i]), "/r%zu", i);
        table[i] = route_of(HTTP_GET, VIEW(""), pattern);
    }
    expect_ok(http_routes_open(&routes, &(struct http_site){ table, LENGTH_OF(table) }));
    for (size_t i = 0; i < LENGTH_OF(table); i++)
        expect_that(match(table, HTTP_GET, VIEW(""), table[i].pattern), ==, i);
    expect_that(match(table, HTTP_GET, VIEW(""), VIEW("/r1000")), ==, SIZE_MAX);
    http_routes_close(&routes);
}
