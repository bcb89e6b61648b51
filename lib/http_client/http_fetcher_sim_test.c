/* http_fetcher_sim_test.c - the client against servers that answer as no good server would, in
 * virtual time.
 *
 * SPDX-License-Identifier: ISC */
#include "http_client/http_fetcher.h"

#include "base/writer.h"
#include "target/clock.h"
#include "tcp/tcp_loop.h"
#include "test/test.h"

/* ---- an origin that plays a script ---- */

enum then { KEEP, CLOSE, ABORT, HANG };

/* What is sent to one request, and what happens then. */
struct line {
    const char *answer;
    enum then then;
    size_t piece_bytes; /* 0: all at once; otherwise with a pause after each */
};

#define CONNECTIONS_MAX 8

struct origin;

struct origin_connection {
    struct task task;
    struct origin *origin;
    struct flow *flow;
};

struct origin {
    struct tcp_loop loop;
    struct listener *listener;
    struct scope scope;
    struct task acceptor;
    const struct line *script;
    size_t line_count, played;
    struct origin_connection connections[CONNECTIONS_MAX];
    size_t accepted;
    uint8_t request[4096]; /* the last one's head */
    size_t request_bytes, head_bytes;
    struct http_fetcher fetcher;
};

static struct origin origin;

static bool has_head(void)
{
    struct view request = view_first(VIEW_OF(origin.request), origin.request_bytes);
    return view_find(request, VIEW("\r\n\r\n")) < request.length_bytes;
}

/* Byte by byte, so that nothing behind the head is taken. */
static enum result read_request(struct flow *flow)
{
    size_t length_bytes;
    enum result result = OK;
    origin.request_bytes = 0;
    while (result == OK && !has_head()) {
        struct span room = span_from_offset(SPAN_OF(origin.request), origin.request_bytes);
        result = flow_read(flow, span_first(room, 1), &length_bytes, NEVER);
        origin.request_bytes += length_bytes;
    }
    if (result == OK) origin.head_bytes = origin.request_bytes;
    return result;
}

static enum result play(struct flow *flow, const struct line *line)
{
    struct view answer = view_from_string(line->answer);
    size_t piece_bytes = line->piece_bytes == 0 ? answer.length_bytes : line->piece_bytes;
    enum result result = OK;
    while (result == OK && !view_is_empty(answer)) {
        struct view piece = view_first(answer, MIN(piece_bytes, answer.length_bytes));
        answer = view_from_offset(answer, piece.length_bytes);
        result = flow_write_view(flow, piece, NEVER);
        if (line->piece_bytes != 0) (void)fiber_sleep(MS_NS);
    }
    return result;
}

static void connection_run(struct task *task)
{
    struct origin_connection *connection = CONTAINER_OF(task, struct origin_connection, task);
    enum then then = KEEP;
    while (then == KEEP && read_request(connection->flow) == OK) {
        const struct line *line = &origin.script[MIN(origin.played, origin.line_count - 1)];
        origin.played++;
        then = play(connection->flow, line) == OK ? line->then : CLOSE;
    }
    if (then == HANG) (void)fiber_sleep_until(NEVER);
    if (then == ABORT)
        flow_abort(connection->flow);
    else
        flow_close_gently(connection->flow, deadline_after(clock_monotonic_ns(), S_NS));
}

static void acceptor_run(struct task *task)
{
    (void)task;
    struct flow *flow;
    while (listener_accept(origin.listener, &flow, NEVER) == OK) {
        assert(origin.accepted < CONNECTIONS_MAX);
        struct origin_connection *connection = &origin.connections[origin.accepted++];
        connection->flow = flow;
        connection->task.run = connection_run;
        expect_ok(fiber_start(&origin.scope, &connection->task, "origin", STACK_MEDIUM));
    }
}

static struct resolver no_names; /* every test goes to an address */

static void origin_open_with(const struct line script[], size_t count, uint64_t connections)
{
    struct endpoint local = { address_loopback(ADDRESS_IPV4), 80 };
    origin = (struct origin){ .script = script, .line_count = count, .acceptor = { acceptor_run } };
    expect_ok(tcp_loop_open(&origin.loop, &(struct tcp_loop_options){ 16, 1, 4096 }));
    expect_ok(tcp_listen(&origin.loop.tcp, &local, &(struct listen_options){ .backlog = 4 },
                         &origin.listener));
    scope_open(&origin.scope, "origin");
    expect_ok(fiber_start(&origin.scope, &origin.acceptor, "origin", STACK_MEDIUM));
    expect_ok(http_fetcher_open(&origin.fetcher, &origin.loop.tcp, &no_names,
                                &(struct http_fetcher_parameters){ connections, 1024, 30 * S_NS }));
}

