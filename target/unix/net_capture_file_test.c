/* net_capture_file_test.c - a capture in a file: written in time, whole, and ended by a full disk.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/net_capture_file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/net_loop.h"
#include "test/test.h"

static const struct net_pair_options loop_options = { .mtu_bytes = 1500, .ring_count = 64 };
static const struct net_pcap_options pcap_options = { .name = VIEW_ROW("loop") };

static struct net_loop loop;
static struct net_pcap pcap;
static struct net_capture_file file;
static struct packet_pool pool;
static char path[64];

static void ready(struct net_user *user)
{
    struct packet *burst[NET_BURST_MAX];
    (void)user;
    size_t count = net_receive(&pcap.net, burst, NET_BURST_MAX);
    while (count > 0)
        packet_drop(burst[--count]);
}

static struct net_user user = { ready };

static void open_capture(struct view where)
{
    net_loop_open(&loop, &loop_options);
    expect_ok(packet_pool_open(&pool, 256));
    expect_ok(net_capture_file_open(&file, where));
    expect_ok(net_pcap_open(&pcap, net_loop_net(&loop), &file.sink, &pcap_options));
    net_attach(&pcap.net, &user, &pool);
}

static void close_capture(void)
{
    net_detach(&pcap.net);
    net_pcap_close(&pcap);
    net_capture_file_close(&file);
    net_loop_close(&loop);
    packet_pool_close(&pool);
}

static void make_path(void)
{
    const char *folder = getenv("TMPDIR");
    (void)snprintf(path, sizeof path, "%.30s/capture-XXXXXX", folder == NULL ? "/tmp" : folder);
    int descriptor = mkstemp(path);
    expect(descriptor >= 0);
    (void)close(descriptor);
}

static size_t file_bytes(void)
{
    struct stat status;
    expect_that(stat(path, &status), ==, 0);
    return (size_t)status.st_size;
}

static void send_frame(size_t bytes)
{
    struct packet *packet = packet_take(&pool, PACKET_FOR_CONTROL);
    span_fill(packet_put(packet, bytes), 0x5a);
    size_t accepted = net_send(&pcap.net, &packet, 1);
    expect_that(accepted, ==, 1);
}

/* Each block ends with its own length: the last one does too (pcapng 3.1). */
static void expect_whole_blocks(void)
{
    static uint8_t bytes[1 << 20];
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length_bytes = read(descriptor, bytes, sizeof bytes);
    (void)close(descriptor);
    expect(length_bytes > 0);
    for (size_t at = 0; at < (size_t)length_bytes;) {
        uint32_t first, last;
        struct view left = view_slice(VIEW_OF(bytes), at, (size_t)length_bytes - at);
        expect_that(left.length_bytes, >=, 12);
        (void)span_copy(SPAN_OF(first), view_slice(left, 4, 4));
        expect_that(first, <=, left.length_bytes);
        (void)span_copy(SPAN_OF(last), view_slice(left, first - 4, 4));
        expect_that(first, ==, last);
        at += first;
    }
}

TEST(capture_is_written_within_a_second_and_at_the_end)
{
    make_path();
    open_capture(view_from_string(path));
    send_frame(100);
    expect_that(file_bytes(), ==, 0);
    (void)fiber_sleep(1200 * MS_NS);
    size_t before_bytes = file_bytes();
    expect_that(before_bytes, >, 200);
    expect_whole_blocks();
    send_frame(1000);
    close_capture();
    expect_that(file_bytes(), >, before_bytes + 1000);
    expect_whole_blocks();
    (void)unlink(path);
}

TEST(capture_is_written_when_its_buffer_is_full)
{
    make_path();
    open_capture(view_from_string(path));
    for (unsigned i = 0; i < 300; i++) {
        send_frame(1000);
        if (i % 50 == 0) fiber_yield();
        if (i % 20 == 0) (void)fiber_sleep(MS_NS / 10);
    }
    expect_that(file_bytes(), >=, 200000);
    close_capture();
    expect_whole_blocks();
    (void)unlink(path);
}

/* The net goes on, and the file keeps whole blocks. */
TEST(capture_ends_with_the_disk)
{
    struct rlimit limit, small;
    make_path();
    expect_that(getrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    small = limit;
    small.rlim_cur = 300000;
    open_capture(view_from_string(path));
    (void)signal(SIGXFSZ, SIG_IGN);
    expect_that(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
    for (unsigned i = 0; i < 1000; i++) {
        send_frame(1000);
        if (i % 20 == 0) (void)fiber_sleep(MS_NS / 10);
    }
    expect(file.is_stopped);
    expect_that(net_loop_net(&loop)->statistics.sent_frames, ==, 1000);
    expect_that(file_bytes(), ==, file.written_bytes);
    expect_that(file_bytes(), >, 200000);
    close_capture();
    expect_that(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    expect_whole_blocks();
    (void)unlink(path);
}

TEST(capture_to_a_full_device_stops)
{
    open_capture(VIEW("/dev/full"));
    send_frame(100);
    (void)fiber_sleep(1200 * MS_NS);
    expect(file.is_stopped);
    send_frame(100);
    close_capture();
}

TEST(capture_that_cannot_be_opened)
{
    struct net_capture_file none;
    expect_result(net_capture_file_open(&none, VIEW("/nowhere/at/all")), FAILED);
    /* A FIFO that nobody reads does not hold the image up. */
    make_path();
    (void)unlink(path);
    expect_that(mkfifo(path, 0600), ==, 0);
    expect_result(net_capture_file_open(&none, view_from_string(path)), FAILED);
    (void)unlink(path);
}
