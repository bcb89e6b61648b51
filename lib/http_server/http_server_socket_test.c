/* http_server_socket_test.c - the server on the host's sockets: the same site, many connections,
 * a stop under load, and nothing left over.
 *
 * SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <sys/resource.h>

#include "fiber/stop.h"
#include "fiber/sync.h"
#include "http_server/http_world.h"
#include "target/unix/tcp_socket.h"
#include "test/test.h"

#define CLOSE "Connection: close\r\n"

static struct tcp_socket tcp;
static struct http_world world;

static void begin(uint64_t connections)
{
    struct tcp_socket_parameters parameters = { .connection_count = connections,
                                                .borrow_buffer_count = 1 };
    expect_ok(tcp_socket_open(&tcp, &parameters));
    http_world_init(&world, &tcp.tcp);
    world.parameters.linger_timeout_ns = S_NS;
}

static void end(void)
{
    http_world_close(&world);
    tcp_socket_close(&tcp);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    expect(directory != NULL);
    while (readdir(directory) != NULL)
        count++;
    (void)closedir(directory);
    return count;
}

TEST(http_server_over_sockets)
{
    begin(16);
    http_world_open(&world);
    struct view answer = http_world_ask(
        &world, VIEW("GET /hello HTTP/1.1\r\nHost: localhost\r\n" CLOSE "\r\n"));
    expect(view_ends_with(answer, VIEW("hello, world")));
    answer = http_world_ask(&world, VIEW("GET /stream HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n"));
    expect(view_ends_with(answer, VIEW("0\r\n\r\n")));
    answer = http_world_ask(&world, VIEW("GET /big HTTP/1.0\r\n\r\n"));
    expect_that(answer.length_bytes, >, HTTP_WORLD_BIG_BYTES);
    answer = http_world_ask(&world, VIEW("POST /echo HTTP/1.1\r\nHost: a\r\n" CLOSE
                                         "Transfer-Encoding: chunked\r\n\r\n"
                                         "5\r\nhello\r\n0\r\n\r\n"));
    expect(view_ends_with(answer, VIEW("5\r\nhello\r\n0\r\n\r\n")));
    end();
}

/* What the client still sends after its refusal does not cost it the answer. */
TEST(http_server_refuses_without_a_reset)
{
    static uint8_t piece[8192];
    bool closed;
    begin(16);
    http_world_open(&world);
    for (unsigned round = 0; round < 20; round++) {
        struct flow *flow = http_world_connect(&world);
        http_world_send(flow, VIEW("POST /count HTTP/1.1\r\nHost: a\r\n"
                                   "Content-Length: 99999999\r\n\r\n"));
        for (unsigned i = 0; i < 20; i++) {
            http_world_send(flow, VIEW_OF(piece));
            fiber_yield();
        }
        struct view answer = http_world_receive(&world, flow, S_NS, &closed);
        expect(closed);
        expect_that(http_world_status(answer), ==, 413);
        flow_close(flow);
    }
    end();
}

/* ---- many clients ---- */

/* One client: asks again and again on one connection, or on one each time. */
struct client {
    struct task task;
    unsigned requests, answered, ended;
    bool keeps, waits; /* waits: goes on until it is closed */
};

static const struct connect_options options = { 0 };

/* Reads one response of the site's /hello. False: the connection has ended instead. */
static bool read_answer(struct flow *flow)
{
    uint8_t room[512];
    size_t sum_bytes = 0;
    struct view wanted = VIEW("hello, world");
    while (!view_ends_with(view_from(room, sum_bytes), wanted)) {
        size_t length_bytes;
        enum result result = flow_read(flow, span_from_offset(SPAN_OF(room), sum_bytes),
                                       &length_bytes, deadline_after(loop_now_ns(), 10 * S_NS));
        /* A clean close, before the response or never in the middle of it; no reset. */
        if (result == CLOSED && sum_bytes == 0) return false;
        expect_ok(result);
        sum_bytes += length_bytes;
    }
    expect_that(http_world_status(view_from(room, sum_bytes)), ==, 200);
    return true;
}

