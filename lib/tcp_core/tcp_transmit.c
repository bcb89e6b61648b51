/* tcp_transmit.c - one segment, put together and handed to IP.
 *
 * Payload is borrowed from the send queue, never copied; up to 64 KiB of it leave as one datagram
 * that is marked for segmentation. Every segment carries the acknowledgement of all that has come,
 * so that one which was put off need not go by itself.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_connection.h"
#include "tcp_core/tcp_reset.h"
#include "tcp_core/tcp_user_timeout.h"

#define SACK_BYTES_MAX ((TCP_SACK_BLOCKS_MAX - 1) * 8 + 4) /* beside timestamps, with two NOPs */

/* Challenge ACKs of one connection: RFC 5961 7, but never a limit that connections share
 * (CVE-2016-5696). */
#define CHALLENGE_INTERVAL_NS (100 * MS_NS)
#define CHALLENGE_BURST       10

/* Within what the peer's window lets us say, should it have shrunk: else it would throw our
 * acknowledgements away (RFC 9293 3.8.6.2). */
static uint32_t acceptable_seq(const struct tcp_connection *connection)
{
    const struct tcp_recovery *recovery = &connection->recovery;
    uint32_t edge = recovery->snd_una + connection->snd_wnd;
    return sequence_before(edge, recovery->snd_nxt) ? edge : recovery->snd_nxt;
}

static void put_window(struct tcp_connection *connection, struct tcp_segment *segment)
{
    struct tcp_receive_window *window = &connection->receive_window;
    if ((segment->flags & TCP_SYN) == 0)
        segment->window = tcp_receive_window_offer(window, &connection->receive_queue,
                                                   connection->rcv_nxt, connection->rcv_wind_shift,
                                                   connection->rcv_mss, connection->core->pool);
    else /* Never scaled (RFC 7323 2.2). */
        segment->window = (uint16_t)MIN(connection->core->parameters.receive_buffer_bytes,
                                        (uint64_t)UINT16_MAX);
}

static void put_timestamps(const struct tcp_connection *connection, struct tcp_segment *segment)
{
    if (!tcp_connection_has(connection, TCP_HAS_TIMESTAMPS)) return;
    segment->options |= TCP_OPTION_TIMESTAMPS;
    segment->ts_value = tcp_connection_timestamp(connection);
    segment->ts_echo = connection->ts_recent;
}

/* RFC 9293 3.1: the pointer is behind what is urgent. Where that is farther than it reaches, it
 * comes nearer with each segment (MUST-31). */
static void put_urgent(const struct tcp_connection *connection, struct tcp_segment *segment)
{
    int32_t ahead = sequence_past(connection->snd_up, segment->seq);
    if (ahead <= 0 || (segment->flags & TCP_SYN) != 0) return;
    segment->flags |= TCP_URG;
    segment->urgent = (uint16_t)MIN(ahead, UINT16_MAX);
}

static struct tcp_segment header(struct tcp_connection *connection, uint32_t seq, unsigned flags)
{
    struct tcp_segment segment = {
        .source_port = connection->pair.local.port,
        .destination_port = connection->pair.peer.port,
        .seq = seq,
        .ack = connection->rcv_nxt,
        .flags = (uint8_t)flags,
    };
    put_timestamps(connection, &segment);
    if (tcp_connection_has(connection, TCP_ECHO_DUE)) segment.flags |= TCP_ECE;
    if (tcp_connection_has(connection, TCP_SENDS_URGENT)) put_urgent(connection, &segment);
    put_window(connection, &segment);
    return segment;
}

static bool has_sack(const struct tcp_connection *connection)
{
    return tcp_connection_has(connection, TCP_HAS_SACK) &&
           (tcp_receive_queue_has_blocks(&connection->receive_queue) ||
            tcp_connection_fin_is_ahead(connection));
}

/* A FIN ahead of a hole is kept, and its number is one like those of text: it ends the piece before
 * it or is a block by itself (RFC 2018 3), the first where it is what is being acknowledged (4). */
static size_t put_fin(const struct tcp_connection *connection, struct tcp_range blocks[],
                      size_t first, size_t count, size_t max)
{
    const struct tcp_range fin = { connection->fin_seq, connection->fin_seq + 1 };
    for (size_t i = first; i < count; i++) {
        if (blocks[i].end != fin.start) continue;
        blocks[i].end = fin.end;
        return count;
    }
    size_t place = tcp_connection_has(connection, TCP_FIN_IS_NEWS) ? first : count;
    if (place == max) return count;
    count = MIN(count + 1, max);
    for (size_t i = count - 1; i > place; i--)
        blocks[i] = blocks[i - 1];
    blocks[place] = fin;
    return count;
}

