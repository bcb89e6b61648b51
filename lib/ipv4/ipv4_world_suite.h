/* ipv4_world_suite.h - for tests: a host of Ethernet, ARP, IPv4 and ICMP on a net that records.
 *
 * It is 192.0.2.1/24 with a gateway at 192.0.2.254; 192.0.2.9 is a neighbour whose station is
 * known. The test is everybody else on the link.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_IPV4_WORLD_SUITE_H
#define LOOM_IPV4_WORLD_SUITE_H

#include "base/cursor.h"
#include "base/units.h"
#include "base/writer.h"
#include "ethernet/net_record.h"
#include "icmp/icmp.h"
#include "ipv4/ipv4_header.h"
#include "packet/checksum.h"
#include "test/test.h"

#define WORLD_HOST      0xc0000201u /* 192.0.2.1 */
#define WORLD_NEIGHBOUR 0xc0000209u
#define WORLD_GATEWAY   0xc00002feu
#define WORLD_AFAR      0xc6336407u /* 198.51.100.7 */

#define WORLD_PROTOCOL 253 /* for experiments (RFC 3692) */

static const struct mac world_mac = { { 2, 0, 0, 0, 0, 1 } };
static const struct mac world_neighbour_mac = { { 2, 0, 0, 0, 0, 9 } };

/* A transport that keeps what it is given last. */
struct world_transport {
    struct ip_protocol protocol;
    size_t count, error_count, asked_count;
    bool denies; /* says that it has not sent what is quoted */
    struct ip_incoming incoming;
    struct ip_error error;
    uint8_t bytes[PACKET_TOTAL_MAX], quoted[128];
    size_t length_bytes, quoted_bytes;
    enum packet_checksum checksum;
};

struct world {
    struct agenda agenda;
    struct packet_pool pool;
    struct net_record record;
    struct net_user net_user;
    struct ethernet ethernet;
    struct arp arp;
    struct ipv4 ipv4;
    struct icmp icmp;
    struct world_transport transport;
    bool has_ethernet;
    uint8_t room[PACKET_TOTAL_MAX];
};

static inline void world_ready(struct net_user *user)
{
    (void)user;
}

static inline void world_transport_input(struct ip_protocol *protocol, struct packet *packet,
                                         const struct ip_incoming *incoming)
{
    struct world_transport *transport = CONTAINER_OF(protocol, struct world_transport, protocol);
    transport->count++;
    transport->incoming = *incoming;
    transport->length_bytes = packet_total_bytes(packet);
    transport->checksum = packet->checksum;
    packet_copy_out(packet, 0, span_first(SPAN_OF(transport->bytes), transport->length_bytes));
    packet_drop(packet);
}

static inline void world_transport_error(struct ip_protocol *protocol, const struct ip_error *error)
{
    struct world_transport *transport = CONTAINER_OF(protocol, struct world_transport, protocol);
    transport->error_count++;
    transport->error = *error;
    transport->quoted_bytes = MIN(error->transport.length_bytes, sizeof transport->quoted);
    (void)span_copy(SPAN_OF(transport->quoted),
                    view_first(error->transport, transport->quoted_bytes));
}

static inline bool world_transport_has_sent(struct ip_protocol *protocol,
                                            const struct ip_error *error)
{
    struct world_transport *transport = CONTAINER_OF(protocol, struct world_transport, protocol);
    transport->asked_count++;
    expect(error->transport.length_bytes >= 8);
    return !transport->denies;
}

/* ---- bringing it about ---- */

struct world_options {
    enum net_link link;
    uint8_t offloads;
    bool probe;
    size_t arp_entries, arp_waiting; /* 0: the defaults */
    size_t pool_packets;
    uint8_t hop_limit; /* 0: the default */
};

static inline void world_open_layers(struct world *world, const struct world_options *options)
{
    const struct arp_parameters arp = {
        .entry_count = options->arp_entries != 0 ? options->arp_entries : 256,
        .waiting_count = options->arp_waiting != 0 ? options->arp_waiting : 64,
        .probe = options->probe,
    };
    const struct ipv4_parameters ipv4 = { .reassembly_count = 8,
                                          .reassembly_bytes = (uint64_t)160 * PACKET_BYTES,
                                          .path_count = 4,
                                          .loopback_packets = 128,
                                          .hop_limit = options->hop_limit };
    const struct icmp_parameters icmp = { .errors_per_second = 1000,
                                          .group_errors_per_second = 10 };
    const struct siphash_key key = { 1, 2 };
    world->has_ethernet = options->link == NET_ETHERNET;
    world->net_user.ready = world_ready;
    agenda_init(&world->agenda, S_NS);
    expect_ok(
        packet_pool_open(&world->pool, options->pool_packets != 0 ? options->pool_packets : 512));
    net_record_open(&world->record, options->link, options->offloads);
    ethernet_open(&world->ethernet, &world->record.net, &world->net_user, &world->pool);
    if (world->has_ethernet)
        expect_ok(arp_open(&world->arp, &world->ethernet, &world->agenda, &world->ipv4.arp_user,
                           &arp, key));
    expect_ok(ipv4_open(&world->ipv4, &world->ethernet, world->has_ethernet ? &world->arp : NULL,
                        &world->agenda, &world->pool, &ipv4, key));
    icmp_open(&world->icmp, &world->ipv4, &world->agenda, &world->pool, &icmp, key);
    world->transport = (struct world_transport){ .protocol = {
                                                     .number = WORLD_PROTOCOL,
                                                     .input = world_transport_input,
                                                     .error = world_transport_error,
                                                     .has_sent = world_transport_has_sent } };
    ip_attach(&world->ipv4.ip, &world->transport.protocol);
}

