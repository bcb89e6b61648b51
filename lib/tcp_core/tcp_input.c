/* tcp_input.c - a segment for a connection that is synchronized, or about to be: the checks of RFC
 * 9293 3.10.7.4 in their order, with those of RFC 7323 (PAWS) and RFC 5961 (blind attacks) where
 * they belong.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_connection.h"
#include "tcp_core/tcp_reset.h"

/* A timestamp that old says nothing: the peer's clock may have wrapped (RFC 7323 5.5). */
#define TS_RECENT_VALID_S (24 * 24 * 3600)

/* A sender that is silent for so long starts slowly again, and wants quick answers. */
#define QUIET_NS         S_NS
#define QUICK_ACKS_AGAIN 8

/* ---- the first check: sequence numbers ---- */

/* RFC 7323 5.3 R1. */
static bool is_from_before(const struct tcp_connection *connection,
                           const struct tcp_segment *segment)
{
    if (!segment_has(segment, TCP_OPTION_TIMESTAMPS)) return false;
    if (!sequence_before(segment->ts_value, connection->ts_recent)) return false;
    uint32_t now_s = (uint32_t)(tcp_connection_now_ns(connection) / S_NS);
    return now_s - connection->ts_recent_s < TS_RECENT_VALID_S;
}

/* The table of RFC 9293 3.10.7.4, and with a closed window a FIN: there is no more to come for
 * which it would have to open. */
static bool is_acceptable(const struct tcp_connection *connection,
                          const struct tcp_segment *segment)
{
    uint32_t rcv_nxt = connection->rcv_nxt;
    uint32_t window = tcp_receive_window_bytes(&connection->receive_window, rcv_nxt);
    uint32_t length = segment_length(segment);
    if (window == 0)
        return segment->seq == rcv_nxt && segment->payload_bytes == 0 &&
               (segment->flags & TCP_SYN) == 0;
    if (length == 0) return sequence_in(segment->seq, rcv_nxt, window);
    return sequence_in(segment->seq, rcv_nxt, window) ||
           sequence_in(segment->seq + length - 1, rcv_nxt, window);
}

/* An unacceptable segment is answered, but for a reset. Data and FINs that come again are told
 * apart from what may be one half of a loop: those answers have a limit. */
static void answer_unacceptable(struct tcp_connection *connection,
                                const struct tcp_segment *segment)
{
    uint32_t length = segment_length(segment);
    /* A SYN has a length, and is as cheap to guess with as a segment without (RFC 5961 4.2). */
    if (length == 0 || (segment->flags & TCP_SYN) != 0) {
        tcp_transmit_challenge(connection);
        return;
    }
    struct tcp_range range = { segment->seq, segment->seq + segment->payload_bytes };
    if (range_bytes(range) > 0 && tcp_connection_has(connection, TCP_HAS_SACK))
        tcp_receive_queue_note_duplicate(&connection->receive_queue, range, connection->rcv_nxt);
    connection->core->statistics.duplicate_bytes += range_bytes(range);
    (void)tcp_transmit_ack(connection);
}

/* With its window closed a connection still takes what a segment at the right place says, though
 * not what it brings (RFC 9293 3.10.7.4). */
static bool is_window_probe(const struct tcp_connection *connection,
                            const struct tcp_segment *segment)
{
    return segment->seq == connection->rcv_nxt && segment->payload_bytes > 0 &&
           (segment->flags & (TCP_SYN | TCP_RST)) == 0 &&
           tcp_receive_window_bytes(&connection->receive_window, connection->rcv_nxt) == 0;
}

/* ---- the second: RST ---- */

static enum result failure_by_reset(const struct tcp_connection *connection)
{
    switch (connection->state) {
    case TCP_SYN_RECEIVED: return REFUSED;
    /* All that the user has sent has come through, or it does not ask any more. */
    case TCP_CLOSING:
    case TCP_LAST_ACK: return connection->send_queue.length_bytes == 0 ? OK : FAILED;
    default: return FAILED;
    }
}

