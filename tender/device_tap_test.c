/* device_tap_test.c - a machine's net over a pair of sockets, where the test is both the host and
 * the guest, and either may lie.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/device_tap.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tender/net_guest_test.h"

#define ALL  (~(uint64_t)0)
#define NONE VIRTIO_F_VERSION_1

static struct device_tap tap;
static int host;
static uint8_t room[NET_HEADER_FRAME_MAX + 100], frame_room[NET_HEADER_FRAME_MAX + 100];

static const struct virtio_net_header plain;

static void open_tap(bool has_header)
{
    int ends[2];
    const int bytes = 1 << 20;
    struct device_tap_options options = { .name = VIEW("net"), .mtu_bytes = 1500 };
    expect(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    for (size_t i = 0; i < 2; i++)
        expect(setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0);
    (void)span_copy(SPAN_OF(options.mac), VIEW_OF(test_mac));
    device_tap_open_socket(&tap, &shared, ends[1], has_header, &options);
    host = ends[0];
    expect(fcntl(host, F_SETFL, O_NONBLOCK) == 0);
}

static void open_started(uint64_t features)
{
    open_tap(true);
    net_guest_start(&tap.device, features, NET_QUEUE_SIZE);
}

/* Over a socket of another type. */
static void open_tap_of(int type)
{
    int ends[2];
    const struct device_tap_options options = { .name = VIEW("net"), .mtu_bytes = 1500 };
    expect(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0);
    device_tap_open_socket(&tap, &shared, ends[1], true, &options);
    host = ends[0];
    expect(fcntl(host, F_SETFL, O_NONBLOCK) == 0);
    net_guest_start(&tap.device, ALL, NET_QUEUE_SIZE);
}

static void close_tap(void)
{
    tap.device.ops->close(&tap.device);
    if (host >= 0) expect(close(host) == 0);
    host = -1;
}

static bool host_sends(const struct virtio_net_header *header, size_t frame_bytes, size_t number)
{
    struct span behind = SPAN_OF(room);
    if (header != NULL) behind = span_copy(behind, VIEW_OF(*header));
    (void)net_frame_fill(span_first(behind, frame_bytes), number);
    size_t length_bytes = sizeof room - behind.length_bytes + frame_bytes;
    return send(host, room, length_bytes, MSG_DONTWAIT) == (ssize_t)length_bytes;
}

/* What the guest has sent; empty: nothing. */
static struct view host_receives(void)
{
    ssize_t length = recv(host, room, sizeof room, MSG_DONTWAIT);
    return view_first(VIEW_OF(room), length > 0 ? (size_t)length : 0);
}

static struct virtio_net_header header_of(struct view bytes)
{
    struct virtio_net_header header;
    (void)span_copy(SPAN_OF(header), view_first(bytes, sizeof header));
    return header;
}

static void expect_received(size_t frame_bytes, size_t number)
{
    struct virtio_net_header header;
    struct view frame;
    expect(net_guest_receive(&header, SPAN_OF(frame_room), &frame));
    net_frame_expect(frame, frame_bytes, number);
    expect_that(header.buffer_count, ==,
                (frame_bytes + sizeof header + NET_BUFFER - 1) / NET_BUFFER);
}

static void expect_none_received(void)
{
    expect_that(receiving.looked, ==, receiving.used->index);
}

/* ---- setting up ---- */

TEST(tap_says_what_it_is)
{
    struct virtio_net_config config;
    open_tap(true);
    (void)span_copy(SPAN_OF(config), view_first(VIEW_OF(shared.config), sizeof config));
    expect(shared.kind == MACHINE_NET && shared.transport == MACHINE_SHARED);
    expect(shared.queue_count == 2 && shared.status == 0);
    expect(view_equal(VIEW_OF(config.mac), VIEW_OF(test_mac)));
    expect(config.status == 1 && config.mtu_bytes == 1500);
    expect((shared.offered & VIRTIO_NET_F_HOST_TSO4) != 0);
    expect_that(tap.device.descriptor, ==, -1);
    close_tap();
    open_tap(false);
    expect((shared.offered & (VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4)) == 0);
    expect((shared.offered & VIRTIO_NET_F_MRG_RXBUF) != 0);
    close_tap();
}

