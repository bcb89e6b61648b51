/* echo_tcp_test.c - echo over TCP, on the host's loopback.
 *
 * SPDX-License-Identifier: ISC */
#include "echo_tcp.h"

#include "echo_serving.h"
#include "target/unix/stack_socket.h"

static struct tcp_world {
    struct stack_socket stack;
    struct echo_tcp echo;
    struct serving serving;
} world;

static void tcp_begin(uint64_t sessions_max, uint64_t idle_timeout_ns)
{
    const struct stack_socket_parameters host = {
        .tcp = { .connection_count = 16, .borrow_buffer_count = 2 },
        .udp = { .port_count = 1 },
    };
    const struct echo_tcp_parameters parameters = { .port = 0, /* a free one */
                                                    .sessions_max = sessions_max,
                                                    .idle_timeout_ns = idle_timeout_ns };
    expect_ok(stack_socket_open(&world.stack, &host));
    expect_ok(echo_tcp_open(&world.echo, world.stack.stack.tcp, &parameters));
    serving_begin(&world.serving, &world.echo.echo);
}

static void tcp_end(void)
{
    serving_end(&world.serving);
    expect_that(world.echo.sessions_count, ==, 0);
    echo_tcp_close(&world.echo);
    stack_socket_close(&world.stack);
}

static struct flow *tcp_reach(void)
{
    const struct endpoint peer = { address_loopback(ADDRESS_IPV4),
                                   world.echo.listener->local.port };
    struct flow *flow;
    expect_ok(tcp_connect(world.stack.stack.tcp, &peer, NULL, &flow, soon()));
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

TEST(tcp_parameters_are_valid)
{
    expect(parameter_defaults_are_valid(echo_tcp_parameters));
}

TEST(tcp_sends_back_what_it_hears)
{
    tcp_begin(4, 60 * S_NS);
    struct flow *flow = tcp_reach();
    expect_ok(flow_write_view(flow, VIEW("warp"), soon()));
    expect_heard(flow, VIEW("warp"));
    expect_ok(flow_write_view(flow, VIEW(" and weft"), soon()));
    expect_heard(flow, VIEW(" and weft"));
    expect_that(world.echo.bytes_count, ==, 13);
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
    expect_that(world.echo.idle_count, ==, 1);
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
    expect_that(world.echo.sessions_count, ==, 1);

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
    expect_that(world.echo.connections_count, ==, 100);
    tcp_end();
    expect_that(fiber_stacks_free(STACK_SMALL), ==, stacks);
}

TEST(tcp_ends_its_sessions_at_a_stop)
{
    tcp_begin(4, 3600 * S_NS);
    struct flow *flow = tcp_reach();
    expect_ok(flow_write_view(flow, VIEW("before"), soon()));
    expect_heard(flow, VIEW("before"));
    uint64_t start_ns = clock_monotonic_ns();
    stop_request();
    expect_end(flow);
    expect_that(clock_monotonic_ns() - start_ns, <, 2 * S_NS);
    flow_close(flow);
    tcp_end();
}

TEST(tcp_does_not_wait_for_ever_for_who_stays)
{
    tcp_begin(4, 3600 * S_NS);
    struct flow *flow = tcp_reach();
    expect_ok(flow_write_view(flow, VIEW("x"), soon()));
    expect_heard(flow, VIEW("x"));
    stop_request();
    expect_ok(scope_wait(&world.serving.scope, soon()));
    flow_close(flow);
    tcp_end();
}
