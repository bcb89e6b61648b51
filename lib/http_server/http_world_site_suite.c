/* http_world_site_suite.c - the handlers that the tests of the server ask.
 *
 * SPDX-License-Identifier: ISC */
#include "http_server/http_world_site.h"

#include "fiber/fiber.h"
#include "http/http_target.h"
#include "http_server/http_world.h"

#define PIECE_BYTES ((size_t)512)
#define TEXT        VIEW("text/plain")

static enum result hello(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    struct view who = VIEW("world");
    if (exchange->request.parameter_count > 0)
        who = http_request_parameter(&exchange->request, VIEW("name"));
    struct http_response response = { .status = 200, .media_type = TEXT };
    return http_respond(exchange, &response, (const struct view[]){ VIEW("hello, "), who }, 2);
}

static enum result stream(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    struct http_response response = { .status = 200,
                                      .media_type = TEXT,
                                      .content_length = HTTP_LENGTH_UNKNOWN };
    enum result result = http_begin(exchange, &response);
    const struct view pieces[] = { VIEW("one "), VIEW("two "), VIEW("three") };
    for (size_t i = 0; result == OK && i < LENGTH_OF(pieces); i++)
        result = http_write(exchange, &pieces[i], 1);
    return result;
}

static enum result big(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    uint8_t piece[PIECE_BYTES];
    struct http_response response = { .status = 200, .content_length = HTTP_WORLD_BIG_BYTES };
    span_fill(SPAN_OF(piece), 'x');
    enum result result = http_begin(exchange, &response);
    for (size_t i = 0; result == OK && i < HTTP_WORLD_BIG_BYTES / PIECE_BYTES; i++)
        result = http_write(exchange, &VIEW_OF(piece), 1);
    return result;
}

static enum result slow(struct http_handler *handler, struct http_exchange *exchange)
{
    enum result result = fiber_sleep(1 * S_NS);
    return result == TIMED_OUT ? hello(handler, exchange) : result;
}

static enum result field(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    uint8_t room[128];
    struct view value;
    /* A query is decoded as a path is, for which it must look like one. */
    struct view query = exchange->request.query;
    if (!view_starts_with(query, VIEW("/")) || query.length_bytes > sizeof room) return INVALID;
    struct http_refusal refusal = http_path_decode(query, SPAN_OF(room), &value);
    if (refusal.status != 0) return INVALID;
    struct http_field fields[] = { { VIEW("X-Query"), value } };
    struct http_response response = { .status = 200, .fields = fields, .field_count = 1 };
    return http_respond(exchange, &response, NULL, 0);
}

/* Promises ten bytes, or gives no length, and sends fewer. */
static enum result begin_and_fail(struct http_exchange *exchange, uint64_t content_length,
                                  enum result failure)
{
    struct http_response response = { .status = 200, .content_length = content_length };
    enum result result = http_begin(exchange, &response);
    if (result == OK) result = http_write(exchange, &VIEW("short"), 1);
    return result == OK ? failure : result;
}

static enum result ends(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    struct view how = http_request_parameter(&exchange->request, VIEW("how"));
    if (view_equal(how, VIEW("short"))) return begin_and_fail(exchange, 10, OK);
    if (view_equal(how, VIEW("cut"))) return begin_and_fail(exchange, HTTP_LENGTH_UNKNOWN, FAILED);
    if (view_equal(how, VIEW("not-found"))) return NOT_FOUND;
    if (view_equal(how, VIEW("denied"))) return DENIED;
    if (view_equal(how, VIEW("full"))) return FULL;
    return OK;
}

static enum result echo(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    uint8_t room[PIECE_BYTES];
    size_t length_bytes;
    struct http_response response = { .status = 200,
                                      .content_length = exchange->request.content_length };
    enum result result = http_begin(exchange, &response);
    while (result == OK) {
        result = http_read(exchange, SPAN_OF(room), &length_bytes);
        if (result != OK) break;
        struct view piece = view_from(room, length_bytes);
        result = http_write(exchange, &piece, 1);
    }
    return result == CLOSED ? OK : result;
}

static enum result count(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    uint8_t room[PIECE_BYTES];
    uint64_t sum_bytes = 0;
    size_t length_bytes;
    enum result result = OK;
    while (result == OK) {
        result = http_read(exchange, SPAN_OF(room), &length_bytes);
        sum_bytes += result == OK ? length_bytes : 0;
    }
    if (result != CLOSED) return result;
    struct view text = format(SPAN_OF(room), "%llu bytes", (unsigned long long)sum_bytes);
    return http_respond_text(exchange, 200, TEXT, text);
}

void http_world_site_init(struct http_world_site *site)
{
    const struct {
        enum http_method method;
        struct view host, pattern;
        enum result (*handle)(struct http_handler *handler, struct http_exchange *exchange);
    } table[HTTP_WORLD_ROUTES] = {
        { HTTP_GET, VIEW(""), VIEW("/hello"), hello },
        { HTTP_GET, VIEW(""), VIEW("/hello/{name}"), hello },
        { HTTP_GET, VIEW(""), VIEW("/stream"), stream },
        { HTTP_GET, VIEW(""), VIEW("/big"), big },
        { HTTP_GET, VIEW(""), VIEW("/slow"), slow },
        { HTTP_GET, VIEW(""), VIEW("/field"), field },
        { HTTP_GET, VIEW(""), VIEW("/ends/{how}"), ends },
        { HTTP_POST, VIEW(""), VIEW("/echo"), echo },
        { HTTP_POST, VIEW(""), VIEW("/count"), count },
        { HTTP_GET, VIEW("example.org"), VIEW("/only"), hello },
        { HTTP_GET, VIEW("*.example.net"), VIEW("/only"), hello },
    };
    for (size_t i = 0; i < HTTP_WORLD_ROUTES; i++) {
        site->handlers[i].handle = table[i].handle;
        site->routes[i] = (struct http_route){ .method = table[i].method,
                                               .host = table[i].host,
                                               .pattern = table[i].pattern,
                                               .handler = &site->handlers[i] };
    }
    site->site = (struct http_site){ site->routes, HTTP_WORLD_ROUTES };
}