TEST(tap_starts_only_with_sound_features)
{
    static const uint64_t unsound[] = {
        0,
        VIRTIO_NET_F_CSUM,
        VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX,
        VIRTIO_F_VERSION_1 | (uint64_t)1 << 63,
        VIRTIO_F_VERSION_1 | VIRTIO_NET_F_HOST_TSO4,
        VIRTIO_F_VERSION_1 | VIRTIO_NET_F_GUEST_TSO6,
        VIRTIO_F_VERSION_1 | VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_ECN,
        VIRTIO_F_VERSION_1 | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_ECN,
    };
    for (size_t i = 0; i < LENGTH_OF(unsound); i++) {
        open_tap(true);
        struct machine_device said = net_guest_says(ALL, NET_QUEUE_SIZE);
        said.accepted = unsound[i];
        expect(!tap.device.ops->start(&tap.device, &guest_memory, &said));
        expect(tap.device.is_broken && tap.device.descriptor == -1);
        close_tap();
    }
}

TEST(tap_starts_only_with_both_queues)
{
    for (size_t queue = 0; queue < 2; queue++) {
        open_tap(true);
        struct machine_device said = net_guest_says(ALL, NET_QUEUE_SIZE);
        said.queues[queue].size = 0;
        expect(!tap.device.ops->start(&tap.device, &guest_memory, &said));
        expect(tap.device.is_broken);
        close_tap();
    }
}

/* ---- from the guest ---- */

TEST(tap_sends_frames_of_every_length)
{
    static const size_t lengths[] = { 14, 60, 1514, 2036, 2037, 9000, 65549, NET_FRAME_MAX };
    open_started(ALL);
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        net_guest_send(&plain, lengths[i], i, 4096);
        expect(net_guest_serve(&tap.device)); /* it is told, as it wants to be */
        expect_that(net_guest_count_sent(), ==, 1);
        struct view came = host_receives();
        expect(came.length_bytes > NET_HEADER_BYTES);
        net_frame_expect(view_from_offset(came, NET_HEADER_BYTES), lengths[i], i);
    }
    expect_that(tap.rings.sent_frames, ==, LENGTH_OF(lengths));
    expect(view_is_empty(host_receives()));
    close_tap();
}

TEST(tap_sends_without_headers_where_there_are_none)
{
    static const size_t lengths[] = { 60, 1514, 3000 };
    open_tap(false);
    net_guest_start(&tap.device, ALL, NET_QUEUE_SIZE);
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        net_guest_send(&plain, lengths[i], i, 700);
        (void)net_guest_serve(&tap.device);
        net_frame_expect(host_receives(), lengths[i], i);
    }
    close_tap();
}

/* VIRTQ_AVAIL_NO_INTERRUPT: a guest that needs no word of what is sent is not woken by it. */
TEST(tap_tells_of_completed_sends_only_who_asks)
{
    open_started(ALL);
    transmitting.available->flags = VIRTQ_AVAIL_NO_INTERRUPT;
    net_guest_send(&plain, 60, 1, 4096);
    expect(!net_guest_serve(&tap.device));
    expect_that(net_guest_count_sent(), ==, 1); /* but sees it when it looks */
    close_tap();
}

static void expect_header(const struct virtio_net_header *said, uint64_t features, bool is_sound)
{
    open_started(features);
    net_guest_send(said, 1000, 1, 4096);
    net_guest_send(&plain, 60, 2, 4096);
    (void)net_guest_serve(&tap.device);
    expect_that(net_guest_count_sent(), ==, 2);
    expect_that(tap.rings.send_lost, ==, is_sound ? 0 : 1);
    if (is_sound) net_frame_expect(view_from_offset(host_receives(), NET_HEADER_BYTES), 1000, 1);
    net_frame_expect(view_from_offset(host_receives(), NET_HEADER_BYTES), 60, 2);
    close_tap();
}

