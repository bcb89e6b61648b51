/* http_suite.c - what the cases for HTTP share, and the first of them.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_suite.h"

#include "base/writer.h"
#include "fiber/sync.h"
#include "target/clock.h"
#include "target/memory.h"

#define FETCH_NS       (10 * S_NS)
#define BODY_BYTES_MAX (64 * MIB)

/* ---- a pattern ---- */

uint8_t http_suite_byte(uint64_t offset)
{
    return (uint8_t)(offset * 7 + (offset >> 8) * 13 + (offset >> 16));
}

void http_suite_fill(struct span room, uint64_t offset)
{
    for (size_t i = 0; i < room.length_bytes; i++)
        room.bytes[i] = http_suite_byte(offset + i);
}

bool http_suite_is_pattern(struct view bytes, uint64_t offset)
{
    for (size_t i = 0; i < bytes.length_bytes; i++)
        if (bytes.bytes[i] != http_suite_byte(offset + i)) return false;
    return true;
}

static enum result source_get(struct http_source *base, struct span room, size_t *length_bytes)
{
    struct http_suite_source *source = CONTAINER_OF(base, struct http_suite_source, source);
    *length_bytes = (size_t)MIN(room.length_bytes, source->total_bytes - source->given_bytes);
    if (*length_bytes == 0) return source->end;
    *length_bytes = MIN(*length_bytes, 5000); /* rarely as much as there is room for */
    http_suite_fill(span_first(room, *length_bytes), source->given_bytes);
    source->given_bytes += *length_bytes;
    return OK;
}

struct http_suite_source http_suite_source(uint64_t total_bytes, bool is_told)
{
    return (struct http_suite_source){
        .source = { source_get, is_told ? total_bytes : HTTP_LENGTH_UNKNOWN },
        .total_bytes = total_bytes,
        .end = CLOSED,
    };
}

/* ---- serving and fetching ---- */

static void server_run(struct task *task)
{
    struct http_suite *suite = CONTAINER_OF(task, struct http_suite, server);
    suite->served = http_serve(suite->http, &suite->site);
}

static enum result sink_put(struct http_sink *sink, struct view piece)
{
    struct http_suite *suite = CONTAINER_OF(sink, struct http_suite, sink);
    size_t kept = suite->body.length_bytes;
    size_t more = MIN(sizeof suite->body_room - kept, piece.length_bytes);
    expect(piece.length_bytes > 0);
    suite->is_pattern = suite->is_pattern && http_suite_is_pattern(piece, suite->received_bytes);
    (void)span_copy(span_from_offset(SPAN_OF(suite->body_room), kept), view_first(piece, more));
    suite->body = view_first(VIEW_OF(suite->body_room), kept + more);
    suite->received_bytes += piece.length_bytes;
    return OK;
}

struct http_suite *http_suite_open(struct http_fixture *fixture, const struct http_route routes[],
                                   size_t count)
{
    struct span memory;
    expect_ok(memory_take(sizeof(struct http_suite), &memory));
    struct http_suite *suite = (void *)memory.bytes;
    *suite = (struct http_suite){ .fixture = fixture,
                                  .site = { routes, count },
                                  .server = { server_run },
                                  .memory = memory,
                                  .sink = { sink_put } };
    fixture->open(fixture, &suite->http, &suite->client);
    scope_open(&suite->scope, "http suite");
    expect_ok(fiber_start(&suite->scope, &suite->server, "http suite", STACK_MEDIUM));
    fiber_yield();
    return suite;
}

void http_suite_close(struct http_suite *suite)
{
    struct http_fixture *fixture = suite->fixture;
    scope_close(&suite->scope);
    enum result served = suite->served;
    memory_give_back(suite->memory);
    fixture->close(fixture);
    expect_ok(served);
}

struct http_fetch http_suite_to_host(struct http_suite *suite, const char *host, const char *path)
{
    unsigned port = suite->fixture->port(suite->fixture);
    struct view url = format(SPAN_OF(suite->url), "http://%s:%u%s", host, port, path);
    return (struct http_fetch){ .method = HTTP_GET,
                                .url = url,
                                .body_bytes_max = BODY_BYTES_MAX,
                                .deadline_ns = deadline_after(clock_monotonic_ns(), FETCH_NS) };
}

struct http_fetch http_suite_to(struct http_suite *suite, const char *path)
{
    return http_suite_to_host(suite, "www.test", path);
}

enum result http_suite_fetch(struct http_suite *suite, const struct http_fetch *fetch)
{
    suite->fetched = (struct http_fetched){ .room = SPAN_OF(suite->room),
                                            .fields = suite->fields,
                                            .field_room = LENGTH_OF(suite->fields) };
    suite->body = view_first(VIEW_OF(suite->body_room), 0);
    suite->is_pattern = true;
    suite->received_bytes = 0;
    enum result result = http_fetch(suite->client, fetch, &suite->fetched, &suite->sink);
    if (result == OK) expect_that(suite->fetched.body_bytes, ==, suite->received_bytes);
    return result;
}