#define origin_open(script) origin_open_with(script, LENGTH_OF(script), 2)

static void origin_close(void)
{
    http_fetcher_close(&origin.fetcher);
    scope_close(&origin.scope);
    listener_close(origin.listener);
    tcp_loop_close(&origin.loop);
}

/* ---- fetching from it ---- */

static struct {
    struct http_sink sink;
    struct http_fetched fetched;
    struct http_field fields[16];
    uint8_t room[2048];
    uint8_t body[4096];
    size_t body_bytes;
} got;

static enum result keep_piece(struct http_sink *sink, struct view piece)
{
    (void)sink;
    (void)span_copy(span_from_offset(SPAN_OF(got.body), got.body_bytes), piece);
    got.body_bytes += piece.length_bytes;
    return OK;
}

static struct http_fetch fetch_of(enum http_method method)
{
    return (struct http_fetch){ .method = method,
                                .url = VIEW("http://127.0.0.1/x"),
                                .body_bytes_max = sizeof got.body,
                                .deadline_ns = deadline_after(clock_monotonic_ns(), 5 * S_NS) };
}

static enum result run(const struct http_fetch *fetch)
{
    got.sink.put = keep_piece;
    got.fetched = (struct http_fetched){ .room = SPAN_OF(got.room),
                                         .fields = got.fields,
                                         .field_room = LENGTH_OF(got.fields) };
    got.body_bytes = 0;
    return http_fetch(&origin.fetcher.http_client, fetch, &got.fetched, &got.sink);
}

static enum result get(void)
{
    struct http_fetch fetch = fetch_of(HTTP_GET);
    return run(&fetch);
}

static void expect_get(unsigned status, struct view body)
{
    expect_ok(get());
    expect_that(got.fetched.status, ==, status);
    expect_view(view_first(VIEW_OF(got.body), got.body_bytes), body);
}

/* ---- framing ---- */

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

TEST(http_fetcher_reads_every_framing)
{
    static const char *const answers[] = {
        OK_HELLO,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=\"b\"\r\nlo\r\n"
        "0\r\nX-Trailer: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\n\r\nhello",
        "HTTP/1.1 200 \r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" OK_HELLO,
    };
    for (size_t i = 0; i < LENGTH_OF(answers); i++) {
        for (size_t piece_bytes = 0; piece_bytes < 4; piece_bytes++) {
            struct line script[] = { { answers[i], CLOSE, piece_bytes } };
            origin_open(script);
            expect_get(200, VIEW("hello"));
            origin_close();
        }
    }
}

TEST(http_fetcher_knows_which_responses_have_no_body)
{
    static const char *const answers[] = {
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < LENGTH_OF(answers); i++) {
        struct line script[] = { { answers[i], KEEP, 0 } };
        origin_open(script);
        expect_ok(get());
        expect_that(got.body_bytes, ==, 0);
        expect_ok(get());
        expect_that(origin.accepted, ==, 1);
        origin_close();
    }
    struct line script[] = { { "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", KEEP, 0 } };
    origin_open(script);
    struct http_fetch fetch = fetch_of(HTTP_HEAD);
    expect_ok(run(&fetch));
    expect_ok(run(&fetch));
    expect_that(origin.accepted, ==, 1);
    origin_close();
}

TEST(http_fetcher_refuses_what_could_be_read_in_two_ways)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "hello, I am no HTTP server\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < LENGTH_OF(answers); i++) {
        struct line script[] = { { answers[i], CLOSE, 0 } };
        origin_open(script);
        if (get() != INVALID)
            test_fail(__FILE__, __LINE__, "expected to be refused: %s", answers[i]);
        expect_that(origin.fetcher.connections_open, ==, 0);
        origin_close();
    }
}

/* Every prefix of a good answer is a broken one, and none is taken for the whole. */
TEST(http_fetcher_tells_a_part_from_the_whole)
{
    static const char *const answers[] = {
        OK_HELLO,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < LENGTH_OF(answers); i++) {
        struct view whole = view_from_string(answers[i]);
        for (size_t length = 0; length < whole.length_bytes; length++) {
            char part[128] = "";
            (void)span_copy(SPAN_OF(part), view_first(whole, length));
            struct line script[] = { { part, CLOSE, 0 } };
            origin_open(script);
            expect_result(get(), CLOSED);
            origin_close();
        }
    }
}