/* 5.1.6.2: what the kernel would be told of a frame is true of it, and was agreed upon. */
TEST(tap_checks_the_headers_of_the_guest)
{
    const uint64_t no_segments = ALL & ~(VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 |
                                         VIRTIO_NET_F_HOST_ECN);
    const struct virtio_net_header sum = { .flags = 1,
                                           .checksum_start = 34,
                                           .checksum_offset = 16 };
    const struct virtio_net_header cut = net_guest_segments(500);
    struct virtio_net_header header;
    expect_header(&sum, ALL, true);
    expect_header(&cut, ALL, true);
    expect_header(&sum, NONE, false);
    expect_header(&cut, no_segments, false);
#define WITH(base, field, value, is_sound) \
    header = (base); \
    header.field = (value); \
    expect_header(&header, ALL, is_sound)
    WITH(sum, checksum_start, 998, false);
    WITH(sum, checksum_start, 982, true);
    WITH(sum, checksum_start, 983, false);
    WITH(sum, checksum_start, 13, false);
    WITH(sum, checksum_start, UINT16_MAX, false);
    WITH(sum, checksum_offset, UINT16_MAX, false);
    WITH(sum, checksum_offset, 965, false);
    WITH(sum, flags, 2, false);
    WITH(sum, flags, 0xff, false);
    WITH(cut, flags, 0, false);
    WITH(cut, segment_bytes, 0, false);
    WITH(cut, segment_bytes, 7, false);
    WITH(cut, segment_bytes, 8, true);
    WITH(cut, header_bytes, 1001, false);
    WITH(cut, gso_type, VIRTIO_NET_GSO_TCPV6, true);
    WITH(cut, gso_type, VIRTIO_NET_GSO_TCPV4 | VIRTIO_NET_GSO_ECN, true);
    WITH(cut, gso_type, VIRTIO_NET_GSO_ECN, false);
    WITH(cut, gso_type, 3, false); /* UDP */
    WITH(cut, gso_type, 5, false);
    WITH(cut, gso_type, 0x7f, false);
#undef WITH
}

/* recv(2): of datagrams one may have no bytes, which does not say that the other side has gone. */
TEST(tap_survives_an_empty_datagram)
{
    open_tap_of(SOCK_DGRAM);
    net_guest_post(4);
    expect(send(host, room, 0, MSG_DONTWAIT) == 0);
    (void)net_guest_serve(&tap.device);
    expect(!tap.is_gone);
    expect_that(tap.rings.receive_lost, ==, 1);
    close_tap();
    open_tap_of(SOCK_SEQPACKET); /* of these it does */
    net_guest_post(4);
    expect(close(host) == 0);
    host = -1;
    (void)net_guest_serve(&tap.device);
    expect(tap.is_gone);
    close_tap();
}

/* Nothing else of it reaches the host. */
TEST(tap_sends_no_more_of_a_header_than_was_checked)
{
    const struct virtio_net_header noise = { .header_bytes = 0xaaaa,
                                             .segment_bytes = 0xbbbb,
                                             .checksum_start = 0xcccc,
                                             .checksum_offset = 0xdddd,
                                             .buffer_count = 0xeeee };
    open_started(ALL);
    net_guest_send(&noise, 1000, 1, 4096);
    net_guest_send(&noise, 5000, 1, 4096);
    (void)net_guest_serve(&tap.device);
    for (size_t i = 0; i < 2; i++) {
        const struct virtio_net_header came = header_of(host_receives());
        expect(view_equal(VIEW_OF(came), VIEW_OF(plain)));
    }
    close_tap();
}

TEST(tap_loses_frames_too_short_or_too_long)
{
    const struct guest_buffer shorts = { GUEST_DATA, 25, false }, stub = { GUEST_DATA, 1, false };
    const struct guest_buffer longs = { GUEST_DATA, NET_HEADER_FRAME_MAX + 1, false };
    open_started(ALL);
    (void)guest_queue_add(&transmitting, &shorts, 1);
    (void)guest_queue_add(&transmitting, &stub, 1);
    (void)guest_queue_add(&transmitting, &longs, 1);
    (void)net_guest_serve(&tap.device);
    expect_that(net_guest_count_sent(), ==, 3);
    expect_that(tap.rings.send_lost, ==, 3);
    expect(view_is_empty(host_receives()));
    close_tap();
}

