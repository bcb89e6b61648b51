/* net_tap_suite_test.c - the conformance suite of nets: a tap over a pair of sockets, and one of
 * the host, whose other end is a packet socket on the interface.
 *
 * SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net_suite.h"
#include "packet/checksum.h"
#include "target/unix/net_tap.h"

static struct net_tap tap;
static int host = -1; /* the other end */

static const uint8_t all_offloads = NET_SENDS_CHECKSUMS | NET_SENDS_SEGMENTS_IPV4 |
                                    NET_SENDS_SEGMENTS_IPV6 | NET_RECEIVES_CHECKSUMS |
                                    NET_RECEIVES_SEGMENTS;

/* RFC 1071, over what stands in the field already. */
static void complete(struct span frame, const struct net_tap_header *header)
{
    struct checksum checksum = { 0 };
    struct span summed = span_from_offset(frame, header->csum_start);
    checksum_add(&checksum, span_view(summed));
    uint16_t sum = checksum_finish(&checksum);
    (void)span_copy(span_from_offset(summed, header->csum_offset), VIEW_OF(sum));
}

/* The IP length of a frame of many segments may be the whole's or not told at all (0): a frame that
 * a wire would carry has the right one. */
static size_t take(struct span room)
{
    struct net_tap_header header;
    struct iovec parts[] = { { &header, sizeof header }, { room.bytes, room.length_bytes } };
    ssize_t length = readv(host, parts, 2);
    if (length <= (ssize_t)sizeof header) return 0;
    struct span frame = span_first(room, (size_t)length - sizeof header);
    if ((header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0) complete(frame, &header);
    return frame.length_bytes;
}

static void give(struct view frame)
{
    const struct net_tap_header none = { 0 };
    static uint8_t copy[sizeof none + UINT16_MAX];
    struct span to = span_copy(SPAN_OF(copy), VIEW_OF(none));
    (void)span_copy(to, frame);
    size_t length = sizeof none + frame.length_bytes;
    expect(write(host, copy, length) == (ssize_t)length);
}

static void fixture_inject(struct net_fixture *fixture, struct view frame)
{
    (void)fixture;
    give(frame);
}

static size_t fixture_collect(struct net_fixture *fixture, struct span room)
{
    (void)fixture;
    return take(room);
}

static void fixture_close(struct net_fixture *fixture)
{
    (void)fixture;
    net_tap_close(&tap);
    expect(close(host) == 0);
}

/* ---- over a pair of sockets ---- */

static struct net *pair_open(struct net_fixture *fixture, struct net **far)
{
    int ends[2];
    const int room = 1 << 20;
    const struct net_tap_shape shape = {
        .link = NET_ETHERNET, .has_header = true, .mtu_bytes = 1500, .mac = { { 2, 0, 0, 0, 0, 1 } }
    };
    (void)fixture;
    (void)far;
    expect(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    expect(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
    expect(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    host = ends[0];
    net_tap_init(&tap, ends[1], &shape);
    return &tap.net;
}

static struct net_fixture pair = { .open = pair_open,
                                   .close = fixture_close,
                                   .inject = fixture_inject,
                                   .collect = fixture_collect,
                                   .held_frames_max = 64 };

NET_SUITE(net_tap_pair, &pair)

/* ---- a tap of the host ---- */

static const char *no_tap; /* why there is none */

static int packet_socket(void)
{
    const int on = 1, room = 1 << 22;
    struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                   .sll_protocol = htons(3), /* ETH_P_ALL */
                                   .sll_ifindex = (int)if_nametoindex("tap0") };
    int made = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    expect(made >= 0);
    expect(setsockopt(made, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) == 0);
    expect(setsockopt(made, SOL_PACKET, 23 /* PACKET_IGNORE_OUTGOING */, &on, sizeof on) == 0);
    expect(setsockopt(made, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) == 0);
    expect(bind(made, (struct sockaddr *)&address, sizeof address) == 0);
    return made;
}

static void set_up(void)
{
    struct ifreq request = { .ifr_name = "tap0", .ifr_flags = IFF_UP | IFF_RUNNING | IFF_PROMISC };
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    expect(ioctl(any, SIOCSIFFLAGS, &request) == 0);
    expect(close(any) == 0);
}

/* In a namespace of this process's own, which the host removes with it. */
__attribute__((constructor)) static void make_namespace(void)
{
    struct ifreq request = { .ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI };
    if (unshare(CLONE_NEWNET) != 0) {
        no_tap = "only root can make a network namespace";
        return;
    }
    int made = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (made < 0 || ioctl(made, TUNSETIFF, &request) != 0 || ioctl(made, TUNSETPERSIST, 1) != 0)
        no_tap = "this host has no /dev/net/tun";
    if (made >= 0) (void)close(made);
}

/* The host sends nothing there before it has noticed that somebody is at the other end. */
static void wait_for_carrier(void)
{
    struct ifreq request = { .ifr_name = "tap0" };
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (size_t i = 0; i < 2000 && (request.ifr_flags & IFF_RUNNING) == 0; i++) {
        expect(ioctl(any, SIOCGIFFLAGS, &request) == 0);
        (void)fiber_sleep(MS_NS);
    }
    expect((request.ifr_flags & IFF_RUNNING) != 0);
    expect(close(any) == 0);
}

static struct net *host_open(struct net_fixture *fixture, struct net **far)
{
    const struct net_tap_options options = { 0 };
    (void)fixture;
    (void)far;
    if (no_tap != NULL) test_skip(no_tap);
    set_up();
    expect_ok(net_tap_open(&tap, VIEW("tap0"), &options));
    expect_that(tap.net.offloads, ==, all_offloads);
    wait_for_carrier();
    host = packet_socket();
    return &tap.net;
}

static struct net_fixture of_host = { .open = host_open,
                                      .close = fixture_close,
                                      .inject = fixture_inject,
                                      .collect = fixture_collect,
                                      .held_frames_max = 64,
                                      .never_full = "the host takes every frame at once" };

NET_SUITE(net_tap, &of_host)