TEST(http_fetcher_bounds_heads)
{
    static char large[3000], many[3000];
    struct writer writer = writer_over(SPAN_OF(large));
    writer_format(&writer, "HTTP/1.1 200 OK\r\nX: %01500d\r\n\r\n%c", 0, 0);
    struct line too_large[] = { { large, CLOSE, 0 } };
    origin_open(too_large);
    expect_result(get(), TOO_LARGE);
    origin_close();
    writer = writer_over(SPAN_OF(many));
    writer_format(&writer, "HTTP/1.1 200 OK\r\n");
    for (unsigned i = 0; i < HTTP_FETCHER_FIELDS_MAX + 1; i++)
        writer_format(&writer, "a: b\r\n");
    writer_format(&writer, "\r\n%c", 0);
    struct line too_many[] = { { many, CLOSE, 0 } };
    origin_open(too_many);
    expect_result(get(), TOO_LARGE);
    origin_close();
}

TEST(http_fetcher_does_not_wait_through_a_flood_of_1xx)
{
    static char flood[1000];
    struct writer writer = writer_over(SPAN_OF(flood));
    for (unsigned i = 0; i < 20; i++)
        writer_format(&writer, "HTTP/1.1 102 Processing\r\n\r\n");
    writer_format(&writer, OK_HELLO "%c", 0);
    struct line script[] = { { flood, CLOSE, 0 } };
    origin_open(script);
    expect_result(get(), INVALID);
    origin_close();
}

TEST(http_fetcher_bounds_bodies_of_every_framing)
{
    static const char *const answers[] = {
        OK_HELLO,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nhello",
    };
    for (size_t i = 0; i < LENGTH_OF(answers); i++) {
        struct line script[] = { { answers[i], CLOSE, 1 } };
        struct http_fetch fetch = fetch_of(HTTP_GET);
        origin_open(script);
        fetch.body_bytes_max = 4;
        expect_result(run(&fetch), TOO_LARGE);
        expect_that(got.body_bytes, <=, 4);
        fetch.body_bytes_max = 5;
        expect_ok(run(&fetch));
        expect_that(got.body_bytes, ==, 5);
        origin_close();
    }
}

/* ---- requests ---- */

TEST(http_fetcher_writes_plain_requests)
{
    struct line script[] = { { OK_HELLO, KEEP, 0 } };
    struct http_field fields[] = { { VIEW("Accept"), VIEW("text/html") },
                                   { VIEW("Connection"), VIEW("upgrade") },
                                   { VIEW("Host"), VIEW("evil") },
                                   { VIEW("Content-Length"), VIEW("9") } };
    struct http_fetch fetch = fetch_of(HTTP_GET);
    fetch.fields = fields;
    fetch.field_count = LENGTH_OF(fields);
    origin_open(script);
    expect_ok(run(&fetch));
    expect_view(view_first(VIEW_OF(origin.request), origin.head_bytes),
                VIEW("GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n\r\n"));
    fetch = fetch_of(HTTP_POST);
    expect_ok(run(&fetch));
    expect_view(view_first(VIEW_OF(origin.request), origin.head_bytes),
                VIEW("POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"));
    origin_close();
}

static enum result give_for_ever(struct http_source *source, struct span room, size_t *length_bytes)
{
    (void)source;
    span_fill(room, 'x');
    *length_bytes = room.length_bytes;
    return OK;
}

/* The origin reads the head only, so the body fills every buffer on the way. */
TEST(http_fetcher_takes_an_answer_before_the_body_is_sent)
{
    struct line script[] = { { "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno",
                               HANG, 0 } };
    struct http_source source = { give_for_ever, HTTP_LENGTH_UNKNOWN };
    struct http_fetch fetch = fetch_of(HTTP_POST);
    fetch.source = &source;
    origin_open(script);
    expect_ok(run(&fetch));
    expect_that(got.fetched.status, ==, 413);
    expect_that(origin.fetcher.connections_open, ==, 0); /* and the connection is of no more use */
    origin_close();
}

static enum result give_never(struct http_source *source, struct span room, size_t *length_bytes)
{
    (void)source;
    (void)room;
    *length_bytes = 0;
    return fiber_sleep_until(NEVER);
}

