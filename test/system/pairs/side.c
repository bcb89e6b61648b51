/* side.c - a store over HTTP, and an echo over UDP that says whose it is.
 *
 * SPDX-License-Identifier: ISC */
#include "side.h"

#include "base/writer.h"

#define LOG_MODULE "pairs"
#include "log/log.h"

#define TEXT        VIEW("text/plain; charset=utf-8")
#define VALUE_MAX   512
#define MESSAGE_MAX 512
#define PATIENCE_NS (1 * S_NS)

/* ---- the store ---- */

static struct view key_of(struct http_exchange *exchange)
{
    return http_request_parameter(&exchange->request, VIEW("*"));
}

static enum result get(struct http_handler *handler, struct http_exchange *exchange)
{
    struct side *side = CONTAINER_OF(handler, struct side, get);
    uint8_t room[VALUE_MAX];
    size_t length_bytes;
    enum result result = kv_get(side->kv, key_of(exchange), SPAN_OF(room), &length_bytes);
    if (result != OK) return result;
    return http_respond_text(exchange, 200, TEXT, view_from(room, length_bytes));
}

static enum result put(struct http_handler *handler, struct http_exchange *exchange)
{
    struct side *side = CONTAINER_OF(handler, struct side, put);
    uint8_t room[VALUE_MAX];
    size_t filled_bytes = 0, length_bytes = 0;
    enum result result = OK;
    while (result == OK && filled_bytes < sizeof room) {
        result = http_read(exchange, span_from_offset(SPAN_OF(room), filled_bytes), &length_bytes);
        filled_bytes += length_bytes;
    }
    if (result == OK) return TOO_LARGE;
    if (result != CLOSED) return result;
    result = kv_set(side->kv, key_of(exchange), view_from(room, filled_bytes));
    if (result != OK) return result;
    return http_respond(exchange, &(struct http_response){ .status = 204 }, NULL, 0);
}

static enum result remove_key(struct http_handler *handler, struct http_exchange *exchange)
{
    struct side *side = CONTAINER_OF(handler, struct side, remove);
    enum result result = kv_remove(side->kv, key_of(exchange));
    if (result != OK) return result;
    return http_respond(exchange, &(struct http_response){ .status = 204 }, NULL, 0);
}

struct lister {
    struct kv_visitor visitor;
    struct writer names;
};

static bool list_key(struct kv_visitor *visitor, struct view key, uint64_t size_bytes)
{
    struct lister *lister = CONTAINER_OF(visitor, struct lister, visitor);
    writer_format(&lister->names, "%.*s %llu\n", VIEW_FORMAT(key), (unsigned long long)size_bytes);
    return !lister->names.ran_short;
}

static enum result list(struct http_handler *handler, struct http_exchange *exchange)
{
    struct side *side = CONTAINER_OF(handler, struct side, list);
    uint8_t room[VALUE_MAX];
    struct lister lister = { .visitor = { list_key }, .names = writer_over(SPAN_OF(room)) };
    writer_format(&lister.names, "%.*s\n", VIEW_FORMAT(side->name));
    enum result result = kv_list(side->kv, VIEW(""), &lister.visitor);
    if (result != OK) return result;
    return http_respond_text(exchange, 200, TEXT, writer_view(&lister.names));
}

/* ---- the echo ---- */

static enum result echo_one(struct side *side)
{
    uint8_t room[MESSAGE_MAX], answer_room[MESSAGE_MAX + 16];
    struct datagram_in in = { .room = SPAN_OF(room) };
    size_t count;
    enum result result = udp_receive(side->echo, &in, 1, &count, NEVER);
    if (result != OK) return result == REFUSED ? OK : result;
    struct writer answer = writer_over(SPAN_OF(answer_room));
    writer_put(&answer, side->name);
    writer_put(&answer, VIEW(": "));
    writer_put(&answer, view_from(room, in.length_bytes));
    const struct datagram_out out = { .peer = in.peer,
                                      .source = in.destination,
                                      .bytes = writer_view(&answer) };
    result = udp_send(side->echo, &out, 1, &count, deadline_after(loop_now_ns(), PATIENCE_NS));
    return result == CANCELLED ? result : OK; /* what cannot be sent is dropped */
}

static void echo_run(struct task *task)
{
    struct side *side = CONTAINER_OF(task, struct side, echoing);
    enum result result;
    do {
        result = echo_one(side);
    } while (result == OK);
}

/* ---- both ---- */

static void serve_run(struct task *task)
{
    struct side *side = CONTAINER_OF(task, struct side, serving);
    side->result = http_serve(side->http, &(struct http_site){ side->routes, SIDE_ROUTES });
}

static void side_route(struct side *side)
{
    const struct http_route routes[SIDE_ROUTES] = {
        { .method = HTTP_GET, .pattern = VIEW("/keep/*"), .handler = &side->get },
        { .method = HTTP_PUT, .pattern = VIEW("/keep/*"), .handler = &side->put },
        { .method = HTTP_DELETE, .pattern = VIEW("/keep/*"), .handler = &side->remove },
        { .method = HTTP_GET, .pattern = VIEW("/list"), .handler = &side->list },
        { .method = HTTP_GET, .pattern = VIEW("/metrics"), .handler = &side->metrics.handler },
    };
    __builtin_memcpy(side->routes, routes, sizeof routes);
    side->get.handle = get;
    side->put.handle = put;
    side->remove.handle = remove_key;
    side->list.handle = list;
    http_metrics_init(&side->metrics);
}

enum result side_start(struct side *side, struct scope *webs, struct scope *echoes)
{
    const struct endpoint local = { .port = side->echo_port };
    side_route(side);
    enum result result = udp_bind(side->udp, &local, &side->echo);
    if (result != OK) return result;
    log_info("%.*s echo on UDP port %u", VIEW_FORMAT(side->name), side->echo->local.port);
    side->serving.run = serve_run;
    side->echoing.run = echo_run;
    result = fiber_start(echoes, &side->echoing, "echo", STACK_SMALL);
    if (result != OK) return result;
    return fiber_start(webs, &side->serving, "web", STACK_SMALL);
}

void side_end(struct side *side)
{
    if (side->echo != NULL) udp_port_close(side->echo);
}
