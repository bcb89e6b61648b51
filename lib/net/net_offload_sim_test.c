/* net_offload_sim_test.c - the conformance suite of nets on net_offload, over nets that do nothing
 * and over nets that do all; and what it keeps when there is no room below.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_frames.h"
#include "net/net_offload.h"
#include "net/net_pair.h"
#include "net/net_suite.h"

#define ALL_OFFLOADS \
    (NET_SENDS_CHECKSUMS | NET_SENDS_SEGMENTS_IPV4 | NET_SENDS_SEGMENTS_IPV6 | \
     NET_RECEIVES_CHECKSUMS | NET_RECEIVES_SEGMENTS)

struct offload_fixture {
    struct net_fixture fixture;
    struct net_pair_options options;
    bool both; /* ends have a net_offload */
    struct net_pair pair;
    struct net_offload near, far;
};

static struct net *offload_open(struct net_fixture *fixture, struct net **far)
{
    struct offload_fixture *ours = CONTAINER_OF(fixture, struct offload_fixture, fixture);
    net_pair_open(&ours->pair, &ours->options);
    net_offload_open(&ours->near, &ours->pair.a.net);
    net_offload_open(&ours->far, &ours->pair.b.net);
    *far = ours->both ? &ours->far.net : &ours->pair.b.net;
    return &ours->near.net;
}

static void offload_close(struct net_fixture *fixture)
{
    struct offload_fixture *ours = CONTAINER_OF(fixture, struct offload_fixture, fixture);
    net_offload_close(&ours->far);
    net_offload_close(&ours->near);
    net_pair_close(&ours->pair);
}

static struct offload_fixture bare = {
    .fixture = { .open = offload_open, .close = offload_close, .held_frames_max = 64 },
    .options = { .mtu_bytes = 1500, .ring_count = 64 },
};
static struct offload_fixture both = {
    .fixture = { .open = offload_open, .close = offload_close, .held_frames_max = 64 },
    .options = { .mtu_bytes = 1500, .ring_count = 64 },
    .both = true,
};
static struct offload_fixture checksums = {
    .fixture = { .open = offload_open, .close = offload_close, .held_frames_max = 64 },
    .options = { .mtu_bytes = 1500,
                 .ring_count = 64,
                 .offloads = NET_SENDS_CHECKSUMS | NET_RECEIVES_CHECKSUMS },
    .both = true,
};
static struct offload_fixture all = {
    .fixture = { .open = offload_open, .close = offload_close, .held_frames_max = 16 },
    .options = { .mtu_bytes = 1500, .ring_count = 16, .offloads = ALL_OFFLOADS },
};
static struct offload_fixture ip = {
    .fixture = { .open = offload_open, .close = offload_close, .held_frames_max = 64 },
    .options = { .mtu_bytes = 1500, .ring_count = 64, .link = NET_IP },
    .both = true,
};

NET_SUITE(net_offload, &bare.fixture)
NET_SUITE(net_offload_both, &both.fixture)
NET_SUITE(net_offload_checksums, &checksums.fixture)
NET_SUITE(net_offload_all, &all.fixture)
NET_SUITE(net_offload_ip, &ip.fixture)

/* ---- without room ---- */

#define SEGMENTS 45u

static uint8_t scratch[70000];

/* A frame of SEGMENTS segments from the near end. */
static struct packet *large_packet(struct net_world *world, uint32_t sequence)
{
    const struct net_frame frame = { .sequence = sequence,
                                     .flags = NET_TCP_ACK,
                                     .hop_limit = 64,
                                     .payload_bytes = SEGMENTS * 1400 };
    struct view bytes = net_frame_write(&frame, SPAN_OF(scratch));
    struct packet *packet = packet_take(&world->near.pool, PACKET_FOR_CONTROL);
    (void)span_copy(packet_put(packet, 54), view_first(bytes, 54));
    packet_borrow(packet, view_from_offset(bytes, 54), NULL);
    packet->segmentation = PACKET_SEGMENT_TCP_IPV4;
    packet->segment_bytes = 1400;
    packet->checksum = PACKET_CHECKSUM_PARTIAL;
    packet->checksum_start = (uint16_t)(packet->offset + 34);
    packet->checksum_offset = (uint16_t)(packet->offset + 50);
    return packet;
}

static size_t expected;

static bool has_come(struct net_world *world)
{
    return world->far.received.count >= expected;
}

