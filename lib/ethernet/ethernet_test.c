/* ethernet_test.c - frames in and out, over a net that records them.
 *
 * SPDX-License-Identifier: ISC */
#include "ethernet/ethernet.h"

#include "ethernet/net_record.h"
#include "packet/checksum.h"
#include "test/test.h"

#define SECOND_TYPE 0x1234

struct sink {
    struct ethernet_protocol protocol;
    size_t count;
    struct ethernet_incoming incoming;
    uint8_t bytes[PACKET_TOTAL_MAX];
    size_t length_bytes;
};

static void sink_input(struct ethernet_protocol *protocol, struct packet *packet,
                       const struct ethernet_incoming *incoming)
{
    struct sink *sink = CONTAINER_OF(protocol, struct sink, protocol);
    sink->count++;
    sink->incoming = *incoming;
    sink->length_bytes = packet_total_bytes(packet);
    packet_copy_out(packet, 0, span_first(SPAN_OF(sink->bytes), sink->length_bytes));
    packet_drop(packet);
}

static void ready(struct net_user *user)
{
    (void)user;
}

static struct {
    struct net_record record;
    struct net_user user;
    struct packet_pool pool;
    struct ethernet ethernet;
    struct sink ipv4, second;
    uint8_t room[PACKET_TOTAL_MAX];
} world;

static void world_open(enum net_link link, uint8_t offloads)
{
    world.user.ready = ready;
    world.ipv4 = (struct sink){ .protocol = { .type = ETHERTYPE_IPV4, .input = sink_input } };
    world.second = (struct sink){ .protocol = { .type = SECOND_TYPE, .input = sink_input } };
    expect_ok(packet_pool_open(&world.pool, 256));
    net_record_open(&world.record, link, offloads);
    ethernet_open(&world.ethernet, &world.record.net, &world.user, &world.pool);
    ethernet_attach(&world.ethernet, &world.ipv4.protocol);
    ethernet_attach(&world.ethernet, &world.second.protocol);
}

static void world_close(void)
{
    ethernet_close(&world.ethernet);
    packet_pool_close(&world.pool); /* every packet is back */
}

static const uint8_t frame_to_us[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0, 'h', 'e', 'y' };

static void give_and_poll(struct view frame)
{
    net_record_give(&world.record, frame);
    (void)ethernet_poll(&world.ethernet);
}

static void give_to(const struct mac *destination)
{
    uint8_t frame[sizeof frame_to_us];
    (void)span_copy(SPAN_OF(frame), VIEW_OF(frame_to_us));
    (void)span_copy(SPAN_OF(frame), VIEW_OF(*destination));
    give_and_poll(VIEW_OF(frame));
}

TEST(ethernet_hands_frames_to_their_protocol)
{
    world_open(NET_ETHERNET, 0);
    give_and_poll(VIEW_OF(frame_to_us));
    expect_that(world.ipv4.count, ==, 1);
    expect_that(world.second.count, ==, 0);
    expect_view(view_from(world.ipv4.bytes, world.ipv4.length_bytes), VIEW("hey"));
    const struct mac source = { { 2, 0, 0, 0, 0, 9 } };
    expect(mac_equal(&world.ipv4.incoming.source, &source));
    expect(!world.ipv4.incoming.to_many);

    uint8_t other[sizeof frame_to_us];
    (void)span_copy(SPAN_OF(other), VIEW_OF(frame_to_us));
    other[12] = 0x12;
    other[13] = 0x34;
    give_and_poll(VIEW_OF(other));
    expect_that(world.second.count, ==, 1);
    other[13] = 0x35;
    give_and_poll(VIEW_OF(other));
    expect_that(world.ethernet.statistics.unknown_type, ==, 1);
    world_close();
}