static void put_sack(struct tcp_connection *connection, struct tcp_segment *segment)
{
    if (!has_sack(connection)) return;
    size_t max = TCP_SACK_BLOCKS_MAX - tcp_connection_has(connection, TCP_HAS_TIMESTAMPS);
    struct tcp_receive_queue *queue = &connection->receive_queue;
    size_t told_twice = range_bytes(queue->duplicate) > 0 ? 1 : 0;
    size_t count = tcp_receive_queue_blocks(queue, segment->sack, max);
    if (tcp_connection_fin_is_ahead(connection))
        count = put_fin(connection, segment->sack, told_twice, count, max);
    tcp_connection_clear(connection, TCP_FIN_IS_NEWS);
    segment->sack_count = (uint8_t)count;
    if (count > 0) segment->options |= TCP_OPTION_SACK;
}

#define TIMEOUT_BYTES 4

/* RFC 5482 3.2: in the first segment after the SYN, should that have lost it, and be it by a
 * cookie; or where it finds room. */
static void put_user_timeout(struct tcp_connection *connection, struct tcp_segment *segment)
{
    segment->user_timeout = tcp_user_timeout_offer(connection->core);
    if (tcp_segment_tells_timeout(segment)) tcp_connection_clear(connection, TCP_TIMEOUT_DUE);
}

/* All that was put off has been said. */
static void note_told(struct tcp_connection *connection)
{
    connection->rcv_told = connection->rcv_nxt;
    connection->acknowledge_ns = NEVER;
    tcp_connection_clear(connection, TCP_ACK_DUE);
}

static enum result send(struct tcp_connection *connection, struct packet *packet,
                        const struct tcp_segment *segment, uint8_t ecn)
{
    struct tcp_core *core = connection->core;
    const struct tcp_pair *pair = &connection->pair;
    tcp_segment_push(packet, segment, &pair->local.address, &pair->peer.address);
    struct ip_outgoing outgoing = {
        .source = pair->local.address,
        .destination = pair->peer.address,
        .protocol = IP_PROTOCOL_TCP,
        .traffic_class = connection->traffic_class | ecn,
        .dont_fragment = true,
    };
    core->statistics.segments_sent++;
    return ip_send(core->ip, packet, &outgoing);
}

/* ---- a SYN ---- */

static bool offers_ecn(const struct tcp_connection *connection)
{
    return connection->core->parameters.ecn && !tcp_connection_has(connection, TCP_SYN_WITHOUT_ECN);
}

/* A SYN offers all that we can; a SYN-ACK, of a simultaneous open, what the peer's SYN had too. */
static void put_offers(struct tcp_connection *connection, struct tcp_segment *segment)
{
    bool first = connection->state == TCP_SYN_SENT;
    segment->options |= TCP_OPTION_MSS;
    struct ip_path path;
    (void)tcp_path_find(connection, &path);
    segment->user_timeout = tcp_user_timeout_offer(connection->core);
    segment->mss = tcp_mss_for_mtu(path.mtu_bytes,
                                   (enum address_family)connection->pair.peer.address.family);
    if (first || tcp_connection_has(connection, TCP_HAS_SACK))
        segment->options |= TCP_OPTION_SACK_PERMITTED;
    if (first || connection->rcv_wind_shift > 0) {
        segment->options |= TCP_OPTION_WINDOW_SCALE;
        segment->wind_shift = connection->rcv_wind_shift;
    }
    if (first) {
        segment->options |= TCP_OPTION_TIMESTAMPS;
        segment->ts_value = tcp_connection_timestamp(connection);
        if (offers_ecn(connection)) segment->flags |= TCP_ECE | TCP_CWR;
    } else if (tcp_connection_has(connection, TCP_HAS_ECN)) {
        segment->flags |= TCP_ECE;
    }
}

static uint32_t transmit_syn(struct tcp_connection *connection, struct packet *packet,
                             struct tcp_range range)
{
    bool first = connection->state == TCP_SYN_SENT;
    struct tcp_segment segment = header(connection, range.start,
                                        first ? TCP_SYN : TCP_SYN | TCP_ACK);
    if (first) segment.ack = 0;
    put_offers(connection, &segment);
    /* What could not leave is sent again like what was lost on the way. */
    result_ignore(send(connection, packet, &segment, IP_ECN_NOT_ECT));
    tcp_recovery_sent(&connection->recovery, range, segment.ts_value,
                      tcp_connection_now_ns(connection));
    if (!first) note_told(connection);
    return 1;
}

