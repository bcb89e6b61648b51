/* tcp_path.c - how long a segment may be, as the path to the peer has it now (RFC 9293 3.7.5).
 *
 * The path is looked up each time something is sent: IP knows at once what a router has said (RFC
 * 1191), so nothing has to be told to a hundred thousand connections. What no router says is found
 * here: segments of full size that vanish again and again (RFC 2923 2.1) are made shorter, for as
 * long as the connection lives.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_connection.h"

/* Where every path must let something through: RFC 791, RFC 8200 5. Between it and Ethernet RFC
 * 4821 7.7 falls back to 1024. */
#define MTU_MIN_IPV4 576
#define MTU_MIN_IPV6 1280
#define MTU_FALLBACK 1024

#define TIMESTAMPS_BYTES 12 /* with the two NOPs before them */
#define PAYLOAD_MIN      8  /* whatever anybody claims: the send queue has to move */

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

static uint16_t capped(const struct tcp_connection *connection, uint16_t mtu_bytes)
{
    return connection->mtu_cap == 0 ? mtu_bytes : MIN(mtu_bytes, connection->mtu_cap);
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
    uint16_t mtu_bytes = capped(connection, path->mtu_bytes);
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
    connection->mtu_cap = cap;
    connection->core->statistics.black_holes++;
    take_mtu(connection, cap);
}
