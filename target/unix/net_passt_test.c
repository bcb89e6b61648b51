/* net_passt_test.c - frames on a stream, where the test is the other side and may lie; and passt
 * itself, where it is installed.
 *
 * SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/writer.h"
#include "net/net_listener_suite.h"
#include "target/clock.h"
#include "target/unix/net_host.h"
#include "test/test.h"

#define SOON (clock_monotonic_ns() + 5 * S_NS)

static struct net_listener listener;

static void wait_until_told(size_t count)
{
    uint64_t soon_ns = SOON;
    while (listener.told_count < count)
        expect_ok(waiters_wait(&listener.waiters, "ready", soon_ns));
}

/* ---- the stream ---- */

static struct net_passt passt;

static int open_stream(void)
{
    int ends[2];
    const struct net_passt_options options = { .mtu_bytes = NET_PASST_MTU,
                                               .mac = { { 2, 0, 0, 0, 0, 1 } } };
    expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    expect(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    expect_ok(net_passt_open(&passt, ends[1], &options));
    net_listener_attach(&listener, &passt.net, 1024);
    return ends[0];
}

static void close_stream(int other)
{
    net_listener_detach(&listener, &passt.net);
    net_passt_close(&passt);
    expect(close(other) == 0);
}

static uint8_t room[1 << 20];

/* A frame of so many bytes, its number in them, behind its length. */
static void put_frame(struct writer *writer, size_t length_bytes, size_t number)
{
    writer_put_u32_be(writer, (uint32_t)length_bytes);
    for (size_t i = 0; i < length_bytes; i++)
        writer_put_u8(writer, (uint8_t)(number + i * 3));
    expect(!writer->ran_short);
}

static void expect_frame(struct packet *packet, size_t length_bytes, size_t number)
{
    static uint8_t copy[70000];
    expect_that(packet_total_bytes(packet), ==, length_bytes);
    packet_copy_out(packet, 0, span_first(SPAN_OF(copy), length_bytes));
    for (size_t i = 0; i < length_bytes; i++)
        expect_that(copy[i], ==, (uint8_t)(number + i * 3));
    packet_drop(packet);
}

static void other_sends(int other, struct view bytes)
{
    expect(send(other, bytes.bytes, bytes.length_bytes, 0) == (ssize_t)bytes.length_bytes);
}

/* A stream has no borders: a read may end anywhere. */
TEST(stream_cut_at_every_byte)
{
    int other = open_stream();
    struct writer writer = writer_over(SPAN_OF(room));
    put_frame(&writer, 14, 1);
    put_frame(&writer, 60, 2);
    put_frame(&writer, 15, 3);
    struct view all = writer_view(&writer);
    for (size_t cut = 1; cut < all.length_bytes; cut++) {
        struct packet *packets[8];
        other_sends(other, view_first(all, cut));
        size_t count = net_receive(&passt.net, packets, 8);
        other_sends(other, view_from_offset(all, cut));
        while (count < 3)
            count += net_receive(&passt.net, &packets[count], 8 - count);
        expect_frame(packets[0], 14, 1);
        expect_frame(packets[1], 60, 2);
        expect_frame(packets[2], 15, 3);
        net_expect_none(&passt.net);
    }
    close_stream(other);
}

TEST(stream_of_frames_at_every_length)
{
    static const size_t lengths[] = {
        14, 15, 60, 1514, PACKET_PAYLOAD_MAX, PACKET_PAYLOAD_MAX + 1, 9014, 65535, PACKET_TOTAL_MAX
    };
    int other = open_stream();
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        struct writer writer = writer_over(SPAN_OF(room));
        put_frame(&writer, lengths[i], i);
        other_sends(other, writer_view(&writer));
        expect_frame(net_listener_receive(&listener, &passt.net), lengths[i], i);
    }
    expect_that(passt.net.statistics.received_frames, ==, LENGTH_OF(lengths));
    close_stream(other);
}