/* ---- data ---- */

/* Attaches the payload, and gives how much of it the packet holds: whole segments where it is not
 * all. */
static uint32_t attach(struct tcp_connection *connection, struct packet *packet, uint32_t start,
                       uint32_t payload_bytes)
{
    uint32_t held = (uint32_t)tcp_send_queue_borrow(
        &connection->send_queue, start - connection->recovery.snd_una, payload_bytes, packet);
    assert(held > 0); /* a fresh packet has room for many fragments */
    if (held == payload_bytes || held <= connection->payload_max) return held;
    uint32_t whole = held - held % connection->payload_max;
    packet_trim(packet, whole);
    return whole;
}

static void mark_segmentation(const struct tcp_connection *connection, struct packet *packet,
                              uint32_t payload_bytes)
{
    if (payload_bytes <= connection->payload_max) return;
    connection->core->statistics.segments_sent += (payload_bytes - 1) / connection->payload_max;
    packet->segmentation = connection->pair.peer.address.family == ADDRESS_IPV4
                               ? PACKET_SEGMENT_TCP_IPV4
                               : PACKET_SEGMENT_TCP_IPV6;
    packet->segment_bytes = connection->payload_max;
}

/* What leaves for the first time. */
static void note_new(struct tcp_connection *connection, struct tcp_range range,
                     uint32_t payload_bytes)
{
    tcp_connection_clear(connection, TCP_PROBE_SENT);
    tcp_connection_clear(connection, TCP_CWR_DUE);
    if (payload_bytes % connection->payload_max != 0) connection->snd_short = range.end;
    connection->persist_ns = NEVER;
    /* An answer at once to what has come: the peer's acknowledgements need not be quick. */
    if (connection->rcv_told != connection->rcv_nxt) connection->quick_acks = 0;
}

static unsigned flags_for(const struct tcp_connection *connection, struct tcp_range range,
                          uint32_t payload_bytes, bool again)
{
    unsigned flags = TCP_ACK;
    bool at_end = range.end == connection->snd_end;
    if (at_end && tcp_connection_has(connection, TCP_FIN_NUMBERED)) flags |= TCP_FIN;
    if (payload_bytes > 0 && at_end) flags |= TCP_PSH;
    if (payload_bytes > 0 && !again && tcp_connection_has(connection, TCP_CWR_DUE))
        flags |= TCP_CWR;
    return flags;
}

/* RFC 3168 6.1.4 and 6.1.5: new data alone. */
static uint8_t ecn_for(const struct tcp_connection *connection, uint32_t payload_bytes, bool again)
{
    return tcp_connection_has(connection, TCP_HAS_ECN) && payload_bytes > 0 && !again
               ? IP_ECN_ECT_0
               : IP_ECN_NOT_ECT;
}

static bool range_has_fin(const struct tcp_connection *connection, struct tcp_range range)
{
    return tcp_connection_has(connection, TCP_FIN_NUMBERED) && range.end == connection->snd_end;
}

static uint32_t transmit_data(struct tcp_connection *connection, struct packet *packet,
                              struct tcp_range range)
{
    bool again = range.start != connection->recovery.snd_nxt;
    uint32_t payload_bytes = range_bytes(range) - range_has_fin(connection, range);
    if (payload_bytes > 0) {
        uint32_t held = attach(connection, packet, range.start, payload_bytes);
        if (held < payload_bytes) range.end = range.start + held;
        payload_bytes = held;
    }
    struct tcp_segment segment = header(connection, range.start,
                                        flags_for(connection, range, payload_bytes, again));
    bool tells_all = !has_sack(connection);
    if (!tells_all && payload_bytes + SACK_BYTES_MAX <= connection->payload_max) {
        put_sack(connection, &segment);
        tells_all = true;
    }
    if (tcp_connection_has(connection, TCP_TIMEOUT_DUE) &&
        payload_bytes + SACK_BYTES_MAX + TIMEOUT_BYTES <= connection->payload_max)
        put_user_timeout(connection, &segment);
    mark_segmentation(connection, packet, payload_bytes);
    uint8_t ecn = ecn_for(connection, payload_bytes, again);
    if (send(connection, packet, &segment, ecn) == FULL) {
        tcp_connection_starve(connection);
        return 0;
    }
    if (!again)
        note_new(connection, range, payload_bytes);
    else
        connection->core->statistics.segments_retransmitted++;
    if (tells_all) note_told(connection);
    tcp_recovery_sent(&connection->recovery, range, segment.ts_value,
                      tcp_connection_now_ns(connection));
    return range_bytes(range);
}

