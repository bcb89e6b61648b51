/* http_fetch_suite.c - cases for every HTTP: what a client does with redirects, and its bounds.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_suite.h"

#include "base/writer.h"
#include "target/clock.h"

/* ---- redirects ---- */

struct redirecting {
    struct http_handler handler;
    unsigned status;
    const char *location;
};

/* With a body, which is not that of the answer. */
static enum result redirect(struct http_handler *handler, struct http_exchange *exchange)
{
    struct redirecting *redirecting = CONTAINER_OF(handler, struct redirecting, handler);
    struct http_field field = { VIEW("Location"), view_from_string(redirecting->location) };
    struct http_response response = { .status = redirecting->status,
                                      .fields = &field,
                                      .field_count = 1 };
    struct view body = VIEW("This way, please.");
    return http_respond(exchange, &response, &body, 1);
}

#define REDIRECTING(code, to) \
    { \
        { redirect }, (code), (to) \
    }

static void fetch_with(struct http_suite *suite, enum http_method method, const char *path,
                       struct view body, unsigned redirects_max)
{
    struct http_fetch fetch = http_suite_to(suite, path);
    fetch.method = method;
    fetch.body = body;
    fetch.redirects_max = redirects_max;
    expect_ok(http_suite_fetch(suite, &fetch));
}

void http_case_fetch_follows_redirects(struct http_fixture *fixture)
{
    struct redirecting first = REDIRECTING(301, "b/second?x"), second = REDIRECTING(302, "../c"),
                       third = REDIRECTING(308, "/d/e#f"), fourth = REDIRECTING(303, "/d/");
    struct http_handler count = { http_suite_count };
    struct http_route routes[] = {
        HTTP_SUITE_ROUTE("/a/first", &first.handler),
        HTTP_SUITE_ROUTE("/a/b/second", &second.handler),
        HTTP_SUITE_ROUTE("/a/c", &third.handler),
        HTTP_SUITE_ROUTE("/d/e", &fourth.handler),
        HTTP_SUITE_ROUTE("/d/", &count),
    };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    fetch_with(suite, HTTP_GET, "/a/first", VIEW(""), 4);
    expect_that(suite->fetched.status, ==, 200);
    expect_view(suite->body, VIEW("GET 0 pattern"));
    expect(view_ends_with(suite->fetched.url, VIEW("/d/")));
    fetch_with(suite, HTTP_HEAD, "/a/first", VIEW(""), 4); /* HEAD stays what it is */
    expect_that(suite->fetched.status, ==, 200);
    expect_that(suite->received_bytes, ==, 0);
    http_suite_close(suite);
}

void http_case_fetch_counts_redirects(struct http_fixture *fixture)
{
    struct redirecting again = REDIRECTING(302, "/again");
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/again", &again.handler) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    for (unsigned redirects = 0; redirects < 3; redirects++) {
        fetch_with(suite, HTTP_GET, "/again", VIEW(""), redirects);
        expect_that(suite->fetched.status, ==, 302);
        expect_view(suite->body, VIEW("This way, please."));
        expect_view(http_suite_field(suite, VIEW("Location")), VIEW("/again"));
    }
    http_suite_close(suite);
}

void http_case_fetch_turns_post_into_get(struct http_fixture *fixture)
{
    struct http_handler count = { http_suite_count };
    for (unsigned status = 301; status <= 303; status++) {
        struct redirecting redirecting = REDIRECTING(status, "/count");
        struct http_route routes[] = { HTTP_SUITE_ROUTE("/it", &redirecting.handler),
                                       HTTP_SUITE_ROUTE("/count", &count) };
        struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
        fetch_with(suite, HTTP_POST, "/it", VIEW("something"), 1);
        expect_view(suite->body, VIEW("GET 0 pattern"));
        fetch_with(suite, HTTP_PUT, "/it", VIEW("other"), 1);
        expect_view(suite->body, status == 303 ? VIEW("GET 0 pattern") : VIEW("PUT 5"));
        http_suite_close(suite);
    }
}

void http_case_fetch_sends_a_body_again(struct http_fixture *fixture)
{
    struct http_handler count = { http_suite_count };
    static const unsigned statuses[] = { 307, 308 };
    for (size_t i = 0; i < LENGTH_OF(statuses); i++) {
        struct redirecting redirecting = REDIRECTING(statuses[i], "/count");
        struct http_route routes[] = { HTTP_SUITE_ROUTE("/it", &redirecting.handler),
                                       HTTP_SUITE_ROUTE("/count", &count) };
        struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
        static const uint8_t large[30000];
        fetch_with(suite, HTTP_POST, "/it", VIEW("something"), 1);
        expect_view(suite->body, VIEW("POST 9"));
        fetch_with(suite, HTTP_POST, "/it", VIEW_OF(large), 1);
        expect_view(suite->body, VIEW("POST 30000"));
        http_suite_close(suite);
    }
}

