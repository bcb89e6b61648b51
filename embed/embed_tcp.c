/* embed_tcp.c - connections and listeners.
 *
 * Each attempt tries the core once. What it waits for is told by the core's events, which only stir
 * the socket: the attempt is then made again, from the step and never from within the core.
 *
 * SPDX-License-Identifier: ISC */
#include "embed/embed.h"

/* ---- events ---- */

static void on_event(struct tcp_user *user, unsigned events)
{
    (void)events;
    socket_stir(CONTAINER_OF(user, struct loom_socket, tcp_user));
}

static void on_acceptable(struct tcp_acceptor_user *user)
{
    socket_stir(CONTAINER_OF(user, struct loom_socket, acceptor_user));
}

/* ---- errors ---- */

/* Reset by the peer before it was established is a refusal in other words. */
static enum loom_result connection_result(const struct loom_socket *socket, enum result result)
{
    bool was_open = tcp_connection_is_open(socket->connection);
    if (result == FAILED && !was_open) return LOOM_REFUSED;
    return result_to_public(result);
}

enum loom_result tcp_error(const struct loom_socket *socket)
{
    return connection_result(socket, tcp_connection_failure(socket->connection));
}

/* What stands in the way of bytes in either direction; LOOM_OK: nothing. */
static enum loom_result may_talk(const struct loom_socket *socket)
{
    if (socket->role != ROLE_CONNECTION) return LOOM_INVALID;
    enum loom_result result = tcp_error(socket);
    if (result != LOOM_OK) return result;
    return tcp_connection_is_open(socket->connection) ? LOOM_OK : LOOM_AGAIN;
}

/* ---- connecting ---- */

struct connect_call {
    struct call call;
    struct endpoint peer;
};

static enum loom_result start(struct loom_socket *socket, const struct endpoint *peer)
{
    bool is_whole = peer->address.family == ADDRESS_IPV4 && peer->port != 0;
    if (!is_whole) return LOOM_INVALID;
    socket->tcp_user = (struct tcp_user){ .event = on_event };
    enum result result = tcp_connection_open_in_class(&socket->stack->core.tcp, &socket->local,
                                                      peer, option_traffic_class(socket),
                                                      &socket->tcp_user, &socket->connection);
    if (result != OK) return result_to_public(result);
    socket->role = ROLE_CONNECTION;
    option_watch_silence(socket);
    return LOOM_AGAIN;
}

static enum loom_result connect_attempt(struct call *call)
{
    struct connect_call *connect = CONTAINER_OF(call, struct connect_call, call);
    struct loom_socket *socket = call->socket;
    if (socket->role == ROLE_UDP) return udp_connect(socket, &connect->peer);
    if (socket->role == ROLE_TCP) return start(socket, &connect->peer);
    if (socket->role != ROLE_CONNECTION) return LOOM_INVALID;
    if (!endpoint_equal(tcp_connection_peer(socket->connection), &connect->peer))
        return LOOM_EXISTS;
    enum loom_result result = may_talk(socket);
    if (result == LOOM_OK) option_prepare(socket);
    return result;
}

enum loom_result loom_connect(struct loom_socket *socket, const struct loom_endpoint *peer,
                              uint64_t deadline_ns)
{
    if (!address_is_usable(&peer->address, false)) return LOOM_UNREACHABLE;
    struct connect_call connect = {
        .call = CALL(socket->stack, socket, connect_attempt, deadline_ns),
        .peer = endpoint_from_public(peer),
    };
    return call_run(&connect.call);
}

/* ---- listening ---- */

struct listen_call {
    struct call call;
    size_t backlog;
};

static enum loom_result listen_attempt(struct call *call)
{
    struct listen_call *listen = CONTAINER_OF(call, struct listen_call, call);
    struct loom_socket *socket = call->socket;
    if (socket->role != ROLE_TCP) return LOOM_INVALID;
    socket->acceptor_user = (struct tcp_acceptor_user){ .acceptable = on_acceptable };
    enum result result = tcp_acceptor_open(&call->stack->core.tcp, &socket->local, listen->backlog,
                                           &socket->acceptor_user, &socket->acceptor);
    if (result == OK) {
        socket->role = ROLE_LISTENER;
        tcp_acceptor_set_traffic_class(socket->acceptor, option_traffic_class(socket));
    } else {
        socket->acceptor = NULL;
    }
    return result_to_public(result);
}

enum loom_result loom_listen(struct loom_socket *socket, size_t backlog)
{
    struct listen_call listen = {
        .call = CALL(socket->stack, socket, listen_attempt, LOOM_NO_WAIT),
        .backlog = backlog == 0 ? 1 : backlog,
    };
    return call_run(&listen.call);
}

