/* net_carry_suite.c - cases for every net: frames arrive whole, in order, and what they borrowed
 * comes back.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_check.h"
#include "net/net_suite.h"

/* An Ethernet frame's least payload (IEEE 802.3 4.2.3.3); so short ones are padded by nobody. */
#define LEAST_BYTES 46

static uint8_t scratch[UINT16_MAX];

static void inject(struct net_world *world, uint32_t number, size_t datagram_bytes)
{
    net_suite_inject(world,
                     net_suite_frame(world, false, number, datagram_bytes, SPAN_OF(scratch)));
}

/* ---- carrying ---- */

void net_case_carries_frames_both_ways(struct net_fixture *fixture)
{
    struct net_world *world = net_suite_open(fixture);
    for (uint32_t number = 1; number < 20; number++) {
        net_suite_send(world, number, 100);
        net_suite_expect_sent(world, number, 100);
        inject(world, 1000 + number, 200);
        net_suite_expect_received(world, 1000 + number, 200);
    }
    net_suite_close(world);
}

void net_case_carries_every_length(struct net_fixture *fixture)
{
    struct net_world *world = net_suite_open(fixture);
    uint32_t number = 0;
    for (size_t bytes = LEAST_BYTES; bytes <= world->near.net->mtu_bytes;) {
        net_suite_send(world, ++number, bytes);
        net_suite_expect_sent(world, number, bytes);
        inject(world, number, bytes);
        net_suite_expect_received(world, number, bytes);
        if (bytes == world->near.net->mtu_bytes) break;
        bytes = MIN(bytes + (bytes < 80 ? 1u : 97u), world->near.net->mtu_bytes);
    }
    net_suite_close(world);
}

void net_case_carries_bursts_in_order(struct net_fixture *fixture)
{
    struct net_world *world = net_suite_open(fixture);
    struct packet *burst[NET_BURST_MAX];
    uint32_t count = (uint32_t)MIN(fixture->held_frames_max, NET_BURST_MAX);
    for (uint32_t round = 0; round < 5; round++) {
        for (uint32_t i = 0; i < count; i++)
            burst[i] = net_suite_packet(world, round * 100 + i, LEAST_BYTES + i * 7);
        expect_that(net_send(world->near.net, burst, count), ==, count);
        for (uint32_t i = 0; i < count; i++)
            net_suite_expect_sent(world, round * 100 + i, LEAST_BYTES + i * 7);
        for (uint32_t i = 0; i < count; i++)
            inject(world, 5000 + i, LEAST_BYTES + i * 7);
        for (uint32_t i = 0; i < count; i++)
            net_suite_expect_received(world, 5000 + i, LEAST_BYTES + i * 7);
    }
    net_suite_close(world);
}

/* A frame whose bytes stand here and there: some in the packet, some borrowed, some in its rest. */
void net_case_carries_frames_in_pieces(struct net_fixture *fixture)
{
    struct net_world *world = net_suite_open(fixture);
    for (uint32_t number = 1; number < 200; number++) {
        struct view frame = net_suite_frame(world, true, number, 400, SPAN_OF(scratch));
        struct packet *packet = packet_take(&world->near.pool, PACKET_FOR_CONTROL);
        struct packet *rest = packet_take(&world->near.pool, PACKET_FOR_CONTROL);
        size_t first_bytes = net_link_bytes(world->near.net) + number % 50;
        (void)span_copy(packet_put(packet, first_bytes), view_first(frame, first_bytes));
        frame = view_from_offset(frame, first_bytes);
        for (size_t i = 0; i < number % 7; i++) {
            size_t part_bytes = i * 11 % 40 + 1;
            packet_borrow(packet, view_first(frame, part_bytes), NULL);
            frame = view_from_offset(frame, part_bytes);
        }
        packet->rest = rest;
        (void)span_copy(packet_put(rest, number % 64), view_first(frame, number % 64));
        packet_borrow(rest, view_from_offset(frame, number % 64), NULL);
        expect_that(net_send(world->near.net, &packet, 1), ==, 1);
        net_suite_expect_sent(world, number, 400);
    }
    net_suite_close(world);
}

/* ---- buffers ---- */