/* One read takes many frames; those that are left inside are told of. */
TEST(stream_burst_is_told_of_to_its_end)
{
    int other = open_stream();
    struct writer writer = writer_over(SPAN_OF(room));
    for (size_t i = 0; i < 200; i++)
        put_frame(&writer, 100, i);
    other_sends(other, writer_view(&writer));
    for (size_t i = 0; i < 200; i++) {
        size_t told = listener.told_count;
        expect_frame(net_listener_receive(&listener, &passt.net), 100, i);
        if (i < 199) wait_until_told(told + 1);
    }
    size_t told = listener.told_count;
    (void)fiber_sleep(10 * MS_NS);
    expect_that(listener.told_count, <=, told + 1); /* one that was on its way */
    close_stream(other);
}

TEST(stream_frames_too_short_are_counted)
{
    int other = open_stream();
    struct writer writer = writer_over(SPAN_OF(room));
    for (size_t length = 0; length < 14; length++)
        put_frame(&writer, length, 0);
    put_frame(&writer, 14, 7);
    other_sends(other, writer_view(&writer));
    expect_frame(net_listener_receive(&listener, &passt.net), 14, 7);
    expect_that(passt.net.statistics.receive_errors, ==, 14);
    close_stream(other);
}

static void expect_gone(void)
{
    (void)fiber_sleep(2 * MS_NS);
    net_expect_none(&passt.net);
    size_t told = listener.told_count;
    (void)fiber_sleep(5 * MS_NS);
    expect_that(listener.told_count, ==, told);
    struct packet *packet = packet_take(&listener.pool, PACKET_FOR_CONTROL);
    (void)packet_put(packet, 60);
    uint64_t errors = passt.net.statistics.send_errors;
    expect_that(net_send(&passt.net, &packet, 1), ==, 1);
    expect_that(passt.net.statistics.send_errors, ==, errors + 1);
}

/* Nothing behind it could be told apart. */
TEST(stream_with_a_length_that_none_has_ends_the_net)
{
    static const uint32_t lengths[] = { PACKET_TOTAL_MAX + 1, 0x10000, 0x7fffffff, 0xffffffff };
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        int other = open_stream();
        struct writer writer = writer_over(SPAN_OF(room));
        put_frame(&writer, 60, 1);
        writer_put_u32_be(&writer, MAX(lengths[i], (uint32_t)PACKET_TOTAL_MAX + 1));
        other_sends(other, writer_view(&writer));
        expect_frame(net_listener_receive(&listener, &passt.net), 60, 1);
        expect_gone();
        expect_that(passt.net.statistics.receive_errors, ==, 1);
        close_stream(other);
    }
}

TEST(stream_whose_other_side_goes_away)
{
    int other = open_stream();
    struct writer writer = writer_over(SPAN_OF(room));
    put_frame(&writer, 60, 1);
    other_sends(other, writer_view(&writer));
    other_sends(other, VIEW("\0\0\0"));
    expect(shutdown(other, SHUT_RDWR) == 0);
    expect_frame(net_listener_receive(&listener, &passt.net), 60, 1);
    expect_gone();
    close_stream(other);
}

TEST(stream_with_an_empty_pool)
{
    static struct packet *kept[1024];
    size_t kept_count = 0;
    int other = open_stream();
    for (struct packet *packet; (packet = packet_take(&listener.pool, PACKET_FOR_RECEIVE)) != NULL;)
        kept[kept_count++] = packet;
    struct writer writer = writer_over(SPAN_OF(room));
    put_frame(&writer, 60, 1);
    other_sends(other, writer_view(&writer));
    net_expect_none(&passt.net);
    expect_that(passt.net.statistics.receive_no_buffer, ==, 1);
    packet_drop(kept[--kept_count]); /* one, and the frame wants two */
    writer = writer_over(SPAN_OF(room));
    put_frame(&writer, 3000, 1);
    other_sends(other, writer_view(&writer));
    net_expect_none(&passt.net);
    expect_that(passt.net.statistics.receive_no_buffer, ==, 2);
    while (kept_count > 0)
        packet_drop(kept[--kept_count]);
    other_sends(other, writer_view(&writer));
    expect_frame(net_listener_receive(&listener, &passt.net), 3000, 1);
    close_stream(other);
}

/* ---- sending ---- */

