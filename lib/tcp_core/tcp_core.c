/* tcp_core.c - one stack's TCP: its parameters, how it is opened and closed, and what is done at
 * the end of each burst.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_connection.h"
#include "tcp_core/tcp_entry.h"

/* How many of those that want memory or the ring are looked at when a burst ends. */
#define STARVED_AT_ONCE 16

/* Records of what was sent, beside those that each connection has, and of loans: enough for many
 * windows of segments that leave one by one. Where there are few buffers there are fewer records,
 * so many a buffer: they would take more memory than all else of a small stack. */
#define SENT_RECORDS_MAX  65536
#define SENT_RECORDS_EACH 8
#define LOAN_RECORDS_MAX  16384
#define LOAN_RECORDS_EACH 2
#define BUFFERS_SPARE     8

static const char *const congestion_names[] = { "cubic", "newreno", NULL };

const struct parameter tcp_core_parameters[] = {
    PARAMETER_POOL(struct tcp_core_parameters, connection_count, "tcp-connections", "65536", 1,
                   1 << 24, "most TCP connections at once, closing ones too"),
    PARAMETER_NUMBER(struct tcp_core_parameters, acceptor_count, "tcp-listeners", "64", 1, 65535,
                     "most ports and addresses to listen on"),
    PARAMETER_POOL(struct tcp_core_parameters, syn_count, "tcp-half-open", "1024", 1, 1 << 24,
                   "half-open connections kept; beyond that, SYN cookies"),
    PARAMETER_POOL(struct tcp_core_parameters, time_wait_count, "tcp-time-wait", "16384", 1,
                   1 << 24, "ended connections remembered; the oldest gives way"),
    PARAMETER_DURATION(struct tcp_core_parameters, time_wait_ns, "tcp-time-wait-period", "60s",
                       "for how long an ended connection is remembered"),
    PARAMETER_BYTES(struct tcp_core_parameters, send_buffer_bytes, "tcp-send-buffer", "4MiB",
                    2 * KIB, GIB, "a connection's bytes that are not acknowledged"),
    PARAMETER_BYTES(struct tcp_core_parameters, receive_buffer_bytes, "tcp-receive-buffer",
                    "128KiB", 16 * KIB, GIB, "a connection's receive window at first"),
    PARAMETER_BYTES(struct tcp_core_parameters, receive_buffer_bytes_max, "tcp-receive-buffer-max",
                    "6MiB", 16 * KIB, GIB, "what a receive window may grow to"),
    PARAMETER_CHOICE(struct tcp_core_parameters, congestion, "tcp-congestion", "cubic",
                     congestion_names, "congestion control"),
    PARAMETER_DURATION(struct tcp_core_parameters, user_timeout_ns, "tcp-user-timeout", "5m",
                       "how long sent bytes may stay unacknowledged"),
    PARAMETER_FLAG(struct tcp_core_parameters, user_timeout_option, "tcp-user-timeout-option",
                   "off",
                   "tell peers the user timeout, and heed theirs if it is longer (RFC 5482)"),
    PARAMETER_DURATION(struct tcp_core_parameters, user_timeout_min_ns, "tcp-user-timeout-min",
                       "100s",
                       "the user timeout of a connection whose peer has told of its own, at least"),
    PARAMETER_DURATION(struct tcp_core_parameters, user_timeout_max_ns, "tcp-user-timeout-max",
                       "1h", "the longest user timeout that a peer's can bring about"),
    PARAMETER_DURATION(struct tcp_core_parameters, keepalive_idle_ns, "tcp-keepalive-idle", "2h",
                       "silence before the first keepalive probe"),
    PARAMETER_DURATION(struct tcp_core_parameters, keepalive_interval_ns, "tcp-keepalive-interval",
                       "75s", "silence between keepalive probes"),
    PARAMETER_NUMBER(struct tcp_core_parameters, keepalive_count, "tcp-keepalive-probes", "9", 1,
                     100, "unanswered keepalive probes that end a connection"),
    PARAMETER_FLAG(struct tcp_core_parameters, ecn, "tcp-ecn", "off",
                   "offer congestion marks on connections that this image opens"),
    PARAMETER_END,
};

