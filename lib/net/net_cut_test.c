/* net_cut_test.c - frames of many segments, cut: what each header says, and nothing copied.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_cut.h"
#include "net/net_frames.h"
#include "test/test.h"

#define ALL_FLAGS \
    (NET_TCP_FIN | NET_TCP_PSH | NET_TCP_ACK | NET_TCP_URG | NET_TCP_ECE | NET_TCP_CWR)

static uint8_t scratch[70000], whole[70000];

static const struct net_frame large = {
    .sequence = 0xffffe000u,
    .acknowledgement = 5,
    .flags = ALL_FLAGS,
    .hop_limit = 64,
    .window = 7,
    .id = 65530,
    .fragment = 0x4000,
    .timestamp = 1,
    .payload_bytes = 10001,
};

/* Like a stack's: the headers in a packet, the payload borrowed in pieces of `piece_bytes`. */
static struct packet *marked_packet(const struct net_frame *frame, struct packet_pool *pool,
                                    struct payload *owner, size_t piece_bytes)
{
    struct view left = net_frame_write(frame, SPAN_OF(scratch));
    struct packet *packet = packet_take(pool, PACKET_FOR_CONTROL), *last = packet;
    size_t head_bytes = net_frame_head_bytes(frame);
    (void)span_copy(packet_put(packet, head_bytes), view_first(left, head_bytes));
    left = view_from_offset(left, head_bytes);
    while (left.length_bytes > 0) {
        if (!packet_can_borrow(last)) {
            last = last->rest = packet_take(pool, PACKET_FOR_CONTROL);
            expect(last != NULL);
        }
        size_t part_bytes = MIN(piece_bytes, left.length_bytes);
        /* Two owners in turn, so that no piece lengthens the one before it. */
        packet_borrow(last, view_first(left, part_bytes), last->fragment_count % 2 ? NULL : owner);
        left = view_from_offset(left, part_bytes);
    }
    packet->segmentation = frame->is_ipv6 ? PACKET_SEGMENT_TCP_IPV6 : PACKET_SEGMENT_TCP_IPV4;
    packet->segment_bytes = 1000;
    packet->checksum = PACKET_CHECKSUM_PARTIAL;
    return packet;
}

static bool released;

static void owner_released(struct payload *payload)
{
    (void)payload;
    released = true;
}

static void expect_segment(struct packet *packet, const struct net_frame *frame, uint32_t index,
                           bool partial)
{
    struct net_frame wanted = *frame;
    bool is_last = index == (frame->payload_bytes - 1) / 1000;
    wanted.sequence += index * 1000;
    wanted.payload_bytes = is_last ? frame->payload_bytes - index * 1000 : 1000;
    wanted.id = (uint16_t)(frame->id + index);
    if (index > 0) wanted.flags &= (uint8_t)~NET_TCP_CWR;
    if (!is_last) wanted.flags &= (uint8_t) ~(NET_TCP_FIN | NET_TCP_PSH);
    expect_that(packet->checksum, ==, partial ? PACKET_CHECKSUM_PARTIAL : PACKET_CHECKSUM_UNKNOWN);
    expect_that(packet->length_bytes, ==, net_frame_head_bytes(frame));
    if (partial) checksum_complete(packet);
    struct span room = span_from(whole, packet_total_bytes(packet));
    packet_copy_out(packet, 0, room);
    expect(view_equal(span_view(room), net_frame_write(&wanted, SPAN_OF(scratch))));
}

/* RFC 9293 3.1 and RFC 791 3.1 field by field: what is cut is what a stack would have sent. */
TEST(each_segment_is_as_if_sent_alone)
{
    static const size_t pieces[] = { 10001, 4096, 1000, 700, 33, 7 };
    struct packet_pool pool;
    expect_ok(packet_pool_open(&pool, 512));
    for (unsigned round = 0; round < 4 * LENGTH_OF(pieces); round++) {
        struct payload owner = { 1, owner_released };
        struct net_frame frame = large;
        struct net_cut cut;
        bool partial = round % 2 == 1;
        frame.is_ipv6 = round / 2 % 2 == 1;
        struct packet *packet = marked_packet(&frame, &pool, &owner, pieces[round / 4]);
        expect(net_cut_begin(&cut, packet, NET_ETHERNET, partial));
        for (uint32_t i = 0; i < 11; i++) {
            expect(net_cut_goes_on(&cut));
            struct packet *segment = net_cut_next(&cut, &pool);
            (void)net_frame_write(&frame, SPAN_OF(scratch));
            expect_segment(segment, &frame, i, partial);
            (void)net_frame_write(&frame, SPAN_OF(scratch));
            packet_drop(segment);
        }
        expect(!net_cut_goes_on(&cut));
        expect_that(owner.references, ==, 1);
        expect_that(pool.free_count, ==, 512);
    }
    expect(!released);
    packet_pool_close(&pool);
}