/* RFC 5961 3.2: only the very next number resets. */
static void input_reset(struct tcp_connection *connection, const struct tcp_segment *segment)
{
    uint32_t window = tcp_receive_window_bytes(&connection->receive_window, connection->rcv_nxt);
    if (segment->seq == connection->rcv_nxt) {
        connection->core->statistics.resets_received++;
        tcp_connection_end(connection, failure_by_reset(connection));
    } else if (sequence_in(segment->seq, connection->rcv_nxt, window)) {
        tcp_transmit_challenge(connection);
    }
}

/* ---- the fifth, in SYN-RECEIVED ---- */

/* False: the segment is dropped. */
static bool complete_handshake(struct tcp_connection *connection, const struct tcp_segment *segment)
{
    if (segment->ack != connection->recovery.snd_nxt) {
        tcp_reset_answer(connection->core, &connection->pair, segment);
        return false;
    }
    struct tcp_acknowledgement acknowledgement = {
        .ack = segment->ack,
        .timestamp_echo = segment->ts_echo,
        .timestamp_now = tcp_connection_timestamp(connection),
        .has_timestamp_echo = segment_has(segment, TCP_OPTION_TIMESTAMPS),
        .has_data = true,
    };
    struct tcp_recovery_outcome outcome;
    tcp_recovery_acknowledged(&connection->recovery, &acknowledgement,
                              tcp_connection_now_ns(connection), &outcome);
    connection->snd_wl1 = segment->seq - 1;
    tcp_connection_establish(connection, 0); /* its RTT has been measured above */
    connection->core->statistics.opened_actively++;
    return true;
}

/* Both sides have sent a SYN-ACK: its SYN is known already, and the rest is an ACK (RFC 9293 3.5,
 * figure 8). */
static struct tcp_segment without_known_syn(const struct tcp_connection *connection,
                                            const struct tcp_segment *segment)
{
    struct tcp_segment trimmed = *segment;
    if (connection->state == TCP_SYN_RECEIVED && (segment->flags & TCP_SYN) != 0 &&
        (segment->flags & TCP_ACK) != 0 && segment->seq == connection->rcv_nxt - 1) {
        trimmed.seq++;
        trimmed.flags &= (uint8_t)~TCP_SYN;
        /* A SYN's window is not scaled. */
        trimmed.window = (uint16_t)(segment->window >> connection->snd_wind_shift);
    }
    return trimmed;
}

/* ---- all of them ---- */

static void note_heard(struct tcp_connection *connection)
{
    uint64_t now_ns = tcp_connection_now_ns(connection);
    if (now_ns - connection->heard_ns > QUIET_NS)
        connection->quick_acks = MAX(connection->quick_acks, QUICK_ACKS_AGAIN);
    connection->heard_ns = now_ns;
    connection->keepalive_count = 0;
    tcp_connection_clear(connection, TCP_IS_DOUBTED);
}

/* Checks one to four and the first half of the fifth. True: it goes on. */
static bool passes(struct tcp_connection *connection, const struct tcp_segment *segment)
{
    bool is_reset = (segment->flags & TCP_RST) != 0;
    if (tcp_connection_has(connection, TCP_HAS_TIMESTAMPS) && !is_reset) {
        /* RFC 7323 3.2: who has agreed to send it always does. */
        if (!segment_has(segment, TCP_OPTION_TIMESTAMPS)) return false;
        if (is_from_before(connection, segment)) {
            connection->core->statistics.paws_rejected++;
            answer_unacceptable(connection, segment);
            return false;
        }
    }
    if (is_reset) {
        input_reset(connection, segment);
        return false;
    }
    if (!is_acceptable(connection, segment)) {
        bool heard = is_window_probe(connection, segment) && (segment->flags & TCP_ACK) != 0;
        if (heard) {
            note_heard(connection);
            if (tcp_connection_is_synchronized(connection))
                (void)tcp_acknowledge(connection, segment);
            /* RFC 9293 3.8.6, MUST-66. */
            if ((segment->flags & TCP_URG) != 0) tcp_receive_urgent(connection, segment);
        }
        if (!tcp_connection_is_over(connection)) answer_unacceptable(connection, segment);
        return false;
    }
    tcp_receive_timestamp(connection, segment);
    if ((segment->flags & TCP_SYN) != 0) { /* RFC 5961 4.2 */
        tcp_transmit_challenge(connection);
        return false;
    }
    return (segment->flags & TCP_ACK) != 0;
}

