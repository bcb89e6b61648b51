/* ipv4.c - opens, closes and configures the Internet Protocol: its addresses and routes.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "ipv4/ipv4_private.h"

const struct parameter ipv4_parameters[] = {
    PARAMETER_POOL(struct ipv4_parameters, reassembly_count, "reassembly-datagrams", "64", 1, 65536,
                   "datagrams put together at once; then the oldest is given up"),
    PARAMETER_BYTES(struct ipv4_parameters, reassembly_bytes, "reassembly-bytes", "512KiB",
                    128 * KIB, GIB,
                    "memory that fragments may occupy; then the oldest datagram is given up"),
    PARAMETER_NUMBER(struct ipv4_parameters, path_count, "path-mtus", "256", 1, 65536,
                     "destinations whose path is known to be narrow; then the oldest is forgotten"),
    PARAMETER_NUMBER(struct ipv4_parameters, loopback_packets, "loopback-buffers", "512", 64, 65536,
                     "buffers on their way to this host itself"),
    PARAMETER_NUMBER(struct ipv4_parameters, hop_limit, "ipv4-ttl", "64", 1, 255,
                     "routers that a datagram of IPv4 may pass"),
    PARAMETER_END,
};

enum { KEY_REASSEMBLY, KEY_PATHS, KEY_IDENTIFICATION };

static bool ipv4_is_ours(struct ip *ip, const struct address *address)
{
    struct ipv4 *ipv4 = CONTAINER_OF(ip, struct ipv4, ip);
    return address->family == ADDRESS_IPV4 &&
           ipv4_scope_of(&ipv4->routes, address_to_number(address)) == IPV4_SCOPE_OURS;
}

static void ipv4_reject(struct ip *ip, const struct packet *packet,
                        const struct ip_incoming *incoming, enum ip_reject reason)
{
    struct ipv4 *ipv4 = CONTAINER_OF(ip, struct ipv4, ip);
    if (ipv4->reporter == NULL) return;
    ipv4->reporter->report(ipv4->reporter, packet, incoming,
                           reason == IP_REJECT_PORT ? IPV4_REJECT_PORT : IPV4_REJECT_PROTOCOL);
}

static const struct ip_ops ipv4_ops = IP_OPS(ipv4);

static void reassembly_failed(struct ipv4_reassembly_user *user)
{
    CONTAINER_OF(user, struct ipv4, reassembly_user)->statistics.reassembly_failed++;
}

static void fragments_timed_out(struct ipv4_reassembly_user *user, const struct packet *first)
{
    struct ipv4 *ipv4 = CONTAINER_OF(user, struct ipv4, reassembly_user);
    struct view room = view_from(first->room, sizeof first->room);
    struct ipv4_header header = ipv4_header_at(view_from_offset(room, first->network_offset));
    uint32_t destination = __builtin_bswap32(header.destination);
    struct ip_incoming incoming = ipv4_incoming_of(&header,
                                                   ipv4_scope_of(&ipv4->routes, destination));
    if (ipv4->reporter == NULL) return;
    ipv4->reporter->report(ipv4->reporter, first, &incoming, IPV4_REJECT_REASSEMBLY_TIME);
}

/* ---- what ARP tells ---- */

static void address_claimed(struct arp_user *user, uint32_t number)
{
    struct ipv4 *ipv4 = CONTAINER_OF(user, struct ipv4, arp_user);
    struct address address = address_from_number(number);
    ipv4_routes_set_usable(&ipv4->routes, number);
    if (ipv4->user != NULL) ipv4->user->claimed(ipv4->user, &address);
}

static void address_in_conflict(struct arp_user *user, uint32_t number, const struct mac *station,
                                bool lost)
{
    struct ipv4 *ipv4 = CONTAINER_OF(user, struct ipv4, arp_user);
    struct address address = address_from_number(number);
    if (lost) result_ignore(ipv4_routes_remove_address(&ipv4->routes, number)); /* it is there */
    if (ipv4->user != NULL) ipv4->user->conflict(ipv4->user, &address, station, lost);
}

/* ---- opening ---- */

