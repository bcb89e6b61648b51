/* tcp_acknowledge.c - what a segment acknowledges, and what it lets us send next (RFC 9293
 * 3.10.7.4, the fifth check).
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_connection.h"

static uint32_t window_of(const struct tcp_connection *connection,
                          const struct tcp_segment *segment)
{
    uint8_t shift = (segment->flags & TCP_SYN) != 0 ? 0 : connection->snd_wind_shift;
    return (uint32_t)segment->window << shift;
}

void tcp_acknowledge_window(struct tcp_connection *connection, const struct tcp_segment *segment)
{
    /* An older segment would take back what a newer one has said. */
    if (sequence_before(segment->seq, connection->snd_wl1) ||
        (segment->seq == connection->snd_wl1 && sequence_before(segment->ack, connection->snd_wl2)))
        return;
    connection->snd_wl1 = segment->seq;
    connection->snd_wl2 = segment->ack;
    uint32_t window = window_of(connection, segment);
    if (window == connection->snd_wnd) return;
    connection->snd_wnd = window;
    connection->snd_wnd_max = MAX(connection->snd_wnd_max, window);
    if (window > 0) {
        connection->persist_count = 0;
        if (connection->state != TCP_FIN_WAIT_2) connection->persist_ns = NEVER;
    }
}

/* The peer has taken the byte, or the FIN, that was sent beyond its window: it is in flight from
 * here on. How long ago that was is not known; a usual round trip moves no estimate. */
static void count_probe(struct tcp_connection *connection, uint32_t ack)
{
    struct tcp_recovery *recovery = &connection->recovery;
    if (!tcp_connection_has(connection, TCP_PROBE_SENT) || ack != recovery->snd_nxt + 1) return;
    tcp_connection_clear(connection, TCP_PROBE_SENT);
    uint64_t now_ns = tcp_connection_now_ns(connection);
    uint64_t rtt_ns = MIN(MAX(recovery->rtt.srtt_ns, MS_NS), now_ns);
    tcp_recovery_sent(recovery, (struct tcp_range){ recovery->snd_nxt, ack }, 0, now_ns - rtt_ns);
    connection->persist_count = 0;
    connection->persist_ns = NEVER;
}

static void count_outcome(struct tcp_connection *connection,
                          const struct tcp_recovery_outcome *outcome, bool ecn_echo)
{
    struct tcp_core_statistics *statistics = &connection->core->statistics;
    statistics->fast_recoveries += outcome->entered_recovery;
    statistics->spurious_recoveries += outcome->spurious;
    if (!outcome->reduced || !tcp_connection_has(connection, TCP_HAS_ECN)) return;
    /* RFC 3168 6.1.2: once for each reduction, whatever its cause. */
    tcp_connection_mark(connection, TCP_CWR_DUE);
    statistics->ecn_reductions += ecn_echo && !outcome->entered_recovery;
}

/* Our FIN is acknowledged, and so all is. */
static void fin_acknowledged(struct tcp_connection *connection)
{
    switch (connection->state) {
    case TCP_FIN_WAIT_1:
        connection->state = TCP_FIN_WAIT_2;
        if (tcp_connection_has(connection, TCP_IS_ORPHAN))
            connection->persist_ns = tcp_connection_now_ns(connection) + TCP_FIN_WAIT_2_NS;
        break;
    case TCP_CLOSING: tcp_connection_wait_out(connection); break;
    case TCP_LAST_ACK: tcp_connection_end(connection, OK); break;
    default: break;
    }
}

static void tell_of_room(struct tcp_connection *connection)
{
    if (!tcp_connection_has(connection, TCP_WANTS_ROOM)) return;
    uint64_t room = tcp_send_queue_room(&connection->send_queue, &connection->core->send_pool);
    if (room < connection->core->send_pool.limit_bytes / 4) return;
    tcp_connection_clear(connection, TCP_WANTS_ROOM);
    connection->events |= TCP_EVENT_WRITABLE;
}

static void free_acknowledged(struct tcp_connection *connection, uint32_t acknowledged_bytes)
{
    bool fin = tcp_connection_has(connection, TCP_FIN_NUMBERED) &&
               connection->recovery.snd_una == connection->snd_end;
    uint32_t payload_bytes = acknowledged_bytes - fin;
    if (payload_bytes > 0) tcp_send_queue_acknowledge(&connection->send_queue, payload_bytes);
    tcp_connection_number(connection);
    if (tcp_connection_has(connection, TCP_SENDS_URGENT) &&
        sequence_at_most(connection->snd_up, connection->recovery.snd_una))
        tcp_connection_clear(connection, TCP_SENDS_URGENT);
    /* So that what is past does not come to lie ahead when the numbers wrap. */
    connection->snd_short = sequence_later(connection->snd_short, connection->recovery.snd_una);
    tell_of_room(connection);
    if (fin) fin_acknowledged(connection);
}

static void acknowledge(struct tcp_connection *connection, const struct tcp_segment *segment)
{
    struct tcp_acknowledgement acknowledgement = {
        .ack = segment->ack,
        .sack = segment->sack,
        .sack_count = segment_has(segment, TCP_OPTION_SACK) ? segment->sack_count : 0,
        .timestamp_echo = segment->ts_echo,
        .timestamp_now = tcp_connection_timestamp(connection),
        .has_timestamp_echo = segment_has(segment, TCP_OPTION_TIMESTAMPS),
        .has_data = segment_length(segment) > 0,
        .window_changed = window_of(connection, segment) != connection->snd_wnd,
        .ecn_echo = tcp_connection_has(connection, TCP_HAS_ECN) &&
                    (segment->flags & (TCP_ECE | TCP_SYN)) == TCP_ECE,
    };
    if (connection->probe_bytes != 0) tcp_path_take_answer(connection, &acknowledgement);
    struct tcp_recovery_outcome outcome;
    tcp_recovery_acknowledged(&connection->recovery, &acknowledgement,
                              tcp_connection_now_ns(connection), &outcome);
    count_outcome(connection, &outcome, acknowledgement.ecn_echo);
    if (outcome.acknowledged_bytes > 0) free_acknowledged(connection, outcome.acknowledged_bytes);
}

/* RFC 5961 5.2: neither newer than what was sent nor older than any window can be. */
static bool is_sane(const struct tcp_connection *connection, uint32_t ack)
{
    uint32_t sent = connection->recovery.snd_nxt + tcp_connection_has(connection, TCP_PROBE_SENT);
    uint32_t least = connection->recovery.snd_una - connection->snd_wnd_max;
    return !sequence_before(sent, ack) && !sequence_before(ack, least);
}

bool tcp_acknowledge(struct tcp_connection *connection, const struct tcp_segment *segment)
{
    if (!is_sane(connection, segment->ack)) {
        tcp_transmit_challenge(connection);
        return false;
    }
    count_probe(connection, segment->ack);
    bool is_old = sequence_before(segment->ack, connection->recovery.snd_una);
    if (!is_old || segment_has(segment, TCP_OPTION_SACK)) acknowledge(connection, segment);
    if (tcp_connection_is_over(connection)) return true;
    if (!is_old) tcp_acknowledge_window(connection, segment);
    /* Anything that is not acknowledged may now go, or go again. */
    if (connection->snd_end != connection->recovery.snd_una)
        tcp_connection_pend(connection, TCP_OUTPUT_DUE);
    return true;
}
