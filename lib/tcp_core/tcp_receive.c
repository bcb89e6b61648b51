/* tcp_receive.c - the bytes and the FIN that a segment brings, and when they are acknowledged.
 *
 * Segments in order are acknowledged when the burst of input ends: at the first ones of a
 * connection, and at every second full one's worth; others by a timer of 40 ms, or by what is sent
 * anyway. What is out of order is acknowledged at once, each by itself, since the sender counts
 * (RFC 5681 4.2); what fills a hole when the burst ends.
 *
 * Urgent data are bytes like any others: the pointer is not looked at (RFC 6093 6).
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_connection.h"

#define DELAYED_ACK_NS (40 * MS_NS)

void tcp_receive_timestamp(struct tcp_connection *connection, const struct tcp_segment *segment)
{
    if (!segment_has(segment, TCP_OPTION_TIMESTAMPS)) return;
    if (sequence_before(connection->rcv_told, segment->seq)) return;
    if (sequence_before(segment->ts_value, connection->ts_recent)) return;
    connection->ts_recent = segment->ts_value;
    connection->ts_recent_s = (uint32_t)(tcp_connection_now_ns(connection) / S_NS);
}

/* RFC 3168 6.1.3: from the first mark until the sender says that it has heard. */
static void note_congestion(struct tcp_connection *connection, const struct packet *packet,
                            const struct tcp_segment *segment, const struct ip_incoming *incoming)
{
    if ((segment->flags & TCP_CWR) != 0) tcp_connection_clear(connection, TCP_ECHO_DUE);
    if (packet->ecn_marked || (incoming->traffic_class & IP_ECN_MASK) == IP_ECN_CE)
        tcp_connection_mark(connection, TCP_ECHO_DUE);
}

/* ---- acknowledging ---- */

static void acknowledge_later(struct tcp_connection *connection)
{
    uint32_t untold = connection->rcv_nxt - connection->rcv_told;
    if (connection->quick_acks > 0 || untold >= 2 * (uint32_t)connection->rcv_mss) {
        tcp_connection_pend(connection, TCP_ACK_DUE);
        return;
    }
    uint64_t deadline_ns = tcp_connection_now_ns(connection) + DELAYED_ACK_NS;
    connection->acknowledge_ns = MIN(connection->acknowledge_ns, deadline_ns);
}

/* ---- text ---- */

static bool takes_text(const struct tcp_connection *connection)
{
    return !tcp_connection_has(connection, TCP_FIN_RECEIVED) &&
           (connection->state == TCP_ESTABLISHED || connection->state == TCP_FIN_WAIT_1 ||
            connection->state == TCP_FIN_WAIT_2);
}

static void count(struct tcp_core_statistics *statistics, const struct tcp_insertion *insertion)
{
    statistics->out_of_order_bytes += insertion->out_of_order_bytes;
    statistics->duplicate_bytes += insertion->duplicate_bytes;
    statistics->receive_dropped_bytes += insertion->dropped_bytes;
}

static void insert(struct tcp_connection *connection, struct packet *packet, struct tcp_range range)
{
    struct tcp_receive_queue *queue = &connection->receive_queue;
    uint32_t segment_bytes = packet->segmentation != PACKET_SEGMENT_NONE
                                 ? packet->segment_bytes
                                 : range_bytes(range) / MAX(packet->segment_count, 1);
    connection->rcv_mss = (uint16_t)MAX(connection->rcv_mss, MIN(segment_bytes, UINT16_MAX));
    struct tcp_insertion insertion = tcp_receive_queue_insert(
        queue, packet, range, connection->rcv_nxt, &connection->receive_window);
    connection->rcv_nxt += insertion.advanced_bytes;
    count(&connection->core->statistics, &insertion);
    if (insertion.advanced_bytes > 0) connection->events |= TCP_EVENT_READABLE;
    if (tcp_insertion_is_plain(&insertion, queue, range_bytes(range)))
        acknowledge_later(connection);
    else if (insertion.advanced_bytes > 0)
        tcp_connection_pend(connection, TCP_ACK_DUE);
    else
        (void)tcp_transmit_ack(connection);
}

/* Takes the packet. */
static void receive_text(struct tcp_connection *connection, struct packet *packet,
                         struct tcp_range range)
{
    bool beyond_end = tcp_connection_has(connection, TCP_FIN_HEARD) &&
                      sequence_before(connection->fin_seq, range.end);
    if (!takes_text(connection) || beyond_end) {
        packet_drop(packet);
        return;
    }
    /* Nobody will ever read it, and its sender is to know (RFC 1122 4.2.2.13, RFC 2525 2.17). */
    if (tcp_connection_has(connection, TCP_IS_ORPHAN) &&
        sequence_before(connection->rcv_nxt, range.end)) {
        packet_drop(packet);
        tcp_connection_reset(connection, OK);
        return;
    }
    insert(connection, packet, range);
}

