/* tcp_user.c - what the user of a connection calls (RFC 9293 3.10.1 to 3.10.6).
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_connection.h"
#include "tcp_core/tcp_isn.h"

/* Of a queue: what is longer goes at once, so that the peer has work meanwhile. */
#define GATHERED_BYTES_MAX (64 * KIB)
#define HOLD_NS            (200 * MS_NS)

/* ---- opening ---- */

/* RFC 9293 3.9.2.3, MUST-46: nobody opens to a group, or to everybody. That an address is
 * everybody's on a link, IP knows (RFC 1122 4.2.3.10). */
static bool is_of_one(const struct address *address)
{
    if (address->family == ADDRESS_IPV4) return address->bytes[0] < 224;
    return address->bytes[0] != 0xff;
}

static enum result choose_pair(struct tcp_core *core, const struct endpoint *local,
                               const struct endpoint *peer, struct tcp_pair *pair)
{
    if (!is_of_one(&peer->address)) return UNREACHABLE;
    struct ip_path path;
    enum result result = ip_find_path(core->ip, &peer->address, &local->address, &path);
    if (result == OK && path.to_many) result = UNREACHABLE;
    if (result != OK) return result;
    *pair = (struct tcp_pair){ .local = { .address = path.source, .port = local->port },
                               .peer = *peer };
    if (local->port == 0) return tcp_port_choose(core, pair);
    return tcp_port_claim(core, pair) ? OK : EXISTS;
}

static void send_syn(struct tcp_connection *connection)
{
    struct tcp_core *core = connection->core;
    struct tcp_initial initial = tcp_initial_of(core->initial_key, &connection->pair,
                                                core->agenda->now_ns);
    connection->ts_offset = initial.ts_offset;
    connection->rcv_wind_shift = tcp_wind_shift_for(core->parameters.receive_buffer_bytes_max);
    connection->snd_end = connection->snd_short = initial.isn + 1;
    connection->state = TCP_SYN_SENT;
    tcp_recovery_open(&connection->recovery, &core->recovery_pool, initial.isn);
    struct tcp_range syn = { initial.isn, initial.isn + 1 };
    /* Where there is no packet now, the timer sends it. */
    if (tcp_transmit(connection, syn) == 0)
        tcp_recovery_sent(&connection->recovery, syn, 0, core->agenda->now_ns);
}

enum result tcp_connection_open(struct tcp_core *core, const struct endpoint *local,
                                const struct endpoint *peer, struct tcp_user *user,
                                struct tcp_connection **connection)
{
    return tcp_connection_open_in_class(core, local, peer, 0, user, connection);
}

enum result tcp_connection_open_in_class(struct tcp_core *core, const struct endpoint *local,
                                         const struct endpoint *peer, uint8_t traffic_class,
                                         struct tcp_user *user, struct tcp_connection **connection)
{
    assert(peer->port != 0 && peer->address.family != ADDRESS_ANY);
    if (!tcp_connection_is_free(core)) return FULL;
    struct tcp_pair pair;
    enum result result = choose_pair(core, local, peer, &pair);
    if (result != OK) return result;
    struct tcp_connection *opened = tcp_connection_take(core, &pair);
    if (opened == NULL) return FULL;
    opened->user = user;
    tcp_connection_set_traffic_class(opened, traffic_class);
    tcp_connection_enter(opened);
    send_syn(opened);
    tcp_timer_set(opened);
    *connection = opened;
    return OK;
}

void tcp_connection_set_traffic_class(struct tcp_connection *connection, uint8_t traffic_class)
{
    connection->traffic_class = traffic_class & (uint8_t)~IP_ECN_MASK;
}

void tcp_connection_attach(struct tcp_connection *connection, struct tcp_user *user)
{
    assert(connection->acceptor == NULL && !tcp_connection_has(connection, TCP_IS_ORPHAN));
    connection->user = user;
    if (user == NULL) return;
    tcp_connection_clear(connection, TCP_TOLD_READABLE);
    if (connection->receive_queue.length_bytes > 0 || tcp_connection_is_over(connection) ||
        tcp_connection_has(connection, TCP_FIN_RECEIVED))
        connection->events |= TCP_EVENT_READABLE;
    tcp_connection_settle(connection);
}

enum result tcp_connection_failure(const struct tcp_connection *connection)
{
    return (enum result)connection->failure;
}

unsigned tcp_connection_take_reports(struct tcp_connection *connection)
{
    unsigned reports = connection->reports;
    connection->reports = 0;
    return reports;
}

bool tcp_connection_is_open(const struct tcp_connection *connection)
{
    return tcp_connection_has(connection, TCP_HAS_OPENED);
}

const struct endpoint *tcp_connection_local(const struct tcp_connection *connection)
{
    return &connection->pair.local;
}

const struct endpoint *tcp_connection_peer(const struct tcp_connection *connection)
{
    return &connection->pair.peer;
}

