/* http_response_suite.c - cases for every HTTP: what a handler sends.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_suite.h"

#include "base/writer.h"

static struct http_suite *open_one(struct http_fixture *fixture, struct http_handler *handler,
                                   struct http_route *route)
{
    *route = (struct http_route)HTTP_SUITE_ROUTE("/it", handler);
    return http_suite_open(fixture, route, 1);
}

/* A response in pieces of the pattern. */
struct pieces {
    struct http_handler handler;
    uint64_t told_bytes, sent_bytes, piece_bytes;
    enum result result; /* what it returns afterwards */
};

static enum result send_pieces(struct http_handler *handler, struct http_exchange *exchange)
{
    struct pieces *pieces = CONTAINER_OF(handler, struct pieces, handler);
    uint8_t room[512];
    struct http_response response = { .status = 200,
                                      .media_type = VIEW("text/plain"),
                                      .content_length = pieces->told_bytes };
    enum result result = http_begin(exchange, &response);
    for (uint64_t sent = 0; result == OK && sent < pieces->sent_bytes;) {
        size_t length_bytes = (size_t)MIN(pieces->piece_bytes, pieces->sent_bytes - sent);
        struct view piece = view_first(VIEW_OF(room), MIN(length_bytes, sizeof room));
        http_suite_fill(span_first(SPAN_OF(room), piece.length_bytes), sent);
        result = http_write(exchange, &piece, 1);
        sent += piece.length_bytes;
    }
    return result == OK ? pieces->result : result;
}

static struct pieces pieces_of(uint64_t told_bytes, uint64_t sent_bytes)
{
    return (struct pieces){ { send_pieces }, told_bytes, sent_bytes, 100, OK };
}

/* ---- HEAD ---- */

void http_case_head_is_get_without_a_body(struct http_fixture *fixture)
{
    struct http_handler hello = { http_suite_hello };
    struct http_route routes[] = {
        { .method = HTTP_GET, .pattern = VIEW("/it"), .handler = &hello },
    };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    for (unsigned i = 0; i < 2; i++) {
        struct http_fetch fetch = http_suite_to(suite, "/it");
        fetch.method = HTTP_HEAD;
        expect_ok(http_suite_fetch(suite, &fetch));
        expect_that(suite->fetched.status, ==, 200);
        expect_that(suite->received_bytes, ==, 0);
        expect_view(http_suite_field(suite, VIEW("Content-Length")), VIEW("5"));
        expect_view(http_suite_field(suite, VIEW("Content-Type")), VIEW("text/plain"));
        http_suite_expect(suite, "/it", 200, VIEW("hello"));
    }
    http_suite_close(suite);
}

/* What it writes is dropped; and it may write nothing at all. */
void http_case_head_of_a_streamed_body(struct http_fixture *fixture)
{
    static const uint64_t sent[] = { 1000, 0 };
    for (size_t i = 0; i < LENGTH_OF(sent); i++) {
        struct pieces pieces = pieces_of(1000, sent[i]);
        struct http_route route;
        struct http_suite *suite = open_one(fixture, &pieces.handler, &route);
        struct http_fetch fetch = http_suite_to(suite, "/it");
        fetch.method = HTTP_HEAD;
        for (unsigned again = 0; again < 2; again++) {
            expect_ok(http_suite_fetch(suite, &fetch));
            expect_that(suite->received_bytes, ==, 0);
            expect_view(http_suite_field(suite, VIEW("Content-Length")), VIEW("1000"));
        }
        http_suite_close(suite);
    }
}

/* ---- bodies ---- */

static void expect_pieces(struct http_fixture *fixture, struct pieces pieces)
{
    struct http_route route;
    struct http_suite *suite = open_one(fixture, &pieces.handler, &route);
    for (unsigned i = 0; i < 2; i++) {
        struct http_fetch fetch = http_suite_to(suite, "/it");
        expect_ok(http_suite_fetch(suite, &fetch));
        expect_that(suite->fetched.status, ==, 200);
        expect_that(suite->received_bytes, ==, pieces.sent_bytes);
        expect(suite->is_pattern);
        bool is_told = http_suite_field(suite, VIEW("Content-Length")).bytes != NULL;
        expect(is_told == (pieces.told_bytes != HTTP_LENGTH_UNKNOWN));
    }
    http_suite_close(suite);
}