/* Part in the packet, part borrowed in as many pieces as may be. */
static struct packet *packet_of(size_t length_bytes, size_t number)
{
    static uint8_t payload[256 * 3 + 70000];
    struct packet *packet = packet_take(&listener.pool, PACKET_FOR_CONTROL);
    size_t head_bytes = MIN(length_bytes, 60u), at = head_bytes;
    expect(packet != NULL);
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 3);
    /* payload[i] is number + at * 3 where i * 3 is that, modulo 256. */
    size_t shift = number * 171; /* 3 * 171 = 513 = 1 modulo 256 */
    struct view bytes = view_slice(VIEW_OF(payload), shift % 256, length_bytes);
    (void)span_copy(packet_put(packet, head_bytes), view_first(bytes, head_bytes));
    for (size_t piece = 1; at < length_bytes; piece++) {
        size_t piece_bytes = piece == PACKET_FRAGMENTS_MAX
                                 ? length_bytes - at
                                 : MIN(length_bytes - at, (size_t)50 + piece * 31);
        packet_borrow(packet, view_slice(bytes, at, piece_bytes), NULL);
        at += piece_bytes;
    }
    return packet;
}

/* What has come to the other side since the last frame that was whole. */
static uint8_t came[1 << 20];
static size_t came_bytes;

/* Takes up to `most_bytes`, and gives how many frames are whole; checks them. */
static size_t other_receives(int other, size_t most_bytes, size_t length_bytes, size_t number)
{
    size_t frames = 0;
    ssize_t length = recv(other, &came[came_bytes], MIN(most_bytes, sizeof came - came_bytes), 0);
    if (length > 0) came_bytes += (size_t)length;
    size_t at = 0;
    while (came_bytes - at >= 4 + length_bytes) {
        uint32_t said;
        memcpy(&said, &came[at], sizeof said);
        expect_that(ntohl(said), ==, length_bytes);
        for (size_t i = 0; i < length_bytes; i++)
            expect_that(came[at + 4 + i], ==, (uint8_t)(number + frames + i * 3));
        at += 4 + length_bytes;
        frames++;
    }
    came_bytes -= at;
    memmove(came, &came[at], came_bytes);
    return frames;
}

TEST(stream_takes_bursts_of_pieces)
{
    static const size_t lengths[] = { 14, 60, 1000, 9000, 65534 };
    int other = open_stream();
    came_bytes = 0;
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        struct packet *burst[NET_BURST_MAX];
        size_t count = lengths[i] > 10000 ? 2 : lengths[i] > 2000 ? 10 : NET_BURST_MAX, got = 0;
        for (size_t n = 0; n < count; n++)
            burst[n] = packet_of(lengths[i], n);
        expect_that(net_send(&passt.net, burst, count), ==, count);
        while (got < count)
            got += other_receives(other, sizeof came, lengths[i], got);
        expect_that(came_bytes, ==, 0);
    }
    expect_that(passt.net.statistics.send_errors, ==, 0);
    close_stream(other);
}

/* The stream takes a part of a frame: the rest follows when there is room, though nobody sends
 * again; and no frame is lost or out of order. */
TEST(stream_that_is_full)
{
    enum { FRAMES = 3000, LENGTH = 5003 };
    const int small = 20000;
    int other = open_stream();
    size_t sent = 0, got = 0;
    came_bytes = 0;
    expect(setsockopt(passt.descriptor.poll.descriptor, SOL_SOCKET, SO_SNDBUF, &small,
                      sizeof small) == 0);
    while (got < FRAMES) {
        struct packet *burst[5];
        size_t count = MIN(LENGTH_OF(burst), FRAMES - sent);
        for (size_t i = 0; i < count; i++)
            burst[i] = packet_of(LENGTH, sent + i);
        size_t accepted = count > 0 ? net_send(&passt.net, burst, count) : 0;
        for (size_t i = accepted; i < count; i++)
            packet_drop(burst[i]);
        sent += accepted;
        got += other_receives(other, 7001, LENGTH, got);
        if (accepted < count && got % 16 == 0) (void)fiber_sleep(NO_WAIT);
        if (sent == FRAMES) (void)fiber_sleep(100 * US_NS);
    }
    expect_that(passt.net.statistics.sent_frames, ==, FRAMES);
    close_stream(other);
}

