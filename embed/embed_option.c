/* embed_option.c - options of one socket, and the timer that two of them need.
 *
 * The core's parameters are a stack's. What a single connection may have otherwise is held to here:
 * a limit for what is queued, the receive window's size, the longest segment, the algorithm; and by
 * a timer of the socket's own its user timeout (RFC 5482) and its keepalive probes (RFC 9293
 * 3.8.4). The timer is set lazily, as the core's is: what moves its deadline away leaves it where
 * it is.
 *
 * SPDX-License-Identifier: ISC */
#include "embed/embed.h"

#define HEADERS_BYTES 40 /* IPv4's and TCP's, without options (RFC 9293 3.7.1) */
#define MSS_LEAST     88
#define MSS_MOST      65495
#define COUNT_MOST    100

/* ---- values ---- */

static uint64_t stack_value(const struct loom_stack *stack, enum loom_socket_option option)
{
    const struct tcp_core_parameters *tcp = &stack->parameters.tcp;
    switch (option) {
    case LOOM_KEEPALIVE_IDLE_NS: return tcp->keepalive_idle_ns;
    case LOOM_KEEPALIVE_INTERVAL_NS: return tcp->keepalive_interval_ns;
    case LOOM_KEEPALIVE_COUNT: return tcp->keepalive_count;
    case LOOM_USER_TIMEOUT_NS: return tcp->user_timeout_ns;
    case LOOM_SEND_BUFFER_BYTES: return tcp->send_buffer_bytes;
    case LOOM_RECEIVE_BUFFER_BYTES: return tcp->receive_buffer_bytes_max;
    case LOOM_NODELAY:
    case LOOM_KEEPALIVE:
    case LOOM_MSS_MAX:
    case LOOM_TRAFFIC_CLASS: break;
    }
    return 0;
}

static uint64_t value_of(const struct loom_socket *socket, enum loom_socket_option option)
{
    uint64_t own = socket->options[option];
    return own != 0 ? own : stack_value(socket->stack, option);
}

static bool is_in_range(const struct loom_stack *stack, enum loom_socket_option option,
                        uint64_t value)
{
    if (value == 0) return true;
    switch (option) {
    case LOOM_NODELAY:
    case LOOM_KEEPALIVE: return value == 1;
    case LOOM_KEEPALIVE_IDLE_NS:
    case LOOM_KEEPALIVE_INTERVAL_NS: return value < NEVER;
    case LOOM_KEEPALIVE_COUNT: return value <= COUNT_MOST;
    case LOOM_USER_TIMEOUT_NS:
    case LOOM_SEND_BUFFER_BYTES: return value <= stack_value(stack, option);
    case LOOM_RECEIVE_BUFFER_BYTES:
        return value >= TCP_RECEIVE_LIMIT_MIN && value <= stack_value(stack, option);
    case LOOM_MSS_MAX: return value >= MSS_LEAST && value <= MSS_MOST;
    case LOOM_TRAFFIC_CLASS: return value <= UINT8_MAX;
    }
    return false;
}

uint64_t option_send_limit(const struct loom_socket *socket)
{
    return value_of(socket, LOOM_SEND_BUFFER_BYTES);
}

uint8_t option_traffic_class(const struct loom_socket *socket)
{
    return (uint8_t)socket->options[LOOM_TRAFFIC_CLASS];
}

/* ---- silence ---- */

static bool waits_for_peer(const struct tcp_connection *connection)
{
    return connection->recovery.snd_una != connection->recovery.snd_nxt ||
           connection->persist_count > 0;
}

/* As the core counts it: a peer that keeps its window closed and answers is not gone. */
static uint64_t waits_since_ns(const struct tcp_connection *connection)
{
    uint64_t progress_ns = connection->recovery.progress_ns;
    return connection->snd_wnd == 0 ? MAX(connection->heard_ns, progress_ns) : progress_ns;
}

static bool is_kept_alive(const struct loom_socket *socket)
{
    uint8_t state = socket->connection->state;
    return socket->options[LOOM_KEEPALIVE] != 0 &&
           (state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT);
}

static uint64_t probe_due_ns(struct loom_socket *socket)
{
    uint64_t heard_ns = socket->connection->heard_ns;
    if (heard_ns >= socket->probe_ns) socket->probe_count = 0;
    if (socket->probe_count == 0)
        return deadline_after(heard_ns, value_of(socket, LOOM_KEEPALIVE_IDLE_NS));
    return deadline_after(socket->probe_ns, value_of(socket, LOOM_KEEPALIVE_INTERVAL_NS));
}