void http_case_response_of_known_length(struct http_fixture *fixture)
{
    expect_pieces(fixture, pieces_of(1234, 1234));
    expect_pieces(fixture, pieces_of(1, 1));
}

void http_case_response_of_unknown_length(struct http_fixture *fixture)
{
    expect_pieces(fixture, pieces_of(HTTP_LENGTH_UNKNOWN, 1234));
    expect_pieces(fixture, pieces_of(HTTP_LENGTH_UNKNOWN, 1));
}

void http_case_response_without_bytes(struct http_fixture *fixture)
{
    expect_pieces(fixture, pieces_of(0, 0));
    expect_pieces(fixture, pieces_of(HTTP_LENGTH_UNKNOWN, 0));
}

void http_case_response_that_is_large(struct http_fixture *fixture)
{
    struct pieces told = pieces_of(MIB, MIB), untold = pieces_of(HTTP_LENGTH_UNKNOWN, MIB);
    told.piece_bytes = untold.piece_bytes = 512;
    expect_pieces(fixture, told);
    expect_pieces(fixture, untold);
}

static enum result send_views(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    struct view views[HTTP_VIEWS_MAX] = { VIEW("a"), VIEW(""),  VIEW("bc"), { 0 },
                                          VIEW(""),  VIEW("d"), VIEW(""),   VIEW("e") };
    struct http_response response = { .status = 203 };
    return http_respond(exchange, &response, views, LENGTH_OF(views));
}

void http_case_response_of_many_views(struct http_fixture *fixture)
{
    struct http_handler handler = { send_views };
    struct http_route route;
    struct http_suite *suite = open_one(fixture, &handler, &route);
    http_suite_expect(suite, "/it", 203, VIEW("abcde"));
    expect_view(http_suite_field(suite, VIEW("Content-Length")), VIEW("5"));
    expect(http_suite_field(suite, VIEW("Content-Type")).bytes == NULL);
    http_suite_close(suite);
}

/* ---- broken ones ---- */

static void expect_broken(struct http_fixture *fixture, struct pieces pieces)
{
    struct http_route route;
    struct http_suite *suite = open_one(fixture, &pieces.handler, &route);
    struct http_fetch fetch = http_suite_to(suite, "/it");
    enum result result = http_suite_fetch(suite, &fetch);
    expect(result == CLOSED || result == FAILED);
    http_suite_close(suite);
}

void http_case_response_that_is_too_short(struct http_fixture *fixture)
{
    expect_broken(fixture, pieces_of(1000, 999));
    expect_broken(fixture, pieces_of(1000, 0));
}

/* Nobody must take a part of a body for all of it. */
void http_case_response_that_breaks_off(struct http_fixture *fixture)
{
    struct pieces pieces = pieces_of(HTTP_LENGTH_UNKNOWN, 500);
    pieces.result = FAILED;
    expect_broken(fixture, pieces);
}

/* ---- statuses ---- */

static enum result send_204(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    return http_respond(exchange, &(struct http_response){ .status = 204 }, NULL, 0);
}

void http_case_response_204(struct http_fixture *fixture)
{
    struct http_handler handler = { send_204 };
    struct http_route route;
    struct http_suite *suite = open_one(fixture, &handler, &route);
    http_suite_expect(suite, "/it", 204, VIEW(""));
    expect(http_suite_field(suite, VIEW("Content-Length")).bytes == NULL); /* RFC 9110 8.6 */
    http_suite_expect(suite, "/it", 204, VIEW(""));
    http_suite_close(suite);
}

static enum result send_304(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    struct view body = VIEW("not for you");
    struct http_field tag = { VIEW("ETag"), VIEW("\"x\"") };
    struct http_response response = { .status = 304, .fields = &tag, .field_count = 1 };
    return http_respond(exchange, &response, &body, 1);
}

