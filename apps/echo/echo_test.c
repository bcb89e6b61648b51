/* echo_test.c - the services over a network inside the process, and all of them together.
 *
 * SPDX-License-Identifier: ISC */
#include "echo.h"

#include "echo_tcp.h"
#include "echo_udp.h"
#include "fiber/stop.h"
#include "http/http_memory.h"
#include "target/clock.h"
#include "tcp/tcp_loop.h"
#include "test/test.h"
#include "udp/udp_loop.h"

#define TCP_PORT   7007
#define LEFT_PORT  7017
#define RIGHT_PORT 7018

static uint64_t soon(void)
{
    return clock_monotonic_ns() + 20 * S_NS;
}

static uint64_t in_a_moment(void)
{
    return clock_monotonic_ns() + 50 * MS_NS;
}

/* ---- a service on a fiber of its own ---- */

struct serving {
    struct task task;
    struct scope scope;
    struct echo *echo;
    enum result result;
};

static void serving_run(struct task *task)
{
    struct serving *serving = CONTAINER_OF(task, struct serving, task);
    serving->result = echo_serve(serving->echo);
}

/* When it returns the service listens. */
static void serving_begin(struct serving *serving, struct echo *echo)
{
    *serving = (struct serving){ .task = { serving_run }, .echo = echo, .result = FAILED };
    scope_open(&serving->scope, "serving");
    expect_ok(fiber_start(&serving->scope, &serving->task, "serving", STACK_SMALL));
    fiber_yield();
}

/* After a stop has been requested it ends by itself. */
static void serving_end(struct serving *serving, enum result wanted)
{
    stop_request();
    expect_ok(scope_wait(&serving->scope, soon()));
    scope_close(&serving->scope);
    expect_that(serving->result, ==, wanted);
}

/* ---- TCP ---- */

static struct tcp_world {
    struct tcp_loop loop;
    struct echo_tcp echo;
    struct serving serving;
} tcp_world;

static void tcp_begin(uint64_t sessions_max, uint64_t idle_timeout_ns)
{
    const struct tcp_loop_options options = { .connection_count = 8,
                                              .listener_count = 2,
                                              .buffer_bytes = 4096 };
    const struct echo_tcp_parameters parameters = { .port = TCP_PORT,
                                                    .sessions_max = sessions_max,
                                                    .idle_timeout_ns = idle_timeout_ns };
    expect_ok(tcp_loop_open(&tcp_world.loop, &options));
    expect_ok(echo_tcp_open(&tcp_world.echo, &tcp_world.loop.tcp, &parameters));
    serving_begin(&tcp_world.serving, &tcp_world.echo.echo);
}

static void tcp_end(void)
{
    serving_end(&tcp_world.serving, OK);
    expect_that(tcp_world.echo.sessions_count, ==, 0);
    echo_tcp_close(&tcp_world.echo);
    tcp_loop_close(&tcp_world.loop);
}

static struct flow *tcp_reach(void)
{
    const struct endpoint peer = { address_loopback(ADDRESS_IPV4), TCP_PORT };
    struct flow *flow;
    expect_ok(tcp_connect(&tcp_world.loop.tcp, &peer, NULL, &flow, soon()));
    return flow;
}

static void expect_heard(struct flow *flow, struct view wanted)
{
    uint8_t room[64];
    size_t length_bytes;
    struct span place = span_first(SPAN_OF(room), wanted.length_bytes);
    expect_ok(flow_read_whole(flow, place, &length_bytes, soon()));
    expect_view(span_view(place), wanted);
}

static void expect_end(struct flow *flow)
{
    uint8_t byte;
    size_t length_bytes;
    expect_result(flow_read(flow, SPAN_OF(byte), &length_bytes, soon()), CLOSED);
}

TEST(parameters_are_valid)
{
    expect(parameter_defaults_are_valid(echo_tcp_parameters));
    expect(parameter_defaults_are_valid(echo_udp_parameters));
}

TEST(tcp_sends_back_what_it_hears)
{
    tcp_begin(4, 60 * S_NS);
    struct flow *flow = tcp_reach();
    expect_ok(flow_write_view(flow, VIEW("warp"), soon()));
    expect_heard(flow, VIEW("warp"));
    expect_ok(flow_write_view(flow, VIEW(" and weft"), soon()));
    expect_heard(flow, VIEW(" and weft"));
    expect_that(tcp_world.echo.bytes_count, ==, 13);
    flow_close(flow);
    tcp_end();
}

TEST(tcp_sends_back_the_rest_after_the_peer_is_done)
{
    tcp_begin(4, 60 * S_NS);
    struct flow *flow = tcp_reach();
    expect_ok(flow_write_view(flow, VIEW("last words"), soon()));
    expect_ok(flow_shut(flow));
    expect_heard(flow, VIEW("last words"));
    expect_end(flow);
    flow_close(flow);
    tcp_end();
}