struct accept_call {
    struct call call;
    struct loom_socket *made;
};

/* A socket first: a connection that finds none stays in the backlog. */
static enum loom_result accept_attempt(struct call *call)
{
    struct accept_call *accept = CONTAINER_OF(call, struct accept_call, call);
    struct loom_socket *listener = call->socket;
    if (listener->role != ROLE_LISTENER) return LOOM_INVALID;
    if (!tcp_acceptor_holds(listener->acceptor)) return LOOM_AGAIN;
    struct loom_socket *socket = socket_take(call->stack, ROLE_CONNECTION);
    if (socket == NULL) return LOOM_FULL;
    socket->congestion = listener->congestion;
    __builtin_memcpy(socket->options, listener->options, sizeof socket->options);
    socket->tcp_user = (struct tcp_user){ .event = on_event };
    socket->connection = tcp_acceptor_take(listener->acceptor);
    option_prepare(socket);
    tcp_connection_attach(socket->connection, &socket->tcp_user);
    option_watch_silence(socket);
    if (tcp_acceptor_holds(listener->acceptor)) socket_stir(listener);
    accept->made = socket;
    return LOOM_OK;
}

enum loom_result loom_accept(struct loom_socket *listener, struct loom_socket **socket,
                             uint64_t deadline_ns)
{
    struct accept_call accept = {
        .call = CALL(listener->stack, listener, accept_attempt, deadline_ns),
    };
    enum loom_result result = call_run(&accept.call);
    if (result == LOOM_OK) *socket = accept.made;
    return result;
}

/* ---- sending ---- */

struct send_call {
    struct call call;
    const struct loom_part *parts;
    size_t part_count, total_bytes, sent_bytes;
    bool more, urgent;
};

static size_t room_of(const struct loom_socket *socket)
{
    uint64_t limit_bytes = option_send_limit(socket);
    uint64_t queued_bytes = socket->connection->send_queue.length_bytes;
    return queued_bytes < limit_bytes ? (size_t)(limit_bytes - queued_bytes) : 0;
}

/* As the core does for a send that did not fit: WRITABLE will tell. */
static void want_room(struct loom_socket *socket)
{
    struct tcp_connection *connection = socket->connection;
    tcp_connection_mark(connection, TCP_WANTS_ROOM);
    if (room_of(socket) == 0) return;
    tcp_connection_mark(connection, TCP_SHORT_OF_BUFFERS);
    if (!list_holds(&connection->work)) list_append(&connection->core->starved, &connection->work);
}

bool tcp_may_write(struct loom_socket *socket)
{
    struct tcp_connection *connection = socket->connection;
    struct tcp_send_pool *pool = &connection->core->send_pool;
    if (tcp_connection_is_over(connection) || tcp_connection_has(connection, TCP_FIN_QUEUED))
        return true; /* LOOM_CLOSED, at once */
    if (room_of(socket) > 0 && tcp_send_queue_may_copy(&connection->send_queue, pool)) return true;
    want_room(socket);
    return false;
}

#define VIEWS_AT_ONCE 16

/* What is left to send, as far as it may be queued now. */
static size_t views_left(const struct send_call *send, size_t room_bytes, struct view views[])
{
    size_t skip_bytes = send->sent_bytes, count = 0;
    for (size_t i = 0; i < send->part_count && room_bytes > 0 && count < VIEWS_AT_ONCE; i++) {
        struct view part = view_from(send->parts[i].bytes, send->parts[i].length_bytes);
        size_t skipped_bytes = MIN(skip_bytes, part.length_bytes);
        skip_bytes -= skipped_bytes;
        part = view_from_offset(part, skipped_bytes);
        part = view_first(part, MIN(part.length_bytes, room_bytes));
        room_bytes -= part.length_bytes;
        if (part.length_bytes > 0) views[count++] = part;
    }
    return count;
}

static enum loom_result send_some(struct loom_socket *socket, struct send_call *send,
                                  size_t *taken_bytes)
{
    struct view views[VIEWS_AT_ONCE];
    *taken_bytes = 0;
    size_t count = views_left(send, room_of(socket), views);
    if (count == 0) return LOOM_OK;
    size_t left_bytes = send->total_bytes - send->sent_bytes;
    for (size_t i = 0; i < count; i++)
        left_bytes -= views[i].length_bytes;
    bool follows = send->more || left_bytes > 0;
    enum tcp_send_mode mode = follows ? TCP_SEND_HOLD : TCP_SEND_NOW;
    if (send->urgent) mode = TCP_SEND_URGENT;
    enum result result = tcp_connection_send(socket->connection, views, count, mode, taken_bytes);
    send->sent_bytes += *taken_bytes;
    return connection_result(socket, result);
}

