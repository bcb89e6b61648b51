/* net_virtio_lies_sim_test.c - what a network card says of its frames: marks that are believed, and
 * cards that lie.
 *
 * SPDX-License-Identifier: ISC */
#include "base/writer.h"
#include "net/net_listener_suite.h"
#include "target/virtio/card_suite.h"
#include "target/virtio/net_virtio.h"
#include "test/test.h"

#define MAC_HERE  "\x02\x43\x41\x52\x44\x01"
#define MAC_THERE "\x02\x00\x00\x00\x00\x02"

#define OFFLOADS \
    (VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 | \
     VIRTIO_NET_F_GUEST_TSO6 | VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6)
#define MERGING (OFFLOADS | VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_MAC)

static struct card_suite card;
static struct net_virtio net;
static struct net_listener listener;
static struct machine_device_suite *const devices[] = { &card.device };
static uint8_t room[70000];

static const struct virtio_net_header none;

static void open_card(uint64_t offered, size_t packets)
{
    card_suite_init(&card, offered, 1500);
    machine_suite_open(devices, LENGTH_OF(devices));
    expect_ok(net_virtio_open(&net, VIEW("net")));
    net_listener_attach(&listener, &net.net, packets);
}

static void close_card(void)
{
    net_listener_detach(&listener, &net.net);
    net_virtio_close(&net);
    machine_suite_close();
}

/* A frame of IPv4 and TCP with a payload of so many bytes, counting up. */
static struct view frame_of(size_t payload_bytes)
{
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put(&writer, VIEW(MAC_HERE MAC_THERE "\x08\x00"));
    writer_put(&writer, VIEW("\x45\0\0\0\0\0\0\0\x40\x06\0\0\x0a\0\x02\x02\x0a\0\x02\x0f"));
    writer_put(&writer, VIEW("\x12\x34\x00\x50\0\0\0\1\0\0\0\2\x50\x10\x10\0\0\0\0\0"));
    for (size_t i = 0; i < payload_bytes; i++)
        writer_put_u8(&writer, (uint8_t)(i * 7 + i / 256));
    expect(!writer.ran_short);
    return writer_view(&writer);
}

/* Once the card has given all that it has. */
static void expect_none(void)
{
    machine_serve();
    net_expect_none(&net.net);
}

/* ---- what is true ---- */

static void frames_of_every_length(uint64_t offered)
{
    static const size_t lengths[] = { 0,    1,    100,  1460,  PACKET_PAYLOAD_MAX - 54,
                                      1803, 4000, 9000, 32768, PACKET_TOTAL_MAX - 54 };
    open_card(offered, 512);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
            struct view sent = frame_of(lengths[i]);
            card_suite_inject(&card, &none, sent);
            struct packet *packet = net_listener_receive(&listener, &net.net);
            net_expect_bytes(packet, sent);
            expect_that(packet->offset, ==, PACKET_HEADROOM);
            expect_that(packet->length_bytes, ==, MIN(sent.length_bytes, PACKET_PAYLOAD_MAX));
            packet_drop(packet);
        }
    }
    expect_that(net.net.statistics.received_frames, ==, 3 * LENGTH_OF(lengths));
    close_card();
}

TEST(frames_come_whole_at_every_length)
{
    frames_of_every_length(MERGING);
    frames_of_every_length(OFFLOADS);
}

TEST(what_a_card_is_called)
{
    open_card(MERGING, 64);
    expect(view_equal(VIEW_OF(net.net.mac), VIEW(MAC_HERE)));
    expect_that(net.net.mtu_bytes, ==, 1500);
    close_card();
    open_card(OFFLOADS,
              64); /* without an address: one is made, of one station and nobody's brand */
    expect_that(net.net.mac.bytes[0] & 3, ==, 2);
    close_card();
    machine_suite_open(devices, LENGTH_OF(devices));
    expect_result(net_virtio_open(&net, VIEW("other")), NOT_FOUND);
    machine_suite_close();
}