static inline void world_flush(struct world *world)
{
    ethernet_flush(&world->ethernet);
}

/* The oldest frame sent; empty: none. */
static inline struct view world_take(struct world *world)
{
    world_flush(world);
    return net_record_take(&world->record, SPAN_OF(world->room));
}

static inline void world_expect_silence(struct world *world)
{
    expect_that(world_take(world).length_bytes, ==, 0);
}

static inline size_t world_forget_sent(struct world *world)
{
    size_t count = 0;
    while (world_take(world).length_bytes > 0)
        count++;
    return count;
}

static inline void world_give(struct world *world, struct view frame)
{
    net_record_give(&world->record, frame);
    while (ethernet_poll(&world->ethernet))
        continue;
}

/* Time passes, in steps as a driver takes them. */
static inline void world_pass(struct world *world, uint64_t duration_ns)
{
    uint64_t end_ns = world->agenda.now_ns + duration_ns;
    while (world->agenda.now_ns < end_ns) {
        uint64_t next_ns = MIN(agenda_next_ns(&world->agenda), end_ns);
        agenda_advance(&world->agenda, MAX(next_ns, world->agenda.now_ns + 1));
        world_flush(world);
    }
}

/* ---- ARP ---- */

struct world_arp {
    uint16_t operation;
    struct mac sender_mac;
    uint32_t sender;
    struct mac target_mac;
    uint32_t target;
};

static inline void world_put_frame(struct writer *writer, const struct mac *destination,
                                   const struct mac *source, uint16_t type)
{
    writer_put(writer, VIEW_OF(*destination));
    writer_put(writer, VIEW_OF(*source));
    writer_put_u16_be(writer, type);
}

static inline void world_give_arp(struct world *world, const struct mac *destination,
                                  const struct world_arp *message)
{
    uint8_t frame[42];
    struct writer writer = writer_over(SPAN_OF(frame));
    world_put_frame(&writer, destination, &message->sender_mac, ETHERTYPE_ARP);
    writer_put(&writer, VIEW("\x00\x01\x08\x00\x06\x04"));
    writer_put_u16_be(&writer, message->operation);
    writer_put(&writer, VIEW_OF(message->sender_mac));
    writer_put_u32_be(&writer, message->sender);
    writer_put(&writer, VIEW_OF(message->target_mac));
    writer_put_u32_be(&writer, message->target);
    expect(!writer.ran_short);
    world_give(world, writer_view(&writer));
}

/* Reads the oldest frame sent, which must be an ARP message. */
static inline struct world_arp world_take_arp(struct world *world, struct mac *destination)
{
    struct world_arp message = { 0 };
    struct view frame = world_take(world);
    expect_that(frame.length_bytes, ==, 42);
    (void)span_copy(SPAN_OF(*destination), view_first(frame, 6));
    expect_view(view_slice(frame, 6, 6), VIEW_OF(world_mac));
    expect_view(view_slice(frame, 12, 8), VIEW("\x08\x06\x00\x01\x08\x00\x06\x04"));
    struct cursor cursor = cursor_over(view_from_offset(frame, 20));
    message.operation = cursor_u16_be(&cursor);
    (void)span_copy(SPAN_OF(message.sender_mac), cursor_take(&cursor, 6));
    message.sender = cursor_u32_be(&cursor);
    (void)span_copy(SPAN_OF(message.target_mac), cursor_take(&cursor, 6));
    message.target = cursor_u32_be(&cursor);
    return message;
}

/* A neighbour asks for us, so that we know it. */
static inline void world_introduce(struct world *world, uint32_t address, const struct mac *mac)
{
    const struct world_arp request = { 1, *mac, address, { { 0 } }, WORLD_HOST };
    world_give_arp(world, &mac_broadcast, &request);
    expect_that(world_forget_sent(world), ==, 1);
}

/* ---- datagrams ---- */

/* A header to begin with: sound, from the neighbour to us. */
static inline struct ipv4_header world_header(size_t payload_bytes)
{
    return (struct ipv4_header){
        .version_and_length = IPV4_VERSION_AND_LENGTH,
        .total_length = __builtin_bswap16((uint16_t)(20 + payload_bytes)),
        .time_to_live = 64,
        .protocol = WORLD_PROTOCOL,
        .source = __builtin_bswap32(WORLD_NEIGHBOUR),
        .destination = __builtin_bswap32(WORLD_HOST),
    };
}

