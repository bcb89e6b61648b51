/* http_stop_sim_test.c - the server in virtual time: how it stops, and peers that end early.
 *
 * SPDX-License-Identifier: ISC */
#include "fiber/stop.h"
#include "http_server/http_world.h"
#include "tcp/tcp_loop.h"
#include "test/test.h"

static const struct tcp_loop_options loop_options = { .connection_count = 256,
                                                      .listener_count = 2,
                                                      .buffer_bytes = 16384 };
static struct tcp_loop loop;
static struct http_world world;

static void begin(void)
{
    expect_ok(tcp_loop_open(&loop, &loop_options));
    http_world_init(&world, &loop.tcp);
}

static void end(void)
{
    http_world_close(&world);
    expect_that(loop.open_count, ==, 0);
    tcp_loop_close(&loop);
}

static bool has(struct view text, struct view part)
{
    return view_find(text, part) < text.length_bytes;
}

/* ---- stopping ---- */

TEST(http_stop_answers_what_is_in_flight)
{
    bool closed;
    begin();
    http_world_open(&world);
    struct flow *busy = http_world_connect(&world), *idle = http_world_connect(&world);
    struct flow *fresh = http_world_connect(&world), *partial = http_world_connect(&world);
    http_world_send(idle, VIEW("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    (void)http_world_receive(&world, idle, MS_NS, &closed);
    http_world_send(busy, VIEW("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"));
    http_world_send(partial, VIEW("GET /hello HTTP/1.1\r\nHos"));
    expect_result(fiber_sleep(10 * MS_NS), TIMED_OUT);
    stop_request();
    fiber_yield();
    http_world_send(partial, VIEW("t: a\r\n\r\n"));
    http_world_send(fresh, VIEW("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    struct flow *const asked[] = { busy, partial, fresh };
    for (size_t i = 0; i < LENGTH_OF(asked); i++) {
        struct view answer = http_world_receive(&world, asked[i], 10 * S_NS, &closed);
        expect(closed);
        expect_that(http_world_status(answer), ==, 200);
        expect(has(answer, VIEW("Connection: close\r\n")));
        flow_close(asked[i]);
    }
    expect_that(http_world_receive(&world, idle, 10 * S_NS, &closed).length_bytes, ==, 0);
    expect(closed);
    flow_close(idle);
    expect_result(fiber_sleep(S_NS), TIMED_OUT);
    expect(world.ended);
    end();
}

TEST(http_stop_accepts_what_is_complete)
{
    struct flow *flows[40];
    bool closed;
    begin();
    http_world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(flows); i++) {
        flows[i] = http_world_connect(&world);
        http_world_send(flows[i], VIEW("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
    stop_request();
    for (size_t i = 0; i < LENGTH_OF(flows); i++) {
        struct view answer = http_world_receive(&world, flows[i], 10 * S_NS, &closed);
        expect(closed);
        expect_that(http_world_status(answer), ==, 200);
        flow_close(flows[i]);
    }
    end();
}

TEST(http_stop_is_bounded)
{
    bool closed;
    begin();
    world.parameters.drain_timeout_ns = 300 * MS_NS;
    http_world_open(&world);
    struct flow *slow = http_world_connect(&world), *idle = http_world_connect(&world);
    http_world_send(slow, VIEW("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"));
    http_world_send(idle, VIEW("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    (void)http_world_receive(&world, idle, MS_NS, &closed);
    stop_request();
    expect_result(fiber_sleep(310 * MS_NS), TIMED_OUT);
    expect(world.ended);
    flow_abort(slow);
    flow_close(idle);
    end();
}

static enum result serve_again_result;

static void serve_again(struct task *task)
{
    (void)task;
    serve_again_result = http_serve(&world.server.http, &world.site.site);
}

/* A server that has stopped can serve again. */
TEST(http_server_serves_again)
{
    static struct task task = { serve_again };
    struct scope scope;
    begin();
    http_world_open(&world);
    struct view request = VIEW("GET /hello HTTP/1.0\r\n\r\n");
    expect_that(http_world_status(http_world_ask(&world, request)), ==, 200);
    scope_close(&world.scope);
    expect(world.ended);
    scope_open(&scope, "again");
    expect_ok(fiber_start(&scope, &task, "serve again", STACK_MEDIUM));
    fiber_yield();
    world.endpoint = world.server.listener->local;
    expect_that(http_world_status(http_world_ask(&world, request)), ==, 200);
    serve_again_result = FAILED;
    scope_close(&scope);
    expect_ok(serve_again_result);
    end();
}

/* Peers that vanish in every state leave nothing behind. */
TEST(http_peers_vanish)
{
    const struct view texts[] = {
        VIEW("GET"),
        VIEW("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"),
        VIEW("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"),
        VIEW("GET /big HTTP/1.1\r\nHost: a\r\n\r\n"),
        VIEW("GET /../ HTTP/1.1\r\nHost: a\r\n\r\n"),
        VIEW("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"),
        VIEW("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
    };
    begin();
    http_world_open(&world);
    for (size_t i = 0; i < 2 * LENGTH_OF(texts); i++) {
        struct flow *flow = http_world_connect(&world);
        http_world_send(flow, texts[i / 2]);
        expect_result(fiber_sleep(MS_NS), TIMED_OUT);
        if (i % 2 == 0) {
            flow_abort(flow);
        } else {
            flow_close(flow);
        }
    }
    expect_result(fiber_sleep(100 * S_NS), TIMED_OUT);
    expect_that(world.server.figures.connections_open, ==, 0);
    end();
}

/* A client that shuts its side after the request is still answered. */
TEST(http_half_closed_peers_are_answered)
{
    bool closed;
    begin();
    http_world_open(&world);
    struct flow *flow = http_world_connect(&world);
    http_world_send(flow, VIEW("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"));
    expect_ok(flow_shut(flow));
    struct view answer = http_world_receive(&world, flow, 10 * S_NS, &closed);
    expect(closed);
    expect_that(http_world_status(answer), ==, 200);
    flow_close(flow);
    end();
}