/* virtio 1.2, 5.1.6.4.1. */
TEST(headers_are_translated)
{
    const struct virtio_net_header partial = { .flags = VIRTIO_NET_HDR_NEEDS_CSUM,
                                               .checksum_start = 34,
                                               .checksum_offset = 16 };
    open_card(MERGING, 512);
    card_suite_inject(&card, &partial, frame_of(10));
    struct packet *packet = net_listener_receive(&listener, &net.net);
    expect_that(packet->checksum, ==, PACKET_CHECKSUM_PARTIAL);
    expect_that(packet->checksum_start, ==, packet->offset + 34);
    expect_that(packet->checksum_offset, ==, packet->offset + 50);
    packet_drop(packet);

    struct virtio_net_header many = partial;
    many.gso_type = VIRTIO_NET_GSO_TCPV4 | VIRTIO_NET_GSO_ECN;
    many.segment_bytes = 1000;
    card_suite_inject(&card, &many, frame_of(10001));
    packet = net_listener_receive(&listener, &net.net);
    expect_that(packet->segmentation, ==, PACKET_SEGMENT_TCP_IPV4);
    expect_that(packet->segment_bytes, ==, 1000);
    expect_that(packet->segment_count, ==, 11);
    packet_drop(packet);
    close_card();
}

/* 5.1.4.2: a driver that has not agreed to it does not listen to it. */
TEST(what_was_not_agreed_on_is_not_believed)
{
    const struct virtio_net_header good = { .flags = VIRTIO_NET_HDR_DATA_VALID };
    const struct virtio_net_header many = { .flags = VIRTIO_NET_HDR_NEEDS_CSUM,
                                            .checksum_start = 34,
                                            .checksum_offset = 16,
                                            .gso_type = VIRTIO_NET_GSO_TCPV6,
                                            .segment_bytes = 1000 };
    open_card(VIRTIO_NET_F_GUEST_TSO4, 512); /* without GUEST_CSUM it is not agreed to */
    expect_that(net.net.offloads, ==, 0);
    card_suite_inject(&card, &good, frame_of(10));
    struct packet *packet = net_listener_receive(&listener, &net.net);
    expect_that(packet->checksum, ==, PACKET_CHECKSUM_UNKNOWN);
    packet_drop(packet);
    close_card();

    open_card(VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4, 512);
    card_suite_inject(&card, &good, frame_of(10));
    packet = net_listener_receive(&listener, &net.net);
    expect_that(packet->checksum, ==, PACKET_CHECKSUM_GOOD);
    packet_drop(packet);
    card_suite_inject(&card, &many, frame_of(2000));
    expect_none();
    expect_that(net.net.statistics.receive_errors, ==, 1);
    close_card();
}

/* ---- buffers ---- */

/* A pool that is empty gets none, and packets that come back are posted again. */
TEST(packets_are_posted_when_they_come_free)
{
    struct packet *kept[64];
    size_t kept_count = 0;
    open_card(MERGING, 64);
    expect_that(net.posted_count, ==, 32); /* so many that a long frame may come */
    for (;;) {
        struct packet *packet = packet_take(&listener.pool, PACKET_FOR_RECEIVE);
        if (packet == NULL) break;
        kept[kept_count++] = packet;
    }
    for (size_t i = 0; i < 40; i++)
        card_suite_inject(&card, &none, frame_of(i));
    for (size_t i = 0; i < 32; i++)
        kept[kept_count++] = net_listener_receive(&listener, &net.net);
    expect_that(net.posted_count, ==, 0);
    for (size_t i = 0; i < kept_count; i++)
        packet_drop(kept[i]);
    for (size_t i = 32; i < 40; i++) { /* the card has kept them */
        struct packet *packet = net_listener_receive(&listener, &net.net);
        net_expect_bytes(packet, frame_of(i));
        packet_drop(packet);
    }
    expect_that(listener.pool.refused[PACKET_FOR_RECEIVE], ==, 1); /* by the test's own loop */
    close_card();
}

