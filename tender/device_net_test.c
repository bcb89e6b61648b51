/* device_net_test.c - what a machine's net can be attached to; and a real tap, in a network
 * namespace that ends with this program.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/device_net.h"

#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/writer.h"
#include "packet/checksum.h"
#include "target/clock.h"
#include "target/unix/tap_test.h"
#include "tender/net_guest_test.h"

#define ALL (~(uint64_t)0)

static struct device_net net;
static const struct virtio_net_header plain;
static uint8_t frame_room[NET_HEADER_FRAME_MAX];

static enum result open_as(const char *words)
{
    struct device_net_options options = { .name = VIEW("net0") };
    expect_ok(net_host_choice_read(&options.choice, view_from_string(words)));
    return device_net_open(&net, &shared, &options);
}

static enum result open_descriptor(int descriptor)
{
    char words[16] = { 0 };
    (void)format(span_first(SPAN_OF(words), sizeof words - 1), "fd:%d", descriptor);
    return open_as(words);
}

/* ---- words and descriptors ---- */

TEST(choices_are_read)
{
    struct net_host_choice choice;
    expect_ok(net_host_choice_read(&choice, VIEW("passt")));
    expect_that(choice.kind, ==, NET_HOST_PASST);
    expect_ok(net_host_choice_read(&choice, VIEW("tap:tap7")));
    expect(choice.kind == NET_HOST_TAP && view_equal(choice.interface, VIEW("tap7")));
    expect_ok(net_host_choice_read(&choice, VIEW("fd:12")));
    expect(choice.kind == NET_HOST_DESCRIPTOR && choice.descriptor == 12);
    expect_result(net_host_choice_read(&choice, VIEW("")), INVALID);
    expect_result(net_host_choice_read(&choice, VIEW("tap:")), INVALID);
    expect_result(net_host_choice_read(&choice, VIEW("fd:-1")), INVALID);
    expect_result(net_host_choice_read(&choice, VIEW("fd:2147483648")), INVALID);
    expect_result(net_host_choice_read(&choice, VIEW("passt:x")), INVALID);
}

TEST(net_over_sockets)
{
    int stream[2], frames[2];
    struct virtio_net_config config;
    expect(socketpair(AF_UNIX, SOCK_STREAM, 0, stream) == 0);
    expect_ok(open_descriptor(stream[0]));
    (void)span_copy(SPAN_OF(config), view_first(VIEW_OF(shared.config), sizeof config));
    expect_that(config.mtu_bytes, ==, 65520);
    expect((config.mac[0] & 3) == 2); /* locally administered, of one station */
    expect(view_equal(view_from_string(net.device.name), VIEW("net0")));
    device_net_close(&net);
    expect(close(stream[1]) == 0 && fcntl(stream[0], F_GETFD) < 0);
    expect(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, frames) == 0);
    expect_ok(open_descriptor(frames[0]));
    (void)span_copy(SPAN_OF(config), view_first(VIEW_OF(shared.config), sizeof config));
    expect_that(config.mtu_bytes, ==, 1500);
    device_net_close(&net);
    expect(close(frames[1]) == 0);
}

TEST(net_over_nothing_of_the_kind)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    expect_result(open_descriptor(null), UNSUPPORTED);
    expect_result(open_descriptor(9999), UNSUPPORTED);
    expect_result(open_as("tap:tap77"), NOT_FOUND);
    (void)close(null);
}

/* ---- a real tap ---- */

static void open_tap(uint64_t features)
{
    need_tap();
    tap_set_up("tap0", 0x0a000202); /* 10.0.2.2/24 */
    expect_ok(open_as("tap:tap0"));
    net_guest_start(&net.device, features, NET_QUEUE_SIZE);
    net_guest_post(200);
}

static struct view mac_here(void)
{
    return view_first(VIEW_OF(shared.config), 6);
}

static void send_bytes(const struct virtio_net_header *header, struct view frame)
{
    net_guest_send(header, frame.length_bytes, 0, 4096);
    uint64_t at = NET_SEND_AT + NET_SEND_STEP * ((sent_places - 1) % NET_SEND_PLACES);
    memcpy(guest_at(at + sizeof *header), frame.bytes, frame.length_bytes);
    (void)net_guest_serve(&net.device);
    expect_that(net_guest_count_sent(), ==, 1);
}

static void ask_by_arp(void)
{
    uint8_t room[64];
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put(&writer, VIEW("\xff\xff\xff\xff\xff\xff"));
    writer_put(&writer, mac_here());
    writer_put(&writer, VIEW("\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01"));
    writer_put(&writer, mac_here());
    writer_put(&writer, VIEW("\x0a\0\x02\x0f\0\0\0\0\0\0\x0a\0\x02\x02"));
    send_bytes(&plain, writer_view(&writer));
}

