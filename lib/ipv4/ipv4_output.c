/* ipv4_output.c - datagrams that go: their route, source and size, and those to ourselves.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "ipv4/ipv4_private.h"
#include "packet/checksum.h"

/* ---- finding the way ---- */

static enum result choose_source(const struct ipv4 *ipv4, const struct address *wanted,
                                 uint32_t best, struct ipv4_way *way)
{
    way->source = best;
    if (wanted->family == ADDRESS_ANY) return OK;
    way->source = address_to_number(wanted);
    if (wanted->family != ADDRESS_IPV4) return UNREACHABLE;
    if (ipv4_scope_of(&ipv4->routes, way->source) != IPV4_SCOPE_OURS) return UNREACHABLE;
    /* RFC 1122 3.2.1.3 (g): the loopback's addresses never leave the host. */
    bool stays = way->scope == IPV4_SCOPE_OURS;
    return stays || !ipv4_is_loopback(way->source) ? OK : UNREACHABLE;
}

/* To everybody on the link a host may speak before it has an address (RFC 951). */
static enum result find_way_to_many(const struct ipv4 *ipv4, const struct address *source,
                                    struct ipv4_way *way)
{
    const struct ipv4_route *route = ipv4_routes_find(&ipv4->routes, way->destination);
    uint32_t best = route != NULL ? route->source : 0;
    for (size_t i = 0; best == 0 && i < ipv4->routes.address_count; i++)
        if (ipv4->routes.addresses[i].usable) best = ipv4->routes.addresses[i].address;
    way->next_hop = way->destination;
    return choose_source(ipv4, source, best, way);
}

static enum result find_way(const struct ipv4 *ipv4, const struct address *destination,
                            const struct address *source, struct ipv4_way *way)
{
    if (destination->family != ADDRESS_IPV4) return UNREACHABLE;
    way->destination = address_to_number(destination);
    way->scope = ipv4_scope_of(&ipv4->routes, way->destination);
    if (way->scope == IPV4_SCOPE_OURS) return choose_source(ipv4, source, way->destination, way);
    if (way->scope == IPV4_SCOPE_NONE) return UNREACHABLE;
    if (way->scope != IPV4_SCOPE_OTHER) return find_way_to_many(ipv4, source, way);

    const struct ipv4_route *route = ipv4_routes_find(&ipv4->routes, way->destination);
    if (route == NULL || route->source == 0) return UNREACHABLE;
    way->next_hop = route->gateway != 0 ? route->gateway : way->destination;
    return choose_source(ipv4, source, route->source, way);
}

void ipv4_doubt(struct ip *ip, const struct address *destination)
{
    struct ipv4 *ipv4 = CONTAINER_OF(ip, struct ipv4, ip);
    struct ipv4_way way;
    if (find_way(ipv4, destination, &(struct address){ .family = ADDRESS_ANY }, &way) != OK) return;
    if (way.scope == IPV4_SCOPE_OTHER && ipv4->arp != NULL) arp_doubt(ipv4->arp, way.next_hop);
}

enum result ipv4_find_path(struct ip *ip, const struct address *destination,
                           const struct address *source, struct ip_path *path)
{
    struct ipv4 *ipv4 = CONTAINER_OF(ip, struct ipv4, ip);
    const struct net *net = ipv4->ethernet->net;
    struct ipv4_way way;
    enum result result = find_way(ipv4, destination, source, &way);
    if (result != OK) return result;
    path->source = address_from_number(way.source);
    path->to_many = way.scope == IPV4_SCOPE_BROADCAST || way.scope == IPV4_SCOPE_MULTICAST;
    if (way.scope == IPV4_SCOPE_OURS) {
        path->mtu_bytes = IPV4_LOOPBACK_MTU;
        path->segments_bytes_max = 0;
        return OK;
    }
    const struct ipv4_path *known = ipv4_paths_find(&ipv4->paths, way.destination,
                                                    ipv4->agenda->now_ns);
    path->mtu_bytes = known != NULL ? MIN(known->mtu_bytes, net->mtu_bytes) : net->mtu_bytes;
    path->segments_bytes_max = (net->offloads & NET_SENDS_SEGMENTS_IPV4) != 0 ? IPV4_TOTAL_MAX : 0;
    return OK;
}

/* ---- to the net ---- */

/* RFC 1112 6.4: the low 23 bits of the group. */
static struct mac mac_of_group(uint32_t group)
{
    return (struct mac){ { 0x01, 0x00, 0x5e, (uint8_t)(group >> 16 & 0x7f), (uint8_t)(group >> 8),
                           (uint8_t)group } };
}

enum result ipv4_transmit(struct ipv4 *ipv4, struct packet *packet, struct ipv4_header *header,
                          const struct ipv4_way *way)
{
    header->checksum = 0;
    header->checksum = ipv4_header_checksum(header);
    (void)span_copy(packet_push(packet, sizeof *header), VIEW_OF(*header));
    packet->network_offset = packet->offset;
    packet->transport_offset = (uint16_t)(packet->offset + sizeof *header);
    ipv4->statistics.sent++;
    if (ipv4->arp == NULL) return ethernet_send(ipv4->ethernet, packet, NULL, ETHERTYPE_IPV4);
    if (way->scope == IPV4_SCOPE_OTHER) return arp_send(ipv4->arp, packet, way->next_hop);
    bool is_group = way->scope == IPV4_SCOPE_MULTICAST;
    const struct mac many = is_group ? mac_of_group(way->destination) : mac_broadcast;
    return ethernet_send(ipv4->ethernet, packet, &many, ETHERTYPE_IPV4);
}

