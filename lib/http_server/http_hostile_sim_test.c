/* http_hostile_sim_test.c - clients that hold what others need, in virtual time.
 *
 * SPDX-License-Identifier: ISC */
#include "http_server/http_world.h"
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

/* The body of a request that no handler reads comes when it comes: nobody waits for it on a stack.
 */
TEST(http_hostile_bodies_that_nobody_reads)
{
    static uint8_t body[60000];
    struct flow *flows[3];
    begin();
    world.parameters.sessions_count = LENGTH_OF(flows);
    http_world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(flows); i++) {
        flows[i] = http_world_connect(&world);
        http_world_send(flows[i],
                        VIEW("POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\nab"));
        expect_answer(flows[i], 405, false);
    }
    expect_that(world.server.figures.sessions_in_use, ==, 0);
    struct view answer = http_world_ask(&world, VIEW("GET /hello HTTP/1.0\r\n\r\n"));
    expect_that(http_world_status(answer), ==, 200);
    /* It is no request, whatever it looks like, and the connection goes on behind it. */
    struct view request = VIEW("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    for (size_t i = 0; i < 30000 / request.length_bytes; i++)
        (void)span_copy(span_from_offset(SPAN_OF(body), i * request.length_bytes), request);
    http_world_send(flows[0], view_first(VIEW_OF(body), sizeof body - 2));
    http_world_send(flows[0], request);
    expect_answer(flows[0], 200, false);
    expect_that(world.server.figures.body_received_bytes, ==, 60000 + 2 + 2);
    /* One that does not come ends it. */
    expect_result(fiber_sleep(world.parameters.body_timeout_ns), TIMED_OUT);
    uint8_t byte;
    size_t length_bytes;
    expect_result(flow_read(flows[1], SPAN_OF(byte), &length_bytes, NO_WAIT), CLOSED);
    expect_result(flow_read(flows[0], SPAN_OF(byte), &length_bytes, NO_WAIT), TIMED_OUT);
    for (size_t i = 0; i < LENGTH_OF(flows); i++)
        flow_close(flows[i]);
    end();
}

/* A client that breaks off in the middle of its body is no failure of the server's. */
TEST(http_hostile_body_that_is_broken_off)
{
    begin();
    http_world_open(&world);
    struct flow *flow = http_world_connect(&world);
    http_world_send(flow, VIEW("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"));
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    flow_abort(flow);
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    expect_that(world.server.figures.responses_5xx, ==, 0);
    expect_that(world.server.figures.responses_4xx, ==, 1);
    end();
}

/* A client that takes a little now and then would hold its session for hours; one that is slow but
 * takes what `send-rate` asks gets all of it. */
TEST(http_hostile_slow_reader)
{
    static uint8_t piece[4096];
    size_t length_bytes;
    begin();
    world.parameters.sessions_count = 1;
    world.parameters.send_rate_bytes = 1024;
    http_world_open(&world);
    for (uint64_t pause_ns = S_NS; pause_ns <= 20 * S_NS; pause_ns *= 20) {
        size_t taken_bytes = 0;
        enum result result = OK;
        struct flow *flow = http_world_connect(&world);
        http_world_send(flow, VIEW("GET /big HTTP/1.0\r\n\r\n"));
        while (result == OK) {
            expect_result(fiber_sleep(pause_ns), TIMED_OUT);
            result = flow_read(flow, SPAN_OF(piece), &length_bytes, NO_WAIT);
            taken_bytes += length_bytes;
        }
        bool is_slow = pause_ns > S_NS;
        expect_result(result, is_slow ? FAILED : CLOSED);
        expect(is_slow == (taken_bytes < HTTP_WORLD_BIG_BYTES));
        expect_that(world.server.figures.sessions_in_use, ==, 0);
        flow_close(flow);
    }
    end();
}