static void client_connection(struct client *client, unsigned requests)
{
    struct flow *flow;
    enum result result = tcp_connect(world.tcp, &world.endpoint, &options, &flow,
                                     deadline_after(loop_now_ns(), 5 * S_NS));
    if (result == REFUSED) {
        client->ended++;
        return;
    }
    expect_ok(result);
    bool open = true;
    for (unsigned i = 0; open && i < requests; i++) {
        struct view text = requests == 1 ? VIEW("GET /hello HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n")
                                         : VIEW("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        result = flow_write_view(flow, text, deadline_after(loop_now_ns(), 5 * S_NS));
        open = result == OK && read_answer(flow);
        client->answered += open;
        client->ended += !open;
    }
    flow_close(flow);
}

static void client_run(struct task *task)
{
    struct client *client = CONTAINER_OF(task, struct client, task);
    if (client->keeps) {
        client_connection(client, client->requests);
        return;
    }
    for (unsigned i = 0; i < client->requests && client->ended == 0; i++)
        client_connection(client, 1);
}

static struct client clients[64];

static void start_clients(struct scope *scope, unsigned requests, bool keep)
{
    scope_open(scope, "clients");
    for (size_t i = 0; i < LENGTH_OF(clients); i++) {
        clients[i] = (struct client){ .task = { client_run },
                                      .requests = requests,
                                      .keeps = keep && i % 2 == 0 };
        expect_ok(fiber_start(scope, &clients[i].task, "client", STACK_SMALL));
    }
}

static unsigned total_answered(void)
{
    unsigned sum = 0;
    for (size_t i = 0; i < LENGTH_OF(clients); i++)
        sum += clients[i].answered;
    return sum;
}

TEST(http_server_leaves_nothing_after_many_connections)
{
    struct scope scope;
    begin(256);
    http_world_open(&world);
    unsigned before = open_descriptors();
    start_clients(&scope, 100, true);
    expect_ok(scope_wait(&scope, deadline_after(loop_now_ns(), 60 * S_NS)));
    expect_that(total_answered(), ==, 100 * LENGTH_OF(clients));
    (void)fiber_sleep(10 * MS_NS);
    expect_that(open_descriptors(), ==, before);
    expect_that(world.server.figures.connections_open, ==, 0);
    scope_close(&scope);
    end();
}

TEST(http_server_stops_under_load_without_a_reset)
{
    struct scope scope;
    begin(256);
    http_world_open(&world);
    start_clients(&scope, 1000000, true);
    (void)fiber_sleep(300 * MS_NS);
    stop_request();
    /* A client whose read fails, as with a reset, fails the test. */
    expect_ok(scope_wait(&scope, deadline_after(loop_now_ns(), 20 * S_NS)));
    expect(total_answered() > 100);
    expect_that(world.server.figures.responses_2xx, >=, total_answered());
    for (unsigned i = 0; !world.ended && i < 100; i++)
        (void)fiber_sleep(10 * MS_NS);
    expect(world.ended);
    scope_close(&scope);
    end();
}

/* ---- the limit ---- */

#define FLOWS ((size_t)2000)
#define HELLO VIEW("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")

static struct flow *flows[FLOWS];

static void connect_and_ask(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        flows[i] = http_world_connect(&world);
        http_world_send(flows[i], HELLO);
    }
}

/* Half of them are served and stay; the other half comes at once, is told that there is no room,
 * and is closed cleanly. Then the first half is served again. */
TEST(http_server_limits_connections_over_sockets)
{
    struct rlimit limit;
    bool closed;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < 2 * FLOWS + 100)
        test_skip("fewer than 4,100 descriptors a process");
    begin(2 * FLOWS);
    world.parameters.connections_count = FLOWS / 2;
    http_world_open(&world);
    connect_and_ask(0, FLOWS / 2);
    for (size_t i = 0; i < FLOWS / 2; i++)
        expect(read_answer(flows[i]));
    connect_and_ask(FLOWS / 2, FLOWS);
    for (size_t i = FLOWS / 2; i < FLOWS; i++) {
        struct view answer = http_world_receive(&world, flows[i], 10 * S_NS, &closed);
        expect(closed);
        expect_that(http_world_status(answer), ==, 503);
        flow_close(flows[i]);
    }
    for (size_t i = 0; i < FLOWS / 2; i++) {
        http_world_send(flows[i], HELLO);
        expect(read_answer(flows[i]));
        flow_close(flows[i]);
    }
    expect_that(world.server.figures.connections_over_limit, ==, FLOWS / 2);
    end();
}