TEST(tap_waits_for_room_in_the_host)
{
    size_t sent = 0, came = 0, given = 0;
    open_started(ALL);
    for (; tap.device.events != POLLOUT; sent++) {
        expect(sent < 1000);
        net_guest_send(&plain, 1500, sent, 4096);
        (void)net_guest_serve(&tap.device);
        given += net_guest_count_sent();
    }
    expect_that(tap.device.descriptor, ==, tap.number);
    expect_that(given, ==, sent - 1);
    for (size_t turn = 0; came < sent; turn++) {
        struct view frame = host_receives();
        expect(turn < 10000);
        if (!view_is_empty(frame))
            net_frame_expect(view_from_offset(frame, NET_HEADER_BYTES), 1500, came++);
        (void)net_guest_serve(&tap.device);
        given += net_guest_count_sent();
    }
    expect_that(given, ==, sent);
    expect_that(tap.rings.send_lost, ==, 0);
    expect_that(tap.device.events, ==, 0);
    close_tap();
}

/* ---- to the guest ---- */

/* Twice each: long ones are read where they are to lie once they are expected. */
TEST(tap_receives_frames_of_every_length)
{
    static const size_t lengths[] = { 14,   60,   1514, 2035,  2036,  2037,
                                      4083, 4084, 4085, 65000, 65549, NET_FRAME_MAX };
    open_started(ALL);
    net_guest_post(128);
    for (size_t i = 0; i < 2 * LENGTH_OF(lengths); i++) {
        size_t length_bytes = lengths[i / 2];
        expect(host_sends(&plain, length_bytes, i));
        expect(net_guest_serve(&tap.device));
        expect_received(length_bytes, i);
        expect_none_received();
        net_guest_post((length_bytes + 12 + NET_BUFFER - 1) / NET_BUFFER);
    }
    expect(tap.in_place);
    expect_that(tap.rings.received_frames, ==, 2 * LENGTH_OF(lengths));
    expect_that(tap.rings.receive_lost, ==, 0);
    close_tap();
}

/* Where frames are copied, where they are read in place, and where they are sent. */
TEST(tap_writes_down_what_passes)
{
    static const size_t lengths[] = { 60, 9000, 9000, 60 };
    static struct capture capture;
    char path[] = "/tmp/loom-capture-XXXXXX";
    int descriptor = mkstemp(path);
    struct stat status;
    off_t least = 0;
    expect(descriptor >= 0 && close(descriptor) == 0);
    open_started(ALL);
    capture_open(&capture, path, VIEW("net"));
    tap.rings.capture = &capture;
    net_guest_post(64);
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        least += 2 * (off_t)lengths[i];
        expect(host_sends(&plain, lengths[i], i));
        net_guest_send(&plain, lengths[i], i, 4096);
        expect(net_guest_serve(&tap.device));
        expect_received(lengths[i], i);
        expect_that(net_guest_count_sent(), ==, 1);
        expect_that(capture.frames, ==, 2 * (i + 1));
    }
    expect(tap.in_place && stat(path, &status) == 0 && unlink(path) == 0);
    expect(status.st_size > least && status.st_size < least + 2000);
    close_tap();
}

TEST(tap_learns_what_comes)
{
    open_started(ALL);
    for (size_t i = 0; i < 1000; i++) {
        size_t length_bytes = i % 200 < 3 ? 30000 : 100 + i;
        net_guest_post(64 - (uint16_t)(receiving.available->index - receiving.looked));
        expect(host_sends(&plain, length_bytes, i));
        expect(net_guest_serve(&tap.device));
        expect_received(length_bytes, i);
        expect(tap.in_place == (i % 200 < 2 + 64));
    }
    close_tap();
}

