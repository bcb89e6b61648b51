/* http_limits_sim_test.c - every limit and timeout of the server, in virtual time: what the client
 * is told, and that it sees a clean close.
 *
 * SPDX-License-Identifier: ISC */
#include "http_server/http_world.h"
#include "target/clock.h"
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

/* Sends and expects this status and a clean close. */
static void refused(struct view text, unsigned status)
{
    struct view answer = http_world_ask(&world, text);
    expect_that(http_world_status(answer), ==, status);
    expect(has(answer, VIEW("Connection: close\r\n")));
    expect(has(answer, VIEW("<h1>")));
}

/* Sends, and expects to be closed after `wanted_ns` with this status, 0 for none. */
static void closed_after(struct view text, unsigned status, uint64_t wanted_ns)
{
    bool closed;
    struct flow *flow = http_world_connect(&world);
    uint64_t before_ns = loop_now_ns();
    if (text.length_bytes > 0) http_world_send(flow, text);
    struct view answer = http_world_receive(&world, flow, 1000 * S_NS, &closed);
    expect(closed);
    expect_that(http_world_status(answer), ==, status);
    expect_that(loop_now_ns() - before_ns, >=, wanted_ns);
    expect_that(loop_now_ns() - before_ns, <, wanted_ns + 10 * MS_NS);
    flow_close(flow);
}

static struct view head_of(size_t line_bytes, size_t field_bytes, size_t fields)
{
    static uint8_t room[65536];
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put(&writer, VIEW("GET /"));
    span_fill(writer_take(&writer, line_bytes), 'a');
    writer_put(&writer, VIEW(" HTTP/1.1\r\nHost: a\r\n"));
    for (size_t i = 0; i < fields; i++) {
        writer_put(&writer, VIEW("X: "));
        span_fill(writer_take(&writer, field_bytes), 'b');
        writer_put(&writer, VIEW("\r\n"));
    }
    writer_put(&writer, VIEW("\r\n"));
    expect(!writer.ran_short);
    return writer_view(&writer);
}

TEST(http_limits_heads)
{
    begin();
    world.parameters.header_bytes = 2048;
    world.parameters.header_fields_count = 20;
    http_world_open(&world);
    refused(head_of(3000, 0, 0), 414);
    refused(head_of(30000, 0, 0), 414);
    refused(head_of(1, 2500, 1), 431);
    refused(head_of(1, 30000, 1), 431);
    refused(head_of(1, 1, 20), 431);
    bool closed;
    struct flow *flow = http_world_connect(&world);
    http_world_send(flow, head_of(1, 1, 19));
    http_world_send(flow, head_of(1900, 0, 0));
    http_world_send(flow, head_of(1, 1900, 1));
    struct view answer = http_world_receive(&world, flow, MS_NS, &closed);
    expect(!closed);
    expect_that(http_world_count(answer, VIEW("HTTP/1.1 404")), ==, 3);
    flow_close(flow);
    end();
}

/* The same head is judged the same, whole and byte by byte. */
TEST(http_limits_heads_byte_by_byte)
{
    begin();
    world.parameters.header_bytes = 1024;
    http_world_open(&world);
    const struct view heads[] = { head_of(2000, 0, 0), VIEW("") };
    struct flow *flow = http_world_connect(&world);
    for (size_t i = 0; i < 1026; i++)
        http_world_send(flow, view_slice(heads[0], i, 1));
    bool closed;
    struct view answer = http_world_receive(&world, flow, 100 * S_NS, &closed);
    expect(closed);
    expect_that(http_world_status(answer), ==, 414);
    flow_close(flow);
    end();
}