/* ---- urgent ---- */

/* RFC 9293 3.10.7.4, sixth; MUST-32 tells of each advance too. The pointer is only a number, past
 * all that is here perhaps, and so nothing but the user's reading depends on it. */
void tcp_receive_urgent(struct tcp_connection *connection, const struct tcp_segment *segment)
{
    uint32_t up = segment->seq + segment->urgent;
    if (!takes_text(connection)) return;
    uint32_t known = tcp_connection_has(connection, TCP_HEARS_URGENT)
                         ? connection->rcv_up
                         : tcp_connection_read_seq(connection);
    if (!sequence_before(known, up)) return;
    connection->rcv_up = up;
    tcp_connection_mark(connection, TCP_HEARS_URGENT);
    tcp_connection_report(connection, TCP_REPORT_URGENT);
}

/* ---- FIN ---- */

/* The peer has sent all that it will. */
static void receive_fin(struct tcp_connection *connection)
{
    struct tcp_receive_window *window = &connection->receive_window;
    if (tcp_receive_window_bytes(window, connection->rcv_nxt) == 0) window->edge++;
    connection->rcv_nxt++;
    tcp_connection_mark(connection, TCP_FIN_RECEIVED);
    tcp_connection_pend(connection, TCP_ACK_DUE);
    connection->events |= TCP_EVENT_READABLE;
    switch (connection->state) {
    case TCP_ESTABLISHED: connection->state = TCP_CLOSE_WAIT; break;
    case TCP_FIN_WAIT_1: connection->state = TCP_CLOSING; break;
    case TCP_FIN_WAIT_2:
        (void)tcp_transmit_ack(connection);
        tcp_connection_wait_out(connection);
        break;
    default: break;
    }
}

static void note_fin(struct tcp_connection *connection, uint32_t fin_seq)
{
    if (tcp_connection_has(connection, TCP_FIN_HEARD)) return; /* the first one counts */
    if (sequence_before(fin_seq, connection->rcv_nxt)) return;
    tcp_connection_mark(connection, TCP_FIN_HEARD);
    connection->fin_seq = fin_seq;
}

/* RFC 5482 3.1: the last one counts. */
void tcp_receive_user_timeout(struct tcp_connection *connection, const struct tcp_segment *segment)
{
    if (connection->core->parameters.user_timeout_option)
        connection->peer_user_timeout = segment->user_timeout;
}

/* Not in order: ahead of a hole it is told of at once, like text; when it comes once more, soon. */
static void acknowledge_fin(struct tcp_connection *connection, const struct tcp_segment *segment)
{
    if (segment->payload_bytes > 0 || !tcp_connection_fin_is_ahead(connection)) {
        tcp_connection_pend(connection, TCP_ACK_DUE);
        return;
    }
    tcp_receive_queue_recall(&connection->receive_queue, connection->fin_seq);
    tcp_connection_mark(connection, TCP_FIN_IS_NEWS);
    (void)tcp_transmit_ack(connection);
}

void tcp_receive(struct tcp_connection *connection, struct packet *packet,
                 const struct tcp_segment *segment, const struct ip_incoming *incoming)
{
    if (tcp_connection_has(connection, TCP_HAS_ECN))
        note_congestion(connection, packet, segment, incoming);
    if ((segment->flags & TCP_URG) != 0) tcp_receive_urgent(connection, segment);
    if (segment->user_timeout != 0) tcp_receive_user_timeout(connection, segment);
    uint32_t start = segment->seq + ((segment->flags & TCP_SYN) != 0);
    uint32_t end = start + segment->payload_bytes;
    if (start == end) {
        packet_drop(packet);
    } else {
        packet_pull(packet, segment->header_bytes);
        receive_text(connection, packet, (struct tcp_range){ start, end });
        if (tcp_connection_is_over(connection)) return;
    }
    if ((segment->flags & TCP_FIN) != 0) {
        note_fin(connection, end);
        if (connection->rcv_nxt != end) acknowledge_fin(connection, segment);
    }
    if (tcp_connection_has(connection, TCP_FIN_HEARD) &&
        !tcp_connection_has(connection, TCP_FIN_RECEIVED) &&
        connection->rcv_nxt == connection->fin_seq)
        receive_fin(connection);
}
