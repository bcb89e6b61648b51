/* tcp_path.c - how long a segment may be, as the path to the peer has it now (RFC 9293 3.7.5).
 *
 * The path is looked up each time something is sent: IP knows at once what a router has said (RFC
 * 1191), so nothing has to be told to a hundred thousand connections. What no router says is found
 * here: segments of full size that vanish again and again (RFC 2923 2.1) are made shorter.
 *
 * Every ten minutes it is tried whether the path has been mended (RFC 4821 7.5). The bytes that
 * were sent last go once more, in one segment of full size:
 *
 *     [ short ][ short ][ short ]         as always
 *              [      full      ]         and the same again
 *
 * If it arrives, its receiver says that these bytes came twice (RFC 2883); if not, nothing is
 * missing, and so nothing is lost that congestion could be blamed for (RFC 4821 7.6.2). A peer
 * without SACK says nothing of the kind: to him segments stay short.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_connection.h"

/* Where every path must let something through: RFC 791, RFC 8200 5. Between it and Ethernet RFC
 * 4821 7.7 falls back to 1024. */
#define MTU_MIN_IPV4 576
#define MTU_MIN_IPV6 1280
#define MTU_FALLBACK 1024

#define PROBE_AGAIN_S  600 /* as RFC 1191 6.3 */
#define PROBE_ANSWER_S 60  /* an answer that comes later is to something else */

#define TIMESTAMPS_BYTES 12 /* with the two NOPs before them */
#define PAYLOAD_MIN      8  /* whatever anybody claims: the send queue has to move */

static uint32_t now_s(const struct tcp_connection *connection)
{
    return (uint32_t)(tcp_connection_now_ns(connection) / S_NS);
}

static uint16_t mtu_min(const struct tcp_connection *connection)
{
    return connection->pair.peer.address.family == ADDRESS_IPV4 ? MTU_MIN_IPV4 : MTU_MIN_IPV6;
}

/* RFC 6691: what was announced counts no options, so they come off both. */
static uint16_t payload_for(const struct tcp_connection *connection, uint16_t mtu_bytes)
{
    uint16_t mss = tcp_mss_for_mtu(mtu_bytes,
                                   (enum address_family)connection->pair.peer.address.family);
    mss = MIN(mss, connection->peer_mss);
    uint16_t options_bytes = tcp_connection_has(connection, TCP_HAS_TIMESTAMPS) ? TIMESTAMPS_BYTES
                                                                                : 0;
    return mss < PAYLOAD_MIN + options_bytes ? PAYLOAD_MIN : (uint16_t)(mss - options_bytes);
}

static void take_mtu(struct tcp_connection *connection, uint16_t mtu_bytes)
{
    uint16_t before = connection->payload_max;
    connection->mtu_bytes = mtu_bytes;
    connection->payload_max = payload_for(connection, mtu_bytes);
    if (!tcp_connection_is_synchronized(connection) || connection->payload_max == before) return;
    bool lost = connection->payload_max < before &&
                connection->recovery.snd_una != connection->recovery.snd_nxt;
    tcp_recovery_set_mss(&connection->recovery, connection->payload_max, lost);
}

static uint16_t at_most(uint16_t mtu_bytes, uint16_t cap)
{
    return cap == 0 ? mtu_bytes : MIN(mtu_bytes, cap);
}

bool tcp_path_find(struct tcp_connection *connection, struct ip_path *path)
{
    enum result result = ip_find_path(connection->core->ip, &connection->pair.peer.address,
                                      &connection->pair.local.address, path);
    if (result != OK) {
        *path = (struct ip_path){ .source = connection->pair.local.address,
                                  .mtu_bytes = mtu_min(connection) };
        if (connection->mtu_bytes == 0) take_mtu(connection, path->mtu_bytes);
        return false;
    }
    uint16_t mtu_bytes = at_most(at_most(path->mtu_bytes, connection->mtu_cap),
                                 connection->mtu_hole);
    if (mtu_bytes != connection->mtu_bytes) take_mtu(connection, mtu_bytes);
    return true;
}

void tcp_path_suspect(struct tcp_connection *connection)
{
    uint16_t least = mtu_min(connection);
    uint16_t mtu_bytes = connection->mtu_bytes;
    if (mtu_bytes <= least) return;
    /* Only where full segments are what vanishes. */
    struct tcp_range range;
    if (!tcp_recovery_next_lost(&connection->recovery, false, &range)) return;
    if (range_bytes(range) < connection->payload_max) return;
    uint16_t cap = mtu_bytes > MTU_FALLBACK ? MAX(MTU_FALLBACK, least) : least;
    connection->mtu_hole = cap;
    connection->probe_bytes = 0;
    connection->probe_next_s = now_s(connection) + PROBE_AGAIN_S;
    connection->core->statistics.black_holes++;
    take_mtu(connection, cap);
}

/* ---- and out of it again ---- */

/* What was sent last is on its way, all of it, and as much as a probe takes. */
static bool may_probe(const struct tcp_connection *connection, uint16_t payload_bytes)
{
    const struct tcp_recovery *recovery = &connection->recovery;
    bool fin_sent = tcp_connection_has(connection, TCP_FIN_NUMBERED) &&
                    recovery->snd_nxt == connection->snd_end;
    return tcp_connection_has(connection, TCP_HAS_SACK) && recovery->state == TCP_OPEN &&
           recovery->sacked_bytes + recovery->lost_bytes == 0 && !fin_sent &&
           payload_bytes > connection->payload_max &&
           recovery->snd_nxt - recovery->snd_una >= payload_bytes;
}

/* It goes where one segment more may: the window is not stretched for it. */
void tcp_path_probe(struct tcp_connection *connection, const struct ip_path *path)
{
    uint64_t again_ns;
    if ((int32_t)(now_s(connection) - connection->probe_next_s) < 0) return;
    uint16_t payload_bytes = payload_for(connection, at_most(path->mtu_bytes, connection->mtu_cap));
    if (!may_probe(connection, payload_bytes)) return;
    struct tcp_recovery *recovery = &connection->recovery;
    if (tcp_recovery_allowance(recovery, tcp_connection_now_ns(connection), &again_ns) == 0) return;
    struct tcp_range range = { recovery->snd_nxt - payload_bytes, recovery->snd_nxt };
    connection->probe_next_s = now_s(connection) + PROBE_AGAIN_S;
    connection->probe_start = range.start;
    connection->probe_bytes = tcp_transmit_again(connection, range) ? payload_bytes : 0;
}

/* Below ACK, so that it is a duplicate and no piece behind a hole (RFC 2883 4). */
static bool answers_probe(const struct tcp_connection *connection,
                          const struct tcp_acknowledgement *acknowledgement)
{
    if (acknowledgement->sack_count == 0) return false;
    struct tcp_range said = acknowledgement->sack[0];
    return said.start == connection->probe_start && range_bytes(said) == connection->probe_bytes &&
           sequence_at_most(said.end, acknowledgement->ack);
}

void tcp_path_take_answer(struct tcp_connection *connection,
                          struct tcp_acknowledgement *acknowledgement)
{
    uint32_t sent_s = connection->probe_next_s - PROBE_AGAIN_S;
    if (now_s(connection) - sent_s > PROBE_ANSWER_S) connection->probe_bytes = 0;
    if (connection->probe_bytes == 0 || !answers_probe(connection, acknowledgement)) return;
    acknowledgement->sack = &acknowledgement->sack[1];
    acknowledgement->sack_count--;
    connection->probe_bytes = connection->mtu_hole = 0;
    connection->core->statistics.black_holes_left++;
}
