/* embed_socket.c - sockets of both kinds: taken, bound, given back; readiness, watches and polls.
 *
 * SPDX-License-Identifier: ISC */
#include "embed/embed.h"

/* ---- the pool ---- */

/* All but its stack, which other threads read at any time. */
static void clear(struct loom_socket *socket)
{
    span_fill(span_from_offset(SPAN_OF(*socket), offsetof(struct loom_socket, place)), 0);
}

static struct loom_socket *touch(struct loom_stack *stack)
{
    struct loom_socket *socket = &stack->sockets[stack->socket_touched_count++];
    socket->stack = stack;
    return socket;
}

struct loom_socket *socket_take(struct loom_stack *stack, enum role role)
{
    struct list_node *node = list_take(&stack->free_sockets);
    struct loom_socket *socket = NULL;
    if (node != NULL)
        socket = CONTAINER_OF(node, struct loom_socket, place);
    else if (stack->socket_touched_count < stack->socket_count)
        socket = touch(stack);
    if (socket == NULL) return NULL;
    clear(socket);
    socket->role = (uint8_t)role;
    list_init(&socket->waiting);
    return socket;
}

void socket_stir(struct loom_socket *socket)
{
    if (!list_holds(&socket->stirred)) list_append(&socket->stack->stirred, &socket->stirred);
}

static void let_go(struct loom_socket *socket, bool with_reset)
{
    if (socket->acceptor != NULL) tcp_acceptor_close(socket->acceptor);
    if (socket->binding != NULL) udp_core_unbind(socket->binding);
    if (socket->connection == NULL) return;
    if (with_reset)
        tcp_connection_abort(socket->connection);
    else
        tcp_connection_close(socket->connection);
}

void socket_close(struct loom_socket *socket, bool with_reset)
{
    struct loom_stack *stack = socket->stack;
    agenda_stop(&stack->core.agenda, &socket->silence);
    let_go(socket, with_reset);
    call_end_all(&socket->waiting, LOOM_CLOSED);
    if (list_holds(&socket->stirred)) list_remove(&socket->stirred);
    if (list_holds(&socket->told)) list_remove(&socket->told);
    clear(socket);
    list_append(&stack->free_sockets, &socket->place);
}

/* ---- opening and closing ---- */

struct open_call {
    struct call call;
    enum role role;
    struct loom_socket *made;
};

static enum loom_result open_attempt(struct call *call)
{
    struct open_call *open = CONTAINER_OF(call, struct open_call, call);
    open->made = socket_take(call->stack, open->role);
    return open->made == NULL ? LOOM_FULL : LOOM_OK;
}

enum loom_result loom_socket_open(struct loom_stack *stack, enum loom_kind kind,
                                  struct loom_socket **socket)
{
    struct open_call open = { .call = CALL(stack, NULL, open_attempt, LOOM_NO_WAIT) };
    if (kind != LOOM_TCP && kind != LOOM_UDP) return LOOM_INVALID;
    open.role = kind == LOOM_TCP ? ROLE_TCP : ROLE_UDP;
    enum loom_result result = call_run(&open.call);
    if (result == LOOM_OK) *socket = open.made;
    return result;
}

static enum loom_result close_attempt(struct call *call)
{
    socket_close(call->socket, false);
    return LOOM_OK;
}

static enum loom_result abort_attempt(struct call *call)
{
    socket_close(call->socket, true);
    return LOOM_OK;
}

void loom_close(struct loom_socket *socket)
{
    struct call call = CALL(socket->stack, socket, close_attempt, LOOM_NO_WAIT);
    (void)call_run(&call);
}

void loom_abort(struct loom_socket *socket)
{
    struct call call = CALL(socket->stack, socket, abort_attempt, LOOM_NO_WAIT);
    (void)call_run(&call);
}

/* ---- endpoints ---- */

struct endpoint_call {
    struct call call;
    struct endpoint endpoint;
};