TEST(tcp_sends_back_more_than_its_room)
{
    static uint8_t said[3 * ECHO_ROOM_BYTES], heard[sizeof said];
    uint64_t seed = 7;
    for (size_t i = 0; i < sizeof said; i++)
        said[i] = (uint8_t)test_random(&seed);
    tcp_begin(4, 60 * S_NS);
    struct flow *flow = tcp_reach();
    for (size_t done = 0; done < sizeof said; done += ECHO_ROOM_BYTES) {
        size_t length_bytes;
        struct span place = span_first(span_from_offset(SPAN_OF(heard), done), ECHO_ROOM_BYTES);
        expect_ok(flow_write_view(flow, view_slice(VIEW_OF(said), done, ECHO_ROOM_BYTES), soon()));
        expect_ok(flow_read_whole(flow, place, &length_bytes, soon()));
    }
    expect(view_equal(VIEW_OF(heard), VIEW_OF(said)));
    flow_close(flow);
    tcp_end();
}

TEST(tcp_ends_who_is_idle)
{
    tcp_begin(4, 20 * MS_NS);
    struct flow *flow = tcp_reach();
    expect_end(flow);
    expect_that(tcp_world.echo.idle_count, ==, 1);
    flow_close(flow);
    tcp_end();
}

TEST(tcp_serves_no_more_than_its_sessions)
{
    uint8_t byte;
    size_t length_bytes;
    tcp_begin(1, 60 * S_NS);
    struct flow *first = tcp_reach();
    expect_ok(flow_write_view(first, VIEW("1"), soon()));
    expect_heard(first, VIEW("1"));

    struct flow *second = tcp_reach();
    expect_ok(flow_write_view(second, VIEW("2"), soon()));
    expect_result(flow_read(second, SPAN_OF(byte), &length_bytes, in_a_moment()), TIMED_OUT);
    expect_that(tcp_world.echo.sessions_count, ==, 1);

    flow_close(first);
    expect_heard(second, VIEW("2"));
    flow_close(second);
    tcp_end();
}

TEST(tcp_gives_every_session_back)
{
    size_t stacks = fiber_stacks_free(STACK_SMALL);
    tcp_begin(2, 60 * S_NS);
    for (unsigned i = 0; i < 100; i++) {
        struct flow *flow = tcp_reach();
        expect_ok(flow_write_view(flow, VIEW("again"), soon()));
        expect_heard(flow, VIEW("again"));
        flow_close(flow);
    }
    expect_that(tcp_world.echo.connections_count, ==, 100);
    tcp_end();
    expect_that(fiber_stacks_free(STACK_SMALL), ==, stacks);
}

TEST(tcp_ends_its_sessions_at_a_stop)
{
    tcp_begin(4, 3600 * S_NS);
    uint64_t start_ns = clock_monotonic_ns();
    struct flow *flow = tcp_reach();
    expect_ok(flow_write_view(flow, VIEW("before"), soon()));
    expect_heard(flow, VIEW("before"));
    stop_request();
    expect_end(flow);
    flow_close(flow);
    tcp_end();
    expect_that(clock_monotonic_ns() - start_ns, <, 2 * S_NS);
}

TEST(tcp_does_not_wait_for_ever_for_who_stays)
{
    tcp_begin(4, 3600 * S_NS);
    struct flow *flow = tcp_reach();
    expect_ok(flow_write_view(flow, VIEW("x"), soon()));
    expect_heard(flow, VIEW("x"));
    stop_request();
    expect_ok(scope_wait(&tcp_world.serving.scope, soon()));
    flow_close(flow);
    tcp_end();
}

/* ---- UDP ---- */

static struct udp_world {
    struct udp_loop loop;
    struct echo_udp left, right;
    struct serving serving_left, serving_right;
    struct udp_port *mine;
} udp_world;

static void udp_begin(uint16_t my_port)
{
    const struct udp_loop_options options = { .port_count = 4,
                                              .queue_count = 64,
                                              .datagram_bytes_max = 1472 };
    const struct endpoint mine = { address_loopback(ADDRESS_IPV4), my_port };
    expect_ok(udp_loop_open(&udp_world.loop, &options));
    struct udp *udp = &udp_world.loop.udp;
    expect_ok(
        echo_udp_open(&udp_world.left, udp, &(struct echo_udp_parameters){ .port = LEFT_PORT }));
    expect_ok(
        echo_udp_open(&udp_world.right, udp, &(struct echo_udp_parameters){ .port = RIGHT_PORT }));
    serving_begin(&udp_world.serving_left, &udp_world.left.echo);
    serving_begin(&udp_world.serving_right, &udp_world.right.echo);
    expect_ok(udp_bind(udp, &mine, &udp_world.mine));
}

static void udp_end(void)
{
    udp_port_close(udp_world.mine);
    serving_end(&udp_world.serving_left, OK);
    serving_end(&udp_world.serving_right, OK);
    echo_udp_close(&udp_world.left);
    echo_udp_close(&udp_world.right);
    udp_loop_close(&udp_world.loop);
}

