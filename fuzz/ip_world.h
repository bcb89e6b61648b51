/* ip_world.h - for fuzz targets: a host of Ethernet, ARP, IPv4, ICMP and UDP, fed by the input.
 *
 * It is 192.0.2.1/24 with a gateway at 192.0.2.254. UDP port 53 answers what it is asked. When it
 * is closed, every packet must be back.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_FUZZ_IP_WORLD_H
#define LOOM_FUZZ_IP_WORLD_H

#include "base/cursor.h"
#include "base/units.h"
#include "ethernet/net_record.h"
#include "icmp/icmp.h"
#include "ipv4/ipv4_header.h"
#include "packet/checksum.h"
#include "udp_core/udp_core.h"

#define WORLD_HOST    0xc0000201u /* 192.0.2.1 */
#define WORLD_GATEWAY 0xc00002feu

struct ip_world {
    struct agenda agenda;
    struct packet_pool pool;
    struct net_record record;
    struct net_user net_user;
    struct ethernet ethernet;
    struct arp arp;
    struct ipv4 ipv4;
    struct icmp icmp;
    struct udp_core udp;
    struct udp_binding_user udp_user;
    struct udp_binding *binding;
    bool has_ethernet;
    uint8_t room[PACKET_TOTAL_MAX];
};

static struct ip_world world;

static void world_ready(struct net_user *user)
{
    (void)user;
}

static void world_readable(struct udp_binding_user *user)
{
    (void)user;
}

static inline void world_open(enum net_link link, bool probe)
{
    const struct arp_parameters arp = { .entry_count = 32, .waiting_count = 8, .probe = probe };
    const struct ipv4_parameters ipv4 = { .reassembly_count = 4,
                                          .reassembly_bytes = (uint64_t)64 * PACKET_BYTES,
                                          .path_count = 4,
                                          .loopback_packets = 64 };
    const struct icmp_parameters icmp = { .errors_per_second = 1000,
                                          .group_errors_per_second = 1000 };
    const struct udp_core_parameters udp = { .binding_count = 4,
                                             .receive_bytes = (uint64_t)40 * PACKET_BYTES,
                                             .receive_bytes_total = (uint64_t)40 * PACKET_BYTES };
    const struct siphash_key key = { 1, 2 };
    const struct address host = address_from_number(WORLD_HOST),
                         gateway = address_from_number(WORLD_GATEWAY),
                         everywhere = { .family = ADDRESS_IPV4 };
    const struct endpoint any = { .port = 53 };
    world.has_ethernet = link == NET_ETHERNET;
    world.net_user.ready = world_ready;
    world.udp_user.readable = world_readable;
    agenda_init(&world.agenda, S_NS);
    net_record_open(&world.record, link, 0);
    enum result result = packet_pool_open(&world.pool, 512);
    assert(result == OK);
    ethernet_open(&world.ethernet, &world.record.net, &world.net_user, &world.pool);
    if (world.has_ethernet)
        result = arp_open(&world.arp, &world.ethernet, &world.agenda, &world.ipv4.arp_user, &arp,
                          key);
    assert(result == OK);
    result = ipv4_open(&world.ipv4, &world.ethernet, world.has_ethernet ? &world.arp : NULL,
                       &world.agenda, &world.pool, &ipv4, key);
    assert(result == OK);
    icmp_open(&world.icmp, &world.ipv4, &world.agenda, &world.pool, &icmp, key);
    result = udp_core_open(&world.udp, &world.pool, &udp, key);
    assert(result == OK);
    udp_core_attach(&world.udp, &world.ipv4.ip, ADDRESS_IPV4);
    result = udp_core_bind(&world.udp, &any, &world.udp_user, &world.binding);
    assert(result == OK);
    result = ipv4_add_address(&world.ipv4, &host, 24);
    assert(result == OK);
    result = ipv4_add_route(&world.ipv4, &everywhere, 0, &gateway, 0);
    assert(result == OK);
}