static enum loom_result send_attempt(struct call *call)
{
    struct send_call *send = CONTAINER_OF(call, struct send_call, call);
    struct loom_socket *socket = call->socket;
    enum loom_result result = may_talk(socket);
    if (result != LOOM_OK) return result;
    size_t taken_bytes;
    do {
        result = send_some(socket, send, &taken_bytes);
        if (result != LOOM_OK) return result;
    } while (taken_bytes > 0 && send->sent_bytes < send->total_bytes);
    option_watch_silence(socket);
    if (send->sent_bytes == send->total_bytes) return LOOM_OK;
    want_room(socket);
    return LOOM_AGAIN;
}

static enum loom_result run_send(struct send_call *send, size_t *sent_bytes)
{
    *sent_bytes = 0;
    if (send->part_count > LOOM_PARTS_MAX) return LOOM_TOO_LARGE;
    for (size_t i = 0; i < send->part_count; i++)
        send->total_bytes += send->parts[i].length_bytes;
    enum loom_result result = call_run(&send->call);
    *sent_bytes = send->sent_bytes;
    return result == LOOM_AGAIN && send->sent_bytes > 0 ? LOOM_OK : result;
}

enum loom_result loom_send_parts(struct loom_socket *socket, const struct loom_part parts[],
                                 size_t part_count, bool more, size_t *sent_bytes,
                                 uint64_t deadline_ns)
{
    struct send_call send = { .call = CALL(socket->stack, socket, send_attempt, deadline_ns),
                              .parts = parts,
                              .part_count = part_count,
                              .more = more };
    return run_send(&send, sent_bytes);
}

enum loom_result loom_send(struct loom_socket *socket, const void *bytes, size_t length_bytes,
                           size_t *sent_bytes, uint64_t deadline_ns)
{
    const struct loom_part part = { bytes, length_bytes };
    return loom_send_parts(socket, &part, 1, false, sent_bytes, deadline_ns);
}

enum loom_result loom_send_urgent(struct loom_socket *socket, const void *bytes,
                                  size_t length_bytes, size_t *sent_bytes, uint64_t deadline_ns)
{
    const struct loom_part part = { bytes, length_bytes };
    struct send_call send = { .call = CALL(socket->stack, socket, send_attempt, deadline_ns),
                              .parts = &part,
                              .part_count = 1,
                              .urgent = true };
    return run_send(&send, sent_bytes);
}

/* ---- loans ---- */

struct lent {
    struct loan loan;
    struct list_node node; /* in stack->loans, once it is done */
    struct loom_stack *stack;
};
static_assert(sizeof(struct lent) <= sizeof(((struct loom_loan *)0)->inside), "it fits inside");

static struct lent *lent_of(struct loom_loan *loan)
{
    void *inside = loan->inside;
    return inside;
}

struct loom_loan *tcp_loan_of(struct list_node *node)
{
    void *inside = CONTAINER_OF(node, struct lent, node);
    uint64_t(*room)[8] = inside;
    return CONTAINER_OF(room, struct loom_loan, inside);
}

static void on_done(struct loan *loan)
{
    struct lent *lent = CONTAINER_OF(loan, struct lent, loan);
    list_append(&lent->stack->loans, &lent->node);
}

struct lend_call {
    struct call call;
    struct loom_loan *loan;
};

static enum loom_result lend_attempt(struct call *call)
{
    struct lend_call *lend = CONTAINER_OF(call, struct lend_call, call);
    struct loom_socket *socket = call->socket;
    enum loom_result result = may_talk(socket);
    if (result != LOOM_OK) return result;
    if (room_of(socket) == 0) {
        want_room(socket);
        return LOOM_AGAIN;
    }
    struct lent *lent = lent_of(lend->loan);
    *lent = (struct lent){
        .loan = { .bytes = view_from(lend->loan->bytes, lend->loan->length_bytes),
                  .done = on_done },
        .stack = call->stack,
    };
    enum result lending = tcp_connection_lend(socket->connection, &lent->loan);
    option_watch_silence(socket);
    return lending == FULL ? LOOM_AGAIN : connection_result(socket, lending);
}

enum loom_result loom_lend(struct loom_socket *socket, struct loom_loan *loan, uint64_t deadline_ns)
{
    if (loan->length_bytes == 0 || loan->done == NULL) return LOOM_INVALID;
    struct lend_call lend = { .call = CALL(socket->stack, socket, lend_attempt, deadline_ns),
                              .loan = loan };
    return call_run(&lend.call);
}

/* ---- receiving ---- */

struct receive_call {
    struct call call;
    struct span room;
    struct view borrowed;
    size_t received_bytes;
};

