/* net_mark_suite.c - cases for every net: checksums and segments, as far as it has such offloads.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_check.h"
#include "net/net_suite.h"
#include "packet/checksum.h"

#define SEGMENT_BYTES 500

static uint8_t scratch[PACKET_TOTAL_MAX], came[PACKET_TOTAL_MAX];

static size_t headers_bytes(const struct net_world *world, bool is_ipv6)
{
    return net_link_bytes(world->near.net) + (is_ipv6 ? 40u : 20u) + 20u;
}

/* The headers in a packet, the payload borrowed, half a checksum, the marks set. */
static struct packet *partial_packet(struct net_world *world, const struct net_suite_tcp *tcp)
{
    struct view frame = net_suite_tcp_frame(world, tcp, SPAN_OF(scratch));
    struct packet *packet = packet_take(&world->near.pool, PACKET_FOR_CONTROL);
    size_t head_bytes = headers_bytes(world, tcp->is_ipv6);
    (void)span_copy(packet_put(packet, head_bytes), view_first(frame, head_bytes));
    packet_borrow(packet, view_from_offset(frame, head_bytes), NULL);
    packet->checksum = PACKET_CHECKSUM_PARTIAL;
    packet->checksum_start = (uint16_t)(packet->offset + head_bytes - 20);
    packet->checksum_offset = (uint16_t)(packet->checksum_start + 16);

    size_t ip_offset = net_link_bytes(world->near.net), source = tcp->is_ipv6 ? 8 : 12;
    struct checksum checksum = { 0 };
    checksum_add(&checksum, view_slice(frame, ip_offset + source, tcp->is_ipv6 ? 32 : 8));
    checksum.sum += __builtin_bswap32((uint32_t)(20 + tcp->payload_bytes));
    checksum.sum += 6u << 8;
    uint16_t field = checksum_fold(&checksum);
    (void)span_copy(span_from_offset(packet_span(packet), head_bytes - 4), VIEW_OF(field));
    return packet;
}

void net_case_sends_checksums(struct net_fixture *fixture)
{
    struct net_world *world = net_suite_open(fixture);
    if ((world->near.net->offloads & NET_SENDS_CHECKSUMS) == 0) {
        net_suite_close(world);
        test_skip("it completes no checksums");
    }
    for (uint32_t i = 0; i < 40; i++) {
        const struct net_suite_tcp tcp = { .outward = true,
                                           .is_ipv6 = i % 2 == 1,
                                           .sequence = i * 100003,
                                           .flags = 0x10,
                                           .payload_bytes = 10 + i };
        struct net_suite_tcp found;
        struct packet *packet = partial_packet(world, &tcp);
        expect_that(net_send(world->near.net, &packet, 1), ==, 1);
        net_suite_check_tcp(world, net_suite_collect(world, SPAN_OF(came)), &found);
        expect_that(found.sequence, ==, tcp.sequence);
        expect_that(found.payload_bytes, ==, tcp.payload_bytes);
    }
    net_suite_close(world);
}

/* Whatever its pieces are when they come: in order, none missing, the flags where they belong. */
static void expect_pieces(struct net_world *world, const struct net_suite_tcp *tcp)
{
    uint32_t next = tcp->sequence, end = tcp->sequence + (uint32_t)tcp->payload_bytes;
    while (next != end) {
        struct net_suite_tcp found;
        net_suite_check_tcp(world, net_suite_collect(world, SPAN_OF(came)), &found);
        expect_that(found.sequence, ==, next);
        expect_that(found.is_ipv6, ==, tcp->is_ipv6);
        bool is_first = next == tcp->sequence;
        next += (uint32_t)found.payload_bytes;
        expect_that((found.flags & 0x80) != 0, ==, is_first);       /* CWR */
        expect_that((found.flags & 0x09) == 0x09, ==, next == end); /* FIN, PSH */
        if (next != end) expect_that(found.payload_bytes % SEGMENT_BYTES, ==, 0);
    }
}

static void sends_segments(struct net_fixture *fixture, bool is_ipv6)
{
    struct net_world *world = net_suite_open(fixture);
    uint8_t wanted = is_ipv6 ? NET_SENDS_SEGMENTS_IPV6 : NET_SENDS_SEGMENTS_IPV4;
    if ((world->near.net->offloads & wanted) == 0) {
        net_suite_close(world);
        test_skip("it cuts no segments of this family");
    }
    static const size_t lengths[] = { 501, 1000, 7777, 7500, 20000, 65535 - 60 };
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        const struct net_suite_tcp tcp = { .outward = true,
                                           .is_ipv6 = is_ipv6,
                                           .sequence = (uint32_t)(0xffffff00u + i * 7),
                                           .flags = 0x99, /* CWR, ACK, PSH, FIN */
                                           .payload_bytes = lengths[i] };
        struct packet *packet = partial_packet(world, &tcp);
        packet->segmentation = is_ipv6 ? PACKET_SEGMENT_TCP_IPV6 : PACKET_SEGMENT_TCP_IPV4;
        packet->segment_bytes = SEGMENT_BYTES;
        expect_that(net_send(world->near.net, &packet, 1), ==, 1);
        expect_pieces(world, &tcp);
    }
    net_suite_close(world);
}

void net_case_sends_segments_ipv4(struct net_fixture *fixture)
{
    sends_segments(fixture, false);
}

void net_case_sends_segments_ipv6(struct net_fixture *fixture)
{
    sends_segments(fixture, true);
}

/* RFC 9293 3.1: a segment with a wrong checksum is never one to be believed. */
void net_case_vouches_for_no_wrong_checksum(struct net_fixture *fixture)
{
    struct net_world *world = net_suite_open(fixture);
    for (uint32_t i = 0; i < 8; i++) {
        const struct net_suite_tcp tcp = { .outward = world->other == &world->near,
                                           .sequence = 77,
                                           .flags = 0x10,
                                           .payload_bytes = 100 + i };
        struct view frame = net_suite_tcp_frame(world, &tcp, SPAN_OF(scratch));
        if (i % 2 == 1) scratch[frame.length_bytes - 1] ^= 0x40;
        net_suite_inject(world, frame);
        struct packet *packet = net_suite_receive(world);
        expect_that(packet_total_bytes(packet), ==, frame.length_bytes);
        if (i % 2 == 1) expect_that(packet->checksum, ==, PACKET_CHECKSUM_UNKNOWN);
        packet_drop(packet);
    }
    net_suite_close(world);
}