static inline void world_answer(void)
{
    struct udp_incoming incoming;
    for (unsigned i = 0; i < 64; i++) {
        enum result result = udp_core_receive(world.binding, &incoming);
        if (result == TIMED_OUT) return;
        if (result != OK) continue;
        struct span bytes = span_first(SPAN_OF(world.room), packet_total_bytes(incoming.packet));
        packet_copy_out(incoming.packet, 0, bytes);
        packet_drop(incoming.packet);
        const struct udp_outgoing outgoing = { .peer = incoming.peer,
                                               .source = incoming.destination,
                                               .bytes = span_view(bytes) };
        result_ignore(udp_core_send(world.binding, &outgoing));
    }
}

/* Each frame that left is as long as the link takes, and was asked for: one that came causes no
 * more than a datagram's pieces and their question. */
static inline size_t world_collect(void)
{
    size_t count = 0;
    ethernet_flush(&world.ethernet);
    for (struct packet *packet = net_record_take_packet(&world.record); packet != NULL;
         packet = net_record_take_packet(&world.record), count++) {
        struct view first = packet_view(packet);
        if (world.has_ethernet) first = view_from_offset(first, ETHERNET_HEADER_BYTES);
        if (view_byte(first, 0) >> 4 == 4) {
            struct ipv4_header header = ipv4_header_at(first);
            assert(ipv4_header_checksum(&header) == 0);
            assert(header.source == __builtin_bswap32(WORLD_HOST));
        }
        packet_drop(packet);
    }
    return count;
}

static inline void world_give(struct view frame)
{
    if (packet_pool_left(&world.pool, PACKET_FOR_RECEIVE) <= frame.length_bytes / PACKET_BYTES + 2)
        return;
    net_record_give(&world.record, frame);
    while (ethernet_poll(&world.ethernet))
        continue;
    for (unsigned i = 0; i < 4 && ipv4_step(&world.ipv4); i++)
        continue;
    world_answer();
    (void)world_collect();
    assert(world.ipv4.reassembly.packet_count <= 64);
    assert(world.udp.packet_count <= 40);
    assert(world.ipv4.loopback_packets <= 64);
}

static inline void world_pass(uint64_t duration_ns)
{
    agenda_advance(&world.agenda, world.agenda.now_ns + duration_ns);
    (void)world_collect();
}

static inline void world_close(void)
{
    udp_core_unbind(world.binding);
    udp_core_close(&world.udp);
    ipv4_close(&world.ipv4);
    if (world.has_ethernet) arp_close(&world.arp);
    ethernet_close(&world.ethernet);
    packet_pool_close(&world.pool);
}

/* ---- making what is guessed pass the first gate ---- */

static inline void world_put_u16(struct span bytes, size_t offset, uint16_t raw)
{
    if (offset + sizeof raw <= bytes.length_bytes)
        (void)span_copy(span_from_offset(bytes, offset), VIEW_OF(raw));
}

/* Sets the checksums of an IPv4 datagram and of the ICMP message or UDP datagram in it right, as
 * far as they are there. */
static inline void world_mend(struct span datagram)
{
    if (datagram.length_bytes < sizeof(struct ipv4_header)) return;
    struct ipv4_header header = ipv4_header_at(span_view(datagram));
    size_t header_bytes = ipv4_header_length(&header);
    if (header_bytes < sizeof header || header_bytes > datagram.length_bytes) return;
    struct checksum sum = { 0 };
    world_put_u16(datagram, offsetof(struct ipv4_header, checksum), 0);
    checksum_add(&sum, view_first(span_view(datagram), header_bytes));
    world_put_u16(datagram, offsetof(struct ipv4_header, checksum), checksum_finish(&sum));

    size_t total = MIN((size_t)__builtin_bswap16(header.total_length), datagram.length_bytes);
    if (total < header_bytes) return;
    struct span transport = span_from_offset(span_first(datagram, total), header_bytes);
    if (header.protocol == IP_PROTOCOL_ICMP) {
        sum = (struct checksum){ 0 };
        world_put_u16(transport, 2, 0);
        checksum_add(&sum, span_view(transport));
        world_put_u16(transport, 2, checksum_finish(&sum));
    }
    if (header.protocol == IP_PROTOCOL_UDP) world_put_u16(transport, 6, 0); /* none */
}

#endif