static enum loom_result bind_attempt(struct call *call)
{
    struct endpoint_call *bind = CONTAINER_OF(call, struct endpoint_call, call);
    struct loom_socket *socket = call->socket;
    bool is_free = socket->role == ROLE_TCP || (socket->role == ROLE_UDP && !socket->binding);
    if (!is_free) return LOOM_INVALID;
    const struct address *address = &bind->endpoint.address;
    struct ip *ip = &call->stack->core.ipv4.ip;
    if (address->family != ADDRESS_ANY && !ip_is_ours(ip, address)) return LOOM_UNREACHABLE;
    socket->local = bind->endpoint;
    return socket->role == ROLE_UDP ? udp_bind_if_needed(socket) : LOOM_OK;
}

enum loom_result loom_bind(struct loom_socket *socket, const struct loom_endpoint *local)
{
    if (!address_is_usable(&local->address, true)) return LOOM_UNREACHABLE;
    struct endpoint_call bind = {
        .call = CALL(socket->stack, socket, bind_attempt, LOOM_NO_WAIT),
        .endpoint = endpoint_from_public(local),
    };
    return call_run(&bind.call);
}

static enum loom_result local_attempt(struct call *call)
{
    struct endpoint_call *local = CONTAINER_OF(call, struct endpoint_call, call);
    const struct loom_socket *socket = call->socket;
    switch ((enum role)socket->role) {
    case ROLE_FREE: return LOOM_CLOSED;
    case ROLE_TCP: local->endpoint = socket->local; break;
    case ROLE_CONNECTION: local->endpoint = *tcp_connection_local(socket->connection); break;
    case ROLE_LISTENER: local->endpoint = *tcp_acceptor_local(socket->acceptor); break;
    case ROLE_UDP:
        local->endpoint = socket->binding != NULL ? socket->binding->local : socket->local;
        break;
    }
    return local->endpoint.port == 0 ? LOOM_INVALID : LOOM_OK;
}

static enum loom_result peer_attempt(struct call *call)
{
    struct endpoint_call *peer = CONTAINER_OF(call, struct endpoint_call, call);
    const struct loom_socket *socket = call->socket;
    if (socket->role == ROLE_CONNECTION)
        peer->endpoint = *tcp_connection_peer(socket->connection);
    else if (socket->role == ROLE_UDP && socket->binding != NULL)
        peer->endpoint = socket->binding->peer;
    return peer->endpoint.address.family == ADDRESS_ANY ? LOOM_INVALID : LOOM_OK;
}

static enum loom_result run_endpoint(struct loom_socket *socket, struct loom_endpoint *endpoint,
                                     enum loom_result (*attempt)(struct call *call))
{
    struct endpoint_call call = { .call = CALL(socket->stack, socket, attempt, LOOM_NO_WAIT) };
    enum loom_result result = call_run(&call.call);
    if (result == LOOM_OK) *endpoint = endpoint_to_public(&call.endpoint);
    return result;
}

enum loom_result loom_local(struct loom_socket *socket, struct loom_endpoint *local)
{
    return run_endpoint(socket, local, local_attempt);
}

enum loom_result loom_peer(struct loom_socket *socket, struct loom_endpoint *peer)
{
    return run_endpoint(socket, peer, peer_attempt);
}

static enum loom_result error_attempt(struct call *call)
{
    return call->socket->role == ROLE_CONNECTION ? tcp_error(call->socket) : LOOM_OK;
}

enum loom_result loom_error(struct loom_socket *socket)
{
    struct call call = CALL(socket->stack, socket, error_attempt, LOOM_NO_WAIT);
    return call_run(&call);
}

static_assert((int)LOOM_REPORT_UNREACHABLE == TCP_REPORT_UNREACHABLE &&
                  (int)LOOM_REPORT_REFUSED == TCP_REPORT_REFUSED &&
                  (int)LOOM_REPORT_DENIED == TCP_REPORT_DENIED &&
                  (int)LOOM_REPORT_TIME_EXCEEDED == TCP_REPORT_TIME_EXCEEDED &&
                  (int)LOOM_REPORT_PARAMETER == TCP_REPORT_PARAMETER &&
                  (int)LOOM_REPORT_RETRANSMITTED == TCP_REPORT_RETRANSMITTED &&
                  (int)LOOM_REPORT_URGENT == TCP_REPORT_URGENT,
              "reports have the same bits");