TEST(more_is_posted_when_much_has_come)
{
    open_card(MERGING, 2048);
    size_t first = net.posted_count;
    expect_that(first, <, 64);
    for (size_t i = 0; i < 1000; i++)
        card_suite_inject(&card, &none, frame_of(10));
    for (size_t i = 0; i < 1000; i++)
        packet_drop(net_listener_receive(&listener, &net.net));
    expect_that(net.posted_count, ==, 256);
    net_listener_detach(&listener, &net.net);
    net_listener_attach(&listener, &net.net, 2048);
    expect_that(net.posted_count, ==, first);
    close_card();
}

/* One that does not read is told on, but does not keep the loop from sleeping. */
TEST(a_user_that_does_not_read_does_not_spin_the_loop)
{
    open_card(MERGING, 512);
    card_suite_inject(&card, &none, frame_of(10));
    (void)fiber_sleep(50 * MS_NS);
    expect_that(listener.told_count, >, 10);
    expect_that(listener.told_count, <, 100);
    packet_drop(net_listener_receive(&listener, &net.net));
    size_t before = listener.told_count;
    card_suite_inject(&card, &none, frame_of(10));
    packet_drop(net_listener_receive(&listener, &net.net));
    (void)fiber_sleep(5 * MS_NS);
    expect_that(listener.told_count, <=, before + 2);
    close_card();
}

/* ---- lies ---- */

#define RECEIVING    (&card.device.said.queues[0])
#define TRANSMITTING (&card.device.said.queues[1])

/* So many bytes of a frame of no marks, with this count of buffers, as written into the first
 * posted buffer; the next `more` are said to be filled by so many bytes. */
static void give_merged(uint16_t buffer_count, uint32_t written_bytes, size_t more,
                        uint32_t more_bytes)
{
    static struct chain_suite chain;
    struct virtio_net_header header = { .buffer_count = buffer_count };
    expect(queue_suite_take(&card.receiving, RECEIVING, &chain));
    (void)span_copy(chain.writable[0], VIEW_OF(header));
    queue_suite_give(&card.receiving, RECEIVING, chain.head, written_bytes);
    for (; more > 0; more--) {
        expect(queue_suite_take(&card.receiving, RECEIVING, &chain));
        queue_suite_give(&card.receiving, RECEIVING, chain.head, more_bytes);
    }
    queue_suite_show(&card.receiving, RECEIVING);
}

#define FULL_BYTES (PACKET_PAYLOAD_MAX + sizeof(struct virtio_net_header))

TEST(merged_frames_that_are_none_are_lost)
{
    static const struct {
        uint16_t buffer_count;
        uint32_t written_bytes;
        size_t more;
        uint32_t more_bytes;
    } lies[] = {
        { 1, 0, 0, 0 },            /* not even a header */
        { 1, 11, 0, 0 },           /* half of one */
        { 1, 12, 0, 0 },           /* no frame */
        { 1, 12 + 13, 0, 0 },      /* less than its Ethernet header */
        { 0, 100, 0, 0 },          /* of no buffers */
        { 2, 100, 1, 100 },        /* a gap within the frame */
        { 3, FULL_BYTES, 2, 100 }, /* further in */
        { 2, FULL_BYTES, 1, 0 },   /* an end that is not there */
        { 3, FULL_BYTES, 2, 0 },
        { 37, FULL_BYTES, 36, FULL_BYTES }, /* too long for any frame */
    };
    open_card(MERGING, 512);
    for (size_t i = 0; i < LENGTH_OF(lies); i++) {
        give_merged(lies[i].buffer_count, lies[i].written_bytes, lies[i].more, lies[i].more_bytes);
        expect_none();
        expect_that(net.net.statistics.receive_errors, ==, i + 1);
        expect(!net.device.is_broken);
        struct view sent = frame_of(5000); /* the next one is none the worse */
        card_suite_inject(&card, &none, sent);
        struct packet *packet = net_listener_receive(&listener, &net.net);
        net_expect_bytes(packet, sent);
        packet_drop(packet);
    }
    close_card();
}

