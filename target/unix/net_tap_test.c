/* net_tap_test.c - a tap's frames over a pair of sockets, where the test is the host and may lie;
 * and over a real tap, in a network namespace that ends with this program.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/writer.h"
#include "net/net_listener_suite.h"
#include "packet/checksum.h"
#include "target/clock.h"
#include "target/unix/net_tap.h"
#include "target/unix/tap_test.h"
#include "test/test.h"

#define SOON (clock_monotonic_ns() + 5 * S_NS)

#define MAC_HERE  "\x02\x00\x00\x00\x00\x01"
#define MAC_THERE "\x02\x00\x00\x00\x00\x02"

static struct net_listener listener;

/* ---- the pair of sockets ---- */

static struct net_tap tap;

static const uint8_t all_offloads = NET_SENDS_CHECKSUMS | NET_SENDS_SEGMENTS_IPV4 |
                                    NET_SENDS_SEGMENTS_IPV6 | NET_RECEIVES_CHECKSUMS |
                                    NET_RECEIVES_SEGMENTS;

/* Gives the host's end. */
static int open_pair(uint8_t offloads, size_t packets)
{
    int ends[2];
    const int room = 1 << 20;
    const struct net_tap_shape shape = {
        .link = NET_ETHERNET, .offloads = offloads, .has_header = offloads != 0, .mtu_bytes = 1500
    };
    expect(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    expect(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
    expect(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    net_tap_init(&tap, ends[1], &shape);
    (void)format(SPAN_OF(tap.name), "a socket");
    net_listener_attach(&listener, &tap.net, packets);
    return ends[0];
}

static void close_pair(int host)
{
    net_listener_detach(&listener, &tap.net);
    net_tap_close(&tap);
    expect(close(host) == 0);
}

static uint8_t room[70000];

/* A frame of IPv4 and TCP with a payload of so many bytes, counting up; the header before it. */
static struct view frame_of(const struct net_tap_header *header, size_t payload_bytes)
{
    struct writer writer = writer_over(SPAN_OF(room));
    if (header != NULL) writer_put(&writer, VIEW_OF(*header));
    writer_put(&writer, VIEW(MAC_HERE MAC_THERE "\x08\x00"));
    writer_put(&writer, VIEW("\x45\0\0\0\0\0\0\0\x40\x06\0\0\x0a\0\x02\x02\x0a\0\x02\x0f"));
    writer_put(&writer, VIEW("\x12\x34\x00\x50\0\0\0\1\0\0\0\2\x50\x10\x10\0\0\0\0\0"));
    for (size_t i = 0; i < payload_bytes; i++)
        writer_put_u8(&writer, (uint8_t)(i * 7 + i / 256));
    expect(!writer.ran_short);
    return writer_view(&writer);
}

static bool host_sends(int host, struct view bytes)
{
    return send(host, bytes.bytes, bytes.length_bytes, MSG_DONTWAIT) == (ssize_t)bytes.length_bytes;
}

static struct view behind_header(struct view bytes)
{
    return view_from_offset(bytes, sizeof(struct net_tap_header));
}

TEST(frames_come_whole_at_every_length)
{
    static const size_t lengths[] = { 0,    1,    100,  1460,  PACKET_PAYLOAD_MAX - 54,
                                      1803, 4000, 9000, 32768, PACKET_TOTAL_MAX - 54 };
    const struct net_tap_header none = { 0 };
    int host = open_pair(all_offloads, 512);
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        struct view sent = frame_of(&none, lengths[i]);
        expect(host_sends(host, sent));
        struct packet *packet = net_listener_receive(&listener, &tap.net);
        net_expect_bytes(packet, behind_header(sent));
        expect_that(packet->offset, ==, PACKET_HEADROOM);
        expect_that(packet->checksum, ==, PACKET_CHECKSUM_UNKNOWN);
        packet_drop(packet);
    }
    expect_that(tap.net.statistics.received_frames, ==, LENGTH_OF(lengths));
    close_pair(host);
}

TEST(frames_without_a_header)
{
    int host = open_pair(0, 64);
    struct view sent = frame_of(NULL, 1000);
    expect(host_sends(host, sent));
    struct packet *packet = net_listener_receive(&listener, &tap.net);
    net_expect_bytes(packet, sent);
    packet_drop(packet);
    expect(host_sends(host, frame_of(NULL, 1500 - 40 + 4))); /* with a VLAN's tag */
    packet_drop(net_listener_receive(&listener, &tap.net));
    expect(host_sends(host, frame_of(NULL, PACKET_PAYLOAD_MAX - 54 + 1)));
    net_expect_none(&tap.net);
    expect_that(tap.net.statistics.receive_errors, ==, 1);
    close_pair(host);
}

TEST(frames_too_long_or_too_short_are_counted)
{
    const struct net_tap_header none = { 0 };
    int host = open_pair(all_offloads, 512);
    expect(host_sends(host, frame_of(&none, PACKET_TOTAL_MAX - 54 + 1)));
    net_expect_none(&tap.net);
    expect_that(tap.net.statistics.receive_errors, ==, 1);
    for (size_t length = 1; length < sizeof none + 14; length++) {
        expect(host_sends(host, view_first(frame_of(&none, 0), length)));
        net_expect_none(&tap.net);
        expect_that(tap.net.statistics.receive_errors, ==, 1 + length);
    }
    expect(host_sends(host, view_first(frame_of(&none, 0), sizeof none + 14)));
    packet_drop(net_listener_receive(&listener, &tap.net));
    close_pair(host);
}

/* virtio 1.2, 5.1.6.4.1. */
TEST(headers_are_translated)
{
    int host = open_pair(all_offloads, 512);
    const struct net_tap_header partial = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                            .csum_start = 34,
                                            .csum_offset = 16 };
    expect(host_sends(host, frame_of(&partial, 10)));
    struct packet *packet = net_listener_receive(&listener, &tap.net);
    expect_that(packet->checksum, ==, PACKET_CHECKSUM_PARTIAL);
    expect_that(packet->checksum_start, ==, packet->offset + 34);
    expect_that(packet->checksum_offset, ==, packet->offset + 50);
    expect_that(packet->segmentation, ==, PACKET_SEGMENT_NONE);
    packet_drop(packet);

    const struct net_tap_header good = { .flags = VIRTIO_NET_HDR_F_DATA_VALID };
    expect(host_sends(host, frame_of(&good, 10)));
    packet = net_listener_receive(&listener, &tap.net);
    expect_that(packet->checksum, ==, PACKET_CHECKSUM_GOOD);
    packet_drop(packet);

    struct net_tap_header many = partial;
    many.gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN;
    many.gso_size = 1000;
    expect(host_sends(host, frame_of(&many, 10001)));
    packet = net_listener_receive(&listener, &tap.net);
    expect_that(packet->segmentation, ==, PACKET_SEGMENT_TCP_IPV4);
    expect_that(packet->segment_bytes, ==, 1000);
    expect_that(packet->segment_count, ==, 11);
    packet_drop(packet);
    many.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
    expect(host_sends(host, frame_of(&many, 1000)));
    packet = net_listener_receive(&listener, &tap.net);
    expect_that(packet->segmentation, ==, PACKET_SEGMENT_TCP_IPV6);
    expect_that(packet->segment_count, ==, 1);
    packet_drop(packet);
    close_pair(host);
}

TEST(headers_that_lie_lose_their_frame)
{
    enum { SUM = VIRTIO_NET_HDR_F_NEEDS_CSUM, TCP4 = VIRTIO_NET_HDR_GSO_TCPV4 };
    static const struct net_tap_header lies[] = {
        { .flags = SUM, .csum_start = 34, .csum_offset = 64 - 34 - 1 }, /* half a field */
        { .flags = SUM, .csum_start = 64, .csum_offset = 0 },
        { .flags = SUM, .csum_start = 0xffff, .csum_offset = 0 },
        { .flags = SUM, .csum_start = 0, .csum_offset = 0xffff },
        { .flags = SUM, .csum_start = 0xffff, .csum_offset = 0xffff },
        { .gso_type = TCP4, .gso_size = 1000 }, /* without a checksum to complete */
        { .flags = SUM, .csum_start = 34, .csum_offset = 16, .gso_type = TCP4, .gso_size = 0 },
        { .flags = SUM, .csum_start = 34, .csum_offset = 16, .gso_type = 2, .gso_size = 1000 },
        { .flags = SUM, .csum_start = 34, .csum_offset = 16, .gso_type = 0x7f, .gso_size = 1000 },
        { .flags = SUM, .csum_start = 34, .csum_offset = 16, .gso_type = 0x80, .gso_size = 1000 },
        { .flags = SUM,
          .csum_start = 34,
          .csum_offset = 6,
          .gso_type = VIRTIO_NET_HDR_GSO_UDP,
          .gso_size = 1000 },
        { .flags = SUM, .csum_start = 34, .csum_offset = 6, .gso_type = 5, .gso_size = 1000 },
        { .flags = SUM, .csum_start = 50, .csum_offset = 0, .gso_type = TCP4, .gso_size = 9 },
        { .flags = SUM, .csum_start = 0, .csum_offset = 0, .gso_type = TCP4, .gso_size = 9 },
    };
    int host = open_pair(all_offloads, 512);
    for (size_t i = 0; i < LENGTH_OF(lies); i++) {
        expect(host_sends(host, frame_of(&lies[i], 10)));
        net_expect_none(&tap.net);
        expect_that(tap.net.statistics.receive_errors, ==, i + 1);
    }
    close_pair(host);
}

/* Whatever a header says, what is believed of it lies within the frame. */
TEST(headers_at_random)
{
    uint64_t random = 1;
    int host = open_pair(all_offloads, 512);
    for (size_t i = 0; i < 20000; i++) {
        struct net_tap_header header;
        uint64_t low = test_random(&random), high = test_random(&random);
        (void)span_copy(SPAN_OF(header.flags), view_first(VIEW_OF(low), 1));
        header = (struct net_tap_header){
            .flags = (uint8_t)(low & 7),
            .gso_type = (uint8_t)((low >> 8) & ((low & 8) != 0 ? 0xff : 0x85)),
            .hdr_len = (uint16_t)(low >> 16),
            .gso_size = (uint16_t)(low >> 32),
            .csum_start = (uint16_t)(high & ((high & (1 << 20)) != 0 ? 0x7f : 0xffff)),
            .csum_offset = (uint16_t)((high >> 24) & ((high & (1 << 21)) != 0 ? 0x3f : 0xffff)),
        };
        struct view sent = frame_of(&header, (high >> 40) % 3000);
        struct packet *packet;
        expect(host_sends(host, sent));
        if (net_receive(&tap.net, &packet, 1) == 0) continue;
        net_expect_bytes(packet, behind_header(sent));
        if (packet->checksum == PACKET_CHECKSUM_PARTIAL) {
            expect_that(packet->checksum_start, >=, packet->offset);
            expect_that(packet->checksum_offset, >=, packet->checksum_start);
            expect_that(packet->checksum_offset + 2u, <=, packet->offset + packet->length_bytes);
        }
        if (packet->segmentation != PACKET_SEGMENT_NONE) {
            expect_that(packet->segment_bytes, >, 0);
            expect_that(packet->segment_count, >, 0);
        }
        packet_drop(packet);
    }
    expect_that(tap.net.statistics.receive_errors, >, 100);
    expect_that(tap.net.statistics.received_frames, >, 100);
    close_pair(host);
}

/* Frames are taken from the host and lost, so that it does not tell of them for ever. */
TEST(an_empty_pool_loses_frames_and_recovers)
{
    const struct net_tap_header none = { 0 };
    struct packet *kept[64];
    size_t kept_count = 0;
    int host = open_pair(all_offloads, 64);
    for (;;) {
        struct packet *packet;
        expect(host_sends(host, frame_of(&none, 1000)));
        if (net_receive(&tap.net, &packet, 1) == 0) break;
        kept[kept_count++] = packet;
    }
    expect_that(tap.net.statistics.receive_no_buffer, ==, 1);
    for (size_t i = 0; i < 5; i++) {
        expect(host_sends(host, frame_of(&none, 1000)));
        net_expect_none(&tap.net);
    }
    expect_that(tap.net.statistics.receive_no_buffer, ==, 6);
    for (size_t i = 0; i < kept_count; i++)
        packet_drop(kept[i]);
    struct view sent = frame_of(&none, 40000);
    expect(host_sends(host, sent));
    struct packet *packet = net_listener_receive(&listener, &tap.net);
    net_expect_bytes(packet, behind_header(sent));
    packet_drop(packet);
    close_pair(host);
}

/* The contract of net.h: in every turn of the loop, as long as frames wait. */
TEST(the_user_is_told_as_long_as_frames_wait)
{
    const struct net_tap_header none = { 0 };
    int host = open_pair(all_offloads, 512);
    for (size_t i = 0; i < 3; i++)
        expect(host_sends(host, frame_of(&none, i)));
    for (size_t i = 0; i < 3; i++) {
        size_t before = listener.told_count;
        uint64_t soon_ns = SOON;
        while (listener.told_count < before + 2)
            expect_ok(waiters_wait(&listener.waiters, "ready", soon_ns));
        struct packet *packet = net_listener_receive(&listener, &tap.net);
        packet_drop(packet);
    }
    net_expect_none(&tap.net);
    size_t before = listener.told_count;
    (void)fiber_sleep(20 * MS_NS);
    expect_that(listener.told_count, ==, before);
    close_pair(host);
}

/* One that does not read is told on, but does not keep the loop from sleeping. */
TEST(a_user_that_does_not_read_does_not_spin_the_loop)
{
    const struct net_tap_header none = { 0 };
    int host = open_pair(all_offloads, 512);
    expect(host_sends(host, frame_of(&none, 10)));
    (void)fiber_sleep(50 * MS_NS);
    expect_that(listener.told_count, >, 10);
    expect_that(listener.told_count, <, 2000);
    packet_drop(net_listener_receive(&listener, &tap.net));
    size_t before = listener.told_count;
    expect(host_sends(host, frame_of(&none, 10)));
    packet_drop(net_listener_receive(&listener, &tap.net));
    (void)fiber_sleep(5 * MS_NS);
    expect_that(listener.told_count, <=, before + 2);
    close_pair(host);
}

/* ---- sending ---- */

static struct packet *packet_of(struct view bytes)
{
    struct packet *packet = packet_take(&listener.pool, PACKET_FOR_CONTROL);
    expect(packet != NULL);
    (void)span_copy(packet_put(packet, bytes.length_bytes), bytes);
    return packet;
}

/* Headers in the packet, a payload that is borrowed in two parts. */
static struct packet *segments_of(struct view payload)
{
    struct packet *packet = packet_of(frame_of(NULL, 0));
    size_t half = payload.length_bytes / 2;
    packet->checksum = PACKET_CHECKSUM_PARTIAL;
    packet->checksum_start = (uint16_t)(packet->offset + 34);
    packet->checksum_offset = (uint16_t)(packet->offset + 50);
    packet_borrow(packet, view_first(payload, half), NULL);
    packet_borrow(packet, view_from_offset(payload, half), NULL);
    return packet;
}

static struct view host_receives(int host)
{
    static uint8_t got[70000];
    ssize_t length = recv(host, got, sizeof got, MSG_DONTWAIT);
    expect(length > 0);
    return view_from(got, (size_t)length);
}

TEST(marks_become_headers)
{
    static uint8_t payload[20000];
    int host = open_pair(all_offloads, 64);
    memset(payload, 'x', sizeof payload);
    struct packet *packet = segments_of(VIEW_OF(payload));
    packet->segmentation = PACKET_SEGMENT_TCP_IPV4;
    packet->segment_bytes = 1448;
    packet_span(packet).bytes[34 + 13] |= 0x80; /* CWR */
    expect_that(net_send(&tap.net, &packet, 1), ==, 1);
    struct view got = host_receives(host);
    struct net_tap_header header;
    expect_that(got.length_bytes, ==, sizeof header + 54 + sizeof payload);
    (void)span_copy(SPAN_OF(header), view_first(got, sizeof header));
    expect_that(header.flags, ==, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    expect_that(header.gso_type, ==, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
    expect_that(header.gso_size, ==, 1448);
    expect_that(header.hdr_len, ==, 54);
    expect_that(header.csum_start, ==, 34);
    expect_that(header.csum_offset, ==, 16);
    expect(view_equal(view_from_offset(got, sizeof header + 54), VIEW_OF(payload)));

    packet = segments_of(view_first(VIEW_OF(payload), 100));
    expect_that(net_send(&tap.net, &packet, 1), ==, 1);
    got = host_receives(host);
    (void)span_copy(SPAN_OF(header), view_first(got, sizeof header));
    expect_that(header.flags, ==, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    expect_that(header.gso_type, ==, VIRTIO_NET_HDR_GSO_NONE);

    packet = packet_of(frame_of(NULL, 100));
    expect_that(net_send(&tap.net, &packet, 1), ==, 1);
    got = host_receives(host);
    const struct net_tap_header none = { 0 };
    expect(view_equal(view_first(got, sizeof none), VIEW_OF(none)));
    expect(view_equal(behind_header(got), frame_of(NULL, 100)));
    expect_that(tap.net.statistics.sent_frames, ==, 3);
    close_pair(host);
}

/* The host has no room: the rest of the burst stays the caller's, who is told when there is. */
TEST(a_full_ring_is_told_of)
{
    struct packet *burst[NET_BURST_MAX];
    size_t sent_count = 0, got_count = 0;
    int host = open_pair(all_offloads, 512);
    for (bool full = false; !full;) {
        for (size_t i = 0; i < NET_BURST_MAX; i++)
            burst[i] = packet_of(frame_of(NULL, 1000));
        size_t accepted = net_send(&tap.net, burst, NET_BURST_MAX);
        full = accepted < NET_BURST_MAX;
        sent_count += accepted;
        for (size_t i = accepted; i < NET_BURST_MAX; i++)
            packet_drop(burst[i]);
    }
    (void)fiber_sleep(5 * MS_NS);
    expect_that(listener.told_count, ==, 0);
    /* Frames that wait are told of meanwhile. */
    const struct net_tap_header none = { 0 };
    expect(host_sends(host, frame_of(&none, 10)));
    packet_drop(net_listener_receive(&listener, &tap.net));
    size_t before = listener.told_count;
    for (; got_count < sent_count; got_count++)
        (void)host_receives(host);
    uint64_t soon_ns = SOON;
    while (listener.told_count == before)
        expect_ok(waiters_wait(&listener.waiters, "room", soon_ns));
    burst[0] = packet_of(frame_of(NULL, 1000));
    expect_that(net_send(&tap.net, burst, 1), ==, 1);
    close_pair(host);
}

TEST(the_other_side_goes_away)
{
    int host = open_pair(all_offloads, 512);
    expect(shutdown(host, SHUT_RDWR) == 0);
    (void)fiber_sleep(5 * MS_NS);
    net_expect_none(&tap.net);
    size_t before = listener.told_count;
    (void)fiber_sleep(5 * MS_NS);
    expect_that(listener.told_count, ==, before);
    struct packet *packet = packet_of(frame_of(NULL, 10));
    expect_that(net_send(&tap.net, &packet, 1), ==, 1);
    expect_that(tap.net.statistics.send_errors, ==, 1);
    close_pair(host);
}

/* ---- a tap of the host ---- */

static const struct net_tap_options plain;

static struct view arp_request(void)
{
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put(&writer, VIEW("\xff\xff\xff\xff\xff\xff"));
    writer_put(&writer, VIEW_OF(tap.net.mac));
    writer_put(&writer, VIEW("\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01"));
    writer_put(&writer, VIEW_OF(tap.net.mac));
    writer_put(&writer, VIEW("\x0a\0\x02\x0f\0\0\0\0\0\0\x0a\0\x02\x02"));
    return writer_view(&writer);
}

/* The next frame that has this at that place, if one comes within a tenth of a second; others (IPv6
 * of the host) are passed over. */
static struct packet *await_frame(size_t at_bytes, struct view wanted)
{
    struct packet *packet;
    uint64_t soon_ns = clock_monotonic_ns() + 100 * MS_NS;
    for (;;) {
        while (net_receive(&tap.net, &packet, 1) == 0) {
            if (waiters_wait(&listener.waiters, "frame", soon_ns) != OK) return NULL;
        }
        struct view view = packet_view(packet);
        if (view.length_bytes >= at_bytes + wanted.length_bytes &&
            view_equal(view_slice(view, at_bytes, wanted.length_bytes), wanted))
            return packet;
        packet_drop(packet);
    }
}

/* Asks until the host answers: what it sends before it has noticed that somebody has opened the
 * interface is lost. */
static struct packet *ask_by_arp(void)
{
    struct packet *packet = NULL;
    for (size_t tries = 0; packet == NULL && tries < 50; tries++) {
        packet = packet_of(arp_request());
        expect_that(net_send(&tap.net, &packet, 1), ==, 1);
        packet = await_frame(12, VIEW("\x08\x06"));
    }
    expect(packet != NULL);
    return packet;
}

/* RFC 826: the host answers for its address on the tap. */
TEST(tap_asks_the_host_by_arp)
{
    need_tap();
    tap_set_up("tap0", 0x0a000202);
    expect_ok(net_tap_open(&tap, VIEW("tap0"), &plain));
    expect_that(tap.net.link, ==, NET_ETHERNET);
    expect_that(tap.net.mtu_bytes, ==, 1500);
    expect_that(tap.net.offloads, ==, all_offloads);
    net_listener_attach(&listener, &tap.net, 256);
    struct packet *packet = ask_by_arp();
    struct view answer = packet_view(packet);
    expect(view_equal(view_slice(answer, 20, 2), VIEW("\0\2")));
    expect(view_equal(view_slice(answer, 28, 4), VIEW("\x0a\0\x02\x02")));
    expect(view_equal(view_first(answer, 6), VIEW_OF(tap.net.mac)));
    packet_drop(packet);
    net_listener_detach(&listener, &tap.net);
    net_tap_close(&tap);
}

/* What the host sends to a neighbour that takes such frames goes without a checksum. */
TEST(tap_receives_what_the_host_does_not_sum)
{
    need_tap();
    tap_set_up("tap0", 0x0a000202);
    expect_ok(net_tap_open(&tap, VIEW("tap0"), &plain));
    net_listener_attach(&listener, &tap.net, 256);
    struct packet *packet = ask_by_arp(); /* so the host knows this neighbour */
    packet_drop(packet);
    int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(7),
                              .sin_addr.s_addr = htonl(0x0a00020f) };
    expect(sendto(sender, "hello", 5, 0, (struct sockaddr *)&to, sizeof to) == 5);
    packet = await_frame(12, VIEW("\x08\x00"));
    expect(packet != NULL);
    expect_that(packet->checksum, ==, PACKET_CHECKSUM_PARTIAL);
    expect_that(packet->checksum_start, ==, packet->offset + 34);
    expect_that(packet->checksum_offset, ==, packet->offset + 40);
    expect(view_equal(view_from_offset(packet_view(packet), 42), VIEW("hello")));
    packet_drop(packet);
    (void)close(sender);
    net_listener_detach(&listener, &tap.net);
    net_tap_close(&tap);
}

TEST(tun_carries_datagrams)
{
    need_tap();
    tap_set_up("tun0", 0x0a000302);
    expect_ok(net_tap_open(&tap, VIEW("tun0"), &plain));
    expect_that(tap.net.link, ==, NET_IP);
    net_listener_attach(&listener, &tap.net, 256);
    int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(7),
                              .sin_addr.s_addr = htonl(0x0a00030f) };
    struct packet *packet = NULL;
    for (size_t tries = 0; packet == NULL && tries < 50; tries++) {
        expect(sendto(sender, "hello", 5, 0, (struct sockaddr *)&to, sizeof to) == 5);
        packet = await_frame(28, VIEW("hello"));
    }
    expect(packet != NULL);
    expect(view_equal(view_from_offset(packet_view(packet), 28), VIEW("hello")));
    packet_drop(packet);
    (void)close(sender);
    net_listener_detach(&listener, &tap.net);
    net_tap_close(&tap);
}

TEST(tap_as_an_open_descriptor)
{
    need_tap();
    int descriptor = tap_make("tap0", IFF_TAP); /* without IFF_VNET_HDR */
    expect(descriptor >= 0);
    expect_ok(net_tap_open_descriptor(&tap, descriptor, &plain));
    expect_that(tap.net.offloads, ==, 0);
    expect_that(tap.net.link, ==, NET_ETHERNET);
    net_tap_close(&tap);
    descriptor = tap_make("tap0", IFF_TAP | IFF_VNET_HDR);
    expect_ok(net_tap_open_descriptor(&tap, descriptor, &plain));
    expect_that(tap.net.offloads, ==, all_offloads);
    net_tap_close(&tap);
}

TEST(tap_follows_the_mtu_of_the_interface)
{
    need_tap();
    struct ifreq request = tap_request("tap0");
    request.ifr_mtu = 9000;
    expect(tap_control(SIOCSIFMTU, &request));
    expect_ok(net_tap_open(&tap, VIEW("tap0"), &plain));
    expect_that(tap.net.mtu_bytes, ==, 9000);
    net_tap_close(&tap);
    const struct net_tap_options options = { .mtu_bytes = 1280 };
    expect_ok(net_tap_open(&tap, VIEW("tap0"), &options));
    expect_that(tap.net.mtu_bytes, ==, 1280);
    net_tap_close(&tap);
    request.ifr_mtu = 1500;
    expect(tap_control(SIOCSIFMTU, &request));
}

TEST(tap_that_cannot_be_opened)
{
    need_tap();
    static struct net_tap second;
    expect_result(net_tap_open(&second, VIEW("tap77"), &plain), NOT_FOUND);
    expect_result(net_tap_open(&second, VIEW(""), &plain), INVALID);
    expect_result(net_tap_open(&second, VIEW("a-name-that-is-too-long"), &plain), INVALID);
    expect_result(net_tap_open(&second, VIEW("lo"), &plain), UNSUPPORTED);
    expect_ok(net_tap_open(&tap, VIEW("tap0"), &plain));
    expect_result(net_tap_open(&second, VIEW("tap0"), &plain), EXISTS);
    net_tap_close(&tap);
    expect_result(net_tap_open_descriptor(&second, open("/dev/null", O_RDWR), &plain), UNSUPPORTED);
    expect_result(net_tap_open_descriptor(&second, 9999, &plain), UNSUPPORTED);
    expect_ok(net_tap_open(&tap, VIEW("tap0"), &plain));
    net_tap_close(&tap);
}

/* `ip link del tap0` while it is open, and `ip link set tap0 down`. */
TEST(tap_goes_down_and_away)
{
    need_tap();
    int descriptor = tap_make("tap1", IFF_TAP | IFF_VNET_HDR);
    expect(descriptor >= 0);
    expect_ok(net_tap_open_descriptor(&tap, dup(descriptor), &plain)); /* down as yet */
    net_listener_attach(&listener, &tap.net, 256);
    struct packet *packet = packet_of(arp_request());
    expect_that(net_send(&tap.net, &packet, 1), ==, 1);
    expect_that(tap.net.statistics.send_errors, ==, 1);
    tap_set_up("tap1", 0x0a000402);
    packet = packet_of(arp_request());
    expect_that(net_send(&tap.net, &packet, 1), ==, 1);
    expect_that(tap.net.statistics.sent_frames, ==, 1);
    net_listener_detach(&listener, &tap.net);
    net_tap_close(&tap);
    (void)close(descriptor);
}

/* IEEE 802 8.2: locally administered, of one station; and of this name on this host always. */
TEST(macs_are_of_this_host_and_name)
{
    struct mac one = net_tap_mac(VIEW("tap0")), same = net_tap_mac(VIEW("tap0")),
               other = net_tap_mac(VIEW("tap1"));
    expect_that(one.bytes[0] & 3, ==, 2);
    expect_that(other.bytes[0] & 3, ==, 2);
    expect(view_equal(VIEW_OF(one), VIEW_OF(same)));
    expect(!view_equal(VIEW_OF(one), VIEW_OF(other)));
}
