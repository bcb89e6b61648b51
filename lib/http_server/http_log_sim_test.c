/* http_log_sim_test.c - what the server says of itself: its access log and its figures.
 *
 * SPDX-License-Identifier: ISC */
#include "http_server/http_world.h"
#include "metrics/metrics.h"
#include "tcp/tcp_loop.h"
#include "test/test.h"

static const struct tcp_loop_options loop_options = { .connection_count = 16,
                                                      .listener_count = 1,
                                                      .buffer_bytes = 16384 };
static struct tcp_loop loop;
static struct http_world world;

static void begin(void)
{
    expect_ok(tcp_loop_open(&loop, &loop_options));
    http_world_init(&world, &loop.tcp);
    world.parameters.access_log = HTTP_ACCESS_LOG_CONSOLE;
    http_world_open(&world);
}

static void end(void)
{
    http_world_close(&world);
    tcp_loop_close(&loop);
}

/* What is gathered and not yet written out. */
static struct view gathered(void)
{
    return view_from(world.server.log_room, world.server.log_bytes);
}

static bool has(struct view text, struct view part)
{
    return view_find(text, part) < text.length_bytes;
}

TEST(http_log_has_a_line_a_request)
{
    begin();
    (void)http_world_ask(&world, VIEW("GET /hello?x HTTP/1.0\r\n\r\n"));
    struct view line = gathered();
    expect(view_starts_with(line, VIEW("127.0.0.1 - - [")));
    expect(has(line, VIEW("/2026:")));
    expect(has(line, VIEW(" +0000] \"GET /hello?x HTTP/1.0\" 200 12 0.000000\n")));
    (void)http_world_ask(&world, VIEW("GET /slow HTTP/1.0\r\n\r\n"));
    expect(has(gathered(), VIEW("\"GET /slow HTTP/1.0\" 200 12 1.00")));
    expect_result(fiber_sleep(S_NS), TIMED_OUT);
    expect_that(world.server.log_bytes, ==, 0);
    end();
}

/* Nothing that a client sends can end its line, close the quotes or speak to the terminal. */
TEST(http_log_shows_what_was_sent)
{
    begin();
    (void)http_world_ask(&world, VIEW("\r\nGET /\"x\\\" HTTP/1.0\r\n\r\n"));
    expect(has(gathered(), VIEW("\"GET /\\x22x\\x5c\\x22 HTTP/1.0\" 404 ")));
    (void)http_world_ask(&world, VIEW("GET /\x1b[2J\r\n"));
    expect(has(gathered(), VIEW("\"GET /\" 400 ")));
    (void)http_world_ask(&world, VIEW("GET /\xff HTTP/1.0\r\n\r\n"));
    expect(has(gathered(), VIEW("\"GET /\\xff HTTP/1.0\" 400 ")));
    end();
}

TEST(http_log_cuts_long_lines)
{
    static uint8_t room[4096];
    begin();
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put(&writer, VIEW("GET /"));
    span_fill(writer_take(&writer, 3000), 0xc3);
    writer_put(&writer, VIEW(" HTTP/1.0\r\n\r\n"));
    for (unsigned i = 0; i < 50; i++)
        (void)http_world_ask(&world, writer_view(&writer));
    struct view line = gathered();
    expect_that(view_find_byte(line, '\n'), <, 512);
    expect(has(line, VIEW("\\xc3\" 400 ")));
    end();
}

struct figures_sink {
    struct metrics_sink sink;
    struct writer writer;
};

static enum result put(struct metrics_sink *sink, struct view text)
{
    writer_put(&CONTAINER_OF(sink, struct figures_sink, sink)->writer, text);
    return OK;
}

TEST(http_figures_are_shown)
{
    static uint8_t room[65536];
    struct figures_sink sink = { .sink = { put }, .writer = writer_over(SPAN_OF(room)) };
    begin();
    (void)http_world_ask(&world, VIEW("GET /hello HTTP/1.0\r\n\r\n"));
    (void)http_world_ask(&world, VIEW("GET /nowhere HTTP/1.0\r\n\r\n"));
    (void)http_world_ask(&world, VIEW("GET / HTTP/1.1\r\n\r\n"));
    expect_ok(metrics_write(&sink.sink));
    struct view text = writer_view(&sink.writer);
    expect(!sink.writer.ran_short);
    expect(has(text, VIEW("code=\"2xx\"")) && has(text, VIEW("instance=\"http-")));
    expect(has(text, VIEW("# TYPE http_request_duration_seconds histogram\n")));
    expect(has(text, VIEW("# TYPE http_connections gauge\n")));
    expect_that(world.server.figures.responses_2xx, ==, 1);
    expect_that(world.server.figures.responses_4xx, ==, 2);
    expect_that(world.server.figures.refused_malformed, ==, 1);
    expect_that(world.server.figures.connections_total, ==, 3);
    expect_that(world.server.figures.duration.count, ==, 3);
    end();
}
