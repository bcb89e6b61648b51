/* http_hostile_sim_test.c - clients that hold what others need, in virtual time.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_world.h"
#include "tcp/tcp_loop.h"
#include "test/test.h"

static const struct tcp_loop_options loop_options = { .connection_count = 64,
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

/* What comes within a second, which has to be this, and what the connection is then. */
static void expect_answer(struct flow *flow, unsigned status, bool is_closed)
{
    bool closed;
    struct view answer = http_world_receive(&world, flow, S_NS, &closed);
    expect_that(http_world_status(answer), ==, status);
    expect_that(http_world_count(answer, VIEW("HTTP/1.1 ")), ==, 1);
    expect_that(closed, ==, is_closed);
}

/* The next buffer is for who has waited longest, and not for a client that came while it became
 * free. */
TEST(http_hostile_late_heads)
{
    begin();
    world.parameters.buffers_count = 1;
    http_world_open(&world);
    struct flow *first = http_world_connect(&world);
    struct flow *late = http_world_connect(&world);
    struct flow *patient = http_world_connect(&world);
    http_world_send(first, VIEW("GET /hello HTTP/1.0\r\n"));
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    http_world_send(patient, VIEW("GET /hello HTTP/1.0\r\n\r\n"));
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    http_world_send(first, VIEW("\r\n"));
    fiber_yield(); /* its session begins now */
    http_world_send(late, VIEW("GET /hello HTTP/1.0\r\n"));
    expect_answer(patient, 200, true);
    expect_answer(first, 200, true);
    http_world_send(late, VIEW("\r\n"));
    expect_answer(late, 200, true);
    flow_close(first);
    flow_close(late);
    flow_close(patient);
    end();
}
