/* http_world_suite.c - serves the site of the tests, and speaks to it byte by byte.
 *
 * SPDX-License-Identifier: ISC */
#include "http_server/http_world.h"

#include "target/memory.h"
#include "test/test.h"

void http_world_init(struct http_world *world, struct tcp *tcp)
{
    uint8_t message[128];
    size_t message_bytes;
    *world = (struct http_world){ .tcp = tcp };
    struct parameter_group group = { "http", "", http_server_parameters,
                                     SPAN_OF(world->parameters) };
    expect_ok(parameter_read(&group, 1, NULL, 0, SPAN_OF(message), &message_bytes));
    http_world_site_init(&world->site);
    world->parameters.access_log = HTTP_ACCESS_LOG_OFF;
    world->parameters.port = 0;
    world->parameters.address = address_loopback(ADDRESS_IPV4);
    world->parameters.connections_count = 64;
    world->parameters.buffers_count = 64;
    world->parameters.sessions_count = 16;
}

static void serve(struct task *task)
{
    struct http_world *world = CONTAINER_OF(task, struct http_world, task);
    world->served = http_serve(&world->server.http, &world->site.site);
    world->ended = true;
}

void http_world_open(struct http_world *world)
{
    expect_ok(memory_take(HTTP_WORLD_ROOM_BYTES, &world->room));
    expect_ok(http_server_open(&world->server, world->tcp, &world->parameters));
    scope_open(&world->scope, "http world");
    world->task.run = serve;
    expect_ok(fiber_start(&world->scope, &world->task, "http serve", STACK_MEDIUM));
    fiber_yield();
    expect(world->server.listener != NULL);
    world->endpoint = world->server.listener->local;
}

void http_world_close(struct http_world *world)
{
    scope_close(&world->scope);
    expect(world->ended);
    expect_ok(world->served);
    expect_that(world->server.figures.connections_open, ==, 0);
    expect_that(world->server.figures.sessions_in_use, ==, 0);
    expect_that(world->server.figures.queued_now, ==, 0);
    http_server_close(&world->server);
    memory_give_back(world->room);
}

struct flow *http_world_connect(struct http_world *world)
{
    static const struct connect_options options = { 0 };
    struct flow *flow;
    expect_ok(tcp_connect(world->tcp, &world->endpoint, &options, &flow,
                          deadline_after(loop_now_ns(), 5 * S_NS)));
    return flow;
}

void http_world_send(struct flow *flow, struct view text)
{
    expect_ok(flow_write_view(flow, text, deadline_after(loop_now_ns(), 5 * S_NS)));
}

struct view http_world_receive(struct http_world *world, struct flow *flow, uint64_t quiet_ns,
                               bool *closed)
{
    struct span rest = world->room;
    enum result result = OK;
    while (result == OK) {
        size_t length_bytes;
        result = flow_read(flow, rest, &length_bytes, deadline_after(loop_now_ns(), quiet_ns));
        if (result == OK) rest = span_from_offset(rest, length_bytes);
    }
    expect(result == CLOSED || result == TIMED_OUT);
    *closed = result == CLOSED;
    return view_first(span_view(world->room), world->room.length_bytes - rest.length_bytes);
}

struct view http_world_ask(struct http_world *world, struct view text)
{
    bool closed;
    struct flow *flow = http_world_connect(world);
    http_world_send(flow, text);
    struct view answer = http_world_receive(world, flow, 100 * S_NS, &closed);
    expect(closed);
    flow_close(flow);
    return answer;
}

unsigned http_world_status(struct view text)
{
    uint64_t status;
    if (text.length_bytes < 12 || !view_starts_with(text, VIEW("HTTP/1.1 "))) return 0;
    return view_to_u64(view_slice(text, 9, 3), &status) ? (unsigned)status : 0;
}

size_t http_world_count(struct view text, struct view part)
{
    size_t count = 0;
    for (;;) {
        size_t at = view_find(text, part);
        if (at == text.length_bytes) return count;
        count++;
        text = view_from_offset(text, at + part.length_bytes);
    }
}