TEST(stream_full_tells_when_there_is_room)
{
    const int small = 4000;
    int other = open_stream();
    bool full = false;
    came_bytes = 0;
    expect(setsockopt(passt.descriptor.poll.descriptor, SOL_SOCKET, SO_SNDBUF, &small,
                      sizeof small) == 0);
    while (!full) {
        struct packet *packet = packet_of(1000, 0);
        full = net_send(&passt.net, &packet, 1) == 0;
        if (full) packet_drop(packet);
    }
    (void)fiber_sleep(5 * MS_NS);
    expect_that(listener.told_count, ==, 0);
    while (recv(other, came, sizeof came, 0) > 0) {
    }
    wait_until_told(1);
    struct packet *packet = packet_of(1000, 0);
    expect_that(net_send(&passt.net, &packet, 1), ==, 1);
    close_stream(other);
}

/* ---- passt itself ---- */

static struct net_host host;

static const struct net_host_parameters *parameters_of(const char *words[], size_t count)
{
    static struct net_host_parameters parameters;
    static uint8_t message[PARAMETER_MESSAGE_MAX];
    static struct view arguments[8];
    size_t message_bytes;
    const struct parameter_group group = {
        .device = "net0", .prefix = "", .table = net_host_parameters, .values = SPAN_OF(parameters)
    };
    for (size_t i = 0; i < count; i++)
        arguments[i] = view_from_string(words[i]);
    enum result result = parameter_read(&group, 1, arguments, count, SPAN_OF(message),
                                        &message_bytes);
    return result == OK ? &parameters : NULL;
}

#define PARAMETERS(...) \
    parameters_of((const char *[]){ __VA_ARGS__ }, \
                  sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *))

TEST(net_host_parameters_are_valid)
{
    static const char *const right[] = {
        "--net=passt",       "--net=tap:tap0",    "--net=fd:3",
        "--publish=8080:80", "--publish=1:1,2:2", "--net-mac=02:00:00:00:00:fe",
        "--net-mac=auto",    "--net-mtu=1500",
    };
    static const char *const wrong[] = {
        "--net=",
        "--net=tap",
        "--net=tap:",
        "--net=fd:",
        "--net=fd:x",
        "--net=fd:99999999999",
        "--net=eth0",
        "--publish=80",
        "--publish=0:80",
        "--publish=80:65536",
        "--publish=80:80:1",
        "--publish=80:80;81:81",
        "--net-mac=02",
        "--net-mac=01:00:00:00:00:fe",
        "--net-mac=02:00:00:00:00:fe:00",
        "--net-mac=02:00:00:00:00:0",
        "--net-mtu=65521",
    };
    expect(parameter_defaults_are_valid(net_host_parameters));
    for (size_t i = 0; i < LENGTH_OF(right); i++)
        expect(PARAMETERS(right[i]) != NULL);
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        expect(PARAMETERS(wrong[i]) == NULL);
}

static const char *no_passt(void)
{
    if (access("/usr/bin/passt", X_OK) != 0) return "passt is not installed";
    return NULL;
}

/* Opens it, or skips the test where the host has no network that passt could stand on. */
static void open_passt(const struct net_host_parameters *parameters)
{
    if (no_passt() != NULL) test_skip(no_passt());
    expect(parameters != NULL);
    enum result result = net_host_open(&host, parameters);
    if (result == FAILED) test_skip("passt does not start here (see the line above)");
    expect_ok(result);
    net_listener_attach(&listener, host.net, 1024);
}

static void close_passt(void)
{
    int process = host.process.number;
    expect(process > 0);
    net_listener_detach(&listener, host.net);
    net_host_close(&host);
    expect(waitpid(process, NULL, WNOHANG) == -1); /* nothing is left of it */
}

/* RFC 826: the gateway answers for the address that the image is told. */
TEST(passt_answers)
{
    open_passt(PARAMETERS("--net=passt"));
    expect_that(host.net->mtu_bytes, ==, NET_PASST_MTU);
    struct packet *packet = net_listener_receive(&listener, host.net);
    struct view answer = packet_view(packet);
    expect(view_equal(view_first(answer, 6), VIEW_OF(host.net->mac)));
    expect(view_equal(view_slice(answer, 12, 10), VIEW("\x08\x06\x00\x01\x08\x00\x06\x04\0\2")));
    expect(view_equal(view_slice(answer, 28, 4), VIEW("\x0a\x00\x02\x02")));
    packet_drop(packet);
    close_passt();
}