/* A datagram in a frame to `destination`, its checksum set right. */
static inline void world_give_datagram_to(struct world *world, const struct mac *destination,
                                          struct ipv4_header header, struct view options,
                                          struct view payload)
{
    static uint8_t frame[PACKET_TOTAL_MAX + 64];
    uint8_t whole_header[60];
    struct writer writer = writer_over(SPAN_OF(frame));
    struct checksum sum = { 0 };
    header.checksum = 0;
    (void)span_copy(SPAN_OF(whole_header), VIEW_OF(header));
    (void)span_copy(span_from_offset(SPAN_OF(whole_header), sizeof header), options);
    struct view header_view = view_first(VIEW_OF(whole_header),
                                         sizeof header + options.length_bytes);
    checksum_add(&sum, header_view);
    uint16_t checksum = checksum_finish(&sum);
    (void)span_copy(span_from_offset(SPAN_OF(whole_header), offsetof(struct ipv4_header, checksum)),
                    VIEW_OF(checksum));
    if (world->has_ethernet)
        world_put_frame(&writer, destination, &world_neighbour_mac, ETHERTYPE_IPV4);
    writer_put(&writer, header_view);
    writer_put(&writer, payload);
    expect(!writer.ran_short);
    world_give(world, writer_view(&writer));
}

static inline void world_give_datagram(struct world *world, struct ipv4_header header,
                                       struct view payload)
{
    world_give_datagram_to(world, &world_mac, header, VIEW(""), payload);
}

/* Reads the oldest frame sent, which must be a datagram with a sound header. */
static inline struct view world_take_datagram(struct world *world, struct ipv4_header *header,
                                              struct mac *destination)
{
    struct view frame = world_take(world);
    if (world->has_ethernet) {
        expect_that(frame.length_bytes, >=, 34);
        (void)span_copy(SPAN_OF(*destination), view_first(frame, 6));
        expect_view(view_slice(frame, 6, 6), VIEW_OF(world_mac));
        expect_view(view_slice(frame, 12, 2), VIEW("\x08\x00"));
        frame = view_from_offset(frame, 14);
    }
    expect_that(frame.length_bytes, >=, 20);
    *header = ipv4_header_at(frame);
    expect_that(header->version_and_length, ==, 0x45);
    expect_that(__builtin_bswap16(header->total_length), ==, frame.length_bytes);
    expect_that(ipv4_header_checksum(header), ==, 0);
    return view_from_offset(frame, 20);
}

static inline struct packet *world_packet(struct world *world, struct view bytes)
{
    struct packet *first = packet_take(&world->pool, PACKET_FOR_DATA), *packet = first;
    expect(first != NULL);
    for (;;) {
        size_t part_bytes = MIN(bytes.length_bytes, packet_room_behind(packet));
        (void)span_copy(packet_put(packet, part_bytes), view_first(bytes, part_bytes));
        bytes = view_from_offset(bytes, part_bytes);
        if (view_is_empty(bytes)) return first;
        packet->rest = packet_take(&world->pool, PACKET_FOR_DATA);
        packet = packet->rest;
        expect(packet != NULL);
        packet->offset = 0;
    }
}

static inline struct ip_outgoing world_outgoing(uint32_t destination)
{
    return (struct ip_outgoing){ .destination = address_from_number(destination),
                                 .protocol = WORLD_PROTOCOL };
}

static inline enum result world_send(struct world *world, uint32_t destination, struct view bytes)
{
    const struct ip_outgoing outgoing = world_outgoing(destination);
    return ip_send(&world->ipv4.ip, world_packet(world, bytes), &outgoing);
}

/* ---- opening and closing ---- */

static inline void world_open_with(struct world *world, const struct world_options *options)
{
    const struct address host = address_from_number(WORLD_HOST),
                         gateway = address_from_number(WORLD_GATEWAY),
                         everywhere = { .family = ADDRESS_IPV4 };
    world_open_layers(world, options);
    expect_ok(ipv4_add_address(&world->ipv4, &host, 24));
    expect_ok(ipv4_add_route(&world->ipv4, &everywhere, 0, &gateway, 0));
    world_pass(world, 3 * S_NS);
    expect_that(world_forget_sent(world), ==, world->has_ethernet ? 2 : 0); /* announcements */
}

static inline void world_open(struct world *world)
{
    world_open_with(world, &(const struct world_options){ .link = NET_ETHERNET });
    world_introduce(world, WORLD_NEIGHBOUR, &world_neighbour_mac);
}

static inline void world_close(struct world *world)
{
    world_forget_sent(world);
    ipv4_close(&world->ipv4);
    if (world->has_ethernet) arp_close(&world->arp);
    ethernet_close(&world->ethernet);
    packet_pool_close(&world->pool); /* every packet is back */
}

#endif