static void input(struct tcp_connection *connection, struct packet *packet,
                  const struct tcp_segment *segment, const struct ip_incoming *incoming)
{
    bool goes_on = passes(connection, segment);
    if (goes_on && connection->state == TCP_SYN_RECEIVED)
        goes_on = complete_handshake(connection, segment);
    if (goes_on) {
        note_heard(connection);
        goes_on = tcp_acknowledge(connection, segment) && !tcp_connection_is_over(connection);
    }
    if (goes_on)
        tcp_receive(connection, packet, segment, incoming);
    else
        packet_drop(packet);
}

void tcp_connection_input(struct tcp_connection *connection, struct packet *packet,
                          const struct tcp_segment *segment, const struct ip_incoming *incoming)
{
    if (connection->state == TCP_SYN_SENT) {
        tcp_input_syn_sent(connection, packet, segment, incoming);
    } else if (connection->state == TCP_SYN_RECEIVED) {
        struct tcp_segment trimmed = without_known_syn(connection, segment);
        input(connection, packet, &trimmed, incoming);
    } else {
        input(connection, packet, segment, incoming);
    }
    tcp_connection_settle(connection);
}

/* ---- ICMP ---- */

static enum tcp_report report_of(enum ip_error_kind kind)
{
    switch (kind) {
    case IP_ERROR_PROTOCOL_UNREACHABLE:
    case IP_ERROR_PORT_UNREACHABLE: return TCP_REPORT_REFUSED;
    case IP_ERROR_DENIED: return TCP_REPORT_DENIED;
    case IP_ERROR_TIME_EXCEEDED: return TCP_REPORT_TIME_EXCEEDED;
    case IP_ERROR_PARAMETER: return TCP_REPORT_PARAMETER;
    case IP_ERROR_HOST_UNREACHABLE:
    case IP_ERROR_TOO_LARGE: break;
    }
    return TCP_REPORT_UNREACHABLE;
}

/* RFC 5927 4, RFC 5461 4.1: once a connection stands no ICMP error ends it, whatever its kind; one
 * that is being opened fails at once instead of after minutes. */
void tcp_connection_error(struct tcp_connection *connection, const struct ip_error *error)
{
    if (error->kind == IP_ERROR_TOO_LARGE) {
        /* IP knows the path's new MTU; what was too large goes again. */
        if (tcp_connection_is_synchronized(connection))
            tcp_connection_pend(connection, TCP_OUTPUT_DUE);
        return;
    }
    bool opening = connection->state == TCP_SYN_SENT || connection->state == TCP_SYN_RECEIVED;
    if (opening && error->kind != IP_ERROR_TIME_EXCEEDED && error->kind != IP_ERROR_PARAMETER) {
        bool refused = error->kind == IP_ERROR_PORT_UNREACHABLE ||
                       error->kind == IP_ERROR_PROTOCOL_UNREACHABLE;
        tcp_connection_end(connection, refused ? REFUSED : UNREACHABLE);
    } else {
        /* Its user is told now, and why when it is given up (RFC 9293 3.9.1.8, MUST-47; 3.9.2.2,
         * SHLD-25). */
        connection->core->statistics.soft_errors++;
        tcp_connection_mark(connection, TCP_IS_DOUBTED);
        tcp_connection_report(connection, report_of(error->kind));
    }
    tcp_connection_settle(connection);
}