static enum result open_parts(struct tcp_core *core)
{
    uint64_t count = core->parameters.connection_count;
    size_t buffers = core->pool->count;
    enum result result = tcp_connections_open(core);
    if (result != OK) return result;
    result = tcp_recovery_pool_open(&core->recovery_pool, count,
                                    MIN(buffers * SENT_RECORDS_EACH, SENT_RECORDS_MAX));
    if (result != OK) goto close_connections;
    result = tcp_send_pool_open(&core->send_pool, core->pool, core->parameters.send_buffer_bytes,
                                MIN(buffers * LOAN_RECORDS_EACH, LOAN_RECORDS_MAX) + count);
    if (result != OK) goto close_recovery;
    result = tcp_entry_open(core);
    if (result == OK) return OK;
    tcp_send_pool_close(&core->send_pool);
close_recovery:
    tcp_recovery_pool_close(&core->recovery_pool);
close_connections:
    tcp_connections_close(core);
    return result;
}

enum result tcp_core_open(struct tcp_core *core, struct ip *ip, struct agenda *agenda,
                          struct packet_pool *pool, const struct tcp_core_parameters *parameters,
                          struct siphash_key key)
{
    *core = (struct tcp_core){
        .ip = ip, .agenda = agenda, .pool = pool, .parameters = *parameters, .key = key
    };
    struct tcp_core_parameters *own = &core->parameters;
    own->receive_buffer_bytes_max = MAX(own->receive_buffer_bytes_max, own->receive_buffer_bytes);
    enum result result = open_parts(core);
    if (result == OK) ip_attach(ip, &core->protocol);
    return result;
}

void tcp_core_close(struct tcp_core *core)
{
    /* Connections end first: they leave the demultiplexer and give their loans back. */
    tcp_connections_end(core);
    tcp_entry_close(core);
    tcp_send_pool_close(&core->send_pool);
    tcp_recovery_pool_close(&core->recovery_pool);
    tcp_connections_close(core);
}

/* ---- at the end of a burst ---- */

static void run_pending(struct tcp_core *core)
{
    for (struct list_node *node = list_take(&core->pending); node != NULL;
         node = list_take(&core->pending)) {
        struct tcp_connection *connection = CONTAINER_OF(node, struct tcp_connection, work);
        /* It lost its place among those that wait for buffers. */
        if (tcp_connection_has(connection, TCP_SHORT_OF_BUFFERS))
            list_append(&core->starved, &connection->work);
        tcp_output_due(connection);
        tcp_connection_settle(connection);
    }
}

/* Whether a copy and a loan of this user's would be taken now, and a few more than one. */
static bool has_buffers(const struct tcp_connection *connection)
{
    struct tcp_core *core = connection->core;
    return packet_pool_left(core->pool, PACKET_FOR_DATA) > BUFFERS_SPARE &&
           tcp_send_queue_may_copy(&connection->send_queue, &core->send_pool) &&
           tcp_send_queue_may_lend(&connection->send_queue, &core->send_pool);
}

/* False: it still wants something. */
static bool feed(struct tcp_connection *connection)
{
    if (tcp_connection_has(connection, TCP_STARVED)) {
        tcp_connection_clear(connection, TCP_STARVED);
        tcp_output_due(connection);
    }
    if (tcp_connection_has(connection, TCP_SHORT_OF_BUFFERS) && has_buffers(connection)) {
        tcp_connection_clear(connection, TCP_SHORT_OF_BUFFERS);
        if (tcp_connection_has(connection, TCP_WANTS_ROOM))
            connection->events |= TCP_EVENT_WRITABLE;
        tcp_connection_clear(connection, TCP_WANTS_ROOM);
    }
    if (tcp_connection_has(connection, TCP_SHORT_OF_BUFFERS) && !list_holds(&connection->work))
        list_append(&connection->core->starved, &connection->work);
    bool is_fed = !tcp_connection_has(connection, TCP_STARVED | TCP_SHORT_OF_BUFFERS);
    tcp_connection_settle(connection);
    return is_fed;
}

/* Each at most once, the longest waiting first. True: all of them got what they want. */
static bool run_starved(struct tcp_core *core, size_t most)
{
    bool are_fed = true;
    struct list round;
    list_init(&round);
    for (size_t i = 0; i < most && !list_is_empty(&core->starved); i++)
        list_append(&round, list_take(&core->starved));
    for (struct list_node *node = list_take(&round); node != NULL; node = list_take(&round))
        are_fed &= feed(CONTAINER_OF(node, struct tcp_connection, work));
    return are_fed;
}

bool tcp_core_flush(struct tcp_core *core)
{
    run_pending(core);
    if (list_is_empty(&core->starved) || packet_pool_left(core->pool, PACKET_FOR_CONTROL) == 0)
        return false;
    return run_starved(core, STARVED_AT_ONCE) && !list_is_empty(&core->starved);
}

void tcp_core_resume(struct tcp_core *core)
{
    (void)run_starved(core, SIZE_MAX);
}

const struct tcp_core_statistics *tcp_core_statistics(const struct tcp_core *core)
{
    return &core->statistics;
}
