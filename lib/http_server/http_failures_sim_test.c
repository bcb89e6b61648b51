/* http_failures_sim_test.c - what goes wrong on the server's own side: pools, stacks and ports that
 * are taken, handlers that send what cannot be sent, connections that break at any byte.
 *
 * SPDX-License-Identifier: ISC */
#include "fiber/stop.h"
#include "http_server/http_world.h"
#include "tcp/tcp_faulty.h"
#include "tcp/tcp_loop.h"
#include "test/test.h"

static const struct tcp_loop_options loop_options = { .connection_count = 64,
                                                      .listener_count = 2,
                                                      .buffer_bytes = 4096 };
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

#define HELLO VIEW("GET /hello HTTP/1.0\r\n\r\n")

TEST(http_server_name_must_fit_a_field)
{
    begin();
    world.parameters.server_name = VIEW("Loom\r\nX: y");
    expect_result(http_server_open(&world.server, world.tcp, &world.parameters), INVALID);
    static uint8_t name[HTTP_SERVER_NAME_MAX + 1];
    span_fill(SPAN_OF(name), 'x');
    world.parameters.server_name = VIEW_OF(name);
    expect_result(http_server_open(&world.server, &loop.tcp, &world.parameters), INVALID);
    /* The longest that is taken fits into what the server says on its own account. */
    world.parameters.server_name = view_first(VIEW_OF(name), HTTP_SERVER_NAME_MAX);
    http_world_open(&world);
    expect_that(http_world_status(http_world_ask(&world, VIEW("GET / HTTP/1.1\n\n"))), ==, 400);
    http_world_close(&world);
    world.parameters.server_name = VIEW("");
    http_world_open(&world);
    struct view answer = http_world_ask(&world, HELLO);
    expect(view_find(answer, VIEW("Server:")) == answer.length_bytes);
    end();
}

TEST(http_server_needs_its_port)
{
    static struct http_server second;
    begin();
    http_world_open(&world);
    struct http_server_parameters parameters = world.parameters;
    parameters.port = world.endpoint.port;
    expect_ok(http_server_open(&second, world.tcp, &parameters));
    expect_result(http_serve(&second.http, &world.site.site), EXISTS);
    http_server_close(&second);
    end();
}

/* ---- stacks ---- */

#define SLEEPERS 1100

static struct task sleepers[SLEEPERS];

static void sleep_run(struct task *task)
{
    (void)task;
    while (fiber_sleep(1000 * S_NS) != CANCELLED)
        continue;
}

/* Takes every small stack but `left`. */
static void take_stacks(struct scope *scope, size_t left)
{
    scope_open(scope, "sleepers");
    for (size_t i = 0; fiber_stacks_free(STACK_SMALL) > left; i++) {
        sleepers[i].run = sleep_run;
        expect_ok(fiber_start(scope, &sleepers[i], "sleeper", STACK_SMALL));
    }
}

TEST(http_server_needs_stacks_of_its_own)
{
    struct scope scope;
    begin();
    expect_ok(http_server_open(&world.server, world.tcp, &world.parameters));
    for (size_t left = 0; left < 2; left++) {
        take_stacks(&scope, left);
        expect_result(http_serve(&world.server.http, &world.site.site), FULL);
        scope_close(&scope);
    }
    http_server_close(&world.server);
    tcp_loop_close(&loop);
}

/* Others have all the stacks for a while: requests wait for one, and those that came in time are
 * answered when there is one again, though no session ends that could look after them. */
TEST(http_server_waits_for_stacks)
{
    struct scope scope;
    bool closed;
    begin();
    http_world_open(&world);
    take_stacks(&scope, 0);
    struct flow *flow = http_world_connect(&world);
    http_world_send(flow, HELLO);
    struct view answer = http_world_receive(&world, flow, 100 * S_NS, &closed);
    expect_that(http_world_status(answer), ==, 503);
    flow_close(flow);
    flow = http_world_connect(&world);
    http_world_send(flow, HELLO);
    expect_result(fiber_sleep(S_NS), TIMED_OUT);
    expect_that(world.server.figures.queued_now, ==, 1);
    scope_close(&scope);
    answer = http_world_ask(&world, HELLO);
    expect_that(http_world_status(answer), ==, 200);
    answer = http_world_receive(&world, flow, MS_NS, &closed);
    expect_that(http_world_status(answer), ==, 200);
    flow_close(flow);
    end();
}

