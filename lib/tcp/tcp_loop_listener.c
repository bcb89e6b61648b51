/* tcp_loop_listener.c - the listeners of tcp_loop: a backlog of connections that are complete.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp/tcp_loop_private.h"

static struct tcp_loop_listener *listener_of(struct listener *listener)
{
    return CONTAINER_OF(listener, struct tcp_loop_listener, listener);
}

static bool is_any(const struct endpoint *endpoint)
{
    return endpoint->address.family == ADDRESS_ANY;
}

struct tcp_loop_listener *tcp_loop_find_listener(struct tcp_loop *loop,
                                                 const struct endpoint *local)
{
    for (size_t i = 0; i < loop->options.listener_count; i++) {
        struct tcp_loop_listener *listener = &loop->listeners[i];
        const struct endpoint *taken = &listener->listener.local;
        if (!listener->used || taken->port != local->port) continue;
        if (is_any(taken) || is_any(local) || address_equal(&taken->address, &local->address))
            return listener;
    }
    return NULL;
}

void tcp_loop_offer(struct tcp_loop_listener *listener, struct tcp_loop_connection *connection)
{
    list_append(&listener->backlog, &connection->node);
    listener->backlog_count++;
    waiters_wake_one(&listener->acceptors);
}

static struct flow *take_offered(struct tcp_loop_listener *listener)
{
    struct list_node *node = list_take(&listener->backlog);
    if (node == NULL) return NULL;
    listener->backlog_count--;
    waiters_wake_one(&listener->connectors);
    struct tcp_loop_connection *connection = CONTAINER_OF(node, struct tcp_loop_connection, node);
    return flow_memory_end(&connection->pair, 1);
}

static enum result tcp_loop_listener_accept(struct listener *base, struct flow **flow,
                                            uint64_t deadline_ns)
{
    struct tcp_loop_listener *listener = listener_of(base);
    while ((*flow = take_offered(listener)) == NULL) {
        if (listener->drained) return CLOSED;
        enum result result = waiters_wait(&listener->acceptors, "listener_accept", deadline_ns);
        if (result != OK) return result;
    }
    return OK;
}

static void tcp_loop_listener_drain(struct listener *base)
{
    struct tcp_loop_listener *listener = listener_of(base);
    listener->drained = true;
    waiters_wake_all(&listener->acceptors);
}

static void tcp_loop_listener_close(struct listener *base)
{
    struct tcp_loop_listener *listener = listener_of(base);
    struct flow *flow;
    assert(waiters_is_empty(&listener->acceptors));
    while ((flow = take_offered(listener)) != NULL)
        flow_abort(flow);
    listener->used = false;
    waiters_wake_all(&listener->connectors);
}

static const struct listener_ops tcp_loop_listener_ops = LISTENER_OPS(tcp_loop_listener);

static struct tcp_loop_listener *find_unused(struct tcp_loop *loop)
{
    for (size_t i = 0; i < loop->options.listener_count; i++) {
        if (!loop->listeners[i].used) return &loop->listeners[i];
    }
    return NULL;
}

enum result tcp_loop_listen(struct tcp *tcp, const struct endpoint *local,
                            const struct listen_options *options, struct listener **listener)
{
    struct tcp_loop *loop = CONTAINER_OF(tcp, struct tcp_loop, tcp);
    struct endpoint taken = *local;
    if (!tcp_loop_has_address(&local->address)) return UNREACHABLE;
    if (local->port != 0 && tcp_loop_find_listener(loop, local) != NULL) return EXISTS;
    struct tcp_loop_listener *made = find_unused(loop);
    if (made == NULL) return FULL;
    while (taken.port == 0 || tcp_loop_find_listener(loop, &taken) != NULL)
        taken.port = tcp_loop_take_port(loop);
    *made = (struct tcp_loop_listener){
        .listener = { .ops = &tcp_loop_listener_ops, .local = taken },
        .loop = loop,
        .backlog_max = options->backlog,
        .used = true,
    };
    list_init(&made->backlog);
    waiters_init(&made->acceptors);
    waiters_init(&made->connectors);
    *listener = &made->listener;
    return OK;
}