static uint64_t silence_ends_ns(struct loom_socket *socket)
{
    const struct tcp_connection *connection = socket->connection;
    uint64_t timeout_ns = socket->options[LOOM_USER_TIMEOUT_NS];
    if (tcp_connection_is_over(connection)) return NEVER;
    if (waits_for_peer(connection))
        return timeout_ns == 0 ? NEVER : deadline_after(waits_since_ns(connection), timeout_ns);
    if (timeout_ns != 0 && connection->send_queue.length_bytes > 0)
        return deadline_after(tcp_connection_now_ns(connection), timeout_ns);
    return is_kept_alive(socket) ? probe_due_ns(socket) : NEVER;
}

static void give_up(struct loom_socket *socket, uint64_t *count)
{
    ++*count;
    tcp_connection_reset(socket->connection, TIMED_OUT);
    tcp_connection_settle(socket->connection);
}

static void on_silence(struct agenda_entry *entry)
{
    struct loom_socket *socket = CONTAINER_OF(entry, struct loom_socket, silence);
    struct tcp_connection *connection = socket->connection;
    struct tcp_core_statistics *statistics = &socket->stack->core.tcp.statistics;
    uint64_t now_ns = tcp_connection_now_ns(connection);
    if (silence_ends_ns(socket) > now_ns) {
        option_watch_silence(socket);
        return;
    }
    if (waits_for_peer(connection)) {
        give_up(socket, &statistics->user_timeouts);
    } else if (socket->probe_count >= value_of(socket, LOOM_KEEPALIVE_COUNT)) {
        give_up(socket, &statistics->keepalive_drops);
    } else {
        socket->probe_count++;
        socket->probe_ns = now_ns;
        tcp_transmit_keepalive(connection);
        option_watch_silence(socket);
    }
}

void option_watch_silence(struct loom_socket *socket)
{
    struct agenda *agenda = &socket->stack->core.agenda;
    if (socket->role != ROLE_CONNECTION) return;
    uint64_t deadline_ns = silence_ends_ns(socket);
    bool is_soon_enough = agenda_holds(&socket->silence) &&
                          socket->silence.timer.deadline_ns <= deadline_ns;
    if (is_soon_enough) return;
    socket->silence.due = on_silence;
    agenda_set(agenda, &socket->silence, deadline_ns);
}

/* ---- on a connection ---- */

/* What was promised stays promised: the window comes down as it is used. */
static void hold_window(struct loom_socket *socket)
{
    uint64_t limit_bytes = socket->options[LOOM_RECEIVE_BUFFER_BYTES];
    struct tcp_connection *connection = socket->connection;
    struct tcp_receive_window *window = &connection->receive_window;
    if (limit_bytes == 0) return;
    uint32_t promised_bytes = tcp_receive_window_bytes(window, connection->rcv_nxt);
    window->limit_bytes = MAX((uint32_t)limit_bytes, promised_bytes);
}

/* And is not tuned: no round of reading ever ends. */
void option_before_consume(struct loom_socket *socket)
{
    if (socket->options[LOOM_RECEIVE_BUFFER_BYTES] == 0) return;
    hold_window(socket);
    socket->connection->receive_window.round_ns = tcp_connection_now_ns(socket->connection);
    socket->connection->receive_window.round_bytes = 0;
}

static void hold_segments(struct loom_socket *socket)
{
    uint64_t mss_bytes = socket->options[LOOM_MSS_MAX];
    socket->connection->mtu_cap = mss_bytes == 0 ? 0 : (uint16_t)(mss_bytes + HEADERS_BYTES);
}

static const struct {
    const char *name;
    const struct tcp_congestion_ops *ops;
} congestions[] = { { "cubic", &tcp_cubic_ops }, { "newreno", &tcp_newreno_ops } };

const char *option_congestion_name(const struct tcp_congestion_ops *ops)
{
    for (size_t i = 0; i < LENGTH_OF(congestions); i++) {
        if (congestions[i].ops == ops) return congestions[i].name;
    }
    return "";
}

static const struct tcp_congestion_ops *stack_congestion(const struct loom_stack *stack)
{
    return stack->parameters.tcp.congestion == TCP_CONGESTION_NEWRENO ? &tcp_newreno_ops
                                                                      : &tcp_cubic_ops;
}

static void apply_congestion(struct loom_socket *socket)
{
    struct tcp_congestion *congestion = &socket->connection->recovery.congestion;
    if (socket->congestion == NULL || congestion->ops == socket->congestion) return;
    congestion->ops = socket->congestion;
    congestion->cubic = (struct tcp_cubic){ 0 };
}