static void udp_say(uint16_t port, struct view words)
{
    size_t sent;
    const struct datagram_out out = { .peer = { address_loopback(ADDRESS_IPV4), port },
                                      .bytes = words };
    expect_ok(udp_send(udp_world.mine, &out, 1, &sent, soon()));
}

static void expect_datagram(uint16_t port, struct view wanted)
{
    uint8_t room[256];
    size_t received;
    struct datagram_in in = { .room = SPAN_OF(room) };
    expect_ok(udp_receive(udp_world.mine, &in, 1, &received, soon()));
    expect_view(view_first(span_view(in.room), in.length_bytes), wanted);
    expect_that(in.peer.port, ==, port);
}

TEST(udp_services_do_not_see_each_other)
{
    udp_begin(0);
    udp_say(LEFT_PORT, VIEW("to the left"));
    expect_datagram(LEFT_PORT, VIEW("to the left"));
    expect_that(udp_world.left.datagrams_count, ==, 1);
    expect_that(udp_world.right.datagrams_count, ==, 0);

    udp_say(RIGHT_PORT, VIEW("right"));
    udp_say(RIGHT_PORT, VIEW(""));
    expect_datagram(RIGHT_PORT, VIEW("right"));
    expect_datagram(RIGHT_PORT, VIEW(""));
    expect_that(udp_world.left.datagrams_count, ==, 1);
    expect_that(udp_world.left.bytes_count, ==, 11);
    expect_that(udp_world.right.datagrams_count, ==, 2);
    expect_that(udp_world.right.bytes_count, ==, 5);
    udp_end();
}

TEST(udp_sends_back_more_than_a_burst)
{
    udp_begin(0);
    for (unsigned i = 0; i < 3 * ECHO_BURST; i++)
        udp_say(LEFT_PORT, VIEW("thread"));
    for (unsigned i = 0; i < 3 * ECHO_BURST; i++)
        expect_datagram(LEFT_PORT, VIEW("thread"));
    udp_end();
}

TEST(udp_does_not_answer_a_well_known_port)
{
    uint8_t byte;
    size_t received;
    struct datagram_in in = { .room = SPAN_OF(byte) };
    udp_begin(7);
    udp_say(LEFT_PORT, VIEW("x"));
    expect_result(udp_receive(udp_world.mine, &in, 1, &received, in_a_moment()), TIMED_OUT);
    expect_that(udp_world.left.dropped_count, ==, 1);
    udp_end();
}

/* ---- together ---- */

/* A service that only says how it ends. */
struct echo_ending {
    struct echo echo;
    enum result result;
};

static enum result echo_ending_serve(struct echo *echo)
{
    struct echo_ending *ending = CONTAINER_OF(echo, struct echo_ending, echo);
    return ending->result == OK ? stop_wait(NEVER) : ending->result;
}

static const struct echo_ops echo_ending_ops = ECHO_OPS(echo_ending);

struct whole {
    struct task task;
    struct scope scope;
    struct http_memory http;
    struct echo_ending tcp, left, right;
    enum result result;
};

static struct whole whole;

static void whole_run(struct task *task)
{
    (void)task;
    whole.result = echo_start(&whole.tcp.echo, &whole.left.echo, &whole.right.echo,
                              &whole.http.http);
}

static void whole_begin(enum result right)
{
    whole = (struct whole){ .task = { whole_run },
                            .tcp = { { &echo_ending_ops }, OK },
                            .left = { { &echo_ending_ops }, OK },
                            .right = { { &echo_ending_ops }, right },
                            .result = FAILED };
    expect_ok(http_memory_open(&whole.http, &(struct http_memory_options){ 0 }));
    scope_open(&whole.scope, "whole");
    expect_ok(fiber_start(&whole.scope, &whole.task, "echo", STACK_MEDIUM));
    fiber_yield();
}

static void whole_end(enum result wanted)
{
    expect_ok(scope_wait(&whole.scope, soon()));
    scope_close(&whole.scope);
    http_memory_close(&whole.http);
    expect_that(whole.result, ==, wanted);
}

TEST(all_serve_until_a_stop)
{
    static uint8_t room[8192];
    struct http_field fields[16];
    whole_begin(OK);
    const struct http_fetch fetch = { .url = VIEW("http://echo.test/metrics"),
                                      .body_bytes_max = MIB,
                                      .deadline_ns = soon() };
    struct http_fetched fetched = { .room = SPAN_OF(room), .fields = fields, .field_room = 16 };
    expect_ok(http_fetch(&whole.http.http_client, &fetch, &fetched, NULL));
    expect_that(fetched.status, ==, 200);
    stop_request();
    whole_end(OK);
}

TEST(one_that_cannot_serve_ends_them_all)
{
    whole_begin(EXISTS);
    whole_end(EXISTS);
}
