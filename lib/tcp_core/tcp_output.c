/* tcp_output.c - what may be sent now: one place decides.
 *
 * What is lost goes first, then new bytes as far as the peer's window, the congestion window and
 * pacing let them. Segments are full unless they are the last that the user has handed over, and
 * that one waits where Nagle's rule or TCP_SEND_HOLD says so (RFC 9293 3.7.4, 3.8.6.2.1). Where
 * nothing is in flight and the window lets nothing go, the persist timer takes over.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_connection.h"

/* Smaller windows send what they may at once. */
#define GATHER_SEGMENTS   64
#define HEADERS_BYTES_MAX (40 + TCP_HEADER_BYTES_MAX)

/* The payload that one datagram may hold: whole segments. */
static uint32_t burst_bytes(const struct tcp_connection *connection, const struct ip_path *path)
{
    uint32_t segment = connection->payload_max;
    if (path->segments_bytes_max <= HEADERS_BYTES_MAX + segment) return segment;
    /* Who cuts a datagram copies the urgent pointer, which counts from each segment's own start. */
    if (tcp_connection_has(connection, TCP_SENDS_URGENT)) return segment;
    uint32_t room = path->segments_bytes_max - HEADERS_BYTES_MAX;
    return room - room % segment;
}

/* The new sequence numbers that the peer's window takes. */
static uint32_t new_in_window(const struct tcp_connection *connection)
{
    const struct tcp_recovery *recovery = &connection->recovery;
    uint32_t waiting = connection->snd_end - recovery->snd_nxt;
    int32_t window = sequence_past(recovery->snd_una + connection->snd_wnd, recovery->snd_nxt);
    return window <= 0 ? 0 : MIN(waiting, (uint32_t)window);
}

static bool is_held(const struct tcp_connection *connection)
{
    return connection->hold_ns != NEVER && !tcp_connection_has(connection, TCP_FIN_QUEUED);
}

/* Whether the last bytes may go in a segment that is not full. Nagle's rule as Minshall has it: it
 * waits only for another short one. */
static bool may_be_short(const struct tcp_connection *connection)
{
    return tcp_connection_has(connection, TCP_FIN_NUMBERED | TCP_IS_NODELAY | TCP_SENDS_URGENT) ||
           sequence_at_most(connection->snd_short, connection->recovery.snd_una);
}

/* Of `bytes` new ones, which are all that wait, those that may go now. */
static uint32_t without_tail(const struct tcp_connection *connection, uint32_t bytes)
{
    uint32_t tail = bytes % connection->payload_max;
    if (is_held(connection)) return bytes - (tail == 0 ? connection->payload_max : tail);
    return tail == 0 || may_be_short(connection) ? bytes : bytes - tail;
}

/* Silly windows are not filled: whole segments, or half of the largest window that the peer ever
 * had (RFC 9293 3.8.6.2.1 (1) and (3)). */
static uint32_t within_window(const struct tcp_connection *connection, uint32_t bytes)
{
    if (bytes >= connection->payload_max) return bytes - bytes % connection->payload_max;
    bool is_quiet = connection->recovery.snd_una == connection->recovery.snd_nxt;
    return is_quiet && bytes > 0 && bytes >= connection->snd_wnd_max / 2 ? bytes : 0;
}

/* How many new sequence numbers may go in one datagram. A FIN takes one and no payload, so it never
 * makes a segment too long. */
static uint32_t choose_new(const struct tcp_connection *connection, uint32_t most)
{
    uint32_t waiting = connection->snd_end - connection->recovery.snd_nxt;
    uint32_t in_window = new_in_window(connection);
    if (in_window == 0) return 0;
    bool fin = tcp_connection_has(connection, TCP_FIN_NUMBERED);
    if (in_window == waiting && waiting - fin <= most) {
        uint32_t payload = waiting - fin;
        uint32_t chosen = fin ? payload : without_tail(connection, payload);
        return chosen == payload ? waiting : chosen;
    }
    uint32_t bytes = MIN(in_window, most);
    if (bytes == in_window) return within_window(connection, bytes);
    return bytes < connection->payload_max ? bytes : bytes - bytes % connection->payload_max;
}

/* Whether a few new segments wait for the next acknowledgement, to go with more in one datagram:
 * that costs hardly more than a short one. Only where most of the window is in flight, so that
 * acknowledgements are sure to come and the path does not fall dry. */
static bool should_gather(const struct tcp_connection *connection, uint32_t burst)
{
    const struct tcp_recovery *recovery = &connection->recovery;
    uint32_t cwnd = recovery->congestion.cwnd_bytes;
    uint32_t in_flight = tcp_recovery_in_flight_bytes(recovery);
    if (recovery->state != TCP_OPEN || in_flight >= cwnd) return false;
    uint32_t room = cwnd - in_flight, enough = MIN(burst, cwnd / 4);
    enough = MIN(enough, tcp_pacing_quantum(&recovery->pacing));
    return room < enough && room < new_in_window(connection) &&
           cwnd >= GATHER_SEGMENTS * (uint32_t)connection->payload_max;
}