static struct packet *take_packet(struct tcp_connection *connection)
{
    struct packet *packet = packet_take(connection->core->pool, PACKET_FOR_CONTROL);
    if (packet == NULL) tcp_connection_starve(connection);
    return packet;
}

uint32_t tcp_transmit(struct tcp_connection *connection, struct tcp_range range)
{
    assert(range_bytes(range) > 0);
    struct packet *packet = take_packet(connection);
    if (packet == NULL) return 0;
    return tcp_connection_is_synchronized(connection) ? transmit_data(connection, packet, range)
                                                      : transmit_syn(connection, packet, range);
}

bool tcp_transmit_again(struct tcp_connection *connection, struct tcp_range range)
{
    struct packet *packet = packet_take(connection->core->pool, PACKET_FOR_CONTROL);
    if (packet == NULL) return false;
    size_t held = tcp_send_queue_borrow(&connection->send_queue,
                                        range.start - connection->recovery.snd_una,
                                        range_bytes(range), packet);
    if (held < range_bytes(range)) {
        packet_drop(packet);
        return false;
    }
    struct tcp_segment segment = header(connection, range.start, TCP_ACK);
    if (send(connection, packet, &segment, IP_ECN_NOT_ECT) != OK) return false;
    connection->core->statistics.segments_retransmitted++;
    if (!has_sack(connection)) note_told(connection);
    return true;
}

void tcp_transmit_beyond_window(struct tcp_connection *connection)
{
    const struct tcp_recovery *recovery = &connection->recovery;
    struct packet *packet = take_packet(connection);
    if (packet == NULL) return;
    struct tcp_range range = { recovery->snd_nxt, recovery->snd_nxt + 1 };
    bool fin = range_has_fin(connection, range);
    if (!fin) (void)attach(connection, packet, range.start, 1);
    struct tcp_segment segment = header(connection, range.start, fin ? TCP_ACK | TCP_FIN : TCP_ACK);
    if (send(connection, packet, &segment, IP_ECN_NOT_ECT) == FULL) return;
    tcp_connection_mark(connection, TCP_PROBE_SENT);
    if (!has_sack(connection)) note_told(connection);
}

/* ---- without data ---- */

static bool transmit_empty(struct tcp_connection *connection, uint32_t seq)
{
    struct packet *packet = packet_take(connection->core->pool, PACKET_FOR_CONTROL);
    if (packet == NULL) return false;
    struct tcp_segment segment = header(connection, seq, TCP_ACK);
    put_sack(connection, &segment);
    if (tcp_connection_has(connection, TCP_TIMEOUT_DUE)) put_user_timeout(connection, &segment);
    return send(connection, packet, &segment, IP_ECN_NOT_ECT) != FULL;
}

bool tcp_transmit_ack(struct tcp_connection *connection)
{
    if (!transmit_empty(connection, acceptable_seq(connection))) {
        tcp_connection_mark(connection, TCP_ACK_DUE);
        tcp_connection_starve(connection);
        return false;
    }
    if (connection->quick_acks > 0) connection->quick_acks--;
    note_told(connection);
    return true;
}

void tcp_transmit_challenge(struct tcp_connection *connection)
{
    struct tcp_core_statistics *statistics = &connection->core->statistics;
    if (!tcp_limit_take(&connection->challenges, tcp_connection_now_ns(connection),
                        CHALLENGE_INTERVAL_NS, CHALLENGE_BURST)) {
        statistics->challenge_acks_limited++;
        return;
    }
    statistics->challenge_acks++;
    (void)transmit_empty(connection, acceptable_seq(connection));
}

/* With timestamps, as RFC 7323 3.2 asks; it promises no window. */
void tcp_transmit_reset(struct tcp_connection *connection)
{
    bool synchronized = tcp_connection_is_synchronized(connection);
    struct tcp_segment reset = {
        .seq = synchronized ? acceptable_seq(connection) : connection->recovery.snd_nxt,
        .ack = connection->rcv_nxt,
        .flags = TCP_RST | TCP_ACK,
    };
    put_timestamps(connection, &reset);
    tcp_reset_send(connection->core, &connection->pair, connection->traffic_class, &reset);
}

void tcp_transmit_keepalive(struct tcp_connection *connection)
{
    (void)transmit_empty(connection, connection->recovery.snd_una - 1);
}