TEST(ethernet_takes_what_is_for_us_or_all)
{
    world_open(NET_ETHERNET, 0);
    give_to(&mac_broadcast);
    expect_that(world.ipv4.count, ==, 1);
    expect(world.ipv4.incoming.to_many);
    const struct mac all_hosts = { { 0x01, 0x00, 0x5e, 0, 0, 1 } }; /* RFC 1112 6.4 */
    give_to(&all_hosts);
    expect_that(world.ipv4.count, ==, 2);
    const struct mac group = { { 0x01, 0x00, 0x5e, 0, 0, 2 } };
    const struct mac other = { { 2, 0, 0, 0, 0, 2 } };
    give_to(&group);
    give_to(&other);
    expect_that(world.ipv4.count, ==, 2);
    expect_that(world.ethernet.statistics.not_for_us, ==, 2);
    world_close();
}

TEST(ethernet_refuses_groups_as_sources_and_lengths_as_types)
{
    world_open(NET_ETHERNET, 0);
    uint8_t frame[sizeof frame_to_us];
    (void)span_copy(SPAN_OF(frame), VIEW_OF(frame_to_us));
    frame[6] |= 1;
    give_and_poll(VIEW_OF(frame));
    (void)span_copy(SPAN_OF(frame), VIEW_OF(frame_to_us));
    frame[12] = 0x05; /* IEEE 802.3: up to 1500 is a length */
    frame[13] = 0xff;
    give_and_poll(VIEW_OF(frame));
    expect_that(world.ethernet.statistics.malformed, ==, 2);
    expect_that(world.ipv4.count, ==, 0);
    world_close();
}

TEST(ethernet_survives_frames_of_every_length)
{
    world_open(NET_ETHERNET, 0);
    for (size_t length = 0; length < sizeof frame_to_us; length++) {
        size_t before = world.ipv4.count;
        give_and_poll(view_first(VIEW_OF(frame_to_us), length));
        expect_that(world.ipv4.count - before, ==, length >= ETHERNET_HEADER_BYTES ? 1 : 0);
    }
    expect_that(world.ethernet.statistics.malformed, ==, ETHERNET_HEADER_BYTES);
    world_close();
}

/* The header may be cut into several buffers. */
TEST(ethernet_reads_a_header_over_several_buffers)
{
    world_open(NET_ETHERNET, 0);
    struct packet *first = packet_take(&world.pool, PACKET_FOR_RECEIVE), *part = first;
    for (size_t i = 0; i < sizeof frame_to_us; i++) {
        (void)span_copy(packet_put(part, 1), view_slice(VIEW_OF(frame_to_us), i, 1));
        if (i + 1 == sizeof frame_to_us) break;
        part->rest = packet_take(&world.pool, PACKET_FOR_RECEIVE);
        part = part->rest;
    }
    net_record_give_packet(&world.record, first);
    (void)ethernet_poll(&world.ethernet);
    expect_view(view_from(world.ipv4.bytes, world.ipv4.length_bytes), VIEW("hey"));
    world_close();
}

static struct packet *packet_of(struct view bytes)
{
    struct packet *packet = packet_take(&world.pool, PACKET_FOR_CONTROL);
    (void)span_copy(packet_put(packet, bytes.length_bytes), bytes);
    return packet;
}

TEST(ethernet_puts_its_header_in_front)
{
    world_open(NET_ETHERNET, 0);
    const struct mac peer = { { 2, 0, 0, 0, 0, 9 } };
    expect_ok(ethernet_send(&world.ethernet, packet_of(VIEW("hey")), &peer, ETHERTYPE_IPV4));
    expect_that(world.record.sent_count, ==, 0); /* not before the flush */
    ethernet_flush(&world.ethernet);
    expect_view(net_record_take(&world.record, SPAN_OF(world.room)),
                VIEW("\x02\x00\x00\x00\x00\x09\x02\x00\x00\x00\x00\x01\x08\x00hey"));
    world_close();
}

