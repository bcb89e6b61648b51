/* http_server_sim_test.c - the server in virtual time: messages, pipelining, bodies, limits.
 *
 * SPDX-License-Identifier: ISC */
#include "http_server/http_private.h"
#include "http_server/http_world.h"
#include "tcp/tcp_loop.h"
#include "test/test.h"

static const struct tcp_loop_options loop_options = { .connection_count = 128,
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

/* What one request on a connection of its own is answered with. */
static struct view ask(struct view text)
{
    return http_world_ask(&world, text);
}

static bool has(struct view text, struct view part)
{
    return view_find(text, part) < text.length_bytes;
}

TEST(http_server_answers)
{
    begin();
    http_world_open(&world);
    struct view answer = ask(
        VIEW("GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
    expect(view_starts_with(answer, VIEW("HTTP/1.1 200 OK\r\nServer: Loom\r\nDate: ")));
    expect(has(answer, VIEW("Content-Type: text/plain\r\n")));
    expect(has(answer, VIEW("Content-Length: 12\r\n")));
    expect(has(answer, VIEW("Connection: close\r\n")));
    expect(view_ends_with(answer, VIEW("\r\n\r\nhello, world")));
    answer = ask(VIEW("GET /hello/you?x HTTP/1.0\r\n\r\n"));
    expect(view_ends_with(answer, VIEW("\r\n\r\nhello, you")));
    end();
}

TEST(http_server_head_has_no_body)
{
    begin();
    http_world_open(&world);
    struct view answer = ask(VIEW("HEAD /hello HTTP/1.0\r\n\r\n"));
    expect(has(answer, VIEW("Content-Length: 12\r\n")));
    expect(view_ends_with(answer, VIEW("\r\n\r\n")));
    answer = ask(VIEW("HEAD /stream HTTP/1.0\r\n\r\n"));
    expect_that(http_world_status(answer), ==, 200);
    expect(view_ends_with(answer, VIEW("\r\n\r\n")));
    answer = ask(VIEW("HEAD /big HTTP/1.0\r\n\r\n"));
    expect(has(answer, VIEW("Content-Length: 262144\r\n")));
    expect(view_ends_with(answer, VIEW("\r\n\r\n")));
    answer = ask(VIEW("HEAD /nowhere HTTP/1.0\r\n\r\n"));
    expect_that(http_world_status(answer), ==, 404);
    expect(view_ends_with(answer, VIEW("\r\n\r\n")));
    end();
}

TEST(http_server_keeps_the_connection)
{
    bool closed;
    begin();
    http_world_open(&world);
    struct flow *flow = http_world_connect(&world);
    for (unsigned i = 0; i < 5; i++) {
        http_world_send(flow, VIEW("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        struct view answer = http_world_receive(&world, flow, MS_NS, &closed);
        expect(!closed);
        expect(view_ends_with(answer, VIEW("hello, world")));
        expect(!has(answer, VIEW("Connection:")));
    }
    http_world_send(flow, VIEW("GET /hello HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
    struct view answer = http_world_receive(&world, flow, MS_NS, &closed);
    expect(!closed && has(answer, VIEW("Connection: keep-alive\r\n")));
    http_world_send(flow, VIEW("GET /hello HTTP/1.0\r\n\r\n"));
    (void)http_world_receive(&world, flow, MS_NS, &closed);
    expect(closed);
    flow_close(flow);
    expect_that(world.server.figures.responses_2xx, ==, 7);
    end();
}

TEST(http_server_counts_requests_of_a_connection)
{
    bool closed;
    begin();
    world.parameters.requests_per_connection_count = 3;
    http_world_open(&world);
    struct flow *flow = http_world_connect(&world);
    for (unsigned i = 0; i < 5; i++)
        http_world_send(flow, VIEW("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    struct view answer = http_world_receive(&world, flow, MS_NS, &closed);
    expect(closed);
    expect_that(http_world_count(answer, VIEW("HTTP/1.1 200")), ==, 3);
    expect_that(http_world_count(answer, VIEW("Connection: close")), ==, 1);
    flow_close(flow);
    end();
}

/* A head that ends where the buffer does, behind another request, leaves no room to read its body
 * through. */
TEST(http_server_reads_a_body_behind_a_full_buffer)
{
    static uint8_t room[16384];
    bool closed;
    begin();
    size_t buffer_bytes = world.parameters.header_bytes + HTTP_BUFFER_BODY_BYTES;
    struct writer text = writer_over(SPAN_OF(room));
    writer_put(&text, VIEW("GET /hello HTTP/1.1\r\nHost: a\r\nX: "));
    span_fill(writer_take(&text, buffer_bytes / 2), 'x');
    writer_put(&text, VIEW("\r\n\r\n"
                           "POST /count HTTP/1.1\r\nHost: a\r\n"
                           "Transfer-Encoding: chunked\r\nX: "));
    span_fill(writer_take(&text, buffer_bytes - 4 - text.length_bytes), 'x');
    writer_put(&text, VIEW("\r\n\r\n"));
    expect_that(text.length_bytes, ==, buffer_bytes);
    writer_put(&text, VIEW("3\r\nabc\r\n0\r\n\r\n"));
    http_world_open(&world);
    struct flow *flow = http_world_connect(&world);
    http_world_send(flow, writer_view(&text));
    struct view answer = http_world_receive(&world, flow, MS_NS, &closed);
    expect(!closed);
    expect_that(http_world_count(answer, VIEW("HTTP/1.1 200")), ==, 2);
    expect(view_ends_with(answer, VIEW("3 bytes")));
    flow_close(flow);
    end();
}

TEST(http_server_answers_pipelined_requests_in_order)
{
    const struct view requests[] = {
        VIEW("GET /hello/1 HTTP/1.1\r\nHost: a\r\n\r\n"),
        VIEW("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
        VIEW("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"),
        VIEW("POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
             "2\r\nab\r\n0\r\n\r\n"),
        VIEW("POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
        VIEW("GET /hello/6 HTTP/1.1\r\nHost: a\r\n\r\n"),
    };
    /* Whole, and cut at every byte. */
    static uint8_t room[1024];
    struct writer all = writer_over(SPAN_OF(room));
    for (size_t i = 0; i < LENGTH_OF(requests); i++)
        writer_put(&all, requests[i]);
    begin();
    http_world_open(&world);
    for (size_t cut = 0; cut < all.length_bytes; cut++) {
        bool closed;
        struct flow *flow = http_world_connect(&world);
        if (cut > 0) http_world_send(flow, view_first(writer_view(&all), cut));
        expect_result(fiber_sleep(MS_NS), TIMED_OUT);
        http_world_send(flow, view_from_offset(writer_view(&all), cut));
        struct view answer = http_world_receive(&world, flow, MS_NS, &closed);
        expect(!closed);
        expect_that(http_world_count(answer, VIEW("HTTP/1.1 ")), ==, 6);
        expect_that(http_world_count(answer, VIEW("HTTP/1.1 405 ")), ==, 1);
        size_t last = 0;
        const struct view wanted[] = { VIEW("hello, 1"), VIEW("3 bytes"), VIEW("three"),
                                       VIEW("2 bytes"),  VIEW("405"),     VIEW("hello, 6") };
        for (size_t i = 0; i < LENGTH_OF(wanted); i++) {
            size_t at = view_find(answer, wanted[i]);
            expect(at < answer.length_bytes && at >= last);
            last = at;
        }
        flow_close(flow);
    }
    end();
}

TEST(http_server_serves_many_pipelined_requests)
{
    bool closed;
    begin();
    http_world_open(&world);
    struct flow *flow = http_world_connect(&world);
    size_t sent = 0, answered = 0;
    while (sent < 1000) {
        for (unsigned i = 0; i < 50; i++, sent++)
            http_world_send(flow, VIEW("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        struct view answer = http_world_receive(&world, flow, MS_NS, &closed);
        expect(!closed);
        answered += http_world_count(answer, VIEW("HTTP/1.1 200 OK\r\n"));
    }
    expect_that(answered, ==, 1000);
    flow_close(flow);
    end();
}

TEST(http_server_streams)
{
    begin();
    http_world_open(&world);
    struct view answer = ask(VIEW("GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    expect(has(answer, VIEW("Transfer-Encoding: chunked\r\n")));
    expect(view_ends_with(answer, VIEW("\r\n\r\n4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n"
                                       "0\r\n\r\n")));
    answer = ask(VIEW("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    expect(!has(answer, VIEW("Transfer-Encoding")) && !has(answer, VIEW("Content-Length")));
    expect(view_ends_with(answer, VIEW("\r\n\r\none two three")));
    answer = ask(VIEW("GET /big HTTP/1.0\r\n\r\n"));
    expect_that(answer.length_bytes - view_find(answer, VIEW("\r\n\r\n")), ==,
                4 + HTTP_WORLD_BIG_BYTES);
    end();
}

TEST(http_server_reads_bodies)
{
    begin();
    http_world_open(&world);
    struct view answer = ask(VIEW("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                                  "Connection: close\r\n\r\nhello"));
    expect(has(answer, VIEW("Content-Length: 5\r\n")));
    expect(view_ends_with(answer, VIEW("\r\n\r\nhello")));
    answer = ask(VIEW("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n"
                      "Connection: close\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nT: x\r\n\r\n"));
    expect(view_ends_with(answer, VIEW("\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n")));
    answer = ask(VIEW("POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "5\r\nhel"
                      "loX\r\n0\r\n\r\n"));
    expect_that(http_world_status(answer), ==, 400);
    end();
}

TEST(http_server_reads_large_bodies)
{
    static uint8_t piece[4096];
    bool closed;
    begin();
    http_world_open(&world);
    struct flow *flow = http_world_connect(&world);
    span_fill(SPAN_OF(piece), 'x');
    http_world_send(flow,
                    VIEW("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 524288\r\n\r\n"));
    for (size_t i = 0; i < 128; i++)
        http_world_send(flow, VIEW_OF(piece));
    struct view answer = http_world_receive(&world, flow, MS_NS, &closed);
    expect(!closed && view_ends_with(answer, VIEW("524288 bytes")));
    http_world_send(flow,
                    VIEW("POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
    for (size_t i = 0; i < 128; i++) {
        http_world_send(flow, VIEW("1000\r\n"));
        http_world_send(flow, VIEW_OF(piece));
        http_world_send(flow, VIEW("\r\n"));
    }
    http_world_send(flow, VIEW("0\r\n\r\n"));
    answer = http_world_receive(&world, flow, MS_NS, &closed);
    expect(!closed && view_ends_with(answer, VIEW("524288 bytes")));
    flow_close(flow);
    end();
}

TEST(http_server_continues)
{
    bool closed;
    begin();
    http_world_open(&world);
    struct flow *flow = http_world_connect(&world);
    http_world_send(flow, VIEW("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                               "Expect: 100-continue\r\n\r\n"));
    struct view answer = http_world_receive(&world, flow, MS_NS, &closed);
    expect_view(answer, VIEW("HTTP/1.1 100 Continue\r\n\r\n"));
    http_world_send(flow, VIEW("ab"));
    answer = http_world_receive(&world, flow, MS_NS, &closed);
    expect(!closed && view_ends_with(answer, VIEW("2 bytes")));
    /* A body that comes at once needs no 100. */
    http_world_send(flow, VIEW("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                               "Expect: 100-continue\r\n\r\nab"));
    answer = http_world_receive(&world, flow, MS_NS, &closed);
    expect_that(http_world_status(answer), ==, 200);
    flow_close(flow);
    /* A refusal instead of 100, and nothing that could be taken for the body. */
    answer = ask(VIEW("POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                      "Expect: 100-continue\r\n\r\n"));
    expect_that(http_world_status(answer), ==, 404);
    expect(has(answer, VIEW("Connection: close\r\n")));
    answer = ask(VIEW("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                      "Expect: 200-ok\r\n\r\n"));
    expect_that(http_world_status(answer), ==, 417);
    end();
}

/* A handler that begins its response before it reads: the head is still held, so 100 comes first.
 */
TEST(http_server_continues_before_a_held_head)
{
    bool closed;
    begin();
    http_world_open(&world);
    struct flow *flow = http_world_connect(&world);
    http_world_send(flow, VIEW("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                               "Expect: 100-continue\r\n\r\n"));
    struct view answer = http_world_receive(&world, flow, MS_NS, &closed);
    expect_view(answer, VIEW("HTTP/1.1 100 Continue\r\n\r\n"));
    http_world_send(flow, VIEW("ab"));
    answer = http_world_receive(&world, flow, MS_NS, &closed);
    expect_that(http_world_status(answer), ==, 200);
    expect(view_ends_with(answer, VIEW("\r\n\r\nab")));
    flow_close(flow);
    end();
}

/* A client that has sent its last too early is told so, without a reset. */
TEST(http_server_answers_half_a_body)
{
    const struct view halves[] = {
        VIEW("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"),
        VIEW("POST /count HTTP/1.1\r\nHost: a\r\n"
             "Transfer-Encoding: chunked\r\n\r\n9\r\nhalf")
    };
    begin();
    http_world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(halves); i++) {
        bool closed;
        struct flow *flow = http_world_connect(&world);
        http_world_send(flow, halves[i]);
        expect_ok(flow_shut(flow));
        struct view answer = http_world_receive(&world, flow, MS_NS, &closed);
        expect(closed);
        expect_that(http_world_status(answer), ==, 400);
        flow_close(flow);
    }
    end();
}

TEST(http_server_drops_small_unread_bodies)
{
    bool closed;
    begin();
    http_world_open(&world);
    struct flow *flow = http_world_connect(&world);
    http_world_send(flow, VIEW("POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"));
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    http_world_send(flow, VIEW("cdeGET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    struct view answer = http_world_receive(&world, flow, MS_NS, &closed);
    expect(!closed);
    expect_that(http_world_status(answer), ==, 404);
    expect(view_ends_with(answer, VIEW("hello, world")));
    flow_close(flow);
    answer = ask(VIEW("POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nab"));
    expect(has(answer, VIEW("Connection: close\r\n")));
    end();
}

TEST(http_server_routes)
{
    begin();
    http_world_open(&world);
    expect_that(http_world_status(ask(VIEW("GET /nowhere HTTP/1.0\r\n\r\n"))), ==, 404);
    struct view answer = ask(VIEW("PUT /hello HTTP/1.0\r\n\r\n"));
    expect_that(http_world_status(answer), ==, 405);
    expect(has(answer, VIEW("Allow: GET, HEAD, OPTIONS\r\n")));
    answer = ask(VIEW("OPTIONS /echo HTTP/1.0\r\n\r\n"));
    expect_that(http_world_status(answer), ==, 204);
    expect(has(answer, VIEW("Allow: POST, OPTIONS\r\n")));
    expect(!has(answer, VIEW("Content-Length")));
    answer = ask(VIEW("OPTIONS * HTTP/1.0\r\n\r\n"));
    expect_that(http_world_status(answer), ==, 204);
    expect_that(http_world_status(ask(VIEW("GET /only HTTP/1.0\r\n\r\n"))), ==, 404);
    expect_that(http_world_status(ask(VIEW("GET /only HTTP/1.0\r\nHost: Example.ORG:80\r\n\r\n"))),
                ==, 200);
    expect_that(http_world_status(ask(VIEW("GET /only HTTP/1.0\r\nHost: www.example.net\r\n\r\n"))),
                ==, 200);
    expect_that(http_world_status(ask(VIEW("GET /only HTTP/1.0\r\nHost: example.net\r\n\r\n"))), ==,
                404);
    answer = ask(VIEW("GET http://example.org/only HTTP/1.1\r\nHost: other\r\n"
                      "Connection: close\r\n\r\n"));
    expect_that(http_world_status(answer), ==, 200);
    end();
}

TEST(http_server_ends_what_handlers_do_not)
{
    begin();
    http_world_open(&world);
    expect_that(http_world_status(ask(VIEW("GET /ends/nothing HTTP/1.0\r\n\r\n"))), ==, 500);
    expect_that(http_world_status(ask(VIEW("GET /ends/not-found HTTP/1.0\r\n\r\n"))), ==, 404);
    expect_that(http_world_status(ask(VIEW("GET /ends/denied HTTP/1.0\r\n\r\n"))), ==, 403);
    expect_that(http_world_status(ask(VIEW("GET /ends/full HTTP/1.0\r\n\r\n"))), ==, 503);
    end();
}

/* A response that was begun and cannot be ended is cut by a reset, so that no client takes it for
 * whole. */
TEST(http_server_cuts_broken_responses)
{
    const struct view requests[] = {
        VIEW("GET /ends/short HTTP/1.1\r\nHost: a\r\n\r\n"),
        VIEW("GET /ends/cut HTTP/1.1\r\nHost: a\r\n\r\n"),
        VIEW("GET /ends/cut HTTP/1.0\r\n\r\n"),
    };
    begin();
    http_world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(requests); i++) {
        static uint8_t room[1024];
        size_t length_bytes;
        struct flow *flow = http_world_connect(&world);
        http_world_send(flow, requests[i]);
        enum result result = OK;
        while (result == OK)
            result = flow_read(flow, SPAN_OF(room), &length_bytes,
                               deadline_after(loop_now_ns(), S_NS));
        expect_result(result, FAILED);
        flow_close(flow);
    }
    end();
}

/* A handler that began its response and then could not read the body, with nothing sent yet. */
TEST(http_server_takes_back_a_held_head)
{
    begin();
    http_world_open(&world);
    struct view answer = ask(VIEW("POST /echo HTTP/1.1\r\nHost: a\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\nx\r\n"));
    expect_that(http_world_status(answer), ==, 400);
    expect(has(answer, VIEW("Connection: close\r\n")));
    expect(!has(answer, VIEW("200 OK")));
    end();
}

TEST(http_server_lets_no_handler_split_a_response)
{
    begin();
    http_world_open(&world);
    struct view answer = ask(VIEW("GET /field?/fine HTTP/1.0\r\n\r\n"));
    expect(has(answer, VIEW("X-Query: /fine\r\n")));
    answer = ask(VIEW("GET /field?/x%0d%0aX-Evil:%20yes HTTP/1.0\r\n\r\n"));
    expect_that(http_world_status(answer), ==, 500);
    expect(!has(answer, VIEW("X-Evil")));
    end();
}