void http_suite_expect(struct http_suite *suite, const char *path, unsigned status,
                       struct view body)
{
    struct http_fetch fetch = http_suite_to(suite, path);
    expect_ok(http_suite_fetch(suite, &fetch));
    expect_that(suite->fetched.status, ==, status);
    expect_view(suite->body, body);
}

struct view http_suite_field(const struct http_suite *suite, struct view name)
{
    for (size_t i = 0; i < suite->fetched.field_count; i++)
        if (view_equal_ignoring_case(suite->fetched.fields[i].name, name))
            return suite->fetched.fields[i].value;
    return (struct view){ 0 };
}

/* ---- handlers ---- */

enum result http_suite_hello(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    return http_respond_text(exchange, 200, VIEW("text/plain"), VIEW("hello"));
}

enum result http_suite_count(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    uint8_t room[700];
    size_t length_bytes;
    uint64_t total_bytes = 0;
    bool is_pattern = true;
    enum result result;
    while ((result = http_read(exchange, SPAN_OF(room), &length_bytes)) == OK) {
        struct view piece = view_first(VIEW_OF(room), length_bytes);
        is_pattern = is_pattern && http_suite_is_pattern(piece, total_bytes);
        total_bytes += length_bytes;
    }
    if (result != CLOSED) return result;
    expect_result(http_read(exchange, SPAN_OF(room), &length_bytes), CLOSED); /* and so it stays */
    struct view words = format(SPAN_OF(room), "%.*s %llu%s",
                               VIEW_FORMAT(http_method_text(exchange->request.method)),
                               (unsigned long long)total_bytes, is_pattern ? " pattern" : "");
    return http_respond_text(exchange, 200, VIEW("text/plain"), words);
}

static enum result return_result(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)exchange;
    return CONTAINER_OF(handler, struct http_suite_returning, handler)->result;
}

struct http_suite_returning http_suite_returning(enum result result)
{
    return (struct http_suite_returning){ { return_result }, result };
}

/* ---- the first cases ---- */

void http_case_get(struct http_fixture *fixture)
{
    struct http_handler hello = { http_suite_hello };
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/hello", &hello) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    for (unsigned i = 0; i < 3; i++) {
        http_suite_expect(suite, "/hello", 200, VIEW("hello"));
        expect_view(http_suite_field(suite, VIEW("Content-Type")), VIEW("text/plain"));
        expect_view(http_suite_field(suite, VIEW("Content-Length")), VIEW("5"));
        expect(view_ends_with(suite->fetched.url, VIEW("/hello")));
    }
    http_suite_expect(suite, "/hello?and#what", 200, VIEW("hello"));
    expect(view_ends_with(suite->fetched.url, VIEW("/hello?and")));
    http_suite_close(suite);
}

/* Handlers for one at a time, so that a slow one does not hold up the others. */
struct meeting {
    struct http_handler waits, comes;
    struct event met;
};

static enum result wait_for_other(struct http_handler *handler, struct http_exchange *exchange)
{
    struct meeting *meeting = CONTAINER_OF(handler, struct meeting, waits);
    enum result result = event_wait(&meeting->met, deadline_after(loop_now_ns(), FETCH_NS));
    return result == OK ? http_suite_hello(handler, exchange) : result;
}

static enum result come(struct http_handler *handler, struct http_exchange *exchange)
{
    event_set(&CONTAINER_OF(handler, struct meeting, comes)->met);
    return http_suite_hello(handler, exchange);
}

struct second_fetch {
    struct task task;
    struct http_suite *suite;
    struct http_fetched fetched;
    uint8_t room[256];
    enum result result;
};

static void second_run(struct task *task)
{
    struct second_fetch *second = CONTAINER_OF(task, struct second_fetch, task);
    struct http_fetch fetch = http_suite_to(second->suite, "/waits");
    second->fetched = (struct http_fetched){ .room = SPAN_OF(second->room) };
    second->result = http_fetch(second->suite->client, &fetch, &second->fetched, NULL);
}

void http_case_two_at_once(struct http_fixture *fixture)
{
    struct meeting meeting = { .waits = { wait_for_other }, .comes = { come } };
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/waits", &meeting.waits),
                                   HTTP_SUITE_ROUTE("/comes", &meeting.comes) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    struct second_fetch second = { .task = { second_run }, .suite = suite, .result = FAILED };
    struct scope scope;
    event_init(&meeting.met);
    scope_open(&scope, "second fetch");
    expect_ok(fiber_start(&scope, &second.task, "second fetch", STACK_MEDIUM));
    fiber_yield();
    http_suite_expect(suite, "/comes", 200, VIEW("hello"));
    expect_ok(scope_wait(&scope, deadline_after(clock_monotonic_ns(), FETCH_NS)));
    expect_ok(second.result);
    expect_that(second.fetched.status, ==, 200);
    http_suite_close(suite);
}