/* LOOM_OK with an empty view: none now. */
static enum loom_result look(struct loom_socket *socket, struct view *bytes)
{
    *bytes = (struct view){ 0 };
    enum loom_result result = may_talk(socket);
    if (result != LOOM_OK) return result;
    return connection_result(socket, tcp_connection_peek(socket->connection, bytes));
}

static void consume(struct loom_socket *socket, size_t length_bytes)
{
    option_before_consume(socket);
    tcp_connection_consume(socket->connection, length_bytes);
}

static enum loom_result receive_attempt(struct call *call)
{
    struct receive_call *receive = CONTAINER_OF(call, struct receive_call, call);
    struct view bytes;
    enum loom_result result = look(call->socket, &bytes);
    if (result != LOOM_OK) return result;
    if (bytes.length_bytes == 0) return LOOM_AGAIN;
    while (receive->room.length_bytes > 0 && result == LOOM_OK && bytes.length_bytes > 0) {
        bytes = view_first(bytes, MIN(bytes.length_bytes, receive->room.length_bytes));
        receive->room = span_copy(receive->room, bytes);
        receive->received_bytes += bytes.length_bytes;
        consume(call->socket, bytes.length_bytes);
        result = look(call->socket, &bytes);
    }
    return LOOM_OK;
}

enum loom_result loom_receive(struct loom_socket *socket, void *room, size_t room_bytes,
                              size_t *received_bytes, uint64_t deadline_ns)
{
    *received_bytes = 0;
    if (room_bytes == 0) return LOOM_INVALID;
    struct receive_call receive = {
        .call = CALL(socket->stack, socket, receive_attempt, deadline_ns),
        .room = span_from(room, room_bytes),
    };
    enum loom_result result = call_run(&receive.call);
    *received_bytes = receive.received_bytes;
    return result;
}

struct urgent_call {
    struct call call;
    size_t left_bytes;
};

static enum loom_result urgent_attempt(struct call *call)
{
    if (call->socket->role != ROLE_CONNECTION) return LOOM_INVALID;
    CONTAINER_OF(call, struct urgent_call, call)->left_bytes = tcp_connection_urgent_bytes(
        call->socket->connection);
    return LOOM_OK;
}

enum loom_result loom_urgent(struct loom_socket *socket, size_t *left_bytes)
{
    struct urgent_call urgent = {
        .call = CALL(socket->stack, socket, urgent_attempt, LOOM_NO_WAIT),
    };
    enum loom_result result = call_run(&urgent.call);
    *left_bytes = urgent.left_bytes;
    return result;
}

static enum loom_result borrow_attempt(struct call *call)
{
    struct receive_call *receive = CONTAINER_OF(call, struct receive_call, call);
    enum loom_result result = look(call->socket, &receive->borrowed);
    if (result != LOOM_OK) return result;
    return receive->borrowed.length_bytes == 0 ? LOOM_AGAIN : LOOM_OK;
}

enum loom_result loom_borrow(struct loom_socket *socket, const void **bytes, size_t *length_bytes,
                             uint64_t deadline_ns)
{
    struct receive_call receive = {
        .call = CALL(socket->stack, socket, borrow_attempt, deadline_ns),
    };
    enum loom_result result = call_run(&receive.call);
    *bytes = receive.borrowed.bytes;
    *length_bytes = receive.borrowed.length_bytes;
    return result;
}

struct consume_call {
    struct call call;
    size_t length_bytes;
};

static enum loom_result consume_attempt(struct call *call)
{
    size_t length_bytes = CONTAINER_OF(call, struct consume_call, call)->length_bytes;
    if (call->socket->role != ROLE_CONNECTION) return LOOM_INVALID;
    if (length_bytes > call->socket->connection->receive_queue.length_bytes) return LOOM_INVALID;
    if (length_bytes > 0) consume(call->socket, length_bytes);
    return LOOM_OK;
}

enum loom_result loom_consume(struct loom_socket *socket, size_t length_bytes)
{
    struct consume_call call = {
        .call = CALL(socket->stack, socket, consume_attempt, LOOM_NO_WAIT),
        .length_bytes = length_bytes,
    };
    return call_run(&call.call);
}

/* ---- half-close ---- */

static enum loom_result shutdown_attempt(struct call *call)
{
    if (call->socket->role != ROLE_CONNECTION) return LOOM_INVALID;
    enum loom_result result = tcp_error(call->socket);
    if (result != LOOM_OK) return result;
    tcp_connection_shut(call->socket->connection);
    option_watch_silence(call->socket);
    return LOOM_OK;
}

enum loom_result loom_shutdown(struct loom_socket *socket)
{
    struct call call = CALL(socket->stack, socket, shutdown_attempt, LOOM_NO_WAIT);
    return call_run(&call);
}