static void expect_stream(struct net_world *world, uint32_t sequence, size_t segments)
{
    expected = segments;
    expect(net_suite_wait(world, has_come));
    for (size_t i = 0; i < segments; i++) {
        struct packet *packet = net_queue_take(&world->far.received);
        struct net_segment segment;
        expect(net_segment_parse(packet, NET_ETHERNET, &segment));
        struct net_tcp_header tcp = net_segment_tcp(packet_view(packet), &segment);
        expect_that(__builtin_bswap32(tcp.sequence), ==, sequence);
        sequence += segment.ip_offset + segment.datagram_bytes - segment.payload_offset;
        packet_drop(packet);
    }
}

/* A ring of sixteen takes frames of 45 segments bit by bit: the second is cut as far as there is
 * room to keep its segments, and until it is done no other is accepted. */
TEST(net_offload_keeps_what_finds_no_room)
{
    static struct offload_fixture small = {
        .fixture = { .open = offload_open, .close = offload_close },
        .options = { .mtu_bytes = 1500, .ring_count = 16 },
    };
    struct net_world *world = net_suite_open(&small.fixture);
    for (uint32_t round = 0; round < 3; round++) {
        struct packet *burst[3];
        for (uint32_t i = 0; i < 3; i++)
            burst[i] = large_packet(world, i * SEGMENTS * 1400);
        world->far.holds_back = true;
        expect_that(net_send(world->near.net, burst, 3), ==, 2);
        expect(net_cut_goes_on(&small.near.cut));
        expect_that(net_send(world->near.net, &burst[2], 1), ==, 0);
        (void)fiber_sleep(MS_NS);
        expect_that(small.pair.a.sent.count, ==, 16);
        if (round == 1) {
            net_detach(world->near.net);
            packet_drop(burst[2]);
            expect_that(world->near.pool.free_count, ==, world->near.pool.count);
            net_attach(world->near.net, &world->near.user, &world->near.pool);
            continue;
        }
        world->far.holds_back = false;
        expect_stream(world, 0, (size_t)2 * SEGMENTS);
        expect_that(net_send(world->near.net, &burst[2], 1), ==, 1);
        expect_stream(world, 2 * SEGMENTS * 1400, SEGMENTS);
    }
    net_suite_close(world);
}

TEST(net_offload_goes_on_when_the_pool_has_packets_again)
{
    struct net_world *world = net_suite_open(&bare.fixture);
    struct net_queue taken = { 0 };
    struct packet *packet = large_packet(world, 0);
    while (world->near.pool.free_count > 10)
        net_queue_put(&taken, packet_take(&world->near.pool, PACKET_FOR_CONTROL));
    expect_that(net_send(world->near.net, &packet, 1), ==, 1);
    expect_stream(world, 0, 10);
    net_queue_drop_all(&taken);
    struct packet *none;
    expect_that(net_receive(world->near.net, &none, 1), ==, 0);
    expect_stream(world, 10 * 1400, SEGMENTS - 10);
    net_suite_close(world);
}

TEST(net_offload_refuses_for_good_what_is_no_segment)
{
    struct net_world *world = net_suite_open(&bare.fixture);
    struct packet *packet = large_packet(world, 0);
    packet_span(packet).bytes[14] = 0x55;
    expect_that(net_send(world->near.net, &packet, 1), ==, 1);
    expect_that(world->near.net->statistics.send_errors, ==, 1);
    expect_that(world->near.pool.free_count, ==, world->near.pool.count);
    net_suite_close(world);
}

/* Both ways through: cut by one end, put together by the other. */
TEST(net_offload_puts_together_what_the_other_cut)
{
    struct net_world *world = net_suite_open(&both.fixture);
    struct packet *packet = large_packet(world, 0);
    expect_that(net_send(world->near.net, &packet, 1), ==, 1);
    expected = 1;
    expect(net_suite_wait(world, has_come));
    size_t frames = 0, bytes = 0;
    while (bytes < (size_t)SEGMENTS * 1400) {
        expect(net_suite_wait(world, has_come));
        packet = net_queue_take(&world->far.received);
        expect_that(packet->checksum, ==, PACKET_CHECKSUM_GOOD);
        bytes += packet_total_bytes(packet) - 54;
        frames++;
        packet_drop(packet);
    }
    expect_that(bytes, ==, SEGMENTS * 1400);
    expect_that(frames, <=, 2);
    net_suite_close(world);
}