/* At most a burst waits for a ring that is full; then frames are refused, and the order stays. */
TEST(ethernet_keeps_a_burst_while_the_ring_is_full)
{
    world_open(NET_ETHERNET, 0);
    const struct mac peer = { { 2, 0, 0, 0, 0, 9 } };
    world.record.ring_room = 10;
    size_t accepted = 0;
    for (uint8_t i = 0; i < 100; i++)
        if (ethernet_send(&world.ethernet, packet_of(VIEW_OF(i)), &peer, ETHERTYPE_IPV4) == OK)
            accepted++;
    expect_that(accepted, ==, NET_BURST_MAX + 10);
    expect_that(world.ethernet.statistics.ring_full, ==, 100 - accepted);
    ethernet_flush(&world.ethernet);
    expect(ethernet_is_blocked(&world.ethernet));
    world.record.ring_room = SIZE_MAX;
    ethernet_flush(&world.ethernet);
    expect(!ethernet_is_blocked(&world.ethernet));
    for (size_t i = 0; i < accepted; i++) {
        struct view frame = net_record_take(&world.record, SPAN_OF(world.room));
        expect_that(view_byte(frame, ETHERNET_HEADER_BYTES), ==, i);
    }
    world_close();
}

TEST(ethernet_completes_checksums_for_a_net_that_does_not)
{
    for (unsigned completes = 0; completes < 2; completes++) {
        world_open(NET_ETHERNET, completes ? NET_SENDS_CHECKSUMS : 0);
        struct packet *packet = packet_of(VIEW("\x00\x00words!"));
        packet->checksum = PACKET_CHECKSUM_PARTIAL;
        packet->checksum_start = packet->checksum_offset = packet->offset;
        struct checksum sum = { 0 };
        checksum_add(&sum, packet_view(packet));
        uint16_t wanted = completes ? 0 : checksum_finish(&sum);
        expect_ok(ethernet_send(&world.ethernet, packet, &mac_broadcast, ETHERTYPE_IPV4));
        ethernet_flush(&world.ethernet);
        struct view frame = net_record_take(&world.record, SPAN_OF(world.room));
        expect_view(view_slice(frame, ETHERNET_HEADER_BYTES, 2), VIEW_OF(wanted));
        world_close();
    }
}

TEST(ethernet_hides_a_net_of_bare_ip)
{
    world_open(NET_IP, 0);
    give_and_poll(VIEW("\x45 datagram"));
    expect_view(view_from(world.ipv4.bytes, world.ipv4.length_bytes), VIEW("\x45 datagram"));
    give_and_poll(VIEW("\x60 of IPv6"));
    give_and_poll(VIEW("\x00 of nothing"));
    give_and_poll(VIEW(""));
    expect_that(world.ipv4.count, ==, 1);
    expect_that(world.ethernet.statistics.unknown_type, ==, 2);
    expect_that(world.ethernet.statistics.malformed, ==, 1);
    expect_ok(ethernet_send(&world.ethernet, packet_of(VIEW("bare")), NULL, ETHERTYPE_IPV4));
    ethernet_flush(&world.ethernet);
    expect_view(net_record_take(&world.record, SPAN_OF(world.room)), VIEW("bare"));
    world_close();
}

TEST(ethernet_polls_a_burst_at_a_time)
{
    world_open(NET_ETHERNET, 0);
    for (size_t i = 0; i < NET_BURST_MAX + 1; i++)
        net_record_give(&world.record, VIEW_OF(frame_to_us));
    expect(ethernet_poll(&world.ethernet));
    expect_that(world.ipv4.count, ==, NET_BURST_MAX);
    expect(ethernet_poll(&world.ethernet));
    expect_that(world.ipv4.count, ==, NET_BURST_MAX + 1);
    expect(!ethernet_poll(&world.ethernet));
    world_close();
}

TEST(ethernet_close_gives_everything_back)
{
    world_open(NET_ETHERNET, 0);
    world.record.ring_room = 0;
    expect_ok(ethernet_send(&world.ethernet, packet_of(VIEW("hey")), &mac_broadcast, 0x0800));
    net_record_give(&world.record, VIEW_OF(frame_to_us));
    world_close();
}
