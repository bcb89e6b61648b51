/* listener_direct.c - where a server takes the connections of our own TCP.
 *
 * SPDX-License-Identifier: ISC */
#include "stack_direct/stack_direct.h"

/* How long after listener_drain a handshake that was under way can still complete: a round trip
 * half round the world. */
#define HANDSHAKE_NS (200 * MS_NS)

static struct listener_direct *listener_of(struct listener *listener)
{
    return CONTAINER_OF(listener, struct listener_direct, listener);
}

static void listener_direct_acceptable(struct tcp_acceptor_user *user)
{
    waiters_wake_all(&CONTAINER_OF(user, struct listener_direct, user)->acceptors);
}

/* ---- accepting ---- */

/* A flow first: a connection that finds none must stay in the backlog. */
static enum result take(struct listener_direct *listener, struct flow **made)
{
    struct tcp_direct *tcp = listener->tcp;
    if (!tcp_acceptor_holds(listener->acceptor)) return TIMED_OUT;
    struct flow_direct *flow = tcp_direct_take_flow(tcp);
    if (flow == NULL) return FULL;
    stack_direct_enter(tcp->stack);
    struct tcp_connection *connection = tcp_acceptor_take(listener->acceptor);
    flow_direct_attach(flow, connection);
    tcp_connection_attach(connection, &flow->user);
    tcp_connection_set_keepalive(connection, listener->keepalive);
    stack_direct_leave(tcp->stack);
    tcp->accepted_count++;
    *made = &flow->flow;
    return OK;
}

static enum result listener_direct_accept(struct listener *base, struct flow **flow,
                                          uint64_t deadline_ns)
{
    struct listener_direct *listener = listener_of(base);
    for (;;) {
        enum result result = take(listener, flow);
        if (result != TIMED_OUT) return result;
        uint64_t end_ns = listener->drained_ns != 0 ? listener->drained_ns : NEVER;
        result = waiters_wait(&listener->acceptors, "listener_accept", MIN(deadline_ns, end_ns));
        if (result == TIMED_OUT && end_ns <= loop_now_ns()) return CLOSED;
        if (result != OK) return result;
    }
}

/* ---- the end ---- */

static void listener_direct_drain(struct listener *base)
{
    struct listener_direct *listener = listener_of(base);
    if (listener->drained_ns != 0) return;
    tcp_acceptor_drain(listener->acceptor);
    listener->drained_ns = deadline_after(loop_now_ns(), HANDSHAKE_NS);
    waiters_wake_all(&listener->acceptors);
}

static void listener_direct_close(struct listener *base)
{
    struct listener_direct *listener = listener_of(base);
    assert(waiters_is_empty(&listener->acceptors));
    stack_direct_enter(listener->tcp->stack);
    tcp_acceptor_close(listener->acceptor);
    stack_direct_leave(listener->tcp->stack);
    listener->acceptor = NULL;
}

static const struct listener_ops listener_direct_ops = LISTENER_OPS(listener_direct);

/* ---- listening ---- */

static struct listener_direct *find_free(struct tcp_direct *tcp)
{
    for (size_t i = 0; i < tcp->listener_count; i++) {
        if (tcp->listeners[i].acceptor == NULL) return &tcp->listeners[i];
    }
    return NULL;
}

enum result tcp_direct_listen(struct tcp *base, const struct endpoint *local,
                              const struct listen_options *options, struct listener **made)
{
    struct tcp_direct *tcp = CONTAINER_OF(base, struct tcp_direct, tcp);
    struct listener_direct *listener = find_free(tcp);
    if (listener == NULL) return FULL;
    *listener = (struct listener_direct){
        .listener = { .ops = &listener_direct_ops },
        .user.acceptable = listener_direct_acceptable,
        .tcp = tcp,
        .keepalive = options->keepalive,
    };
    waiters_init(&listener->acceptors);
    stack_direct_enter(tcp->stack);
    enum result result = tcp_acceptor_open(&tcp->stack->core.tcp, local, options->backlog,
                                           &listener->user, &listener->acceptor);
    if (result == OK) tcp_acceptor_set_traffic_class(listener->acceptor, options->traffic_class);
    stack_direct_leave(tcp->stack);
    if (result != OK) {
        listener->acceptor = NULL;
        return result;
    }
    listener->listener.local = *tcp_acceptor_local(listener->acceptor);
    *made = &listener->listener;
    return OK;
}
