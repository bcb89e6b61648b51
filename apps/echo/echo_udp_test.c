/* echo_udp_test.c - echo over UDP, on the host's loopback: two services side by side.
 *
 * SPDX-License-Identifier: ISC */
#include "echo_udp.h"

#include "echo_serving.h"
#include "target/unix/stack_socket.h"

static struct udp_world {
    struct stack_socket stack;
    struct echo_udp left, right;
    struct serving serving_left, serving_right;
    struct udp_port *mine;
} world;

static void udp_begin(void)
{
    const struct stack_socket_parameters host = {
        .tcp = { .connection_count = 1, .borrow_buffer_count = 1 },
        .udp = { .port_count = 8 },
    };
    const struct echo_udp_parameters free_port = { .port = 0 };
    const struct endpoint local = { .address = address_loopback(ADDRESS_IPV4) };
    expect_ok(stack_socket_open(&world.stack, &host));
    struct udp *udp = world.stack.stack.udp;
    expect_ok(echo_udp_open(&world.left, udp, &free_port));
    expect_ok(echo_udp_open(&world.right, udp, &free_port));
    serving_begin(&world.serving_left, &world.left.echo);
    serving_begin(&world.serving_right, &world.right.echo);
    expect_ok(udp_bind(udp, &local, &world.mine));
}

static void udp_end(void)
{
    udp_port_close(world.mine);
    serving_end(&world.serving_left);
    serving_end(&world.serving_right);
    echo_udp_close(&world.left);
    echo_udp_close(&world.right);
    stack_socket_close(&world.stack);
}

static void udp_say(const struct echo_udp *to, struct view words)
{
    size_t sent;
    const struct datagram_out out = {
        .peer = { address_loopback(ADDRESS_IPV4), to->port->local.port }, .bytes = words
    };
    expect_ok(udp_send(world.mine, &out, 1, &sent, soon()));
}

static void expect_datagram(const struct echo_udp *from, struct view wanted)
{
    uint8_t room[256];
    size_t received;
    struct datagram_in in = { .room = SPAN_OF(room) };
    expect_ok(udp_receive(world.mine, &in, 1, &received, soon()));
    expect_view(view_first(span_view(in.room), in.length_bytes), wanted);
    expect_that(in.peer.port, ==, from->port->local.port);
}

TEST(udp_parameters_are_valid)
{
    expect(parameter_defaults_are_valid(echo_udp_parameters));
}

TEST(udp_services_do_not_see_each_other)
{
    udp_begin();
    udp_say(&world.left, VIEW("to the left"));
    expect_datagram(&world.left, VIEW("to the left"));
    expect_that(world.left.datagrams_count, ==, 1);
    expect_that(world.right.datagrams_count, ==, 0);

    udp_say(&world.right, VIEW("right"));
    udp_say(&world.right, VIEW(""));
    expect_datagram(&world.right, VIEW("right"));
    expect_datagram(&world.right, VIEW(""));
    expect_that(world.left.datagrams_count, ==, 1);
    expect_that(world.left.bytes_count, ==, 11);
    expect_that(world.right.datagrams_count, ==, 2);
    expect_that(world.right.bytes_count, ==, 5);
    udp_end();
}

TEST(udp_sends_back_more_than_a_burst)
{
    udp_begin();
    for (unsigned i = 0; i < 3 * ECHO_BURST; i++)
        udp_say(&world.left, VIEW("thread"));
    for (unsigned i = 0; i < 3 * ECHO_BURST; i++)
        expect_datagram(&world.left, VIEW("thread"));
    udp_end();
}

/* Only root may send from such a port. */
static void take_well_known_port(void)
{
    struct endpoint local = { .address = address_loopback(ADDRESS_IPV4) };
    enum result result = EXISTS;
    for (uint16_t port = 1023; port > 900 && result == EXISTS; port--) {
        struct udp_port *well_known;
        local.port = port;
        result = udp_bind(world.stack.stack.udp, &local, &well_known);
        if (result != OK) continue;
        udp_port_close(world.mine);
        world.mine = well_known;
    }
    if (result != OK) {
        udp_end();
        test_skip("only root may bind a port below 1024");
    }
}

TEST(udp_does_not_answer_a_well_known_port)
{
    uint8_t byte;
    size_t received;
    struct datagram_in in = { .room = SPAN_OF(byte) };
    udp_begin();
    take_well_known_port();
    udp_say(&world.left, VIEW("x"));
    expect_result(udp_receive(world.mine, &in, 1, &received, in_a_moment()), TIMED_OUT);
    expect_that(world.left.dropped_count, ==, 1);
    udp_end();
}