/* ---- to ourselves ---- */

/* The receiver lends out the buffers that a datagram came in, so they must hold it, and be nobody
 * else's. */
static struct packet *own_copy(struct ipv4 *ipv4, struct packet *packet)
{
    bool is_plain = true;
    for (const struct packet *part = packet; part != NULL; part = part->rest)
        is_plain = is_plain && part->fragment_count == 0 && part->payload.references == 1;
    if (is_plain) return packet;
    struct packet *copy = packet_copy(packet, ipv4->pool, PACKET_FOR_RECEIVE);
    packet_drop(packet);
    return copy;
}

static enum result loop_back(struct ipv4 *ipv4, struct packet *packet, struct ipv4_header *header)
{
    size_t count = 0;
    header->checksum = ipv4_header_checksum(header);
    (void)span_copy(packet_push(packet, sizeof *header), VIEW_OF(*header));
    packet = own_copy(ipv4, packet);
    for (const struct packet *part = packet; part != NULL; part = part->rest)
        count++;
    if (packet == NULL || ipv4->loopback_packets + count > ipv4->loopback_packets_max) {
        if (packet != NULL) packet_drop(packet);
        ipv4->statistics.loopback_full++;
        return FULL;
    }
    ipv4->loopback_packets += count;
    ipv4->statistics.looped++;
    packet->next = NULL;
    if (ipv4->loopback_first == NULL)
        ipv4->loopback_first = packet;
    else
        ipv4->loopback_last->next = packet;
    ipv4->loopback_last = packet;
    return OK;
}

/* ---- sending ---- */

/* RFC 6864 4: only what may be cut needs one. RFC 7739 5.3: a secret function of the destination,
 * and a counter that few destinations share, so that nobody learns of another's traffic. */
static uint16_t identification_for(struct ipv4 *ipv4, const struct ipv4_header *header)
{
    const uint32_t words[3] = { header->source, header->destination, header->protocol };
    uint64_t hash = siphash(ipv4->key, VIEW_OF(words));
    uint16_t *counter = &ipv4->identifications[hash % LENGTH_OF(ipv4->identifications)];
    uint16_t identification = (uint16_t)((hash >> 32) + *counter);
    *counter = (uint16_t)(*counter + 1u);
    return identification;
}

static struct ipv4_header header_for(const struct ipv4 *ipv4, const struct ip_outgoing *outgoing,
                                     const struct ipv4_way *way, size_t length_bytes)
{
    bool is_multicast = way->scope == IPV4_SCOPE_MULTICAST; /* RFC 1112 6.1: one hop if not told */
    uint8_t hop_limit = is_multicast ? 1 : ipv4->hop_limit;
    return (struct ipv4_header){
        .version_and_length = IPV4_VERSION_AND_LENGTH,
        .traffic_class = outgoing->traffic_class,
        .total_length = __builtin_bswap16((uint16_t)length_bytes),
        .time_to_live = outgoing->hop_limit != 0 ? outgoing->hop_limit : hop_limit,
        .protocol = outgoing->protocol,
        .source = __builtin_bswap32(way->source),
        .destination = __builtin_bswap32(way->destination),
    };
}

static enum result send_out(struct ipv4 *ipv4, struct packet *packet,
                            const struct ip_outgoing *outgoing, const struct ipv4_way *way,
                            size_t length_bytes)
{
    uint16_t mtu_bytes = ipv4->ethernet->net->mtu_bytes;
    bool dont_fragment = outgoing->dont_fragment;
    const struct ipv4_path *known = ipv4_paths_find(&ipv4->paths, way->destination,
                                                    ipv4->agenda->now_ns);
    if (known != NULL) mtu_bytes = MIN(mtu_bytes, known->mtu_bytes);
    bool is_whole = packet->segmentation != PACKET_SEGMENT_NONE || length_bytes <= mtu_bytes;
    if (!is_whole && dont_fragment) {
        packet_drop(packet);
        ipv4->statistics.too_large++;
        return TOO_LARGE;
    }
    if (known != NULL && known->may_be_cut) dont_fragment = false;
    struct ipv4_header header = header_for(ipv4, outgoing, way, length_bytes);
    if (dont_fragment)
        header.fragment = __builtin_bswap16(IPV4_DONT_FRAGMENT);
    else
        header.identification = __builtin_bswap16(identification_for(ipv4, &header));
    if (is_whole) return ipv4_transmit(ipv4, packet, &header, way);
    return ipv4_send_fragments(ipv4, packet, &header, way, mtu_bytes);
}

enum result ipv4_send(struct ip *ip, struct packet *packet, const struct ip_outgoing *outgoing)
{
    struct ipv4 *ipv4 = CONTAINER_OF(ip, struct ipv4, ip);
    size_t length_bytes = packet_total_bytes(packet) + IPV4_HEADER_BYTES;
    struct ipv4_way way;
    enum result result = find_way(ipv4, &outgoing->destination, &outgoing->source, &way);
    if (result == UNREACHABLE) ipv4->statistics.no_route++;
    if (result == OK && length_bytes > IPV4_TOTAL_MAX) result = TOO_LARGE;
    if (result == OK && way.scope == IPV4_SCOPE_BROADCAST && !outgoing->may_broadcast)
        result = DENIED;
    if (result != OK) {
        packet_drop(packet);
        return result;
    }
    if (way.scope != IPV4_SCOPE_OURS) return send_out(ipv4, packet, outgoing, &way, length_bytes);
    struct ipv4_header header = header_for(ipv4, outgoing, &way, length_bytes);
    return loop_back(ipv4, packet, &header);
}
