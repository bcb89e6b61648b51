/* http_memory.c - the site that is served in memory, and the fetches from it.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_memory.h"

#include "fiber/stop.h"
#include "http/http_memory_exchange.h"
#include "target/memory.h"

#define EXCHANGE_COUNT_DEFAULT 8
#define BODY_BYTES_DEFAULT     MIB
#define DRAIN_NS               (10 * S_NS) /* for what is under way when serving ends */

/* ---- serving ---- */

static void wait_for_exchanges(struct http_memory *memory)
{
    uint64_t deadline_ns = deadline_after(loop_now_ns(), DRAIN_NS);
    enum result result = OK;
    while (memory->exchanges_count > 0 && result == OK)
        result = waiters_wait_shielded(&memory->waiters, "http exchanges", deadline_ns);
}

static enum result http_memory_serve(struct http *http, const struct http_site *site)
{
    struct http_memory *memory = CONTAINER_OF(http, struct http_memory, http);
    assert(!memory->is_serving);
    enum result result = http_routes_open(&memory->routes, site);
    if (result != OK) return result;
    memory->is_serving = true;
    result = stop_wait(NEVER);
    memory->is_serving = false;
    wait_for_exchanges(memory);
    assert_that(memory->exchanges_count, ==, 0); /* their views are into the routes */
    http_routes_close(&memory->routes);
    return result == CANCELLED ? OK : result;
}

/* ---- one exchange ---- */

static void put_allowed(struct writer *writer, unsigned allowed)
{
    for (unsigned method = 0; method < HTTP_METHODS; method++) {
        if ((allowed & 1u << method) == 0) continue;
        if (writer->length_bytes > 0) writer_put(writer, VIEW(", "));
        writer_put(writer, http_method_text((enum http_method)method));
    }
}

/* There is the path, but not with this method. OPTIONS asks for just that. */
static enum result respond_allowed(struct http_exchange *exchange, unsigned allowed)
{
    uint8_t room[64];
    struct writer writer = writer_over(SPAN_OF(room));
    put_allowed(&writer, allowed);
    struct http_field field = { VIEW("Allow"), writer_view(&writer) };
    bool asked = exchange->request.method == HTTP_OPTIONS;
    struct http_response response = { .status = asked ? 204 : 405,
                                      .fields = &field,
                                      .field_count = 1 };
    struct view words = VIEW("405 Method Not Allowed\n");
    if (!asked) response.media_type = VIEW("text/plain; charset=utf-8");
    return http_respond(exchange, &response, &words, asked ? 0 : 1);
}

static enum result dispatch(struct http_memory *memory, struct http_exchange *exchange)
{
    struct http_match match = http_routes_match(&memory->routes, &exchange->request);
    if (match.route != NULL) return match.route->handler->handle(match.route->handler, exchange);
    return match.allowed == 0 ? NOT_FOUND : respond_allowed(exchange, match.allowed);
}

static void exchange_run(struct task *task)
{
    struct http_memory_exchange *exchange = CONTAINER_OF(task, struct http_memory_exchange, task);
    unsigned refused;
    exchange->result = http_memory_exchange_fill(exchange, &refused);
    if (exchange->result != OK) return;
    enum result result = refused != 0 ? http_respond_error(&exchange->exchange, refused)
                                      : dispatch(exchange->memory, &exchange->exchange);
    http_memory_exchange_end(exchange, result);
}

/* ---- fetching ---- */

static enum result exchange_take(struct http_memory *memory, struct http_memory_exchange **exchange)
{
    if (!memory->is_serving) return REFUSED;
    struct list_node *node = list_take(&memory->free);
    if (node == NULL) return FULL;
    *exchange = CONTAINER_OF(node, struct http_memory_exchange, node);
    memory->exchanges_count++;
    return OK;
}

static void exchange_give(struct http_memory *memory, struct http_memory_exchange *exchange)
{
    list_prepend(&memory->free, &exchange->node);
    memory->exchanges_count--;
    waiters_wake_all(&memory->waiters);
}

static enum result exchange_wait(struct http_memory_exchange *exchange)
{
    scope_open(&exchange->scope, "http in memory");
    exchange->task.run = exchange_run;
    enum result result = fiber_start(&exchange->scope, &exchange->task, "http handler",
                                     STACK_MEDIUM);
    if (result == OK) result = scope_wait(&exchange->scope, exchange->hop->fetch->deadline_ns);
    scope_close(&exchange->scope);
    return result == OK ? exchange->result : result;
}

static enum result fetch_hop(struct http_memory *memory, struct http_hop *hop,
                             struct http_sink *sink, bool *followed)
{
    struct http_memory_exchange *exchange;
    enum result result = exchange_take(memory, &exchange);
    if (result != OK) return result;
    exchange->exchange = (struct http_exchange){ 0 };
    exchange->memory = memory;
    exchange->hop = hop;
    exchange->sink = sink;
    exchange->taken_bytes = 0;
    exchange->has_no_body = exchange->is_followed = false;
    exchange->result = OK;
    result = exchange_wait(exchange);
    *followed = exchange->is_followed;
    exchange_give(memory, exchange);
    return result;
}

static enum result http_memory_fetch(struct http_client *client, const struct http_fetch *fetch,
                                     struct http_fetched *fetched, struct http_sink *sink)
{
    struct http_memory *memory = CONTAINER_OF(client, struct http_memory, http_client);
    struct http_hop hop;
    enum result result = http_hop_begin(&hop, fetch, fetched);
    bool followed = true;
    while (result == OK && followed)
        result = fetch_hop(memory, &hop, sink, &followed);
    return result;
}

/* ---- the module ---- */

static const struct http_ops http_memory_ops = HTTP_OPS(http_memory);
static const struct http_client_ops http_memory_client_ops = HTTP_CLIENT_OPS(http_memory);

enum result http_memory_open(struct http_memory *memory, const struct http_memory_options *options)
{
    *memory = (struct http_memory){ .http = { &http_memory_ops },
                                    .http_client = { &http_memory_client_ops },
                                    .options = *options };
    if (memory->options.exchange_count == 0)
        memory->options.exchange_count = EXCHANGE_COUNT_DEFAULT;
    if (memory->options.body_bytes_max == 0) memory->options.body_bytes_max = BODY_BYTES_DEFAULT;
    list_init(&memory->free);
    waiters_init(&memory->waiters);
    size_t count = memory->options.exchange_count;
    enum result result = memory_take(count * sizeof(struct http_memory_exchange), &memory->memory);
    if (result != OK) return result;
    struct http_memory_exchange *exchanges = (void *)memory->memory.bytes;
    for (size_t i = 0; i < count; i++)
        list_append(&memory->free, &exchanges[i].node);
    return OK;
}

void http_memory_close(struct http_memory *memory)
{
    assert(!memory->is_serving && memory->exchanges_count == 0);
    memory_give_back(memory->memory);
}