static struct packet *packet_of(struct view bytes)
{
    struct packet *packet = packet_take(&listener.pool, PACKET_FOR_CONTROL);
    expect(packet != NULL);
    (void)span_copy(packet_put(packet, bytes.length_bytes), bytes);
    return packet;
}

/* Somebody else who holds the packet may read all of its room. */
TEST(a_headroom_that_is_not_ours_alone)
{
    struct virtio_net_header header;
    open_card(MERGING, 512);
    struct packet *packet = packet_of(frame_of(10));
    span_fill(span_first(SPAN_OF(packet->room), packet->offset), 0xaa);
    struct payload *held = payload_hold(&packet->payload);
    expect_that(net_send(&net.net, &packet, 1), ==, 1);
    expect_that(card_suite_collect(&card, &header, SPAN_OF(room)), ==, 64);
    expect(view_equal(VIEW_OF(header), VIEW_OF(none)));
    for (size_t i = 0; i < PACKET_HEADROOM; i++)
        expect_that(packet->room[i], ==, 0xaa);
    (void)fiber_sleep(MS_NS);
    expect_that(held->references, ==, 1);
    payload_drop(held);
    close_card();
}

/* Nothing comes from it any more, what is sent is lost and counted, nobody is held up. */
static void expect_unused(void)
{
    uint64_t lost = net.net.statistics.send_errors;
    expect(net.device.is_broken);
    for (size_t i = 0; i < 300; i++) {
        struct packet *packet = packet_of(frame_of(10));
        expect_that(net_send(&net.net, &packet, 1), ==, 1);
    }
    expect_that(net.net.statistics.send_errors, ==, lost + 300);
    expect_none();
    expect(!machine_suite_poll());
    expect(!machine_suite_arm());
}

TEST(a_frame_of_more_buffers_than_were_used)
{
    open_card(MERGING, 512);
    give_merged(3, FULL_BYTES, 1, FULL_BYTES);
    expect_none();
    expect_unused();
    close_card();
}

TEST(used_buffers_that_were_never_posted)
{
    open_card(MERGING, 512);
    queue_suite_give(&card.receiving, RECEIVING, 255, 100);
    queue_suite_show(&card.receiving, RECEIVING);
    expect_none();
    expect_unused();
    close_card();
}

TEST(sent_frames_that_were_never_sent)
{
    open_card(MERGING, 512);
    queue_suite_give(&card.transmitting, TRANSMITTING, 0, 0);
    queue_suite_show(&card.transmitting, TRANSMITTING);
    (void)fiber_sleep(MS_NS);
    expect_unused();
    close_card();
}

/* Who waits for room is told, as a broken card has always room. */
TEST(a_card_that_breaks_while_its_ring_is_full)
{
    struct packet *packet;
    open_card(MERGING, 2048);
    do
        packet = packet_of(frame_of(10));
    while (net_send(&net.net, &packet, 1) == 1);
    size_t before = listener.told_count;
    queue_suite_give(&card.transmitting, TRANSMITTING, 4711, 0);
    queue_suite_show(&card.transmitting, TRANSMITTING);
    (void)fiber_sleep(MS_NS);
    expect_that(listener.told_count, ==, before + 1);
    expect_that(net_send(&net.net, &packet, 1), ==, 1);
    expect_unused();
    close_card();
}

/* Its buffers are taken back all the same, and it is not used any more. */
TEST(a_card_that_does_not_let_go)
{
    open_card(MERGING, 512);
    card.device.keeps = true;
    net_listener_detach(&listener, &net.net);
    expect(net.device.is_broken);
    net_listener_attach(&listener, &net.net, 512);
    expect_unused();
    expect_that(net.posted_count, ==, 0);
    close_card();
}