/* ---- stopping with work in the queues ---- */

TEST(http_stop_ends_what_is_queued)
{
    struct flow *flows[6];
    begin();
    world.parameters.sessions_count = 1;
    world.parameters.buffers_count = 3;
    world.parameters.drain_timeout_ns = 100 * MS_NS;
    http_world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(flows); i++) {
        flows[i] = http_world_connect(&world);
        http_world_send(flows[i], VIEW("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
    struct flow *silent = http_world_connect(&world);
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    expect_that(world.server.figures.queued_now, ==, 5);
    stop_request();
    expect_result(fiber_sleep(S_NS), TIMED_OUT);
    expect(world.ended);
    expect_that(world.server.figures.queued_now, ==, 0);
    for (size_t i = 0; i < LENGTH_OF(flows); i++)
        flow_abort(flows[i]);
    flow_abort(silent);
    end();
}

/* A connection that has said nothing gets a moment, and a clean close. */
TEST(http_stop_closes_silent_connections)
{
    bool closed;
    begin();
    http_world_open(&world);
    struct flow *silent = http_world_connect(&world);
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    uint64_t before_ns = loop_now_ns();
    stop_request();
    expect_that(http_world_receive(&world, silent, 100 * S_NS, &closed).length_bytes, ==, 0);
    expect(closed);
    expect_that(loop_now_ns() - before_ns, <, S_NS);
    flow_close(silent);
    end();
}

/* ---- connections that break ---- */

/* Slow, in pieces, and cut at every byte of the exchange in turn: no session, buffer or connection
 * is lost, and the server goes on. */
TEST(http_server_survives_cuts_anywhere)
{
    static struct tcp_faulty faulty;
    const struct view request = VIEW("POST /echo HTTP/1.1\r\nHost: a\r\n"
                                     "Transfer-Encoding: chunked\r\n\r\n"
                                     "5\r\nhello\r\n0\r\n\r\n");
    struct tcp_faulty_plan plan = { .flow = { .seed = 1, .piece_bytes_max = 7 } };
    expect_ok(tcp_loop_open(&loop, &loop_options));
    expect_ok(tcp_faulty_open(&faulty, &loop.tcp, 32, &plan));
    http_world_init(&world, &faulty.tcp);
    http_world_open(&world);
    world.tcp = &loop.tcp; /* the client's side is sound */
    for (size_t cut = 1; cut < 500; cut++) {
        static uint8_t room[2048];
        size_t length_bytes;
        faulty.plan.flow.cut_at_bytes = cut;
        faulty.plan.flow.seed = cut;
        struct flow *flow = http_world_connect(&world);
        enum result result = flow_write_view(flow, request, NEVER);
        while (result == OK)
            result = flow_read(flow, SPAN_OF(room), &length_bytes,
                               deadline_after(loop_now_ns(), 100 * S_NS));
        expect(result == FAILED || result == CLOSED);
        flow_close(flow);
        expect_result(fiber_sleep(MS_NS), TIMED_OUT);
        expect_that(world.server.figures.connections_open, ==, 0);
        expect_that(world.server.figures.sessions_in_use, ==, 0);
    }
    faulty.plan.flow.cut_at_bytes = 0;
    struct view answer = http_world_ask(&world, request);
    expect_that(http_world_status(answer), ==, 200);
    expect(view_ends_with(answer, VIEW("\r\n0\r\n\r\n")));
    http_world_close(&world);
    tcp_faulty_close(&faulty);
    tcp_loop_close(&loop);
}
