/* udp_core_send.c - datagrams that go.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "packet/checksum.h"
#include "udp_core/udp_core_private.h"

/* ---- whom we sent to ---- */

static uint32_t hash_of_peer(const struct udp_core *core, const struct endpoint *peer)
{
    uint64_t words[3] = { (uint64_t)peer->port << 8 | peer->address.family };
    struct span bytes = span_from_offset(SPAN_OF(words), sizeof words[0]);
    (void)span_copy(bytes, VIEW_OF(peer->address.bytes));
    size_t used_bytes = peer->address.family == ADDRESS_IPV4 ? 2 * sizeof words[0] : sizeof words;
    uint32_t hash = (uint32_t)siphash(core->peer_key, view_first(VIEW_OF(words), used_bytes));
    return hash != 0 ? hash : 1; /* 0 is an empty place */
}

/* So that an error is believed only where it can be about a datagram of ours: its sender has to
 * know a peer of the last few, or be on the way. */
static void note_peer(struct udp_binding *binding, const struct endpoint *peer)
{
    if (endpoint_equal(&binding->recent_peer, peer)) return;
    binding->recent_peer = *peer;
    binding->recent[binding->recent_next] = hash_of_peer(binding->core, peer);
    binding->recent_next = (uint8_t)((binding->recent_next + 1) % UDP_RECENT_PEERS);
}

bool udp_binding_has_sent_to(const struct udp_binding *binding, const struct endpoint *peer)
{
    if (endpoint_equal(&binding->peer, peer)) return true;
    uint32_t hash = hash_of_peer(binding->core, peer);
    for (size_t i = 0; i < UDP_RECENT_PEERS; i++)
        if (binding->recent[i] == hash) return true;
    return false;
}

/* ---- building ---- */

static size_t packets_for(size_t payload_bytes)
{
    size_t first_bytes = PACKET_PAYLOAD_MAX - UDP_HEADER_BYTES;
    if (payload_bytes <= first_bytes) return 1;
    return 1 + (payload_bytes - first_bytes + PACKET_ROOM_BYTES - 1) / PACKET_ROOM_BYTES;
}

/* What fits goes into the buffer with the header, the rest into more of them. */
static void put_payload(struct packet *packet, struct view bytes)
{
    for (;;) {
        size_t part_bytes = MIN(bytes.length_bytes, packet_room_behind(packet));
        (void)span_copy(packet_put(packet, part_bytes), view_first(bytes, part_bytes));
        bytes = view_from_offset(bytes, part_bytes);
        if (view_is_empty(bytes)) return;
        packet->rest = packet_take(packet->pool, PACKET_FOR_DATA);
        assert(packet->rest != NULL); /* they have been counted */
        packet = packet->rest;
        packet->offset = 0;
    }
}

/* The sum over the bytes is left to the device, or to net_offload. */
static struct packet *build(const struct udp_binding *binding, const struct endpoint *peer,
                            const struct address *source, struct view bytes)
{
    struct packet_pool *pool = binding->core->pool;
    size_t length_bytes = bytes.length_bytes + UDP_HEADER_BYTES;
    size_t count = packets_for(bytes.length_bytes);
    if (count > 1 && packet_pool_left(pool, PACKET_FOR_DATA) < count) return NULL;
    struct packet *packet = packet_take(pool, PACKET_FOR_DATA);
    if (packet == NULL) return NULL;
    struct checksum sum = { 0 };
    checksum_add_pseudo_header(&sum, source, &peer->address, IP_PROTOCOL_UDP,
                               (uint32_t)length_bytes);
    const struct udp_header header = { .source_port = __builtin_bswap16(binding->local.port),
                                       .destination_port = __builtin_bswap16(peer->port),
                                       .length = __builtin_bswap16((uint16_t)length_bytes),
                                       .checksum = checksum_fold(&sum) };
    (void)span_copy(packet_put(packet, sizeof header), VIEW_OF(header));
    packet->checksum = PACKET_CHECKSUM_PARTIAL;
    packet->checksum_start = packet->offset;
    packet->checksum_offset = (uint16_t)(packet->offset + offsetof(struct udp_header, checksum));
    put_payload(packet, bytes);
    return packet;
}

/* ---- sending ---- */

static enum result check(const struct udp_binding *binding, const struct endpoint *peer,
                         const struct udp_outgoing *outgoing)
{
    uint8_t family = peer->address.family, bound = binding->local.address.family;
    if (family == ADDRESS_ANY || peer->port == 0) return INVALID;
    if (outgoing->source.family != ADDRESS_ANY && outgoing->source.family != family) return INVALID;
    if (outgoing->bytes.length_bytes > UDP_CORE_PAYLOAD_MAX) return TOO_LARGE;
    if (bound != ADDRESS_ANY && bound != family) return UNREACHABLE;
    return udp_core_family_of(binding->core, family) != NULL ? OK : UNREACHABLE;
}

/* The pseudo-header needs the source before the datagram is on its way. */
static enum result choose_source(const struct udp_binding *binding, struct ip *ip,
                                 const struct endpoint *peer, const struct udp_outgoing *outgoing,
                                 struct address *source)
{
    *source = outgoing->source;
    if (source->family == ADDRESS_ANY) *source = binding->local.address;
    if (source->family != ADDRESS_ANY) return OK;
    struct ip_path path;
    enum result result = ip_find_path(ip, &peer->address, source, &path);
    if (result == OK) *source = path.source;
    return result;
}

enum result udp_core_send(struct udp_binding *binding, const struct udp_outgoing *outgoing)
{
    struct udp_core *core = binding->core;
    bool to_connected = outgoing->peer.address.family == ADDRESS_ANY;
    const struct endpoint *peer = to_connected ? &binding->peer : &outgoing->peer;
    struct address source;
    enum result result = check(binding, peer, outgoing);
    if (result != OK) return result;
    struct ip *ip = udp_core_family_of(core, peer->address.family)->ip;
    result = choose_source(binding, ip, peer, outgoing, &source);
    if (result != OK) return result;
    struct packet *packet = build(binding, peer, &source, outgoing->bytes);
    if (packet == NULL) return FULL;
    const struct ip_outgoing datagram = {
        .source = source,
        .destination = peer->address,
        .protocol = IP_PROTOCOL_UDP,
        .hop_limit = outgoing->hop_limit,
        .traffic_class = outgoing->traffic_class,
        .dont_fragment = outgoing->dont_fragment,
        .may_broadcast = outgoing->may_broadcast,
    };
    result = ip_send(ip, packet, &datagram);
    if (result != OK) return result;
    core->statistics.sent++;
    note_peer(binding, peer);
    return OK;
}