void http_case_fetch_does_not_repeat_a_source(struct http_fixture *fixture)
{
    struct redirecting temporary = REDIRECTING(307, "/count"), see = REDIRECTING(303, "/count");
    struct http_handler count = { http_suite_count };
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/temporary", &temporary.handler),
                                   HTTP_SUITE_ROUTE("/see", &see.handler),
                                   HTTP_SUITE_ROUTE("/count", &count) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    struct http_suite_source source = http_suite_source(100, true);
    struct http_fetch fetch = http_suite_to(suite, "/temporary");
    fetch.method = HTTP_POST;
    fetch.source = &source.source;
    fetch.redirects_max = 5;
    expect_ok(http_suite_fetch(suite, &fetch));
    expect_that(suite->fetched.status, ==, 307); /* the answer, because the source is used up */
    struct http_suite_source another = http_suite_source(100, true);
    fetch.source = &another.source;
    fetch.url = http_suite_to(suite, "/see").url;
    expect_ok(http_suite_fetch(suite, &fetch));
    expect_view(suite->body, VIEW("GET 0 pattern"));
    http_suite_close(suite);
}

/* ---- secrets ---- */

static enum result say_secrets(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    const struct http_request *request = &exchange->request;
    bool knows = http_request_field(request, VIEW("Authorization")).bytes != NULL ||
                 http_request_field(request, VIEW("Cookie")).bytes != NULL;
    expect_view(http_request_field(request, VIEW("X-Plain")), VIEW("plain"));
    return http_respond_text(exchange, 200, VIEW("text/plain"),
                             knows ? VIEW("knows") : VIEW("does not know"));
}

void http_case_fetch_keeps_secrets_at_home(struct http_fixture *fixture)
{
    char location[64];
    struct redirecting home = REDIRECTING(302, "/say"), away = REDIRECTING(302, location);
    struct http_handler say = { say_secrets };
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/home", &home.handler),
                                   HTTP_SUITE_ROUTE("/away", &away.handler),
                                   HTTP_SUITE_ROUTE("/say", &say) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    struct http_field fields[] = { { VIEW("Authorization"), VIEW("Basic bWU6bXk=") },
                                   { VIEW("Cookie"), VIEW("a=b") },
                                   { VIEW("X-Plain"), VIEW("plain") } };
    struct view url = http_suite_to_host(suite, "other.test", "/say").url;
    (void)format(SPAN_OF(location), "%.*s%c", VIEW_FORMAT(url), 0);
    static const struct {
        const char *path;
        struct view words;
    } expected[] = { { "/home", { (const uint8_t *)"knows", 5 } },
                     { "/away", { (const uint8_t *)"does not know", 13 } } };
    for (size_t i = 0; i < LENGTH_OF(expected); i++) {
        struct http_fetch fetch = http_suite_to(suite, expected[i].path);
        fetch.fields = fields;
        fetch.field_count = LENGTH_OF(fields);
        fetch.redirects_max = 1;
        expect_ok(http_suite_fetch(suite, &fetch));
        expect_view(suite->body, expected[i].words);
    }
    http_suite_close(suite);
}

void http_case_fetch_goes_nowhere_else(struct http_fixture *fixture)
{
    struct redirecting secure = REDIRECTING(302, "https://www.test/"),
                       broken = REDIRECTING(302, "http://a b/"),
                       user = REDIRECTING(302, "http://me@www.test/");
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/secure", &secure.handler),
                                   HTTP_SUITE_ROUTE("/broken", &broken.handler),
                                   HTTP_SUITE_ROUTE("/user", &user.handler) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    struct http_fetch fetch = http_suite_to(suite, "/secure");
    fetch.redirects_max = 1;
    expect_result(http_suite_fetch(suite, &fetch), UNSUPPORTED);
    fetch.url = http_suite_to(suite, "/broken").url;
    expect_result(http_suite_fetch(suite, &fetch), INVALID);
    fetch.url = http_suite_to(suite, "/user").url;
    expect_result(http_suite_fetch(suite, &fetch), INVALID);
    fetch.url = VIEW("https://www.test/");
    expect_result(http_suite_fetch(suite, &fetch), UNSUPPORTED);
    fetch.url = VIEW("/only/a/path");
    expect_result(http_suite_fetch(suite, &fetch), INVALID);
    http_suite_close(suite);
}

/* ---- bounds ---- */

static enum result sleep_long(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    (void)exchange;
    enum result result = fiber_sleep(60 * S_NS);
    return result == TIMED_OUT ? OK : result;
}

void http_case_fetch_has_a_deadline(struct http_fixture *fixture)
{
    struct http_handler sleeping = { sleep_long };
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/sleep", &sleeping) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    struct http_fetch fetch = http_suite_to(suite, "/sleep");
    uint64_t before_ns = clock_monotonic_ns();
    fetch.deadline_ns = before_ns + 30 * MS_NS;
    expect_result(http_suite_fetch(suite, &fetch), TIMED_OUT);
    expect(clock_monotonic_ns() >= fetch.deadline_ns);
    expect(clock_monotonic_ns() < before_ns + 5 * S_NS);
    http_suite_close(suite);
}

