/* tcp_connection.c - a connection's life: taken from the pool, established, ended, given back.
 *
 * A record is given back when its protocol is over and nobody has it: its user has let go, or it
 * waited in an acceptor's queue and ended there. Where all are in use, the oldest one of those that
 * their users have closed gives way: it would only have waited for a peer to say goodbye.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_connection.h"

#include "target/memory.h"
#include "tcp_core/tcp_isn.h"

/* As Linux: the first so many segments are acknowledged at once, so that a slow start is not slowed
 * by the receiver. */
#define QUICK_ACKS 16

enum result tcp_connections_open(struct tcp_core *core)
{
    struct tcp_connection_pool *pool = &core->connections;
    size_t count = core->parameters.connection_count;
    *pool = (struct tcp_connection_pool){ .count = count };
    list_init(&pool->free);
    list_init(&core->orphans);
    list_init(&core->pending);
    list_init(&core->starved);
    enum result result = memory_take(count * sizeof(struct tcp_connection), &pool->memory);
    if (result != OK) return result;
    void *records = pool->memory.bytes;
    pool->records = records;
    return OK;
}

void tcp_connections_end(struct tcp_core *core)
{
    struct tcp_connection_pool *pool = &core->connections;
    for (size_t i = 0; i < pool->touched_count; i++) {
        struct tcp_connection *connection = &pool->records[i];
        if (connection->core == NULL) continue; /* free */
        if (!tcp_connection_is_over(connection)) tcp_connection_end(connection, FAILED);
        tcp_receive_queue_clear(&connection->receive_queue);
    }
}

void tcp_connections_close(struct tcp_core *core)
{
    memory_give_back(core->connections.memory);
    core->connections = (struct tcp_connection_pool){ 0 };
}

struct tcp_connection *tcp_connection_at(const struct tcp_core *core, uint32_t index)
{
    assert_that(index, <, core->connections.touched_count);
    return &core->connections.records[index];
}

static uint32_t index_of(const struct tcp_connection *connection)
{
    return (uint32_t)(connection - connection->core->connections.records);
}

static void give_back(struct tcp_connection *connection)
{
    struct tcp_core *core = connection->core;
    assert(tcp_connection_is_over(connection));
    if (list_holds(&connection->queue)) list_remove(&connection->queue);
    tcp_receive_queue_clear(&connection->receive_queue);
    core->connections.used_count--;
    core->statistics.connection_count--;
    connection->core = NULL;
    list_prepend(&core->connections.free, &connection->work);
}

/* The oldest of those that nobody has any more goes with a reset. */
static bool make_room(struct tcp_core *core)
{
    struct list_node *oldest = list_first(&core->orphans);
    if (oldest == NULL) return false;
    struct tcp_connection *orphan = CONTAINER_OF(oldest, struct tcp_connection, queue);
    tcp_connection_reset(orphan, OK);
    tcp_connection_settle(orphan);
    return true;
}

bool tcp_connection_is_free(const struct tcp_core *core)
{
    return core->connections.used_count < core->connections.count || !list_is_empty(&core->orphans);
}

static struct tcp_connection *take_record(struct tcp_connection_pool *pool)
{
    struct list_node *node = list_take(&pool->free);
    if (node != NULL) return CONTAINER_OF(node, struct tcp_connection, work);
    return pool->touched_count < pool->count ? &pool->records[pool->touched_count++] : NULL;
}

struct tcp_connection *tcp_connection_take(struct tcp_core *core, const struct tcp_pair *pair)
{
    struct tcp_connection_pool *pool = &core->connections;
    if (pool->used_count == pool->count && !make_room(core)) return NULL;
    struct tcp_connection *connection = take_record(pool);
    assert(connection != NULL);
    pool->used_count++;
    core->statistics.connection_count++;
    *connection = (struct tcp_connection){
        .core = core,
        .pair = *pair,
        .timer.due = tcp_timer_due,
        .quick_acks = QUICK_ACKS,
        .heard_ns = core->agenda->now_ns,
        .acknowledge_ns = NEVER,
        .persist_ns = NEVER,
        .hold_ns = NEVER,
        .pace_ns = NEVER,
    };
    return connection;
}

void tcp_connection_enter(struct tcp_connection *connection)
{
    struct tcp_demux *demux = &connection->core->demux;
    connection->demux_hash = tcp_demux_hash(demux, &connection->pair);
    tcp_demux_insert(demux, connection->demux_hash,
                     tcp_reference(TCP_DEMUX_CONNECTION, index_of(connection)));
}

static void leave_demux(struct tcp_connection *connection)
{
    tcp_demux_remove(&connection->core->demux, connection->demux_hash,
                     tcp_reference(TCP_DEMUX_CONNECTION, index_of(connection)));
}