TEST(tap_passes_the_headers_of_the_host)
{
    struct virtio_net_header header, said = net_guest_segments(1448);
    struct view frame;
    open_started(ALL);
    net_guest_post(128);
    for (size_t i = 0; i < 4; i++) {
        size_t length_bytes = i % 2 == 0 ? 20000 : 1000;
        expect(host_sends(&said, length_bytes, i));
        expect(net_guest_serve(&tap.device));
        expect(net_guest_receive(&header, SPAN_OF(frame_room), &frame));
        net_frame_expect(frame, length_bytes, i);
        expect_that(header.buffer_count, ==, i % 2 == 0 ? 10 : 1);
        header.buffer_count = 0;
        expect(view_equal(VIEW_OF(header), VIEW_OF(said)));
    }
    close_tap();
}

/* 5.1.6.4.1: flags are zero for a guest that has not accepted them. */
TEST(tap_says_nothing_of_checksums_that_was_not_asked_for)
{
    struct virtio_net_header header;
    const struct virtio_net_header valid = { .flags = VIRTIO_NET_HDR_DATA_VALID };
    struct view frame;
    open_started(VIRTIO_F_VERSION_1 | VIRTIO_NET_F_MRG_RXBUF);
    net_guest_post(64);
    expect(host_sends(&valid, 1000, 1) && net_guest_serve(&tap.device));
    expect(net_guest_receive(&header, SPAN_OF(frame_room), &frame));
    expect_that(header.flags, ==, 0);
    close_tap();
}

TEST(tap_receives_without_headers_where_there_are_none)
{
    open_tap(false);
    net_guest_start(&tap.device, ALL, NET_QUEUE_SIZE);
    net_guest_post(64);
    for (size_t i = 0; i < 10; i++) {
        expect(host_sends(NULL, i % 2 == 0 ? 100 : 9000, i));
        expect(net_guest_serve(&tap.device));
        expect_received(i % 2 == 0 ? 100 : 9000, i);
        net_guest_post(5);
    }
    close_tap();
}

/* Without mergeable buffers a frame has a chain to itself (5.1.6.3.1). */
TEST(tap_fills_one_chain_where_buffers_do_not_merge)
{
    struct virtq_used_element element;
    const struct guest_buffer chain[] = { { GUEST_DATA, 12, true },
                                          { GUEST_DATA + 0x1000, 1000, true },
                                          { GUEST_DATA + 0x2000, 514, true } };
    open_started(VIRTIO_F_VERSION_1);
    for (size_t i = 0; i < 3; i++)
        (void)guest_queue_add(&receiving, chain, 3);
    expect(host_sends(&plain, 1514, 1) && host_sends(&plain, 1515, 2) && host_sends(&plain, 60, 3));
    expect(net_guest_serve(&tap.device));
    expect(guest_queue_look(&receiving, &element) && element.length_bytes == 1526);
    expect(guest_queue_look(&receiving, &element) && element.length_bytes == 72);
    expect(!guest_queue_look(&receiving, &element));
    expect_that(((struct virtio_net_header *)guest_at(GUEST_DATA))->buffer_count, ==, 1);
    expect_that(tap.rings.receive_lost, ==, 1);
    net_frame_expect(view_from(guest_at(GUEST_DATA + 0x1000), 60), 60, 3);
    close_tap();
}

TEST(tap_reads_only_what_the_guest_has_room_for)
{
    open_started(ALL);
    expect(!net_guest_serve(&tap.device));
    expect_that(tap.device.descriptor, ==, -1); /* nothing to be woken by */
    expect(host_sends(&plain, 100, 1) && host_sends(&plain, 9000, 2));
    expect(!net_guest_serve(&tap.device));
    net_guest_post(1);
    expect(net_guest_serve(&tap.device));
    expect_received(100, 1);
    net_guest_post(2); /* the other frame needs five: it is kept */
    expect(!net_guest_serve(&tap.device));
    expect_that(tap.kept_bytes, ==, 9012);
    expect_that(tap.device.events, ==, 0);
    net_guest_post(2);
    expect(!net_guest_serve(&tap.device));
    net_guest_post(2);
    expect(net_guest_serve(&tap.device));
    expect_received(9000, 2);
    expect_that(tap.device.events, ==, POLLIN);
    expect_that(tap.device.descriptor, ==, tap.number);
    expect_that(tap.rings.receive_lost, ==, 0);
    close_tap();
}

