/* http_route_suite.c - cases for every HTTP: which handler answers.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_suite.h"

#include "base/writer.h"

/* Says its name, and the parameters of its route. */
struct named {
    struct http_handler handler;
    const char *name;
};

static enum result say_name(struct http_handler *handler, struct http_exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    uint8_t room[200];
    struct writer writer = writer_over(SPAN_OF(room));
    writer_format(&writer, "%s", CONTAINER_OF(handler, struct named, handler)->name);
    for (size_t i = 0; i < request->parameter_count; i++) {
        struct http_field parameter = request->parameters[i];
        expect_view(http_request_parameter(request, parameter.name), parameter.value);
        writer_format(&writer, " %.*s=%.*s", VIEW_FORMAT(parameter.name),
                      VIEW_FORMAT(parameter.value));
    }
    return http_respond_text(exchange, 200, VIEW("text/plain"), writer_view(&writer));
}

#define NAMED(text) \
    { \
        { say_name }, (text) \
    }

void http_case_routes_by_precedence(struct http_fixture *fixture)
{
    struct named literal = NAMED("literal"), name = NAMED("name"), star = NAMED("star"),
                 deep = NAMED("deep");
    struct http_route routes[] = {
        HTTP_SUITE_ROUTE("/*", &star.handler),
        HTTP_SUITE_ROUTE("/a/{x}", &name.handler),
        HTTP_SUITE_ROUTE("/a/b", &literal.handler),
        HTTP_SUITE_ROUTE("/a/b/*", &deep.handler),
    };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    http_suite_expect(suite, "/a/b", 200, VIEW("literal"));
    http_suite_expect(suite, "/a/c", 200, VIEW("name x=c"));
    http_suite_expect(suite, "/a/", 200, VIEW("star *=a/")); /* {x} matches no empty segment */
    http_suite_expect(suite, "/a/b/", 200, VIEW("deep *="));
    http_suite_expect(suite, "/a/b/c/d", 200, VIEW("deep *=c/d"));
    http_suite_expect(suite, "/a/c/d", 200, VIEW("star *=a/c/d"));
    http_suite_expect(suite, "/", 200, VIEW("star *="));
    http_suite_close(suite);
}

void http_case_routes_have_parameters(struct http_fixture *fixture)
{
    struct named two = NAMED("two"), rest = NAMED("rest");
    struct http_route routes[] = {
        HTTP_SUITE_ROUTE("/{year}/x/{name}", &two.handler),
        HTTP_SUITE_ROUTE("/files/{user}/*", &rest.handler),
    };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    http_suite_expect(suite, "/2026/x/a%20b", 200, VIEW("two year=2026 name=a b"));
    http_suite_expect(suite, "/files/me/", 200, VIEW("rest user=me *="));
    http_suite_expect(suite, "/files/me/a/b.txt", 200, VIEW("rest user=me *=a/b.txt"));
    struct http_fetch fetch = http_suite_to(suite, "/2026/y/z");
    expect_ok(http_suite_fetch(suite, &fetch));
    expect_that(suite->fetched.status, ==, 404);
    http_suite_close(suite);
}

static bool allows(const struct http_suite *suite, struct view method)
{
    struct view rest = http_suite_field(suite, VIEW("Allow"));
    while (!view_is_empty(rest))
        if (view_equal(view_trim(view_cut(rest, ',', &rest)), method)) return true;
    return false;
}

void http_case_routes_by_method(struct http_fixture *fixture)
{
    struct named get = NAMED("get"), put = NAMED("put"), any = NAMED("any"), post = NAMED("post");
    struct http_route routes[] = {
        { .method = HTTP_GET, .pattern = VIEW("/it"), .handler = &get.handler },
        { .method = HTTP_PUT, .pattern = VIEW("/it"), .handler = &put.handler },
        { .method = HTTP_ANY_METHOD, .pattern = VIEW("/any"), .handler = &any.handler },
        { .method = HTTP_POST, .pattern = VIEW("/any"), .handler = &post.handler },
    };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    struct http_fetch fetch = http_suite_to(suite, "/it");
    fetch.method = HTTP_PUT;
    expect_ok(http_suite_fetch(suite, &fetch));
    expect_view(suite->body, VIEW("put"));
    fetch.method = HTTP_DELETE;
    expect_ok(http_suite_fetch(suite, &fetch));
    expect_that(suite->fetched.status, ==, 405);
    expect(allows(suite, VIEW("GET")) && allows(suite, VIEW("HEAD")) && allows(suite, VIEW("PUT")));
    expect(!allows(suite, VIEW("DELETE")) && !allows(suite, VIEW("POST")));
    fetch.method = HTTP_OPTIONS;
    expect_ok(http_suite_fetch(suite, &fetch));
    expect(suite->fetched.status < 300 && allows(suite, VIEW("PUT")));
    http_suite_expect(suite, "/any", 200, VIEW("any"));
    fetch = http_suite_to(suite, "/any");
    fetch.method = HTTP_POST;
    expect_ok(http_suite_fetch(suite, &fetch));
    expect_view(suite->body, VIEW("post")); /* the method itself wins over any */
    fetch.method = HTTP_DELETE;
    expect_ok(http_suite_fetch(suite, &fetch));
    expect_view(suite->body, VIEW("any"));
    http_suite_close(suite);
}

static void expect_host(struct http_suite *suite, const char *host, struct view body)
{
    struct http_fetch fetch = http_suite_to_host(suite, host, "/");
    expect_ok(http_suite_fetch(suite, &fetch));
    expect_that(suite->fetched.status, ==, 200);
    expect_view(suite->body, body);
}

void http_case_routes_by_host(struct http_fixture *fixture)
{
    struct named every = NAMED("every"), exact = NAMED("exact"), below = NAMED("below"),
                 deeper = NAMED("deeper");
    struct http_route routes[] = {
        { HTTP_ANY_METHOD, VIEW(""), VIEW("/"), &every.handler },
        { HTTP_ANY_METHOD, VIEW("*.site.test"), VIEW("/"), &below.handler },
        { HTTP_ANY_METHOD, VIEW("*.deep.site.test"), VIEW("/"), &deeper.handler },
        { HTTP_ANY_METHOD, VIEW("www.site.test"), VIEW("/"), &exact.handler },
    };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    expect_host(suite, "www.site.test", VIEW("exact"));
    expect_host(suite, "WWW.Site.Test", VIEW("exact"));
    expect_host(suite, "shop.site.test", VIEW("below"));
    expect_host(suite, "a.deep.site.test", VIEW("deeper"));
    expect_host(suite, "site.test", VIEW("every"));
    expect_host(suite, "mysite.test", VIEW("every"));
    http_suite_close(suite);
}

void http_case_routes_that_are_malformed(struct http_fixture *fixture)
{
    static const char *const bad[] = { "", "hello", "/{", "/{}", "/a*", "/*/b", "/{a}b" };
    struct http_handler hello = { http_suite_hello };
    struct http *http;
    struct http_client *client;
    fixture->open(fixture, &http, &client);
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        struct http_route route = { HTTP_ANY_METHOD, VIEW(""), view_from_string(bad[i]), &hello };
        expect_result(http_serve(http, &(struct http_site){ &route, 1 }), INVALID);
    }
    fixture->close(fixture);
}
