/* hostile_test.c - what no honest host sends, and misuse that a program may get wrong: nothing of
 * it may break the stack or cost it its memory.
 *
 * SPDX-License-Identifier: ISC */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "embed/test/wire.h"

#define FRAMES 40000

static void forget_frames(struct wire *wire)
{
    while (wire->count > 0) {
        free(wire->sent[wire->first++ % FRAMES_MAX].bytes);
        wire->count--;
    }
}

static struct loom_statistics statistics_of(struct wire *wire)
{
    struct loom_statistics statistics;
    expect_ok(loom_stack_statistics(wire->stack, &statistics));
    return statistics;
}

static void listen_everywhere(struct wire *wire)
{
    struct loom_endpoint local = endpoint_of("*:7");
    struct loom_socket *tcp, *udp;
    expect_ok(loom_socket_open(wire->stack, LOOM_TCP, &tcp));
    expect_ok(loom_socket_open(wire->stack, LOOM_UDP, &udp));
    expect_ok(loom_bind(tcp, &local));
    expect_ok(loom_bind(udp, &local));
    expect_ok(loom_listen(tcp, 8));
}

/* A valid IP header before noise of any protocol, or noise altogether. */
static size_t make_noise(uint8_t *room, uint64_t *seed)
{
    static const uint8_t protocols[] = { 1, 2, 6, 17, 41, 255 };
    uint8_t noise[1480];
    size_t length = test_random(seed) % sizeof noise;
    for (size_t i = 0; i < length; i++)
        noise[i] = (uint8_t)test_random(seed);
    if (length > 3) noise[2] = 0, noise[3] = 7;
    uint8_t protocol = protocols[test_random(seed) % sizeof protocols];
    size_t frame_bytes = wire_datagram(room, protocol, OUR_ADDRESS, STACK_ADDRESS, noise, length);
    for (uint64_t flips = test_random(seed) % 4; flips > 0; flips--)
        room[test_random(seed) % frame_bytes] ^= (uint8_t)(1u << test_random(seed) % 8);
    return frame_bytes - (test_random(seed) % 8 == 0 ? test_random(seed) % frame_bytes : 0);
}

TEST(noise_breaks_nothing)
{
    struct wire wire;
    uint64_t seed = 7;
    static uint8_t room[2048];
    wire_open(&wire, NULL, 0);
    struct loom_statistics before = statistics_of(&wire);
    listen_everywhere(&wire);
    for (unsigned i = 0; i < FRAMES; i++) {
        size_t length = make_noise(room, &seed);
        if (length > 0) expect_ok(loom_stack_input(wire.stack, room, length));
        wire.now_ns += test_random(&seed) % MS_NS;
        wire_step(&wire);
        forget_frames(&wire);
    }
    wire_run(&wire, wire.now_ns + 120 * S_NS);
    forget_frames(&wire);
    expect_that(statistics_of(&wire).frames_received, >, FRAMES / 2);
    expect_that(statistics_of(&wire).packets_free, ==, before.packets_free);
    wire_close(&wire);
}

/* Segments of any flags and numbers, near the window and far from it, for a living connection. */
TEST(segments_from_a_blind_stranger_break_nothing)
{
    struct wire wire;
    uint64_t seed = 11;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, NULL, 0, MS_NS);
    for (unsigned i = 0; i < FRAMES; i++) {
        struct segment segment = {
            .source_port = 80,
            .destination_port = wire.stack_port,
            .seq = wire.our_seq + (uint32_t)(test_random(&seed) >> (test_random(&seed) % 32 + 32)),
            .ack = wire.stack_seq +
                   (uint32_t)(test_random(&seed) >> (test_random(&seed) % 32 + 32)),
            .flags = (uint8_t)test_random(&seed) & 0x3f,
            .window = (uint16_t)test_random(&seed),
            .payload_bytes = test_random(&seed) % 600,
            .options_bytes = test_random(&seed) % 11 * 4,
        };
        for (size_t k = 0; k < segment.options_bytes; k++)
            segment.options[k] = (uint8_t)(test_random(&seed) % 12);
        wire_send(&wire, &segment);
        uint8_t bytes[512];
        size_t received;
        (void)loom_receive(socket, bytes, sizeof bytes, &received, LOOM_NO_WAIT);
        if (loom_error(socket) != LOOM_OK || i % 1000 == 999) {
            loom_abort(socket);
            forget_frames(&wire);
            socket = wire_connect(&wire, NULL, 0, MS_NS);
        }
        wire.now_ns += test_random(&seed) % MS_NS;
        forget_frames(&wire);
    }
    wire_close(&wire);
}