uint32_t tcp_connection_timestamp(const struct tcp_connection *connection)
{
    return tcp_timestamp_clock(tcp_connection_now_ns(connection)) + connection->ts_offset;
}

/* ---- established ---- */

void tcp_connection_establish(struct tcp_connection *connection, uint64_t rtt_ns)
{
    struct tcp_core *core = connection->core;
    struct ip_path path;
    (void)tcp_path_find(connection, &path); /* without one segments are as short as any path's */
    struct tcp_recovery_options options = {
        .mss_bytes = connection->payload_max,
        .sack = tcp_connection_has(connection, TCP_HAS_SACK),
        .timestamps = tcp_connection_has(connection, TCP_HAS_TIMESTAMPS),
        .syn_was_lost = tcp_connection_has(connection, TCP_SYN_REPEATED),
        .congestion = (enum tcp_congestion_kind)core->parameters.congestion,
        .rtt_ns = rtt_ns,
    };
    uint32_t snd_una = connection->recovery.snd_nxt;
    tcp_recovery_establish(&connection->recovery, &options, snd_una,
                           tcp_connection_now_ns(connection));
    bool shut = tcp_connection_has(connection, TCP_FIN_QUEUED);
    connection->state = shut ? TCP_FIN_WAIT_1 : TCP_ESTABLISHED;
    connection->rcv_mss = MIN(TCP_MSS_DEFAULT_IPV4,
                              connection->payload_max); /* until a longer one */
    tcp_connection_mark(connection, TCP_HAS_OPENED);
    if (core->parameters.user_timeout_option) tcp_connection_mark(connection, TCP_TIMEOUT_DUE);
    connection->events |= TCP_EVENT_CONNECTED;
}

static void agree(struct tcp_connection *connection, bool agreed, enum tcp_connection_flag flag)
{
    if (agreed) tcp_connection_mark(connection, flag);
}

struct tcp_connection *tcp_connection_create(struct tcp_core *core,
                                             const struct tcp_handshake *handshake)
{
    struct tcp_pair pair = { .local = handshake->local, .peer = handshake->peer };
    struct tcp_connection *connection = tcp_connection_take(core, &pair);
    if (connection == NULL) return NULL;
    uint64_t now_ns = core->agenda->now_ns;
    agree(connection, handshake->sack_permitted, TCP_HAS_SACK);
    agree(connection, handshake->timestamps, TCP_HAS_TIMESTAMPS);
    agree(connection, handshake->ecn, TCP_HAS_ECN);
    agree(connection, handshake->syn_was_repeated, TCP_SYN_REPEATED);
    connection->snd_wind_shift = handshake->snd_wind_shift;
    connection->rcv_wind_shift = handshake->rcv_wind_shift;
    connection->peer_mss = handshake->peer_mss;
    connection->peer_user_timeout = handshake->peer_user_timeout;
    connection->ts_recent = handshake->ts_recent;
    connection->ts_recent_s = (uint32_t)(now_ns / S_NS);
    connection->ts_offset = handshake->ts_offset;
    connection->snd_wnd = connection->snd_wnd_max = handshake->snd_wnd;
    connection->snd_wl1 = handshake->irs + 1;
    connection->snd_wl2 = handshake->iss + 1;
    connection->snd_end = connection->snd_short = handshake->iss + 1;
    connection->rcv_nxt = connection->rcv_told = handshake->irs + 1;
    tcp_receive_window_init(&connection->receive_window, core->parameters.receive_buffer_bytes,
                            connection->rcv_nxt, handshake->rcv_wnd);
    tcp_recovery_open(&connection->recovery, &core->recovery_pool, handshake->iss + 1);
    tcp_connection_establish(connection, handshake->sent_ns == 0 ? 0 : now_ns - handshake->sent_ns);
    tcp_connection_enter(connection);
    return connection;
}

/* ---- numbered ---- */

#define NUMBERED_MAX ((uint64_t)1 << 30) /* as much as a window can be (RFC 7323 2.3) */

void tcp_connection_number(struct tcp_connection *connection)
{
    if (tcp_connection_has(connection, TCP_FIN_NUMBERED)) return;
    bool syn = !tcp_connection_has(connection, TCP_HAS_OPENED);
    uint64_t waiting_bytes = connection->send_queue.length_bytes;
    uint32_t numbered_bytes = (uint32_t)MIN(waiting_bytes, NUMBERED_MAX);
    connection->snd_end = connection->recovery.snd_una + syn + numbered_bytes;
    if (numbered_bytes < waiting_bytes || !tcp_connection_has(connection, TCP_FIN_QUEUED)) return;
    connection->snd_end++;
    tcp_connection_mark(connection, TCP_FIN_NUMBERED);
}

/* ---- ended ---- */