/* ---- sending ---- */

static enum result may_send(const struct tcp_connection *connection)
{
    if (connection->failure != OK) return (enum result)connection->failure;
    bool over = tcp_connection_is_over(connection);
    return over || tcp_connection_has(connection, TCP_FIN_QUEUED) ? CLOSED : OK;
}

/* Copies of each view what fits; gives how much in all. */
static size_t copy(struct tcp_connection *connection, const struct view views[], size_t count,
                   size_t *wanted_bytes)
{
    struct tcp_send_pool *pool = &connection->core->send_pool;
    size_t taken_bytes = 0;
    *wanted_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        *wanted_bytes += views[i].length_bytes;
        if (taken_bytes + views[i].length_bytes < *wanted_bytes) continue; /* one did not fit */
        if (views[i].length_bytes > 0)
            taken_bytes += tcp_send_queue_copy(&connection->send_queue, pool, views[i]);
    }
    return taken_bytes;
}

/* Asks to be told of room. Where it is buffers that are short nobody's acknowledgement may bring
 * it: then tcp_core_flush looks. */
static void want_room(struct tcp_connection *connection)
{
    tcp_connection_mark(connection, TCP_WANTS_ROOM);
    if (tcp_send_queue_room(&connection->send_queue, &connection->core->send_pool) == 0) return;
    tcp_connection_mark(connection, TCP_SHORT_OF_BUFFERS);
    if (!list_holds(&connection->work)) list_append(&connection->core->starved, &connection->work);
}

static void hand_over(struct tcp_connection *connection)
{
    tcp_connection_number(connection);
    tcp_output(connection);
    tcp_connection_settle(connection);
}

/* What of it may not go yet is announced all the same: a peer hears of what is urgent with its
 * window closed (RFC 9293 3.8.6, MUST-66). Of more than a gigabyte of loans only what has numbers
 * is urgent. */
static void hand_over_urgent(struct tcp_connection *connection)
{
    uint32_t snd_nxt = connection->recovery.snd_nxt;
    tcp_connection_number(connection);
    connection->snd_up = connection->snd_end;
    tcp_connection_mark(connection, TCP_SENDS_URGENT);
    tcp_output(connection);
    if (connection->recovery.snd_nxt == snd_nxt && tcp_connection_is_synchronized(connection))
        (void)tcp_transmit_ack(connection);
    tcp_connection_settle(connection);
}

enum result tcp_connection_send(struct tcp_connection *connection, const struct view views[],
                                size_t count, enum tcp_send_mode mode, size_t *taken_bytes)
{
    *taken_bytes = 0;
    enum result result = may_send(connection);
    if (result != OK) return result;
    size_t wanted_bytes;
    *taken_bytes = copy(connection, views, count, &wanted_bytes);
    if (*taken_bytes < wanted_bytes) want_room(connection);
    bool hold = mode == TCP_SEND_HOLD && *taken_bytes == wanted_bytes;
    connection->hold_ns = hold ? tcp_connection_now_ns(connection) + HOLD_NS : NEVER;
    if (mode == TCP_SEND_SOON && connection->send_queue.length_bytes < GATHERED_BYTES_MAX) {
        tcp_connection_number(connection);
        tcp_connection_pend(connection, TCP_OUTPUT_DUE);
        tcp_connection_settle(connection);
    } else if (mode == TCP_SEND_URGENT && *taken_bytes > 0) {
        hand_over_urgent(connection);
    } else {
        hand_over(connection);
    }
    return OK;
}

enum result tcp_connection_lend(struct tcp_connection *connection, struct loan *loan)
{
    enum result result = may_send(connection);
    if (result != OK) return result;
    result = tcp_send_queue_lend(&connection->send_queue, &connection->core->send_pool, loan);
    if (result != OK) {
        want_room(connection);
        return result;
    }
    connection->hold_ns = NEVER;
    hand_over(connection);
    return OK;
}

void tcp_connection_set_nodelay(struct tcp_connection *connection, bool nodelay)
{
    tcp_connection_clear(connection, TCP_IS_NODELAY);
    if (!nodelay) return;
    tcp_connection_mark(connection, TCP_IS_NODELAY);
    if (tcp_connection_is_over(connection)) return;
    tcp_output(connection);
    tcp_connection_settle(connection);
}

void tcp_connection_set_keepalive(struct tcp_connection *connection, bool keepalive)
{
    tcp_connection_clear(connection, TCP_IS_KEPT_ALIVE);
    if (keepalive) tcp_connection_mark(connection, TCP_IS_KEPT_ALIVE);
    if (!tcp_connection_is_over(connection)) tcp_timer_set(connection);
}

/* ---- reading ---- */