TEST(flood_of_input_is_bounded)
{
    const struct loom_option few[] = { { "input-frames", "10" } };
    struct wire wire;
    uint8_t room[64];
    uint8_t nothing[8] = { 0 };
    wire_open(&wire, few, 1);
    size_t length = wire_datagram(room, 17, OUR_ADDRESS, STACK_ADDRESS, nothing, sizeof nothing);
    for (unsigned i = 0; i < 10; i++)
        expect_ok(loom_stack_input(wire.stack, room, length));
    expect_result(loom_stack_input(wire.stack, room, length), LOOM_FULL);
    expect_that(loom_stack_next_ns(wire.stack), ==, wire.now_ns);
    expect_that(statistics_of(&wire).frames_dropped, ==, 1);
    wire_close(&wire);
}

TEST(frames_that_cannot_be_are_refused)
{
    static uint8_t room[70000];
    struct wire wire;
    wire_open(&wire, NULL, 0);
    expect_result(loom_stack_input(wire.stack, room, sizeof room), LOOM_TOO_LARGE);
    expect_result(loom_stack_input(wire.stack, room, 0), LOOM_INVALID);
    const struct loom_part part = { room, 100 };
    struct loom_frame frame = { .parts = &part, .part_count = 1, .length_bytes = 99 };
    expect_result(loom_stack_input_frame(wire.stack, &frame), LOOM_INVALID);
    frame.length_bytes = 100;
    frame.checksum = LOOM_CHECKSUM_GOOD; /* of a host that has no offloads */
    expect_result(loom_stack_input_frame(wire.stack, &frame), LOOM_INVALID);
    expect_ok(loom_stack_input(wire.stack, room, 60000)); /* in many buffers, and no datagram */
    wire_step(&wire);
    wire_close(&wire);
}

/* What a socket cannot do in its state is a result and no crash. */
TEST(misuse_is_answered)
{
    struct wire wire;
    struct loom_socket *tcp, *udp, *other;
    struct loom_endpoint peer = endpoint_of(OUR_ADDRESS ":80"),
                         elsewhere = endpoint_of("10.0.0.1:1");
    struct loom_endpoint six = endpoint_of("[2001:db8::1]:80");
    struct loom_datagram datagram;
    uint8_t byte;
    size_t length;
    uint64_t value;
    wire_open(&wire, NULL, 0);
    expect_ok(loom_socket_open(wire.stack, LOOM_TCP, &tcp));
    expect_ok(loom_socket_open(wire.stack, LOOM_UDP, &udp));
    expect_result(loom_send(tcp, "x", 1, &length, LOOM_NO_WAIT), LOOM_INVALID);
    expect_result(loom_receive(tcp, &byte, 1, &length, LOOM_NO_WAIT), LOOM_INVALID);
    expect_result(loom_receive(udp, &byte, 1, &length, LOOM_NO_WAIT), LOOM_INVALID);
    expect_result(loom_receive_from(tcp, &byte, 1, &datagram, LOOM_NO_WAIT), LOOM_INVALID);
    expect_result(loom_send_to(udp, "x", 1, NULL, LOOM_NO_WAIT), LOOM_INVALID);
    expect_result(loom_send_to(tcp, "x", 1, &peer, LOOM_NO_WAIT), LOOM_INVALID);
    expect_result(loom_accept(tcp, &other, LOOM_NO_WAIT), LOOM_INVALID);
    expect_result(loom_listen(udp, 1), LOOM_INVALID);
    expect_result(loom_listen(tcp, 1), LOOM_OK); /* on a port of the stack's choice */
    expect_result(loom_connect(tcp, &peer, LOOM_NO_WAIT), LOOM_INVALID);
    expect_result(loom_connect(udp, &six, LOOM_NO_WAIT), LOOM_UNREACHABLE);
    expect_result(loom_bind(udp, &elsewhere), LOOM_INVALID); /* it has been bound by sending */
    expect_result(loom_connect(udp, &elsewhere, LOOM_NO_WAIT), LOOM_UNREACHABLE);
    expect_result(loom_peer(tcp, &peer), LOOM_INVALID);
    expect_result(loom_shutdown(tcp), LOOM_INVALID);
    expect_result(loom_get_option(udp, LOOM_NODELAY, &value), LOOM_INVALID);
    expect_result(loom_set_option(tcp, (enum loom_socket_option)99, 1), LOOM_INVALID);
    loom_close(tcp);
    loom_close(tcp); /* it is free: nothing happens */
    expect_result(loom_listen(tcp, 1), LOOM_CLOSED);
    wire_close(&wire);
}