static void stop_work(struct tcp_connection *connection)
{
    if (list_holds(&connection->work)) list_remove(&connection->work);
    connection->flags &= ~(uint32_t)(TCP_ACK_DUE | TCP_OUTPUT_DUE | TCP_STARVED | TCP_WANTS_ROOM |
                                     TCP_SHORT_OF_BUFFERS);
}

void tcp_connection_end(struct tcp_connection *connection, enum result failure)
{
    assert(!tcp_connection_is_over(connection));
    leave_demux(connection);
    agenda_stop(connection->core->agenda, &connection->timer);
    /* Who waits for bytes or for room learns that there will be none. */
    connection->events |= TCP_EVENT_READABLE;
    if (tcp_connection_has(connection, TCP_WANTS_ROOM)) connection->events |= TCP_EVENT_WRITABLE;
    stop_work(connection);
    connection->state = TCP_CLOSED;
    connection->failure = (uint8_t)failure;
    if (failure != OK) {
        connection->events |= TCP_EVENT_FAILED;
        if (!tcp_connection_has(connection, TCP_HAS_OPENED))
            connection->core->statistics.connect_failures++;
        tcp_receive_queue_clear(&connection->receive_queue);
    }
    tcp_recovery_close(&connection->recovery);
    tcp_send_queue_clear(&connection->send_queue);
}

void tcp_connection_reset(struct tcp_connection *connection, enum result failure)
{
    if (tcp_connection_is_synchronized(connection) || connection->state == TCP_SYN_RECEIVED)
        tcp_transmit_reset(connection);
    tcp_connection_end(connection, failure);
}

void tcp_connection_wait_out(struct tcp_connection *connection)
{
    struct tcp_farewell farewell = {
        .pair = &connection->pair,
        .snd_nxt = connection->recovery.snd_nxt,
        .rcv_nxt = connection->rcv_nxt,
        .window = (uint16_t)MIN(
            tcp_receive_window_bytes(&connection->receive_window, connection->rcv_nxt) >>
                connection->rcv_wind_shift,
            UINT16_MAX),
        .timestamps = tcp_connection_has(connection, TCP_HAS_TIMESTAMPS),
        .traffic_class = connection->traffic_class,
        .ts_recent = connection->ts_recent,
        .ts_offset = connection->ts_offset,
    };
    tcp_connection_end(connection, OK);
    connection->state = TCP_TIME_WAIT;
    tcp_time_wait_enter(connection->core, &farewell);
}

/* ---- settling ---- */

static bool is_nobodys(struct tcp_connection *connection)
{
    if (!tcp_connection_is_over(connection)) return false;
    if (tcp_connection_has(connection, TCP_IS_ORPHAN)) return true;
    if (connection->acceptor == NULL) return false;
    /* Ended before anybody took it; where bytes wait to be read somebody still may. */
    if (connection->failure == OK) return false;
    tcp_acceptor_forget(connection);
    return true;
}

static void tell_user(struct tcp_connection *connection)
{
    unsigned events = connection->events;
    if (tcp_connection_has(connection, TCP_TOLD_READABLE)) events &= ~(unsigned)TCP_EVENT_READABLE;
    if ((events & TCP_EVENT_READABLE) != 0) tcp_connection_mark(connection, TCP_TOLD_READABLE);
    connection->events = 0;
    if (events != 0) connection->user->event(connection->user, events);
}

void tcp_connection_settle(struct tcp_connection *connection)
{
    if (connection->events != 0 && connection->user != NULL) tell_user(connection);
    if (is_nobodys(connection))
        give_back(connection);
    else if (!tcp_connection_is_over(connection))
        tcp_timer_set(connection);
}

/* One that the user has not taken yet is not told again, however often it comes. */
void tcp_connection_report(struct tcp_connection *connection, enum tcp_report report)
{
    if ((connection->reports & (unsigned)report) != 0) return;
    connection->reports |= (uint8_t)report;
    connection->events |= TCP_EVENT_REPORTED;
}

/* Who is starved has all of it done as soon as there is room; who only waits for buffers to copy
 * into is not held up by that. */
void tcp_connection_pend(struct tcp_connection *connection, enum tcp_connection_flag flag)
{
    bool is_listed = tcp_connection_has(connection, TCP_ACK_DUE | TCP_OUTPUT_DUE | TCP_STARVED);
    tcp_connection_mark(connection, flag);
    if (is_listed && list_holds(&connection->work)) return;
    if (list_holds(&connection->work)) list_remove(&connection->work);
    list_append(&connection->core->pending, &connection->work);
}

void tcp_connection_starve(struct tcp_connection *connection)
{
    if (list_holds(&connection->work)) list_remove(&connection->work);
    tcp_connection_mark(connection, TCP_STARVED);
    list_append(&connection->core->starved, &connection->work);
}