struct reports_call {
    struct call call;
    unsigned reports;
};

static enum loom_result reports_attempt(struct call *call)
{
    if (call->socket->role != ROLE_CONNECTION) return LOOM_INVALID;
    CONTAINER_OF(call, struct reports_call, call)->reports = tcp_connection_take_reports(
        call->socket->connection);
    return LOOM_OK;
}

enum loom_result loom_take_reports(struct loom_socket *socket, unsigned *reports)
{
    struct reports_call call = {
        .call = CALL(socket->stack, socket, reports_attempt, LOOM_NO_WAIT),
    };
    enum loom_result result = call_run(&call.call);
    *reports = call.reports;
    return result;
}

/* ---- readiness ---- */

static unsigned connection_readiness(struct loom_socket *socket)
{
    struct view bytes;
    unsigned ready = socket->connection->reports != 0 ? (unsigned)LOOM_REPORTED : 0;
    if (tcp_error(socket) != LOOM_OK) return ready | LOOM_READABLE | LOOM_WRITABLE | LOOM_FAILED;
    if (!tcp_connection_is_open(socket->connection)) return ready;
    enum result result = tcp_connection_peek(socket->connection, &bytes);
    if (result != OK || bytes.length_bytes > 0) ready |= LOOM_READABLE;
    if (tcp_may_write(socket)) ready |= LOOM_WRITABLE;
    return ready;
}

unsigned socket_readiness(struct loom_socket *socket)
{
    switch ((enum role)socket->role) {
    case ROLE_FREE: return LOOM_FAILED;
    case ROLE_TCP: return 0;
    case ROLE_CONNECTION: return connection_readiness(socket);
    case ROLE_LISTENER: return tcp_acceptor_holds(socket->acceptor) ? LOOM_READABLE : 0;
    case ROLE_UDP: break;
    }
    bool readable = socket->binding != NULL && udp_binding_is_readable(socket->binding);
    return LOOM_WRITABLE | (readable ? (unsigned)LOOM_READABLE : 0);
}

struct poll_call {
    struct call call;
    struct loom_poll *items;
    size_t count, ready_count;
};

static enum loom_result poll_attempt(struct call *call)
{
    struct poll_call *poll = CONTAINER_OF(call, struct poll_call, call);
    poll->ready_count = 0;
    for (size_t i = 0; i < poll->count; i++) {
        struct loom_poll *item = &poll->items[i];
        item->ready = socket_readiness(item->socket) & (item->wanted | LOOM_FAILED);
        if (item->ready != 0) poll->ready_count++;
    }
    return poll->ready_count > 0 ? LOOM_OK : LOOM_AGAIN;
}

enum loom_result loom_poll(struct loom_poll items[], size_t count, size_t *ready_count,
                           uint64_t deadline_ns)
{
    *ready_count = 0;
    if (count == 0) return LOOM_INVALID;
    struct loom_stack *stack = items[0].socket->stack;
    for (size_t i = 1; i < count; i++) {
        if (items[i].socket->stack != stack) return LOOM_INVALID;
    }
    struct poll_call poll = { .call = CALL(stack, NULL, poll_attempt, deadline_ns),
                              .items = items,
                              .count = count };
    enum loom_result result = call_run(&poll.call);
    *ready_count = poll.ready_count;
    return result;
}

struct watch_call {
    struct call call;
    struct loom_watch *watch;
};

static enum loom_result watch_attempt(struct call *call)
{
    struct watch_call *watch = CONTAINER_OF(call, struct watch_call, call);
    struct loom_socket *socket = call->socket;
    if (list_holds(&socket->told)) list_remove(&socket->told);
    socket->watch = watch->watch;
    if (watch->watch != NULL) socket_stir(socket);
    return LOOM_OK;
}

enum loom_result loom_watch_socket(struct loom_socket *socket, struct loom_watch *watch)
{
    struct watch_call call = {
        .call = CALL(socket->stack, socket, watch_attempt, LOOM_NO_WAIT),
        .watch = watch,
    };
    return call_run(&call.call);
}