/* The next frame of that kind within a tenth of a second; others are passed over. */
static bool await_frame(struct view kind, struct virtio_net_header *header, struct view *frame)
{
    uint64_t soon_ns = clock_monotonic_ns() + 100 * MS_NS;
    while (clock_monotonic_ns() < soon_ns) {
        while (net_guest_receive(header, SPAN_OF(frame_room), frame)) {
            net_guest_post(header->buffer_count);
            if (view_equal(view_slice(*frame, 12, 2), kind)) return true;
        }
        struct pollfd poll_of = { .fd = net.device.descriptor, .events = net.device.events };
        expect_that(net.device.events, ==, POLLIN);
        (void)poll(&poll_of, 1, 10);
        (void)net_guest_serve(&net.device);
    }
    return false;
}

/* RFC 826. The host does not answer before it has noticed that the interface is open. */
static void meet_the_host(void)
{
    struct virtio_net_header header;
    struct view frame;
    for (size_t tries = 0; tries < 50; tries++) {
        ask_by_arp();
        if (!await_frame(VIEW("\x08\x06"), &header, &frame)) continue;
        expect(view_equal(view_first(frame, 6), mac_here()));
        expect(view_equal(view_slice(frame, 28, 4), VIEW("\x0a\0\x02\x02")));
        return;
    }
    test_fail(__FILE__, __LINE__, "the host does not answer");
}

static void host_sends_datagram(size_t length_bytes)
{
    static uint8_t bytes[1000];
    int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(7),
                              .sin_addr.s_addr = htonl(0x0a00020f) };
    (void)net_frame_fill(SPAN_OF(bytes), 5);
    expect(sendto(sender, bytes, length_bytes, 0, (struct sockaddr *)&to, sizeof to) ==
           (ssize_t)length_bytes);
    (void)close(sender);
}

/* RFC 768: over the pseudo header and all of the datagram. */
static bool udp_sum_is_right(struct view frame)
{
    struct view udp = view_from_offset(frame, 34);
    const uint8_t behind_addresses[] = { 0, 17, (uint8_t)(udp.length_bytes >> 8),
                                         (uint8_t)udp.length_bytes };
    struct checksum checksum = { 0 };
    checksum_add(&checksum, view_slice(frame, 26, 8));
    checksum_add(&checksum, VIEW_OF(behind_addresses));
    checksum_add(&checksum, udp);
    return checksum_finish(&checksum) == 0;
}

TEST(net_over_a_tap_takes_what_it_accepts)
{
    struct virtio_net_header header;
    struct view frame;
    open_tap(ALL);
    expect((shared.offered & VIRTIO_NET_F_HOST_TSO4) != 0);
    meet_the_host();
    host_sends_datagram(500);
    expect(await_frame(VIEW("\x08\x00"), &header, &frame));
    expect_that(header.flags, ==, VIRTIO_NET_HDR_NEEDS_CSUM); /* left to whoever reads it */
    expect(header.checksum_start == 34 && header.checksum_offset == 6);
    expect(!udp_sum_is_right(frame));
    net_frame_expect(view_slice(frame, 42, 500), 500, 5);
    device_net_close(&net);
}

TEST(net_over_a_tap_has_sums_where_they_are_not_left)
{
    struct virtio_net_header header;
    struct view frame;
    open_tap(VIRTIO_F_VERSION_1 | VIRTIO_NET_F_MRG_RXBUF);
    meet_the_host();
    host_sends_datagram(500);
    expect(await_frame(VIEW("\x08\x00"), &header, &frame));
    expect_that(header.flags, ==, 0);
    expect(udp_sum_is_right(frame));
    device_net_close(&net);
}

/* A segment of TCP whose sum is left to the host: nobody listens, so it answers with a reset (RFC
 * 9293 3.10.7.1), but drops the segment unless it is told that the sum is not there yet. */
static struct view segment_to_host(size_t payload_bytes)
{
    static uint8_t room[54 + 40000];
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put(&writer, view_slice(VIEW_OF(frame_room), 6, 6)); /* who has answered */
    writer_put(&writer, mac_here());
    writer_put(&writer, VIEW("\x08\x00\x45\0"));
    writer_put_u16_be(&writer, (uint16_t)(40 + payload_bytes));
    writer_put(&writer, VIEW("\0\0\0\0\x40\x06\0\0\x0a\0\x02\x0f\x0a\0\x02\x02"));
    writer_put(&writer, VIEW("\x12\x34\x00\x50\0\0\0\1\0\0\0\2\x50\x10\x10\0\0\0\0\0"));
    struct checksum checksum = { 0 };
    checksum_add(&checksum, view_slice(VIEW_OF(room), 14, 20));
    uint16_t sum = checksum_finish(&checksum);
    (void)span_copy(span_from_offset(SPAN_OF(room), 24), VIEW_OF(sum));
    return view_first(VIEW_OF(room), 54 + payload_bytes);
}