/* The payload of a packet is lent like any other: its buffer lives until the last segment goes. */
TEST(own_bytes_are_borrowed_too)
{
    struct packet_pool pool;
    struct net_frame frame = large;
    struct net_cut cut;
    expect_ok(packet_pool_open(&pool, 64));
    struct packet *packet = net_frame_packet(&frame, &pool, SPAN_OF(scratch));
    packet->segmentation = PACKET_SEGMENT_TCP_IPV4;
    packet->segment_bytes = 1000;
    expect(net_cut_begin(&cut, packet, NET_ETHERNET, false));
    struct packet *first = net_cut_next(&cut, &pool), *second = net_cut_next(&cut, &pool);
    net_cut_end(&cut);
    expect_segment(first, &frame, 0, false);
    expect_segment(second, &frame, 1, false);
    packet_drop(second);
    packet_drop(first);
    expect_that(pool.free_count, ==, 64);
    packet_pool_close(&pool);
}

TEST(a_dry_pool_changes_nothing)
{
    struct packet_pool pool, other;
    struct payload owner = { 1, owner_released };
    struct packet *taken[16];
    struct net_cut cut;
    expect_ok(packet_pool_open(&pool, 512));
    expect_ok(packet_pool_open(&other, 16));
    expect(net_cut_begin(&cut, marked_packet(&large, &pool, &owner, 10), NET_ETHERNET, false));
    for (uint32_t i = 0; i < 11; i++) {
        /* A segment of a hundred parts needs three packets: with any fewer there is none. */
        for (size_t left = 0; left < 3; left++) {
            size_t held = 0;
            while (other.free_count > left)
                taken[held++] = packet_take(&other, PACKET_FOR_CONTROL);
            struct packet *none = i < 10 ? net_cut_next(&cut, &other) : NULL;
            expect(none == NULL);
            while (held > 0)
                packet_drop(taken[--held]);
        }
        struct packet *segment = net_cut_next(&cut, &other);
        expect(segment != NULL);
        expect_segment(segment, &large, i, false);
        (void)net_frame_write(&large, SPAN_OF(scratch));
        packet_drop(segment);
    }
    expect_that(owner.references, ==, 1);
    packet_pool_close(&other);
    packet_pool_close(&pool);
}

TEST(what_is_no_segment_is_refused)
{
    struct packet_pool pool;
    struct net_cut cut;
    expect_ok(packet_pool_open(&pool, 64));
    for (size_t bytes = 0; bytes < net_frame_head_bytes(&large); bytes++) {
        struct packet *packet = net_frame_packet(&large, &pool, SPAN_OF(scratch));
        packet->segmentation = PACKET_SEGMENT_TCP_IPV4;
        packet->segment_bytes = 1000;
        packet_trim(packet, bytes);
        expect(!net_cut_begin(&cut, packet, NET_ETHERNET, false));
        expect(!net_cut_goes_on(&cut));
    }
    struct packet *packet = net_frame_packet(&large, &pool, SPAN_OF(scratch));
    packet->segmentation = PACKET_SEGMENT_TCP_IPV6;
    packet->segment_bytes = 1000;
    expect(!net_cut_begin(&cut, packet, NET_ETHERNET, false));
    packet = net_frame_packet(&large, &pool, SPAN_OF(scratch));
    packet->segmentation = PACKET_SEGMENT_TCP_IPV4;
    expect(!net_cut_begin(&cut, packet, NET_ETHERNET, false));
    expect_that(pool.free_count, ==, 64);
    packet_pool_close(&pool);
}