/* Lost bytes, or new ones; false: nothing may go. */
static bool send_one(struct tcp_connection *connection, uint32_t burst)
{
    struct tcp_recovery *recovery = &connection->recovery;
    bool new_waits = new_in_window(connection) > 0;
    struct tcp_range range;
    bool again = tcp_recovery_next_lost(recovery, new_waits, &range);
    if (!again && !new_waits) return false;
    uint64_t now_ns = tcp_connection_now_ns(connection);
    if (recovery->snd_una == recovery->snd_nxt) tcp_recovery_idle(recovery, now_ns);
    uint64_t again_ns = NEVER;
    uint32_t most = MIN(tcp_recovery_allowance(recovery, now_ns, &again_ns), burst);
    if (most == 0) {
        connection->pace_ns = again_ns;
        return false;
    }
    if (!again) {
        if (should_gather(connection, burst)) return false;
        uint32_t chosen = choose_new(connection, most);
        if (chosen == 0) return false;
        range = (struct tcp_range){ recovery->snd_nxt, recovery->snd_nxt + chosen };
    } else if (range_bytes(range) > most) {
        range.end = range.start +
                    (most > connection->payload_max ? most - most % connection->payload_max : most);
    }
    return tcp_transmit(connection, range) > 0;
}

/* Bytes wait, nothing is in flight, and it is the window that lets nothing go (RFC 9293 3.8.6.1).
 */
static bool is_shut_out(const struct tcp_connection *connection)
{
    const struct tcp_recovery *recovery = &connection->recovery;
    return recovery->snd_una == recovery->snd_nxt && connection->snd_end != recovery->snd_nxt &&
           connection->pace_ns == NEVER && !is_held(connection) &&
           !tcp_connection_has(connection, TCP_STARVED);
}

/* The user timeout counts from the first one: there may have been an hour of silence before. */
static void set_persist(struct tcp_connection *connection)
{
    uint64_t now_ns = tcp_connection_now_ns(connection);
    if (connection->persist_count == 0) connection->recovery.progress_ns = now_ns;
    connection->persist_ns = now_ns + tcp_rtt_backed_off_ns(&connection->recovery.rtt,
                                                            connection->persist_count);
}

void tcp_output(struct tcp_connection *connection)
{
    tcp_connection_clear(connection, TCP_OUTPUT_DUE);
    if (!tcp_connection_is_synchronized(connection) || tcp_connection_is_over(connection) ||
        tcp_connection_has(connection, TCP_STARVED))
        return;
    /* Nothing waits and nothing is in flight. */
    if (connection->snd_end == connection->recovery.snd_una) return;
    struct ip_path path;
    (void)tcp_path_find(connection, &path);
    uint32_t burst = burst_bytes(connection, &path);
    connection->pace_ns = NEVER;
    if (connection->mtu_hole != 0) tcp_path_probe(connection, &path);
    while (send_one(connection, burst)) {
    }
    if (is_shut_out(connection) && connection->persist_ns == NEVER) set_persist(connection);
}

void tcp_output_due(struct tcp_connection *connection)
{
    tcp_output(connection);
    if (tcp_connection_has(connection, TCP_ACK_DUE) && !tcp_connection_has(connection, TCP_STARVED))
        (void)tcp_transmit_ack(connection);
}

void tcp_output_window_probe(struct tcp_connection *connection)
{
    connection->persist_ns = NEVER;
    if (!is_shut_out(connection)) return;
    uint32_t bytes = MIN(new_in_window(connection), connection->payload_max);
    uint32_t snd_nxt = connection->recovery.snd_nxt;
    if (bytes > 0) {
        (void)tcp_transmit(connection, (struct tcp_range){ snd_nxt, snd_nxt + bytes });
        return;
    }
    tcp_transmit_beyond_window(connection);
    if (connection->persist_count < UINT8_MAX) connection->persist_count++;
    set_persist(connection);
}

void tcp_output_tail_probe(struct tcp_connection *connection)
{
    struct tcp_recovery *recovery = &connection->recovery;
    connection->core->statistics.tail_loss_probes++;
    uint32_t bytes = MIN(new_in_window(connection), connection->payload_max);
    struct tcp_range range = bytes > 0 ? (struct tcp_range){ recovery->snd_nxt,
                                                             recovery->snd_nxt + bytes }
                                       : tcp_recovery_probe_range(recovery);
    if (range_bytes(range) > 0) (void)tcp_transmit(connection, range);
}
