/* stack_direct_sim_test.c - the conformance suites of tcp, flow and udp over our own stack, in
 * virtual time.
 *
 * A host's own addresses need no net, so what stands below here hears nothing.
 *
 * SPDX-License-Identifier: ISC */
#include "flow/flow_suite.h"
#include "net/net_loop.h"
#include "stack_direct/stack_direct.h"
#include "tcp/tcp_suite.h"
#include "tcp_core/tcp_connection.h"
#include "udp/udp_suite.h"

static const struct net_pair_options net_options = { .mtu_bytes = 1500, .ring_count = 64 };
static struct net_loop net;
static struct stack_direct stack;

static void open_stack_with(struct view packets)
{
    static struct stack_direct_parameters parameters;
    const struct parameter_group group = { .device = "stack0",
                                           .prefix = "",
                                           .table = stack_direct_parameters,
                                           .values = SPAN_OF(parameters) };
    const struct view arguments[] = { VIEW("--ipv4=192.0.2.10/24"), VIEW("--tcp-connections=64"),
                                      VIEW("--tcp-send-buffer=1MiB"), packets };
    uint8_t message[PARAMETER_MESSAGE_MAX];
    size_t message_bytes;
    expect_ok(parameter_read(&group, 1, arguments, LENGTH_OF(arguments), SPAN_OF(message),
                             &message_bytes));
    net_loop_open(&net, &net_options);
    expect_ok(stack_direct_open(&stack, net_loop_net(&net), &parameters));
}

static void open_stack(void)
{
    open_stack_with(VIEW("--packets=1024"));
}

static void close_stack(void)
{
    stack_direct_close(&stack);
    net_loop_close(&net);
}

/* ---- tcp ---- */

static struct tcp *tcp_open(struct tcp_fixture *fixture)
{
    (void)fixture;
    open_stack();
    return stack.stack.tcp;
}

static void tcp_close(struct tcp_fixture *fixture)
{
    (void)fixture;
    close_stack();
}

static uint8_t traffic_class_of(struct tcp_fixture *fixture, struct flow *flow)
{
    (void)fixture;
    return CONTAINER_OF(flow, struct flow_direct, flow)->connection->traffic_class;
}

static struct tcp_fixture tcp_fixture = { .open = tcp_open,
                                          .close = tcp_close,
                                          .traffic_class_of = traffic_class_of,
                                          .no_ipv6 = "this stack speaks IPv4 alone" };
TCP_SUITE(tcp_direct, &tcp_fixture)

/* ---- flow ---- */

static void flow_open(struct flow_fixture *fixture, struct flow **near, struct flow **far)
{
    const struct endpoint any = { .address = address_loopback(ADDRESS_IPV4) };
    const struct listen_options options = { .backlog = 1 };
    struct listener *listener;
    (void)fixture;
    open_stack();
    expect_ok(tcp_listen(stack.stack.tcp, &any, &options, &listener));
    expect_ok(tcp_connect(stack.stack.tcp, &listener->local, NULL, near, suite_soon()));
    expect_ok(listener_accept(listener, far, suite_soon()));
    listener_close(listener);
}

static void flow_close_stack(struct flow_fixture *fixture)
{
    (void)fixture;
    close_stack();
}

static struct flow_fixture flow_fixture = { .open = flow_open,
                                            .close = flow_close_stack,
                                            .held_bytes_max = 2 * MIB };
FLOW_SUITE(flow_direct, &flow_fixture)

/* ---- buffers ---- */

struct writing {
    struct task task;
    struct flow *flow;
    enum result result;
    uint64_t ended_ns;
};

static void write_word(struct task *task)
{
    struct writing *writing = CONTAINER_OF(task, struct writing, task);
    writing->result = flow_write_view(writing->flow, VIEW("word"), NEVER);
    writing->ended_ns = loop_now_ns();
}

/* Half of the buffers, which is all that UDP may have. */
static void fill_port(struct udp_port *port)
{
    const struct datagram_out datagram = { .peer = { .address = address_loopback(ADDRESS_IPV4),
                                                     .port = port->local.port },
                                           .bytes = VIEW("datagram") };
    size_t sent;
    while (stack.core.udp.packet_count < stack.core.packets.count / 2) {
        expect_ok(udp_send(port, &datagram, 1, &sent, NO_WAIT));
        (void)fiber_sleep(MS_NS);
    }
}

/* The application's other sends have the rest. */
static struct packet *take_others(void)
{
    struct packet *others = NULL, *packet;
    while ((packet = packet_take(&stack.core.packets, PACKET_FOR_DATA)) != NULL) {
        packet->rest = others;
        others = packet;
    }
    return others;
}

static void empty_port(struct udp_port *port)
{
    uint8_t room[64];
    struct datagram_in datagram = { .room = SPAN_OF(room) };
    size_t received;
    while (udp_receive(port, &datagram, 1, &received, NO_WAIT) == OK)
        continue;
}

/* Buffers that wait at a port are what a connection's writer needs: it goes on as soon as they are
 * read, though nothing else happens on the net. */
TEST(stack_direct_writers_get_the_buffers_that_udp_gives_back)
{
    const struct endpoint any = { .address = address_loopback(ADDRESS_IPV4) };
    const struct listen_options options = { .backlog = 1 };
    struct writing writing = { .task.run = write_word };
    struct listener *listener;
    struct flow *far;
    struct udp_port *port;
    struct scope scope;
    open_stack_with(VIEW("--packets=64"));
    expect_ok(tcp_listen(stack.stack.tcp, &any, &options, &listener));
    expect_ok(tcp_connect(stack.stack.tcp, &listener->local, NULL, &writing.flow, suite_soon()));
    expect_ok(listener_accept(listener, &far, suite_soon()));
    expect_ok(udp_bind(stack.stack.udp, &any, &port));
    (void)fiber_sleep(60 * S_NS);
    fill_port(port);
    struct packet *others = take_others();
    scope_open(&scope, "writers");
    expect_ok(fiber_start(&scope, &writing.task, "writer", STACK_SMALL));
    (void)fiber_sleep(60 * S_NS);
    expect_that(writing.ended_ns, ==, 0);
    empty_port(port);
    (void)fiber_sleep(S_NS);
    expect_that(writing.ended_ns, !=, 0);
    expect_ok(writing.result);
    scope_close(&scope);
    packet_drop(others);
    udp_port_close(port);
    flow_abort(writing.flow);
    flow_abort(far);
    listener_close(listener);
    close_stack();
}

/* ---- udp ---- */

static struct udp *udp_open(struct udp_fixture *fixture)
{
    (void)fixture;
    open_stack();
    return stack.stack.udp;
}

static void udp_close(struct udp_fixture *fixture)
{
    (void)fixture;
    close_stack();
}

static struct udp_fixture udp_fixture = { .open = udp_open,
                                          .close = udp_close,
                                          .datagram_bytes_max = UDP_PAYLOAD_MAX,
                                          .no_ipv6 = "this stack speaks IPv4 alone" };
UDP_SUITE(udp_direct, &udp_fixture)