TEST(http_limits_bodies)
{
    begin();
    world.parameters.body_bytes = 10;
    http_world_open(&world);
    refused(VIEW("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"), 413);
    refused(VIEW("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"),
            413);
    refused(VIEW("POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n"),
            413);
    struct view answer = http_world_ask(
        &world, VIEW("POST /count HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                     "Content-Length: 10\r\n\r\n0123456789"));
    expect(view_ends_with(answer, VIEW("10 bytes")));
    end();
}

TEST(http_limits_malformed)
{
    begin();
    http_world_open(&world);
    refused(VIEW("GET / HTTP/1.1\nHost: a\n\n"), 400);
    refused(VIEW("\x16\x03\x01\x02"), 400);
    refused(VIEW("GET / HTTP/1.1\r\n\r\n"), 400);
    refused(VIEW("GET /../etc/passwd HTTP/1.0\r\n\r\n"), 400);
    refused(VIEW("GET /%2e%2e/etc/passwd HTTP/1.0\r\n\r\n"), 400);
    refused(VIEW("GET /a%2fb HTTP/1.0\r\n\r\n"), 400);
    refused(VIEW("BREW / HTTP/1.0\r\n\r\n"), 501);
    refused(VIEW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    refused(VIEW("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400);
    refused(VIEW("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"), 501);
    expect_that(world.server.figures.refused_malformed, ==, 10);
    end();
}

TEST(http_limits_time_for_heads)
{
    begin();
    http_world_open(&world);
    closed_after(VIEW(""), 0, world.parameters.header_timeout_ns);
    closed_after(VIEW("GET / HTTP/1.1\r\nHo"), 408, world.parameters.header_timeout_ns);
    expect_that(world.server.figures.refused_timeout, ==, 1);
    end();
}

/* One that sends a byte now and then gains nothing by it. */
TEST(http_limits_time_for_slow_heads)
{
    bool closed = false;
    begin();
    http_world_open(&world);
    struct flow *flow = http_world_connect(&world);
    uint64_t before_ns = loop_now_ns();
    unsigned sent = 0;
    while (!closed) {
        if (sent++ < 9) http_world_send(flow, VIEW("G"));
        struct view answer = http_world_receive(&world, flow, S_NS, &closed);
        if (answer.length_bytes > 0) expect_that(http_world_status(answer), ==, 408);
        expect_that(world.server.figures.sessions_in_use, ==, 0);
    }
    expect_that(loop_now_ns() - before_ns, <, world.parameters.header_timeout_ns + 2 * S_NS);
    flow_close(flow);
    end();
}

TEST(http_limits_time_between_requests)
{
    begin();
    http_world_open(&world);
    uint64_t idle_ns = world.parameters.idle_timeout_ns;
    closed_after(VIEW("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"), 200, idle_ns);
    /* The second head has its own time, from its first byte. */
    closed_after(VIEW("GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET"), 200,
                 world.parameters.header_timeout_ns);
    end();
}

TEST(http_limits_time_for_bodies)
{
    begin();
    http_world_open(&world);
    closed_after(VIEW("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"), 408,
                 world.parameters.body_timeout_ns);
    closed_after(VIEW("POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"), 404,
                 world.parameters.body_timeout_ns);
    end();
}

/* A byte now and then is in time for the next piece, and not for the whole. */
TEST(http_limits_rate_of_bodies)
{
    bool closed = false;
    begin();
    world.parameters.body_rate_bytes = 100;
    http_world_open(&world);
    struct flow *flow = http_world_connect(&world);
    http_world_send(flow, VIEW("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n"));
    uint64_t before_ns = loop_now_ns();
    struct view answer = VIEW("");
    for (unsigned i = 0; answer.length_bytes == 0; i++) {
        expect_that(i, <, 100);
        http_world_send(flow, VIEW("x"));
        answer = http_world_receive(&world, flow, S_NS, &closed);
    }
    expect_that(http_world_status(answer), ==, 408);
    expect_that(loop_now_ns() - before_ns, >=, world.parameters.body_timeout_ns);
    expect_that(loop_now_ns() - before_ns, <=, world.parameters.body_timeout_ns + 2 * S_NS);
    flow_close(flow);
    /* One that is fast enough may take longer than the timeout. */
    flow = http_world_connect(&world);
    http_world_send(flow, VIEW("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 7000\r\n\r\n"));
    for (unsigned i = 0; i < 70; i++) {
        static uint8_t piece[100];
        http_world_send(flow, VIEW_OF(piece));
        expect_result(fiber_sleep(900 * MS_NS), TIMED_OUT);
    }
    answer = http_world_receive(&world, flow, S_NS, &closed);
    expect(view_ends_with(answer, VIEW("7000 bytes")));
    flow_close(flow);
    end();
}

/* A reader that takes nothing loses its connection; one that takes a little now and then is served
 * to the end where no rate is asked. */
TEST(http_limits_time_for_readers)
{
    bool closed;
    begin();
    world.parameters.send_rate_bytes = 0;
    http_world_open(&world);
    struct flow *flow = http_world_connect(&world);
    http_world_send(flow, VIEW("GET /big HTTP/1.0\r\n\r\n"));
    expect_result(fiber_sleep(2 * world.parameters.send_timeout_ns + S_NS), TIMED_OUT);
    expect_that(world.server.figures.connections_open, ==, 0);
    flow_abort(flow);

    flow = http_world_connect(&world);
    http_world_send(flow, VIEW("GET /big HTTP/1.0\r\n\r\n"));
    size_t sum_bytes = 0, length_bytes;
    uint8_t room[512];
    for (unsigned i = 0; i < 20; i++) {
        expect_result(fiber_sleep(world.parameters.send_timeout_ns - S_NS), TIMED_OUT);
        expect_ok(flow_read_whole(flow, SPAN_OF(room), &length_bytes, NO_WAIT));
        sum_bytes += length_bytes;
    }
    sum_bytes += http_world_receive(&world, flow, S_NS, &closed).length_bytes;
    expect(closed);
    expect_that(sum_bytes, >, HTTP_WORLD_BIG_BYTES);
    flow_close(flow);
    end();
}

/* A peer that was answered and does not close holds nothing for long. */
TEST(http_limits_time_to_linger)
{
    bool closed;
    begin();
    http_world_open(&world);
    struct flow *flow = http_world_connect(&world);
    http_world_send(flow, VIEW("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"));
    struct view answer = http_world_receive(&world, flow, S_NS, &closed);
    expect(closed);
    expect_that(http_world_status(answer), ==, 400);
    for (unsigned i = 0; i < 3; i++) {
        expect_that(world.server.figures.connections_open, ==, 1);
        http_world_send(flow, VIEW("more and more"));
        expect_result(fiber_sleep(S_NS), TIMED_OUT);
    }
    expect_result(fiber_sleep(world.parameters.linger_timeout_ns), TIMED_OUT);
    expect_that(world.server.figures.connections_open, ==, 0);
    flow_close(flow);
    end();
}

TEST(http_limits_sessions)
{
    struct flow *flows[6];
    bool closed;
    begin();
    world.parameters.sessions_count = 2;
    http_world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(flows); i++) {
        flows[i] = http_world_connect(&world);
        http_world_send(flows[i], VIEW("GET /slow HTTP/1.0\r\n\r\n"));
    }
    expect_result(fiber_sleep(10 * MS_NS), TIMED_OUT);
    expect_that(world.server.figures.sessions_in_use, ==, 2);
    expect_that(world.server.figures.queued_now, ==, 4);
    uint64_t before_ns = loop_now_ns();
    for (size_t i = 0; i < LENGTH_OF(flows); i++) {
        struct view answer = http_world_receive(&world, flows[i], 10 * S_NS, &closed);
        expect_that(http_world_status(answer), ==, 200);
        flow_close(flows[i]);
    }
    expect_that(loop_now_ns() - before_ns, <, 3 * S_NS);
    end();
}

TEST(http_limits_time_in_the_queue)
{
    struct flow *flows[8];
    unsigned answered = 0, refused_count = 0;
    bool closed;
    begin();
    world.parameters.sessions_count = 2;
    world.parameters.queue_timeout_ns = 1500 * MS_NS;
    http_world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(flows); i++) {
        flows[i] = http_world_connect(&world);
        http_world_send(flows[i], VIEW("GET /slow HTTP/1.0\r\n\r\n"));
    }
    for (size_t i = 0; i < LENGTH_OF(flows); i++) {
        struct view answer = http_world_receive(&world, flows[i], 10 * S_NS, &closed);
        expect(closed);
        answered += http_world_status(answer) == 200;
        refused_count += http_world_status(answer) == 503;
        flow_close(flows[i]);
    }
    expect_that(answered, ==, 4);
    expect_that(refused_count, ==, 4);
    end();
}

TEST(http_limits_buffers)
{
    struct flow *flows[6];
    bool closed;
    begin();
    world.parameters.buffers_count = 2;
    http_world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(flows); i++) {
        flows[i] = http_world_connect(&world);
        http_world_send(flows[i], VIEW("GET /slow HTTP/1.0\r\n\r\n"));
    }
    for (size_t i = 0; i < LENGTH_OF(flows); i++) {
        struct view answer = http_world_receive(&world, flows[i], 10 * S_NS, &closed);
        expect(closed);
        expect_that(http_world_status(answer), ==, 200);
        flow_close(flows[i]);
    }
    end();
}

/* Who waited for a buffer has the header timeout from when there is one, not what the queue left.
 */
TEST(http_limits_buffers_of_slow_heads)
{
    struct flow *flows[6];
    bool closed;
    begin();
    world.parameters.buffers_count = 2;
    world.parameters.header_timeout_ns = S_NS;
    world.parameters.queue_timeout_ns = 20 * S_NS;
    http_world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(flows); i++) {
        flows[i] = http_world_connect(&world);
        http_world_send(flows[i], VIEW("GET / HTTP/1.1\r\n"));
    }
    uint64_t start_ns = clock_monotonic_ns();
    struct view answer = http_world_ask(&world, VIEW("GET /hello HTTP/1.0\r\n\r\n"));
    expect_that(http_world_status(answer), ==, 200);
    expect_that(clock_monotonic_ns() - start_ns, <, 4 * S_NS);
    for (size_t i = 0; i < LENGTH_OF(flows); i++) {
        answer = http_world_receive(&world, flows[i], 10 * S_NS, &closed);
        expect_that(http_world_status(answer), ==, 408);
        flow_close(flows[i]);
    }
    end();
}

TEST(http_limits_connections)
{
    struct flow *flows[10];
    bool closed;
    begin();
    world.parameters.connections_count = 4;
    http_world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(flows); i++)
        flows[i] = http_world_connect(&world);
    for (size_t i = 0; i < LENGTH_OF(flows); i++) {
        http_world_send(flows[i], VIEW("GET /hello HTTP/1.0\r\n\r\n"));
        struct view answer = http_world_receive(&world, flows[i], 10 * S_NS, &closed);
        expect(closed);
        expect_that(http_world_status(answer), ==, i < 4 ? 200 : 503);
    }
    for (size_t i = 0; i < LENGTH_OF(flows); i++)
        flow_close(flows[i]);
    expect_that(world.server.figures.connections_over_limit, ==, 6);
    struct view answer = http_world_ask(&world, VIEW("GET /hello HTTP/1.0\r\n\r\n"));
    expect_that(http_world_status(answer), ==, 200);
    end();
}

/* Beyond those that are told so, connections wait in the backlog, and are served when there is
 * room. */
TEST(http_limits_backlog)
{
    struct flow *flows[100];
    unsigned answered = 0;
    bool closed;
    begin();
    world.parameters.connections_count = 4;
    http_world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(flows); i++)
        flows[i] = http_world_connect(&world);
    expect_result(fiber_sleep(S_NS), TIMED_OUT);
    expect_that(world.server.figures.connections_open, ==, 68);
    for (size_t i = 0; i < LENGTH_OF(flows); i++) {
        http_world_send(flows[i], VIEW("GET /hello HTTP/1.0\r\n\r\n"));
        struct view answer = http_world_receive(&world, flows[i], 10 * S_NS, &closed);
        expect(closed);
        answered += http_world_status(answer) == 200;
        flow_close(flows[i]);
    }
    expect_that(answered, >=, 4);
    expect_that(world.server.figures.connections_total, ==, LENGTH_OF(flows));
    end();
}