TEST(sockets_run_out_and_come_back)
{
    const struct loom_option few[] = { { "tcp-listeners", "1" }, { "udp-ports", "1" } };
    struct wire wire;
    struct loom_socket *more;
    wire_open(&wire, few, 2);
    size_t count = 0;
    enum loom_result result = LOOM_OK;
    struct loom_socket *many[67]; /* 64 connections, a listener, a port */
    while (count < 67 && result == LOOM_OK) {
        result = loom_socket_open(wire.stack, LOOM_TCP, &many[count]);
        if (result == LOOM_OK) count++;
    }
    expect_result(result, LOOM_FULL);
    expect_that(count, ==, 66);
    loom_close(many[0]);
    expect_ok(loom_socket_open(wire.stack, LOOM_UDP, &more));
    wire_close(&wire);
}

/* ---- a host that breaks the contract ---- */

static int report_to;

static bool send_that_calls(struct loom_host *host, const struct loom_frame *frame)
{
    (void)frame;
    struct wire *wire = (struct wire *)(void *)host;
    struct loom_socket *socket;
    return loom_socket_open(wire->stack, LOOM_TCP, &socket) == LOOM_OK;
}

static void on_panic(struct loom_host *host, const char *report, size_t length_bytes)
{
    (void)host;
    if (write(report_to, report, length_bytes) < 0) _exit(3);
}

TEST(callback_that_calls_the_stack_ends_the_process_with_a_report)
{
    int ends[2], status;
    char report[512] = "";
    expect(pipe(ends) == 0);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        static struct wire wire;
        struct loom_socket *socket;
        struct loom_endpoint peer = endpoint_of(OUR_ADDRESS ":80");
        report_to = ends[1];
        (void)signal(SIGABRT, SIG_DFL);
        wire_open(&wire, NULL, 0);
        wire.host.send = send_that_calls;
        wire.host.panic = on_panic;
        (void)loom_socket_open(wire.stack, LOOM_TCP, &socket);
        (void)loom_connect(socket, &peer, LOOM_NO_WAIT);
        _exit(0);
    }
    expect(child > 0 && waitpid(child, &status, 0) == child);
    expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    expect(read(ends[0], report, sizeof report - 1) > 0);
    expect(strstr(report, "is_inside") != NULL);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

struct counting_help {
    struct loom_help help;
    unsigned lines, found;
};

static void count_line(struct loom_help *help, const char *text, size_t length_bytes)
{
    struct counting_help *counting = (struct counting_help *)(void *)help;
    char line[256];
    expect_that(length_bytes, <, sizeof line);
    memcpy(line, text, length_bytes);
    line[length_bytes] = 0;
    counting->lines++;
    if (strstr(line, "--tcp-connections=") != NULL || strstr(line, "--mtu=") != NULL)
        counting->found++;
}

TEST(help_lists_the_options)
{
    struct counting_help help = { .help.line = count_line };
    loom_stack_help(&help.help);
    expect_that(help.found, ==, 2);
    expect_that(help.lines, >, 30);
}
