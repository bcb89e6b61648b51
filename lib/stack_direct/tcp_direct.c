/* tcp_direct.c - our own TCP as the tcp signature: the pool of flows, and connecting.
 *
 * SPDX-License-Identifier: ISC */
#include "stack_direct/tcp_direct.h"

#include "stack_direct/stack_direct.h"
#include "target/memory.h"

/* ---- the pool ---- */

struct flow_direct *tcp_direct_take_flow(struct tcp_direct *tcp)
{
    struct list_node *node = list_take(&tcp->free_flows);
    struct flow_direct *flow;
    if (node != NULL) {
        flow = CONTAINER_OF(node, struct flow_direct, node);
    } else if (tcp->flows_touched_count < tcp->flow_count) {
        flow = &tcp->flows[tcp->flows_touched_count++];
    } else {
        tcp->no_room_count++;
        return NULL;
    }
    flow_direct_init(flow, tcp);
    tcp->connections_open++;
    return flow;
}

void tcp_direct_give_flow(struct tcp_direct *tcp, struct flow_direct *flow)
{
    list_prepend(&tcp->free_flows, &flow->node);
    tcp->connections_open--;
}

/* ---- connecting ---- */

static enum result open_connection(struct flow_direct *flow, const struct connect_options *options,
                                   const struct endpoint *peer)
{
    struct stack_direct *stack = flow->tcp->stack;
    struct tcp_connection *connection;
    stack_direct_enter(stack);
    enum result result = tcp_connection_open_in_class(
        &stack->core.tcp, &options->local, peer, options->traffic_class, &flow->user, &connection);
    if (result == OK) flow_direct_attach(flow, connection);
    stack_direct_leave(stack);
    return result;
}

static enum result wait_connected(struct flow_direct *flow, uint64_t deadline_ns)
{
    for (;;) {
        enum result result = tcp_connection_failure(flow->connection);
        if (result != OK || tcp_connection_is_open(flow->connection)) return result;
        result = waiters_wait(&flow->waiters, "tcp_connect", deadline_ns);
        if (result != OK) return result;
    }
}

static enum result tcp_direct_connect(struct tcp *base, const struct endpoint *peer,
                                      const struct connect_options *options, struct flow **made,
                                      uint64_t deadline_ns)
{
    static const struct connect_options none;
    struct tcp_direct *tcp = CONTAINER_OF(base, struct tcp_direct, tcp);
    if (options == NULL) options = &none;
    uint8_t family = options->local.address.family;
    if (family != ADDRESS_ANY && family != peer->address.family) return UNREACHABLE;
    struct flow_direct *flow = tcp_direct_take_flow(tcp);
    if (flow == NULL) return FULL;
    enum result result = open_connection(flow, options, peer);
    if (result != OK) {
        tcp_direct_give_flow(tcp, flow);
        return result;
    }
    result = wait_connected(flow, deadline_ns);
    if (result != OK) {
        flow_abort(&flow->flow);
        /* Reset by the peer before it was established is a refusal in other words. */
        return result == FAILED ? REFUSED : result;
    }
    tcp_connection_set_keepalive(flow->connection, options->keepalive);
    tcp->connected_count++;
    *made = &flow->flow;
    return OK;
}

/* ---- opening ---- */

static const struct tcp_ops tcp_direct_ops = TCP_OPS(tcp_direct);

enum result tcp_direct_open(struct tcp_direct *tcp, struct stack_direct *stack,
                            size_t connection_count, size_t listener_count)
{
    *tcp = (struct tcp_direct){
        .tcp.ops = &tcp_direct_ops,
        .stack = stack,
        .flow_count = connection_count,
        .listener_count = listener_count,
    };
    list_init(&tcp->free_flows);
    enum result result = memory_take(connection_count * sizeof(struct flow_direct),
                                     &tcp->flow_memory);
    if (result == OK)
        result = memory_take(listener_count * sizeof(struct listener_direct),
                             &tcp->listener_memory);
    if (result != OK) {
        memory_give_back(tcp->flow_memory);
        return result;
    }
    tcp->flows = (void *)tcp->flow_memory.bytes;
    tcp->listeners = (void *)tcp->listener_memory.bytes;
    return OK;
}

void tcp_direct_close(struct tcp_direct *tcp)
{
    assert_that(tcp->connections_open, ==, 0);
    for (size_t i = 0; i < tcp->listener_count; i++)
        assert(tcp->listeners[i].acceptor == NULL);
    memory_give_back(tcp->flow_memory);
    memory_give_back(tcp->listener_memory);
}