/* From the next segment on, or of those who come. */
static void apply_traffic_class(struct loom_socket *socket)
{
    uint8_t traffic_class = option_traffic_class(socket);
    if (socket->role == ROLE_CONNECTION)
        tcp_connection_set_traffic_class(socket->connection, traffic_class);
    if (socket->role == ROLE_LISTENER)
        tcp_acceptor_set_traffic_class(socket->acceptor, traffic_class);
}

static bool can_be_prepared(const struct loom_socket *socket)
{
    return socket->role == ROLE_CONNECTION && tcp_connection_is_open(socket->connection) &&
           !tcp_connection_is_over(socket->connection);
}

static void apply(struct loom_socket *socket)
{
    if (!can_be_prepared(socket)) return;
    socket->is_prepared = true;
    hold_window(socket);
    hold_segments(socket);
    apply_traffic_class(socket);
    apply_congestion(socket);
    if (socket->options[LOOM_NODELAY] != 0) tcp_connection_set_nodelay(socket->connection, true);
}

void option_prepare(struct loom_socket *socket)
{
    if (!socket->is_prepared) apply(socket);
}

/* ---- calls ---- */

struct option_call {
    struct call call;
    enum loom_socket_option option;
    uint64_t value;
};

static bool is_tcp(const struct loom_socket *socket)
{
    return socket->role == ROLE_TCP || socket->role == ROLE_CONNECTION ||
           socket->role == ROLE_LISTENER;
}

static enum loom_result set_attempt(struct call *call)
{
    struct option_call *set = CONTAINER_OF(call, struct option_call, call);
    struct loom_socket *socket = call->socket;
    if (!is_tcp(socket) || !is_in_range(call->stack, set->option, set->value)) return LOOM_INVALID;
    socket->options[set->option] = set->value;
    bool ends_nodelay = set->option == LOOM_NODELAY && set->value == 0;
    if (set->option == LOOM_TRAFFIC_CLASS) apply_traffic_class(socket);
    if (ends_nodelay && can_be_prepared(socket))
        tcp_connection_set_nodelay(socket->connection, false);
    apply(socket);
    option_watch_silence(socket);
    return LOOM_OK;
}

enum loom_result loom_set_option(struct loom_socket *socket, enum loom_socket_option option,
                                 uint64_t value)
{
    if ((unsigned)option >= SOCKET_OPTIONS) return LOOM_INVALID;
    struct option_call set = {
        .call = CALL(socket->stack, socket, set_attempt, LOOM_NO_WAIT),
        .option = option,
        .value = value,
    };
    return call_run(&set.call);
}

static enum loom_result get_attempt(struct call *call)
{
    struct option_call *get = CONTAINER_OF(call, struct option_call, call);
    if (!is_tcp(call->socket)) return LOOM_INVALID;
    get->value = value_of(call->socket, get->option);
    return LOOM_OK;
}

enum loom_result loom_get_option(struct loom_socket *socket, enum loom_socket_option option,
                                 uint64_t *value)
{
    if ((unsigned)option >= SOCKET_OPTIONS) return LOOM_INVALID;
    struct option_call get = {
        .call = CALL(socket->stack, socket, get_attempt, LOOM_NO_WAIT),
        .option = option,
    };
    enum loom_result result = call_run(&get.call);
    if (result == LOOM_OK) *value = get.value;
    return result;
}

struct congestion_call {
    struct call call;
    struct view name;
};

static enum loom_result congestion_attempt(struct call *call)
{
    struct view name = CONTAINER_OF(call, struct congestion_call, call)->name;
    struct loom_socket *socket = call->socket;
    if (!is_tcp(socket)) return LOOM_INVALID;
    const struct tcp_congestion_ops *named = NULL;
    for (size_t i = 0; i < LENGTH_OF(congestions); i++) {
        if (view_equal(name, view_from_string(congestions[i].name))) named = congestions[i].ops;
    }
    if (view_is_empty(name)) named = stack_congestion(call->stack);
    if (named == NULL) return LOOM_NOT_FOUND;
    socket->congestion = named;
    apply(socket);
    return LOOM_OK;
}

enum loom_result loom_set_congestion(struct loom_socket *socket, const char *name)
{
    struct congestion_call call = {
        .call = CALL(socket->stack, socket, congestion_attempt, LOOM_NO_WAIT),
        .name = view_from_string(name),
    };
    return call_run(&call.call);
}