/* That the source is then called off is no failure of it. */
TEST(http_fetcher_takes_an_answer_that_the_source_did_not_wait_for)
{
    struct line script[] = { { OK_HELLO, KEEP, 0 } };
    struct http_source source = { give_never, 1000 };
    struct http_fetch fetch = fetch_of(HTTP_POST);
    fetch.source = &source;
    origin_open(script);
    expect_ok(run(&fetch));
    expect_that(got.fetched.status, ==, 200);
    expect_that(origin.fetcher.connections_open, ==, 0);
    origin_close();
}

/* ---- connections ---- */

TEST(http_fetcher_keeps_a_connection)
{
    struct line script[] = { { OK_HELLO, KEEP, 0 } };
    origin_open(script);
    for (unsigned i = 0; i < 5; i++)
        expect_get(200, VIEW("hello"));
    expect_that(origin.accepted, ==, 1);
    expect_that(origin.fetcher.reused_count, ==, 4);
    origin_close();
}

TEST(http_fetcher_does_not_keep_what_is_not_sound)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        OK_HELLO "HTTP/1.1 200 OK\r\n", /* nobody asked for more */
    };
    for (size_t i = 0; i < LENGTH_OF(answers); i++) {
        struct line script[] = { { answers[i], KEEP, 0 } };
        origin_open(script);
        expect_get(200, VIEW("hello"));
        expect_that(origin.fetcher.connections_open, ==, 0);
        origin_close();
    }
}

TEST(http_fetcher_ends_idle_connections)
{
    struct line script[] = { { OK_HELLO, KEEP, 0 } };
    origin_open(script);
    expect_get(200, VIEW("hello"));
    (void)fiber_sleep(29 * S_NS);
    expect_that(origin.fetcher.connections_open, ==, 1);
    (void)fiber_sleep(2 * S_NS);
    expect_that(origin.fetcher.connections_open, ==, 0);
    expect_get(200, VIEW("hello"));
    expect_that(origin.accepted, ==, 2);
    origin_close();
}

TEST(http_fetcher_notices_that_the_server_ended_it)
{
    struct line script[] = { { OK_HELLO, CLOSE, 0 } };
    origin_open(script);
    expect_get(200, VIEW("hello"));
    (void)fiber_sleep(10 * MS_NS);
    expect_that(origin.fetcher.connections_open, ==, 0);
    expect_get(200, VIEW("hello"));
    expect_that(origin.fetcher.repeated_count, ==, 0);
    origin_close();
}

/* Also when nobody has had the time to close what it ended. */
TEST(http_fetcher_takes_no_connection_that_has_ended)
{
    struct line script[] = { { OK_HELLO, CLOSE, 0 } };
    struct http_fetch fetch = fetch_of(HTTP_POST);
    origin_open(script);
    expect_get(200, VIEW("hello"));
    expect_ok(run(&fetch));
    expect_that(origin.accepted, ==, 2);
    expect_that(origin.fetcher.reused_count, ==, 0);
    origin_close();
}

/* The second request meets a server that has just given the connection up. */
static const struct line stale_script[] = { { OK_HELLO, KEEP, 0 },
                                            { "", ABORT, 0 },
                                            { OK_HELLO, KEEP, 0 } };

TEST(http_fetcher_repeats_what_a_dead_connection_swallowed)
{
    origin_open(stale_script);
    expect_get(200, VIEW("hello"));
    expect_get(200, VIEW("hello"));
    expect_that(origin.fetcher.repeated_count, ==, 1);
    expect_that(origin.accepted, ==, 2);
    origin_close();
}

TEST(http_fetcher_repeats_no_post_and_nothing_twice)
{
    struct http_fetch fetch = fetch_of(HTTP_POST);
    origin_open(stale_script);
    expect_get(200, VIEW("hello"));
    enum result result = run(&fetch);
    expect(result == CLOSED || result == FAILED);
    expect_that(origin.fetcher.repeated_count, ==, 0);
    origin_close();

    struct line dead[] = { { OK_HELLO, KEEP, 0 }, { "", ABORT, 0 } };
    origin_open(dead);
    expect_get(200, VIEW("hello"));
    result = get();
    expect(result == CLOSED || result == FAILED);
    expect_that(origin.fetcher.repeated_count, ==, 1);
    origin_close();

    struct line begun[] = { { OK_HELLO, KEEP, 0 }, { "HTTP/1.1 20", CLOSE, 0 } };
    origin_open(begun);
    expect_get(200, VIEW("hello"));
    expect_result(get(), CLOSED);
    expect_that(origin.fetcher.repeated_count, ==, 0);
    origin_close();
}