static uint16_t free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    int any = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect(bind(any, (struct sockaddr *)&address, sizeof address) == 0);
    expect(getsockname(any, (struct sockaddr *)&address, &length) == 0);
    expect(close(any) == 0);
    return ntohs(address.sin_port);
}

/* A connection to a port of 127.0.0.1 is a SYN to the image's. */
TEST(passt_publishes)
{
    static char words[64];
    uint16_t port = free_port();
    snprintf(words, sizeof words, "--publish=%u:80", port);
    open_passt(PARAMETERS(words));
    packet_drop(net_listener_receive(&listener, host.net)); /* of ARP */
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)connect(client, (struct sockaddr *)&to, sizeof to);
    struct packet *packet = net_listener_receive(&listener, host.net);
    while (view_byte(packet_view(packet), 23) != 6) {
        packet_drop(packet);
        packet = net_listener_receive(&listener, host.net);
    }
    struct view syn = packet_view(packet);
    expect(view_equal(view_first(syn, 6), VIEW_OF(host.net->mac)));
    expect(view_equal(view_slice(syn, 26, 8), VIEW("\x0a\x00\x02\x02\x0a\x00\x02\x0f")));
    expect(view_equal(view_slice(syn, 36, 2), VIEW("\0\x50")));
    expect_that(view_byte(syn, 47), ==, 0x02);
    packet_drop(packet);
    (void)close(client);
    close_passt();
}

TEST(passt_that_cannot_publish)
{
    static char words[64];
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    if (no_passt() != NULL) test_skip(no_passt());
    int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect(bind(taken, (struct sockaddr *)&address, sizeof address) == 0);
    expect(listen(taken, 1) == 0);
    expect(getsockname(taken, (struct sockaddr *)&address, &length) == 0);
    snprintf(words, sizeof words, "--publish=%u:80", ntohs(address.sin_port));
    expect_result(net_host_open(&host, PARAMETERS(words)), FAILED);
    (void)close(taken);
}

TEST(passt_that_is_not_installed)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s", getenv("PATH"));
    expect(setenv("PATH", "/nonexistent", 1) == 0);
    enum result result = net_host_open(&host, PARAMETERS("--net=passt"));
    expect(setenv("PATH", path, 1) == 0);
    expect_result(result, NOT_FOUND);
}

TEST(net_host_over_an_open_descriptor)
{
    static char words[32];
    int ends[2];
    expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    snprintf(words, sizeof words, "--net=fd:%d", ends[1]);
    expect_ok(net_host_open(&host, PARAMETERS(words, "--net-mac=02:00:00:00:00:fe")));
    expect(host.is_stream);
    expect(view_equal(VIEW_OF(host.net->mac), VIEW("\x02\0\0\0\0\xfe")));
    net_listener_attach(&listener, host.net, 1024);
    struct writer writer = writer_over(SPAN_OF(room));
    put_frame(&writer, 60, 9);
    other_sends(ends[0], writer_view(&writer));
    expect_frame(net_listener_receive(&listener, host.net), 60, 9);
    net_listener_detach(&listener, host.net);
    net_host_close(&host);
    (void)close(ends[0]);

    expect(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    snprintf(words, sizeof words, "--net=fd:%d", ends[1]);
    expect_ok(net_host_open(&host, PARAMETERS(words, "--net-mtu=1400")));
    expect_that(host.net->mtu_bytes, ==, 1400);
    net_listener_attach(&listener, host.net, 1024);
    other_sends(ends[0], view_from_offset(writer_view(&writer), 4));
    expect_frame(net_listener_receive(&listener, host.net), 60, 9);
    net_listener_detach(&listener, host.net);
    net_host_close(&host);
    (void)close(ends[0]);
}

TEST(net_host_refuses_what_makes_no_sense)
{
    expect_result(net_host_open(&host, PARAMETERS("--net=tap:tap0", "--publish=8080:80")), INVALID);
    expect_result(net_host_open(&host, PARAMETERS("--net=passt", "--net-mtu=100")), INVALID);
    expect_result(net_host_open(&host, PARAMETERS("--net=fd:9999")), UNSUPPORTED);
}