TEST(net_over_a_tap_sends_what_is_to_be_cut)
{
    struct virtio_net_header header = net_guest_segments(1448);
    struct view frame;
    open_tap(ALL);
    meet_the_host();
    send_bytes(&header, segment_to_host(30000));
    expect_that(net.tap.rings.send_lost, ==, 0);
    expect(await_frame(VIEW("\x08\x00"), &header, &frame));
    expect_that(view_byte(frame, 23), ==, 6);
    expect_that(view_byte(frame, 47) & 0x04, ==, 0x04);
    device_net_close(&net);
}

static void set_interface(const char *name, short flags)
{
    struct ifreq request = tap_request(name);
    request.ifr_flags = flags;
    expect(tap_control(SIOCSIFFLAGS, &request));
}

static bool link_is_up(void)
{
    struct virtio_net_config config;
    (void)span_copy(SPAN_OF(config), view_first(VIEW_OF(shared.config), sizeof config));
    return config.status == 1;
}

/* virtio 1.2, 5.1.4.2: seen when a frame is lost by it; that it is up again wakes the tender. */
TEST(net_over_a_tap_tells_of_an_interface_that_is_down)
{
    open_tap(ALL);
    for (unsigned round = 0; round < 2; round++) {
        struct pollfd waits = { 0 };
        expect(link_is_up());
        set_interface("tap0", 0);
        net_guest_send(&plain, 60, 1, 2048);
        expect(net.device.ops->serve(&net.device, &guest_memory));
        expect(!link_is_up());
        waits = (struct pollfd){ .fd = net.device.descriptor, .events = POLLOUT };
        expect((net.device.events & POLLOUT) != 0 && poll(&waits, 1, 0) == 0);
        (void)net.device.ops->serve(&net.device, &guest_memory);
        expect(!link_is_up());
        set_interface("tap0", IFF_UP | IFF_RUNNING);
        expect(poll(&waits, 1, 1000) == 1);
        expect(net.device.ops->serve(&net.device, &guest_memory));
        expect(link_is_up() && (net.device.events & POLLOUT) == 0);
    }
    device_net_close(&net);
}

/* packet(7): such a socket has room while its interface is down, so that to wait for room would be
 * to turn round and round, and each frame that is lost would be told of. */
TEST(net_over_a_packet_socket_waits_for_no_interface)
{
    need_tap();
    int number = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
    const struct sockaddr_ll here = { .sll_family = AF_PACKET,
                                      .sll_protocol = htons(ETH_P_ALL),
                                      .sll_ifindex = (int)if_nametoindex("lo") };
    set_interface("lo", 0);
    expect(number >= 0 && bind(number, (const struct sockaddr *)&here, sizeof here) == 0);
    expect_ok(open_descriptor(number));
    net_guest_start(&net.device, ALL, NET_QUEUE_SIZE);
    net_guest_post(4); /* so that it is read, too, which takes the socket's own error away */
    for (unsigned round = 1; round <= 3; round++) {
        net_guest_send(&plain, 60, round, 2048);
        (void)net_guest_serve(&net.device);
        expect_that(net_guest_count_sent(), ==, 1);
        expect_that(net.tap.rings.send_lost, ==, round);
        expect(link_is_up() && net.tap.told_down && (net.device.events & POLLOUT) == 0);
    }
    set_interface("lo", IFF_UP | IFF_RUNNING);
    net_guest_send(&plain, 60, 4, 2048);
    (void)net_guest_serve(&net.device);
    expect(net.tap.rings.send_lost == 3 && !net.tap.told_down);
    device_net_close(&net);
}

TEST(net_over_a_tap_is_alone_there)
{
    static struct device_net second;
    static struct machine_device place;
    struct device_net_options options = { .name = VIEW("net1") };
    open_tap(ALL);
    expect_ok(net_host_choice_read(&options.choice, VIEW("tap:tap0")));
    expect_result(device_net_open(&second, &place, &options), EXISTS);
    device_net_close(&net);
}

TEST(net_over_a_tun_is_none)
{
    need_tap();
    expect_result(open_as("tap:tun0"), UNSUPPORTED);
}