enum result ipv4_open(struct ipv4 *ipv4, struct ethernet *ethernet, struct arp *arp,
                      struct agenda *agenda, struct packet_pool *pool,
                      const struct ipv4_parameters *parameters, struct siphash_key key)
{
    assert((arp != NULL) == (ethernet->net->link == NET_ETHERNET));
    *ipv4 = (struct ipv4){
        .ip.ops = &ipv4_ops,
        .protocol = { .type = ETHERTYPE_IPV4, .input = ipv4_input },
        .arp_user = { .claimed = address_claimed,
                      .conflict = address_in_conflict,
                      .unresolved = ipv4_unresolved },
        .reassembly_user = { .failed = reassembly_failed, .timed_out = fragments_timed_out },
        .ethernet = ethernet,
        .arp = arp,
        .agenda = agenda,
        .pool = pool,
        .key = siphash_derive(key, KEY_IDENTIFICATION),
        .hop_limit = (uint8_t)(parameters->hop_limit != 0 ? parameters->hop_limit : IPV4_HOP_LIMIT),
        .loopback_packets_max = parameters->loopback_packets,
    };
    enum result result = ipv4_reassembly_open(
        &ipv4->reassembly, agenda, &ipv4->reassembly_user, parameters->reassembly_count,
        parameters->reassembly_bytes / PACKET_BYTES, siphash_derive(key, KEY_REASSEMBLY));
    if (result != OK) return result;
    result = ipv4_paths_open(&ipv4->paths, parameters->path_count, siphash_derive(key, KEY_PATHS));
    if (result != OK) {
        ipv4_reassembly_close(&ipv4->reassembly);
        return result;
    }
    ethernet_attach(ethernet, &ipv4->protocol);
    return OK;
}

void ipv4_close(struct ipv4 *ipv4)
{
    while (ipv4->loopback_first != NULL) {
        struct packet *packet = ipv4->loopback_first;
        ipv4->loopback_first = packet->next;
        packet->next = NULL;
        packet_drop(packet);
    }
    ipv4_paths_close(&ipv4->paths);
    ipv4_reassembly_close(&ipv4->reassembly);
}

/* ---- configuring ---- */

enum result ipv4_add_address(struct ipv4 *ipv4, const struct address *address, unsigned prefix_bits)
{
    uint32_t number = address_to_number(address), mask = ipv4_mask(prefix_bits);
    bool usable = ipv4->arp == NULL || !ipv4->arp->parameters.probe;
    assert(address->family == ADDRESS_IPV4 && prefix_bits <= 32);
    enum result result = ipv4_routes_add_address(&ipv4->routes, number, mask, usable);
    if (result != OK || ipv4->arp == NULL) return result;
    result = arp_add_address(ipv4->arp, number, mask);
    if (result != OK) result_ignore(ipv4_routes_remove_address(&ipv4->routes, number));
    return result;
}

enum result ipv4_remove_address(struct ipv4 *ipv4, const struct address *address)
{
    uint32_t number = address_to_number(address);
    if (ipv4->arp != NULL) arp_remove_address(ipv4->arp, number);
    return ipv4_routes_remove_address(&ipv4->routes, number);
}

enum result ipv4_add_route(struct ipv4 *ipv4, const struct address *prefix, unsigned prefix_bits,
                           const struct address *gateway, uint32_t metric)
{
    uint32_t mask = ipv4_mask(prefix_bits);
    const struct ipv4_route route = { .prefix = address_to_number(prefix) & mask,
                                      .mask = mask,
                                      .gateway = address_to_number(gateway),
                                      .metric = metric };
    assert(prefix->family == ADDRESS_IPV4 && prefix_bits <= 32);
    if (route.gateway != 0 && ipv4->arp != NULL) {
        enum result result = arp_pin(ipv4->arp, route.gateway);
        if (result != OK) return result;
    }
    return ipv4_routes_add(&ipv4->routes, route);
}

enum result ipv4_remove_route(struct ipv4 *ipv4, const struct address *prefix, unsigned prefix_bits,
                              uint32_t metric)
{
    uint32_t mask = ipv4_mask(prefix_bits);
    return ipv4_routes_remove(&ipv4->routes, address_to_number(prefix) & mask, mask, metric);
}

void ipv4_lower_path_mtu(struct ipv4 *ipv4, const struct address *destination, uint16_t mtu_bytes)
{
    if (mtu_bytes >= ipv4->ethernet->net->mtu_bytes) return;
    if (ipv4_paths_lower(&ipv4->paths, address_to_number(destination), mtu_bytes,
                         ipv4->agenda->now_ns))
        ipv4->statistics.path_mtu_lowered++;
}
