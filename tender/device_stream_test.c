/* device_stream_test.c - a machine's net over a stream, where the test is both passt and the guest.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/device_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tender/net_guest_test.h"

#define ALL (~(uint64_t)0)

static struct device_stream stream;
static int host;
static uint8_t frame_room[NET_HEADER_FRAME_MAX];

static const struct virtio_net_header plain;

static void open_stream(int room_bytes)
{
    int ends[2];
    struct device_stream_options options = { .name = VIEW("net"), .mtu_bytes = 65520 };
    expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    for (size_t i = 0; i < 2; i++)
        expect(setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &room_bytes, sizeof room_bytes) == 0);
    (void)span_copy(SPAN_OF(options.mac), VIEW_OF(test_mac));
    device_stream_open(&stream, &shared, ends[1], &options);
    net_guest_start(&stream.device, ALL, NET_QUEUE_SIZE);
    host = ends[0];
}

static void close_stream(void)
{
    stream.device.ops->close(&stream.device);
    if (host >= 0) expect(close(host) == 0);
    host = -1;
}

static bool host_sends_bytes(struct view bytes)
{
    return send(host, bytes.bytes, bytes.length_bytes, MSG_DONTWAIT) == (ssize_t)bytes.length_bytes;
}

static struct view frame_behind_length(size_t frame_bytes, size_t number)
{
    static uint8_t room[4 + NET_FRAME_MAX];
    uint32_t length = __builtin_bswap32((uint32_t)frame_bytes);
    struct span behind = span_copy(SPAN_OF(room), VIEW_OF(length));
    (void)net_frame_fill(span_first(behind, frame_bytes), number);
    return view_first(VIEW_OF(room), sizeof length + frame_bytes);
}

static void expect_received(size_t frame_bytes, size_t number)
{
    struct virtio_net_header header;
    struct view frame;
    expect(net_guest_receive(&header, SPAN_OF(frame_room), &frame));
    net_frame_expect(frame, frame_bytes, number);
    expect(header.flags == 0 && header.gso_type == VIRTIO_NET_GSO_NONE);
}

/* ---- what passt has got ---- */

static struct {
    uint8_t bytes[1 << 20];
    size_t length_bytes;
} got;

static void host_reads(size_t bytes_max)
{
    struct span room = span_from_offset(SPAN_OF(got.bytes), got.length_bytes);
    ssize_t length = recv(host, room.bytes, MIN(room.length_bytes, bytes_max), MSG_DONTWAIT);
    if (length > 0) got.length_bytes += (size_t)length;
}

/* Takes the first frame off; false: it is not there, or not whole. */
static bool host_takes(size_t frame_bytes, size_t number)
{
    uint32_t length;
    struct view bytes = view_first(VIEW_OF(got.bytes), got.length_bytes);
    if (bytes.length_bytes < sizeof length + frame_bytes) return false;
    (void)span_copy(SPAN_OF(length), view_first(bytes, sizeof length));
    expect_that(__builtin_bswap32(length), ==, frame_bytes);
    net_frame_expect(view_slice(bytes, sizeof length, frame_bytes), frame_bytes, number);
    got.length_bytes -= sizeof length + frame_bytes;
    __builtin_memmove(got.bytes, &got.bytes[sizeof length + frame_bytes], got.length_bytes);
    return true;
}

/* ---- from the guest ---- */

TEST(stream_offers_no_offloads)
{
    open_stream(1 << 20);
    expect((shared.offered & (VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM)) == 0);
    expect((shared.offered & VIRTIO_NET_F_MRG_RXBUF) != 0);
    close_stream();
}

TEST(stream_sends_frames_behind_their_lengths)
{
    static const size_t lengths[] = { 14, 60, 1514, 9000, NET_FRAME_MAX };
    open_stream(1 << 20);
    got.length_bytes = 0;
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        net_guest_send(&plain, lengths[i], i, 4096);
        expect(net_guest_serve(&stream.device));
        expect_that(net_guest_count_sent(), ==, 1);
        host_reads(sizeof got.bytes);
        expect(host_takes(lengths[i], i));
    }
    expect_that(got.length_bytes, ==, 0);
    close_stream();
}

TEST(stream_sends_a_burst_in_order)
{
    static const size_t lengths[] = { 100, 14, 2000, 300 };
    open_stream(1 << 20);
    got.length_bytes = 0;
    for (size_t i = 0; i < LENGTH_OF(lengths); i++)
        net_guest_send(&plain, lengths[i], i, 500);
    expect(net_guest_serve(&stream.device));
    expect_that(net_guest_count_sent(), ==, LENGTH_OF(lengths));
    host_reads(sizeof got.bytes);
    for (size_t i = 0; i < LENGTH_OF(lengths); i++)
        expect(host_takes(lengths[i], i));
    close_stream();
}

/* A small socket takes parts of frames: the rest comes first, whatever the guest does with its
 * memory meanwhile, and frames that are bad are lost alone. */