enum result tcp_connection_peek(struct tcp_connection *connection, struct view *bytes)
{
    tcp_connection_clear(connection, TCP_TOLD_READABLE);
    *bytes = tcp_receive_queue_peek(&connection->receive_queue);
    if (!view_is_empty(*bytes)) return OK;
    if (connection->failure != OK) return (enum result)connection->failure;
    bool done = tcp_connection_has(connection, TCP_FIN_RECEIVED) ||
                tcp_connection_is_over(connection);
    return done ? CLOSED : OK;
}

uint32_t tcp_connection_urgent_bytes(const struct tcp_connection *connection)
{
    if (!tcp_connection_has(connection, TCP_HEARS_URGENT) || connection->failure != OK) return 0;
    uint32_t end = connection->rcv_up;
    bool is_cut = tcp_connection_has(connection, TCP_FIN_RECEIVED) &&
                  sequence_before(connection->fin_seq, end);
    if (is_cut) end = connection->fin_seq; /* no more will come */
    int32_t left = sequence_past(end, tcp_connection_read_seq(connection));
    return left > 0 ? (uint32_t)left : 0;
}

/* Before the pointer comes to lie ahead again when the numbers wrap. */
static void note_urgent_read(struct tcp_connection *connection)
{
    if (sequence_at_most(connection->rcv_up, tcp_connection_read_seq(connection)))
        tcp_connection_clear(connection, TCP_HEARS_URGENT);
}

void tcp_connection_consume(struct tcp_connection *connection, size_t length_bytes)
{
    struct tcp_core *core = connection->core;
    tcp_receive_queue_consume(&connection->receive_queue, length_bytes);
    if (tcp_connection_has(connection, TCP_HEARS_URGENT)) note_urgent_read(connection);
    if (tcp_connection_is_over(connection) || tcp_connection_has(connection, TCP_FIN_RECEIVED))
        return;
    tcp_receive_window_consumed(&connection->receive_window, length_bytes, core->agenda->now_ns,
                                connection->recovery.rtt.srtt_ns,
                                core->parameters.receive_buffer_bytes_max, core->pool);
    if (tcp_connection_is_synchronized(connection) &&
        tcp_receive_window_opens(&connection->receive_window, &connection->receive_queue,
                                 connection->rcv_nxt, connection->rcv_mss, core->pool)) {
        /* With the flush: many reads open the window once. */
        tcp_connection_pend(connection, TCP_ACK_DUE);
    }
}

/* ---- closing ---- */

void tcp_connection_shut(struct tcp_connection *connection)
{
    if (tcp_connection_is_over(connection) || tcp_connection_has(connection, TCP_FIN_QUEUED))
        return;
    tcp_connection_mark(connection, TCP_FIN_QUEUED);
    tcp_connection_clear(connection, TCP_WANTS_ROOM);
    tcp_connection_number(connection);
    connection->hold_ns = NEVER;
    if (connection->state == TCP_ESTABLISHED) connection->state = TCP_FIN_WAIT_1;
    if (connection->state == TCP_CLOSE_WAIT) connection->state = TCP_LAST_ACK;
    tcp_output(connection);
    tcp_connection_settle(connection);
}

static void orphan(struct tcp_connection *connection)
{
    assert(connection->acceptor == NULL && !tcp_connection_has(connection, TCP_IS_ORPHAN));
    connection->user = NULL;
    tcp_connection_mark(connection, TCP_IS_ORPHAN);
    /* What is left has one user timeout from now on, whatever its user's patience was. */
    connection->recovery.progress_ns = tcp_connection_now_ns(connection);
    list_append(&connection->core->orphans, &connection->queue);
}

void tcp_connection_close(struct tcp_connection *connection)
{
    orphan(connection);
    if (tcp_connection_is_over(connection)) {
        tcp_connection_settle(connection);
        return;
    }
    bool unread = connection->receive_queue.length_bytes > 0;
    if (connection->state == TCP_SYN_SENT) {
        tcp_connection_end(connection, OK);
    } else if (unread) {
        tcp_connection_reset(connection, OK);
    } else if (connection->state == TCP_FIN_WAIT_2) {
        connection->persist_ns = tcp_connection_now_ns(connection) + TCP_FIN_WAIT_2_NS;
    } else {
        tcp_connection_shut(connection);
        return;
    }
    tcp_connection_settle(connection);
}

/* Both have said all, and heard it: only an acknowledgement is missing. */
static bool has_ended_well(const struct tcp_connection *connection)
{
    bool both = connection->state == TCP_CLOSING || connection->state == TCP_LAST_ACK;
    return both && connection->send_queue.length_bytes == 0 &&
           connection->receive_queue.length_bytes == 0;
}

/* RFC 9293 3.10.5. */
void tcp_connection_abort(struct tcp_connection *connection)
{
    orphan(connection);
    if (has_ended_well(connection))
        tcp_connection_end(connection, OK);
    else if (!tcp_connection_is_over(connection))
        tcp_connection_reset(connection, OK);
    tcp_connection_settle(connection);
}