/* A queue of 4 buffers never holds it: it must not stand in the way of others. */
TEST(tap_loses_what_the_guest_can_never_take)
{
    open_tap(true);
    net_guest_start(&tap.device, ALL, 4);
    net_guest_post(4);
    expect(host_sends(&plain, 9000, 1) && host_sends(&plain, 8180, 2));
    expect(net_guest_serve(&tap.device));
    expect_received(8180, 2);
    expect_that(tap.rings.receive_lost, ==, 1);
    close_tap();
}

TEST(tap_loses_frames_of_the_host_too_short_or_too_long)
{
    open_started(ALL);
    net_guest_post(64);
    expect(host_sends(NULL, 25, 1) && host_sends(NULL, 1, 2));
    expect(host_sends(&plain, NET_FRAME_MAX + 1, 3) && host_sends(&plain, 14, 4));
    expect(net_guest_serve(&tap.device));
    expect_received(14, 4);
    expect_none_received();
    expect_that(tap.rings.receive_lost, ==, 3);
    close_tap();
}

TEST(tap_breaks_at_buffers_that_cannot_be_received_in)
{
    static const struct guest_buffer wrong[][2] = {
        { { GUEST_DATA, 2048, false }, { GUEST_DATA, 2048, true } },
        { { GUEST_DATA, 5, true }, { GUEST_DATA, 6, true } },
    };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        open_started(ALL);
        (void)guest_queue_add(&receiving, wrong[i], 2);
        expect(host_sends(&plain, 100, 1));
        expect(!tap.device.ops->serve(&tap.device, &guest_memory));
        expect(tap.device.is_broken && tap.device.descriptor == -1);
        close_tap();
    }
}

TEST(tap_breaks_at_frames_to_be_written)
{
    const struct guest_buffer parts[] = { { GUEST_DATA, 100, false }, { GUEST_DATA, 100, true } };
    open_started(ALL);
    (void)guest_queue_add(&transmitting, parts, 2);
    expect(!tap.device.ops->serve(&tap.device, &guest_memory));
    expect(tap.device.is_broken);
    close_tap();
}

/* ---- ends ---- */

TEST(tap_goes_away)
{
    struct virtio_net_config config;
    open_started(ALL);
    net_guest_post(4);
    expect(close(host) == 0);
    host = -1;
    expect(net_guest_serve(&tap.device)); /* that is news */
    (void)span_copy(SPAN_OF(config), view_first(VIEW_OF(shared.config), sizeof config));
    expect_that(config.status, ==, 0);
    expect_that(tap.device.descriptor, ==, -1);
    net_guest_send(&plain, 100, 1, 4096);
    expect(net_guest_serve(&tap.device));
    expect_that(net_guest_count_sent(), ==, 1);
    expect_that(tap.rings.send_lost, ==, 1);
    transmitting.available->flags = VIRTQ_AVAIL_NO_INTERRUPT;
    expect(!net_guest_serve(&tap.device));
    close_tap();
}

TEST(tap_is_stopped_and_started_again)
{
    open_started(ALL);
    net_guest_post(3);
    expect(host_sends(&plain, 9000, 1));
    expect(!net_guest_serve(&tap.device));
    tap.device.ops->stop(&tap.device);
    expect_that(tap.device.descriptor, ==, -1);
    net_guest_start(&tap.device, ALL, 64);
    expect(host_sends(&plain, 500, 2));
    net_guest_post(64);
    expect(net_guest_serve(&tap.device));
    expect_received(500, 2); /* what was for the guest before is gone */
    expect_none_received();
    close_tap();
}

/* A turn of the ring, and no more: the machine has other devices. */
TEST(tap_serves_a_turn_at_most)
{
    open_tap(true);
    net_guest_start(&tap.device, ALL, 16);
    net_guest_post(16);
    for (size_t i = 0; i < 40; i++)
        expect(host_sends(&plain, 60, i));
    expect(net_guest_serve(&tap.device));
    for (size_t i = 0; i < 16; i++)
        expect_received(60, i);
    expect_none_received();
    expect(!net_guest_serve(&tap.device));
    net_guest_post(16);
    expect(net_guest_serve(&tap.device));
    expect_received(60, 16);
    close_tap();
}