TEST(stream_that_is_full_loses_and_reorders_nothing)
{
    const struct virtio_net_header bad = { .flags = 0xff };
    size_t sent = 0, taken = 0, given = 0, lost = 0, held = 0, rests = 0;
    open_stream(4096);
    got.length_bytes = 0;
    for (size_t turn = 0; taken < 600; turn++) {
        expect(turn < 100000);
        while (sent < 600 && held < NET_SEND_PLACES) {
            bool is_bad = sent % 5 == 3;
            net_guest_send(is_bad ? &bad : &plain, 60 + sent * 41 % 9000, sent, 1000);
            lost += is_bad;
            sent++;
            held++;
        }
        (void)net_guest_serve(&stream.device);
        size_t completed = net_guest_count_sent();
        given += completed;
        held -= completed;
        if (held > 0 || stream.rest_bytes > 0) {
            expect_that(stream.device.events, ==, POLLOUT);
            expect_that(stream.device.descriptor, ==, stream.number);
        }
        rests += stream.rest_bytes > 0;
        host_reads(1 + turn * 977 % 5000);
        while (taken < sent && (taken % 5 == 3 || host_takes(60 + taken * 41 % 9000, taken)))
            taken++;
    }
    expect_that(given, ==, 600);
    expect(rests > 0);
    expect_that(stream.rings.send_lost, ==, lost);
    expect_that(stream.rings.sent_frames, ==, 600 - lost);
    (void)net_guest_serve(&stream.device);
    expect_that(got.length_bytes, ==, 0);
    expect_that(stream.device.descriptor, ==, -1);
    close_stream();
}

/* ---- to the guest ---- */

TEST(stream_receives_frames_however_they_come)
{
    static const size_t lengths[] = { 14, 60, 1514, 2036, 2037, 20000, NET_FRAME_MAX };
    open_stream(1 << 20);
    net_guest_post(128);
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        struct view bytes = frame_behind_length(lengths[i], i);
        size_t first_bytes = 1 + i * 3 % 5;
        expect(host_sends_bytes(view_first(bytes, first_bytes)));
        expect(!net_guest_serve(&stream.device));
        expect_that(stream.device.events, ==, POLLIN);
        expect(host_sends_bytes(view_from_offset(bytes, first_bytes)));
        expect(net_guest_serve(&stream.device));
        expect_received(lengths[i], i);
        net_guest_post((lengths[i] + 12 + NET_BUFFER - 1) / NET_BUFFER);
    }
    close_stream();
}

TEST(stream_gives_only_what_the_guest_has_room_for)
{
    open_stream(1 << 20);
    for (size_t i = 0; i < 10; i++)
        expect(host_sends_bytes(frame_behind_length(1000 + i, i)));
    expect(!net_guest_serve(&stream.device));
    expect_that(stream.device.descriptor, ==, -1);
    for (size_t i = 0; i < 10; i++) {
        net_guest_post(1);
        expect(net_guest_serve(&stream.device));
        expect_received(1000 + i, i);
        if (i < 9) expect_that(stream.device.events, ==, 0); /* the rest is inside already */
    }
    net_guest_post(1);
    expect(!net_guest_serve(&stream.device));
    expect_that(stream.device.events, ==, POLLIN);
    expect_that(stream.rings.receive_lost, ==, 0);
    close_stream();
}

TEST(stream_loses_frames_that_are_too_short)
{
    open_stream(1 << 20);
    net_guest_post(8);
    expect(host_sends_bytes(frame_behind_length(0, 0)));
    expect(host_sends_bytes(frame_behind_length(13, 0)));
    expect(host_sends_bytes(frame_behind_length(14, 1)));
    expect(net_guest_serve(&stream.device));
    expect_received(14, 1);
    expect_that(stream.rings.receive_lost, ==, 2);
    close_stream();
}

/* ---- ends ---- */

static void expect_gone(void)
{
    struct virtio_net_config config;
    (void)span_copy(SPAN_OF(config), view_first(VIEW_OF(shared.config), sizeof config));
    expect(stream.is_gone && config.status == 0);
    expect_that(stream.device.descriptor, ==, -1);
    net_guest_send(&plain, 100, 1, 4096);
    (void)net_guest_serve(&stream.device);
    expect_that(net_guest_count_sent(), ==, 1);
    expect_that(stream.rings.send_lost, ==, 1);
}

/* Nothing behind such a length can be told apart. */
TEST(stream_ends_at_a_length_that_no_frame_has)
{
    static const uint32_t lengths[] = { NET_FRAME_MAX + 1, 0x80000000, UINT32_MAX };
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        uint32_t length = __builtin_bswap32(lengths[i]);
        open_stream(1 << 20);
        net_guest_post(8);
        expect(host_sends_bytes(frame_behind_length(100, 1)) && host_sends_bytes(VIEW_OF(length)));
        expect(net_guest_serve(&stream.device));
        expect_received(100, 1);
        expect_gone();
        close_stream();
    }
}

TEST(stream_ends_when_the_other_side_does)
{
    open_stream(1 << 20);
    net_guest_post(8);
    expect(host_sends_bytes(frame_behind_length(100, 1)) && close(host) == 0);
    host = -1;
    expect(net_guest_serve(&stream.device));
    expect_received(100, 1); /* what came before is not lost */
    (void)net_guest_serve(&stream.device);
    expect_gone();
    close_stream();
}

TEST(stream_is_stopped_and_started_again)
{
    open_stream(1 << 20);
    net_guest_post(8);
    struct view bytes = frame_behind_length(3000, 1);
    expect(host_sends_bytes(view_first(bytes, 700)));
    expect(!net_guest_serve(&stream.device));
    stream.device.ops->stop(&stream.device);
    net_guest_start(&stream.device, ALL, 16);
    net_guest_post(8);
    expect(host_sends_bytes(view_from_offset(bytes, 700)));
    expect(net_guest_serve(&stream.device));
    expect_received(3000, 1); /* the stream is where it was */
    close_stream();
}

TEST(stream_breaks_at_unsound_queues)
{
    open_stream(1 << 20);
    guest_queue_offer(&transmitting, NET_QUEUE_SIZE);
    expect(!stream.device.ops->serve(&stream.device, &guest_memory));
    expect(stream.device.is_broken && stream.device.descriptor == -1);
    close_stream();
}
