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
#include "udp/udp_suite.h"

static const struct net_pair_options net_options = { .mtu_bytes = 1500, .ring_count = 64 };
static struct net_loop net;
static struct stack_direct stack;

static void open_stack(void)
{
    static struct stack_direct_parameters parameters;
    const struct parameter_group group = { .device = "stack0",
                                           .prefix = "",
                                           .table = stack_direct_parameters,
                                           .values = SPAN_OF(parameters) };
    const struct view arguments[] = { VIEW("--ipv4=192.0.2.10/24"), VIEW("--tcp-connections=64"),
                                      VIEW("--packets=1024") };
    uint8_t message[PARAMETER_MESSAGE_MAX];
    size_t message_bytes;
    expect_ok(parameter_read(&group, 1, arguments, LENGTH_OF(arguments), SPAN_OF(message),
                             &message_bytes));
    net_loop_open(&net, &net_options);
    expect_ok(stack_direct_open(&stack, net_loop_net(&net), &parameters));
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

static struct tcp_fixture tcp_fixture = { .open = tcp_open,
                                          .close = tcp_close,
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