static enum result send_ten(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    bool is_told = exchange->request.query.length_bytes == 0;
    struct view ten = VIEW("0123456789");
    struct http_response response = { .status = 200,
                                      .content_length = is_told ? 10 : HTTP_LENGTH_UNKNOWN };
    enum result result = http_begin(exchange, &response);
    return result == OK ? http_write(exchange, &ten, 1) : result;
}

void http_case_fetch_bounds_the_body(struct http_fixture *fixture)
{
    struct http_handler ten = { send_ten };
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/ten", &ten) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    static const char *const paths[] = { "/ten", "/ten?chunked" };
    for (size_t i = 0; i < LENGTH_OF(paths); i++) {
        struct http_fetch fetch = http_suite_to(suite, paths[i]);
        fetch.body_bytes_max = 9;
        expect_result(http_suite_fetch(suite, &fetch), TOO_LARGE);
        fetch.body_bytes_max = 10;
        expect_ok(http_suite_fetch(suite, &fetch));
        expect_that(suite->received_bytes, ==, 10);
    }
    http_suite_close(suite);
}

static enum result refuse_piece(struct http_sink *sink, struct view piece)
{
    (void)sink;
    (void)piece;
    return DENIED;
}

void http_case_fetch_ends_with_its_sink(struct http_fixture *fixture)
{
    struct http_handler hello = { http_suite_hello };
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/hello", &hello) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    struct http_fetch fetch = http_suite_to(suite, "/hello");
    struct http_fetched fetched = { .room = SPAN_OF(suite->room) };
    struct http_sink sink = { refuse_piece };
    expect_result(http_fetch(suite->client, &fetch, &fetched, &sink), DENIED);
    expect_ok(http_fetch(suite->client, &fetch, &fetched, NULL)); /* drops it */
    expect_that(fetched.body_bytes, ==, 5);
    http_suite_expect(suite, "/hello", 200, VIEW("hello"));
    http_suite_close(suite);
}

void http_case_fetch_ends_with_its_source(struct http_fixture *fixture)
{
    struct http_handler count = { http_suite_count };
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/count", &count) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    struct http_fetch fetch = http_suite_to(suite, "/count");
    fetch.method = HTTP_PUT;
    for (unsigned is_told = 0; is_told < 2; is_told++) {
        struct http_suite_source source = http_suite_source(6000, is_told == 1);
        source.total_bytes = 5000;
        source.end = DENIED;
        fetch.source = &source.source;
        expect_result(http_suite_fetch(suite, &fetch), DENIED);
    }
    struct http_suite_source source = http_suite_source(6000, true);
    source.total_bytes = 5000; /* less than it told */
    fetch.source = &source.source;
    expect_result(http_suite_fetch(suite, &fetch), INVALID);
    http_suite_expect(suite, "/count", 200, VIEW("GET 0 pattern"));
    http_suite_close(suite);
}

void http_case_fetch_needs_room(struct http_fixture *fixture)
{
    struct http_handler hello = { http_suite_hello };
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/hello", &hello) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    struct http_fetch fetch = http_suite_to(suite, "/hello");
    uint8_t room[512];
    struct http_fetched fetched = { .room = span_first(SPAN_OF(room), fetch.url.length_bytes - 1) };
    expect_result(http_fetch(suite->client, &fetch, &fetched, NULL), TOO_LARGE);
    fetched.room = span_first(SPAN_OF(room), fetch.url.length_bytes);
    expect_ok(http_fetch(suite->client, &fetch, &fetched, NULL)); /* no fields are wanted */
    fetched.fields = suite->fields;
    fetched.field_room = HTTP_SUITE_FIELDS;
    expect_result(http_fetch(suite->client, &fetch, &fetched, NULL), TOO_LARGE);
    fetched.room = SPAN_OF(room);
    fetched.field_room = 1;
    expect_result(http_fetch(suite->client, &fetch, &fetched, NULL), TOO_LARGE);
    fetched.field_room = HTTP_SUITE_FIELDS;
    expect_ok(http_fetch(suite->client, &fetch, &fetched, NULL));
    expect(fetched.field_count >= 2);
    http_suite_close(suite);
}

void http_case_fetch_refuses_bad_requests(struct http_fixture *fixture)
{
    struct http_handler hello = { http_suite_hello };
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/hello", &hello) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    static const struct {
        const char *name, *value;
    } bad[] = { { "X", "a\r\nY: b" }, { "X Y", "a" }, { "X:", "a" }, { "", "a" }, { "X", "\n" } };
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        struct http_field field = { view_from_string(bad[i].name), view_from_string(bad[i].value) };
        struct http_fetch fetch = http_suite_to(suite, "/hello");
        fetch.fields = &field;
        fetch.field_count = 1;
        expect_result(http_suite_fetch(suite, &fetch), INVALID);
    }
    static const uint8_t url[HTTP_URL_MAX + 1];
    struct http_fetch fetch = http_suite_to(suite, "/hello");
    fetch.url = VIEW_OF(url);
    expect_result(http_suite_fetch(suite, &fetch), TOO_LARGE);
    http_suite_expect(suite, "/hello", 200, VIEW("hello"));
    http_suite_close(suite);
}