void http_case_response_304(struct http_fixture *fixture)
{
    struct http_handler handler = { send_304 };
    struct http_route route;
    struct http_suite *suite = open_one(fixture, &handler, &route);
    for (unsigned i = 0; i < 2; i++) {
        http_suite_expect(suite, "/it", 304, VIEW(""));
        expect_view(http_suite_field(suite, VIEW("Content-Length")), VIEW("11"));
        expect_view(http_suite_field(suite, VIEW("ETag")), VIEW("\"x\""));
    }
    http_suite_close(suite);
}

static enum result send_and_close(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    struct view body = VIEW("bye");
    struct http_response response = { .status = 200, .close = true };
    return http_respond(exchange, &response, &body, 1);
}

void http_case_response_that_closes(struct http_fixture *fixture)
{
    struct http_handler handler = { send_and_close };
    struct http_route route;
    struct http_suite *suite = open_one(fixture, &handler, &route);
    for (unsigned i = 0; i < 3; i++)
        http_suite_expect(suite, "/it", 200, VIEW("bye"));
    http_suite_close(suite);
}

/* What came from a request may come back in a field; it must not become two. */
static enum result send_bad_field(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    struct http_field field = { VIEW("X-From-Request"), VIEW("a\r\nSet-Cookie: b") };
    struct http_response response = { .status = 200, .fields = &field, .field_count = 1 };
    enum result result = http_respond(exchange, &response, NULL, 0);
    expect(result != OK);
    return result;
}

void http_case_response_with_a_bad_field(struct http_fixture *fixture)
{
    struct http_handler handler = { send_bad_field };
    struct http_route route;
    struct http_suite *suite = open_one(fixture, &handler, &route);
    struct http_fetch fetch = http_suite_to(suite, "/it");
    expect_ok(http_suite_fetch(suite, &fetch));
    expect_that(suite->fetched.status, ==, 500);
    expect(http_suite_field(suite, VIEW("Set-Cookie")).bytes == NULL);
    http_suite_close(suite);
}

void http_case_results_become_statuses(struct http_fixture *fixture)
{
    static const struct {
        enum result result;
        unsigned status;
    } expected[] = {
        { NOT_FOUND, 404 }, { INVALID, 400 },     { DENIED, 403 }, { TOO_LARGE, 413 },
        { TIMED_OUT, 408 }, { FULL, 503 },        { OK, 500 },     { UNSUPPORTED, 501 },
        { FAILED, 500 },    { UNREACHABLE, 500 }, { EXISTS, 500 },
    };
    struct http_suite_returning returning = http_suite_returning(OK);
    struct http_route route;
    struct http_suite *suite = open_one(fixture, &returning.handler, &route);
    for (size_t i = 0; i < LENGTH_OF(expected); i++) {
        struct http_fetch fetch = http_suite_to(suite, "/it");
        returning.result = expected[i].result;
        expect_ok(http_suite_fetch(suite, &fetch));
        expect_that(suite->fetched.status, ==, expected[i].status);
        expect(suite->received_bytes > 0); /* a page that says so */
    }
    http_suite_close(suite);
}

static enum result send_error(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    return http_respond_error(exchange, 418);
}

static enum result send_redirect(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    return http_respond_redirect(exchange, 307, VIEW("/elsewhere"));
}

void http_case_helpers_respond(struct http_fixture *fixture)
{
    struct http_handler error = { send_error }, redirect = { send_redirect };
    struct http_route routes[] = { HTTP_SUITE_ROUTE("/error", &error),
                                   HTTP_SUITE_ROUTE("/redirect", &redirect) };
    struct http_suite *suite = http_suite_open(fixture, routes, LENGTH_OF(routes));
    struct http_fetch fetch = http_suite_to(suite, "/error");
    expect_ok(http_suite_fetch(suite, &fetch));
    expect_that(suite->fetched.status, ==, 418);
    expect(view_find(suite->body, VIEW("418")) < suite->body.length_bytes);
    fetch = http_suite_to(suite, "/redirect");
    expect_ok(http_suite_fetch(suite, &fetch));
    expect_that(suite->fetched.status, ==, 307);
    expect_view(http_suite_field(suite, VIEW("Location")), VIEW("/elsewhere"));
    http_suite_close(suite);
}