/* A new connection in the place of one that was kept is new all the same. */
TEST(http_fetcher_repeats_nothing_on_a_new_connection)
{
    struct line script[] = {
        { OK_HELLO, KEEP, 0 }, { OK_HELLO, CLOSE, 0 }, { "", ABORT, 0 }, { OK_HELLO, KEEP, 0 }
    };
    origin_open_with(script, LENGTH_OF(script), 1);
    expect_get(200, VIEW("hello"));
    expect_get(200, VIEW("hello"));
    (void)fiber_sleep(10 * MS_NS);
    enum result result = get();
    expect(result == CLOSED || result == FAILED);
    expect_that(origin.fetcher.repeated_count, ==, 0);
    expect_get(200, VIEW("hello"));
    origin_close();
}

struct background {
    struct task task;
    enum result result;
};

static void background_run(struct task *task)
{
    struct http_fetch fetch = fetch_of(HTTP_GET);
    uint8_t room[64];
    struct http_fetched fetched = { .room = SPAN_OF(room) };
    fetch.deadline_ns = NEVER;
    CONTAINER_OF(task, struct background, task)->result = http_fetch(&origin.fetcher.http_client,
                                                                     &fetch, &fetched, NULL);
}

TEST(http_fetcher_bounds_its_connections_and_can_be_cancelled)
{
    struct line script[] = { { "", HANG, 0 } };
    struct background background = { { background_run }, OK };
    struct scope scope;
    origin_open_with(script, LENGTH_OF(script), 1);
    scope_open(&scope, "background");
    expect_ok(fiber_start(&scope, &background.task, "background", STACK_MEDIUM));
    (void)fiber_sleep(S_NS);
    uint64_t before_ns = clock_monotonic_ns();
    expect_result(get(), TIMED_OUT); /* waits for the only place */
    expect_that(clock_monotonic_ns() - before_ns, >=, 5 * S_NS);
    expect_that(origin.accepted, ==, 1);
    scope_close(&scope);
    expect_result(background.result, CANCELLED);
    expect_that(origin.fetcher.connections_open, ==, 0);
    origin_close();
}

TEST(http_fetcher_has_a_deadline_at_every_wait)
{
    static const char *const answers[] = { "", "HTTP/1.1 200 OK\r\nContent-Le",
                                           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
                                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5",
                                           "HTTP/1.1 200 OK\r\n\r\nhello" };
    for (size_t i = 0; i < LENGTH_OF(answers); i++) {
        struct line script[] = { { answers[i], HANG, 0 } };
        origin_open(script);
        uint64_t before_ns = clock_monotonic_ns();
        expect_result(get(), TIMED_OUT);
        uint64_t took_ns = clock_monotonic_ns() - before_ns;
        expect(took_ns >= 5 * S_NS && took_ns < 6 * S_NS);
        expect_that(origin.fetcher.connections_open, ==, 0);
        origin_close();
    }
}

/* ---- redirects ---- */

#define TO_Y "HTTP/1.1 302 Found\r\nLocation: /y\r\n"

TEST(http_fetcher_drops_the_body_of_a_redirect_or_its_connection)
{
    static const char *const redirects[] = { TO_Y "Content-Length: 4\r\n\r\nhere",
                                             TO_Y "Content-Length: 70000\r\n\r\n",
                                             TO_Y "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                                             TO_Y "Content-Length: 0\r\n\r\n" };
    static const size_t accepted[] = { 1, 2, 2, 1 };
    for (size_t i = 0; i < LENGTH_OF(redirects); i++) {
        struct line script[] = { { redirects[i], KEEP, 0 }, { OK_HELLO, KEEP, 0 } };
        struct http_fetch fetch = fetch_of(HTTP_GET);
        fetch.redirects_max = 1;
        origin_open(script);
        expect_ok(run(&fetch));
        expect_view(view_first(VIEW_OF(got.body), got.body_bytes), VIEW("hello"));
        expect_that(got.fetched.body_bytes, ==, 5);
        expect_view(got.fetched.url, VIEW("http://127.0.0.1/y"));
        expect_that(origin.accepted, ==, accepted[i]);
        origin_close();
    }
}

TEST(http_fetcher_is_refused_where_nobody_listens)
{
    struct line script[] = { { OK_HELLO, KEEP, 0 } };
    struct http_fetch fetch = fetch_of(HTTP_GET);
    fetch.url = VIEW("http://127.0.0.1:81/");
    origin_open(script);
    expect_result(run(&fetch), REFUSED);
    expect_that(origin.fetcher.connections_open, ==, 0);
    origin_close();
}
