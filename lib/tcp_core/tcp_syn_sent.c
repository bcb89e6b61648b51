/* tcp_syn_sent.c - a segment for a connection that we open (RFC 9293 3.10.7.3).
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_connection.h"
#include "tcp_core/tcp_reset.h"

/* What the peer's SYN says, be it alone or with an ACK. */
static void take_offers(struct tcp_connection *connection, const struct tcp_segment *segment)
{
    struct tcp_core *core = connection->core;
    enum address_family family = (enum address_family)connection->pair.peer.address.family;
    connection->peer_mss = tcp_segment_mss(segment, family);
    if (segment_has(segment, TCP_OPTION_WINDOW_SCALE))
        connection->snd_wind_shift = segment->wind_shift;
    else /* RFC 7323 2.2: neither or both. */
        connection->rcv_wind_shift = 0;
    if (segment_has(segment, TCP_OPTION_SACK_PERMITTED))
        tcp_connection_mark(connection, TCP_HAS_SACK);
    if (segment_has(segment, TCP_OPTION_TIMESTAMPS)) {
        tcp_connection_mark(connection, TCP_HAS_TIMESTAMPS);
        connection->ts_recent = segment->ts_value;
        connection->ts_recent_s = (uint32_t)(core->agenda->now_ns / S_NS);
    }
    if (segment->user_timeout != 0) tcp_receive_user_timeout(connection, segment);
    connection->rcv_nxt = connection->rcv_told = segment->seq + 1;
    connection->mtu_bytes = 0; /* so that the segments' length is found anew, with the options */
    tcp_receive_window_init(
        &connection->receive_window, core->parameters.receive_buffer_bytes, connection->rcv_nxt,
        (uint32_t)MIN(core->parameters.receive_buffer_bytes, (uint64_t)UINT16_MAX));
}

/* RFC 3168 6.1.1: a SYN-ACK takes the offer with ECE alone, a SYN makes one with both. */
static void take_ecn(struct tcp_connection *connection, const struct tcp_segment *segment)
{
    unsigned said = segment->flags & (TCP_ECE | TCP_CWR);
    bool offered = connection->core->parameters.ecn &&
                   !tcp_connection_has(connection, TCP_SYN_WITHOUT_ECN);
    bool agreed = (segment->flags & TCP_ACK) != 0 ? offered && said == TCP_ECE
                                                  : said == (TCP_ECE | TCP_CWR);
    if (agreed) tcp_connection_mark(connection, TCP_HAS_ECN);
}

/* Our SYN is acknowledged by the peer's. Takes the packet. */
static void open_up(struct tcp_connection *connection, struct packet *packet,
                    const struct tcp_segment *segment, const struct ip_incoming *incoming)
{
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
    connection->snd_wnd = connection->snd_wnd_max = segment->window;
    connection->snd_wl1 = segment->seq;
    connection->snd_wl2 = segment->ack;
    tcp_connection_establish(connection, 0); /* its RTT has been measured above */
    connection->core->statistics.opened_actively++;
    tcp_connection_pend(connection, TCP_ACK_DUE);
    if (connection->snd_end != connection->recovery.snd_una)
        tcp_connection_pend(connection, TCP_OUTPUT_DUE);
    tcp_receive(connection, packet, segment, incoming);
}

/* Both have sent a SYN and neither has seen the other's (RFC 9293 3.5, figure 8). */
static void open_both(struct tcp_connection *connection, const struct tcp_segment *segment)
{
    connection->snd_wnd = connection->snd_wnd_max = segment->window;
    connection->snd_wl1 = segment->seq;
    connection->snd_wl2 = connection->recovery.snd_una;
    connection->state = TCP_SYN_RECEIVED;
    struct tcp_range syn = { connection->recovery.snd_una, connection->recovery.snd_nxt };
    (void)tcp_transmit(connection, syn);
}

void tcp_input_syn_sent(struct tcp_connection *connection, struct packet *packet,
                        const struct tcp_segment *segment, const struct ip_incoming *incoming)
{
    bool has_ack = (segment->flags & TCP_ACK) != 0;
    bool has_reset = (segment->flags & TCP_RST) != 0;
    if (has_ack && segment->ack != connection->recovery.snd_nxt) {
        if (!has_reset) tcp_reset_answer(connection->core, &connection->pair, segment);
        packet_drop(packet);
        return;
    }
    if (has_reset) {
        packet_drop(packet);
        if (!has_ack) return;
        connection->core->statistics.resets_received++;
        tcp_connection_end(connection, REFUSED);
        return;
    }
    if ((segment->flags & TCP_SYN) == 0) {
        packet_drop(packet);
        return;
    }
    connection->heard_ns = tcp_connection_now_ns(connection);
    take_offers(connection, segment);
    take_ecn(connection, segment);
    if (has_ack) {
        open_up(connection, packet, segment, incoming);
        return;
    }
    packet_drop(packet);
    open_both(connection, segment);
}