void net_case_receives_into_the_pool(struct net_fixture *fixture)
{
    struct net_world *world = net_suite_open(fixture);
    size_t bytes = MIN(world->near.net->mtu_bytes, 1500);
    inject(world, 1, bytes);
    struct packet *packet = net_suite_receive(world);
    expect(packet->pool == &world->near.pool);
    expect_that(packet->payload.references, ==, 1);
    expect_that(packet->fragment_count, ==, 0);
    expect(packet->rest == NULL && packet->next == NULL);
    expect_that(packet->length_bytes, ==, bytes + net_link_bytes(world->near.net));
    expect_that(packet->segmentation, ==, PACKET_SEGMENT_NONE);
    if ((world->near.net->offloads & NET_RECEIVES_CHECKSUMS) == 0)
        expect_that(packet->checksum, ==, PACKET_CHECKSUM_UNKNOWN);
    packet_drop(packet);
    net_suite_close(world);
}

static struct net_loan loan;

/* A net may keep buffers for what comes. */
static size_t free_at_rest_count;

static bool all_is_back(struct net_world *world)
{
    if (world->other != NULL) net_queue_drop_all(&world->other->received);
    /* A host's end may hold a frame until it is collected. */
    if (world->other == NULL) (void)world->fixture->collect(world->fixture, SPAN_OF(scratch));
    net_queue_drop_all(&world->near.received);
    return loan.payload.references == 1 && world->near.pool.free_count == free_at_rest_count;
}

static struct packet *borrowing_packet(struct net_world *world, uint32_t number)
{
    struct packet *packet = net_suite_packet(world, number, LEAST_BYTES);
    packet_borrow(packet, VIEW_OF(loan.bytes), &loan.payload);
    struct packet *rest = packet_take(&world->near.pool, PACKET_FOR_DATA);
    packet->rest = rest;
    return packet;
}

void net_case_gives_back_what_has_gone(struct net_fixture *fixture)
{
    struct net_world *world = net_suite_open(fixture);
    net_suite_lend(&loan);
    free_at_rest_count = world->near.pool.free_count;
    for (uint32_t number = 0; number < 10; number++) {
        struct packet *packet = borrowing_packet(world, number);
        size_t total_bytes = packet_total_bytes(packet);
        packet_trim(packet, MIN(total_bytes, world->near.net->mtu_bytes));
        expect_that(net_send(world->near.net, &packet, 1), ==, 1);
    }
    expect(net_suite_wait(world, all_is_back));
    net_suite_close(world);
}

static void drain(struct net_world *world, struct net_queue *drained)
{
    for (;;) {
        struct packet *packet = packet_take(&world->near.pool, PACKET_FOR_RECEIVE);
        if (packet == NULL) return;
        net_queue_put(drained, packet);
    }
}

static uint32_t number_of(const struct net_world *world, const struct packet *packet)
{
    uint32_t number;
    size_t offset = world->near.net->link == NET_ETHERNET ? NET_ETHERNET_BYTES : 20;
    packet_copy_out(packet, offset, SPAN_OF(number));
    return __builtin_bswap32(number);
}

/* What came while there was no buffer is lost or waits; what comes later arrives. */
void net_case_lives_through_an_empty_pool(struct net_fixture *fixture)
{
    struct net_world *world = net_suite_open(fixture);
    struct net_queue drained = { 0 };
    drain(world, &drained);
    for (uint32_t number = 1; number <= 3; number++)
        inject(world, number, 100);
    net_suite_be_quiet();
    net_queue_drop_all(&drained);
    inject(world, 4, 100);
    for (uint32_t number = 0; number != 4;) {
        struct packet *packet = net_suite_receive(world);
        expect_that(number_of(world, packet), >, number);
        number = number_of(world, packet);
        packet_drop(packet);
    }
    net_suite_close(world);
}

void net_case_counts_what_passes(struct net_fixture *fixture)
{
    struct net_world *world = net_suite_open(fixture);
    const struct net_statistics before = world->near.net->statistics;
    size_t head_bytes = net_link_bytes(world->near.net);
    for (uint32_t number = 0; number < 10; number++) {
        net_suite_send(world, number, 300);
        net_suite_expect_sent(world, number, 300);
    }
    expect_that(world->near.net->statistics.sent_frames, ==, before.sent_frames + 10);
    expect_that(world->near.net->statistics.sent_bytes, ==,
                before.sent_bytes + 10 * (300 + head_bytes));
    const struct net_statistics sent = world->near.net->statistics;
    for (uint32_t number = 0; number < 7; number++) {
        inject(world, number, 500);
        net_suite_expect_received(world, number, 500);
    }
    /* A host may have sent something of its own besides. */
    expect_that(world->near.net->statistics.received_frames, >=, sent.received_frames + 7);
    expect_that(world->near.net->statistics.received_bytes, >=,
                sent.received_bytes + 7 * (500 + head_bytes));
    net_suite_close(world);
}
