/* device_console_test.c - a machine's console over pipes: virtio 1.2, 5.3.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/device_console.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tender/guest_test.h"

/* A console whose input and output are pipes, and a guest that has set it up. */
static struct bench {
    struct device_console console;
    struct machine_device shared;
    struct guest_queue receiving, transmitting;
    int input[2], output[2];
} bench;

static struct device *device(void)
{
    return &bench.console.device;
}

static bool start(uint64_t accepted)
{
    struct machine_device said = bench.shared;
    said.accepted = accepted;
    said.queues[0] = bench.receiving.said;
    said.queues[1] = bench.transmitting.said;
    return device()->ops->start(device(), &guest_memory, &said);
}

static void open_bench(void)
{
    expect(pipe2(bench.input, O_CLOEXEC) == 0 && pipe2(bench.output, O_CLOEXEC | O_NONBLOCK) == 0);
    device_console_open(&bench.console, &bench.shared, bench.input[0], bench.output[1]);
    guest_queue_place(&bench.receiving, 0, 8);
    guest_queue_place(&bench.transmitting, 1, 8);
    expect(start(VIRTIO_F_VERSION_1));
}

static void close_bench(void)
{
    device()->ops->close(device());
    (void)close(bench.input[0]);
    (void)close(bench.output[1]);
    (void)close(bench.input[1]);
    (void)close(bench.output[0]);
}

static bool serve(void)
{
    return device()->ops->serve(device(), &guest_memory);
}

static void say(uint64_t address, struct view text)
{
    (void)span_copy(span_from(guest_at(address), text.length_bytes), text);
    const struct guest_buffer buffer = { address, (uint32_t)text.length_bytes, false };
    (void)guest_queue_add(&bench.transmitting, &buffer, 1);
}

static uint16_t post(uint32_t length_bytes)
{
    const struct guest_buffer buffer = { GUEST_DATA, length_bytes, true };
    return guest_queue_add(&bench.receiving, &buffer, 1);
}

static void expect_output(struct view wanted)
{
    static uint8_t room[65536];
    ssize_t got = read(bench.output[0], room, sizeof room);
    expect_view(view_from(room, got > 0 ? (size_t)got : 0), wanted);
}

TEST(console_describes_itself)
{
    open_bench();
    expect_that(bench.shared.kind, ==, MACHINE_CONSOLE);
    expect_that(bench.shared.queue_count, ==, 2);
    expect_that(bench.shared.offered, ==, VIRTIO_F_VERSION_1);
    expect(!start(VIRTIO_F_VERSION_1 | 1)); /* what was not offered */
    expect(!start(0));
    close_bench();
}

TEST(console_writes_what_the_guest_says_in_one_burst)
{
    struct virtq_used_element element;
    open_bench();
    expect(!serve());
    say(GUEST_DATA, VIEW("Hello "));
    say(GUEST_DATA + 100, VIEW("from the "));
    say(GUEST_DATA + 200, VIEW("machine.\n"));
    expect(serve());
    expect_output(VIEW("Hello from the machine.\n"));
    for (int i = 0; i < 3; i++)
        expect(guest_queue_look(&bench.transmitting, &element) && element.length_bytes == 0);
    expect(!guest_queue_look(&bench.transmitting, &element));
    expect(!serve());
    close_bench();
}

TEST(console_writes_texts_longer_than_a_burst)
{
    static uint8_t text[3 * CONSOLE_BURST_BYTES + 17];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)('a' + i % 26);
    open_bench();
    say(GUEST_DATA, VIEW_OF(text));
    expect(serve());
    expect_output(VIEW_OF(text));
    close_bench();
}

/* target/console.h: a console that nobody reads never stops the image. */
TEST(console_that_nobody_reads_loses_text)
{
    struct virtq_used_element element;
    open_bench();
    for (int turn = 0; turn < 12; turn++) { /* more than a pipe holds */
        const struct guest_buffer buffer = { GUEST_DATA, 32768, false };
        (void)guest_queue_add(&bench.transmitting, &buffer, 1);
        expect(serve());
        expect(guest_queue_look(&bench.transmitting, &element));
    }
    expect(bench.console.is_stalled);
    close_bench();
}

/* However much there is to say, the machine also hears of other things. */
TEST(console_writes_so_much_a_turn)
{
    struct virtq_used_element element;
    open_bench();
    bench.console.is_stalled = true;
    for (int i = 0; i < 4; i++) {
        const struct guest_buffer buffer = { GUEST_DATA, 65536, false };
        (void)guest_queue_add(&bench.transmitting, &buffer, 1);
    }
    for (int turn = 0; turn < 4; turn++) {
        expect(serve());
        expect(guest_queue_look(&bench.transmitting, &element));
        expect(!guest_queue_look(&bench.transmitting, &element));
    }
    expect(!serve());
    close_bench();
}

/* pts(4): a terminal whose other side does not read has room for a part of what is written, and a
 * write that waits for the rest would hold the machine. */
TEST(console_is_not_held_by_a_terminal)
{
    struct virtq_used_element element;
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0)
        test_skip("no terminals");
    int end = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    expect(end >= 0);
    device_console_open(&bench.console, &bench.shared, end, end);
    guest_queue_place(&bench.receiving, 0, 8);
    guest_queue_place(&bench.transmitting, 1, 8);
    expect(start(VIRTIO_F_VERSION_1));
    expect((fcntl(end, F_GETFL) & O_NONBLOCK) == 0); /* others have it, too */
    (void)alarm(30);                                 /* instead of for ever */
    for (int turn = 0; turn < 12; turn++) {
        const struct guest_buffer buffer = { GUEST_DATA, 32768, false };
        (void)guest_queue_add(&bench.transmitting, &buffer, 1);
        expect(serve() && guest_queue_look(&bench.transmitting, &element));
    }
    expect(bench.console.is_stalled);
    (void)alarm(0);
    device()->ops->close(device());
    (void)close(end);
    (void)close(terminal);
}

TEST(console_reads_where_the_guest_has_room)
{
    struct virtq_used_element element;
    open_bench();
    expect(write(bench.input[1], "typed", 5) == 5);
    expect(!serve());
    expect_that(device()->descriptor, ==, -1); /* no buffer: nothing to wait for */
    uint16_t head = post(3);
    expect(serve());
    expect(guest_queue_look(&bench.receiving, &element));
    expect(element.head == head && element.length_bytes == 3);
    expect_view(view_from(guest_at(GUEST_DATA), 3), VIEW("typ"));
    (void)post(100);
    expect(serve() && guest_queue_look(&bench.receiving, &element));
    expect_view(view_from(guest_at(GUEST_DATA), element.length_bytes), VIEW("ed"));
    (void)post(100);
    expect(!serve());
    expect_that(device()->descriptor, ==, bench.input[0]);
    close_bench();
}

TEST(console_tells_the_end_of_input_once)
{
    struct virtq_used_element element;
    open_bench();
    (void)close(bench.input[1]);
    (void)post(100);
    (void)post(100);
    expect(serve() && guest_queue_look(&bench.receiving, &element));
    expect_that(element.length_bytes, ==, 0);
    expect(!serve());
    expect_that(device()->descriptor, ==, -1);
    bench.input[1] = -1;
    close_bench();
}

TEST(console_of_a_guest_that_lies_is_broken)
{
    struct guest_buffer buffer = { GUEST_DATA, 65537, false };
    open_bench();
    (void)guest_queue_add(&bench.transmitting, &buffer, 1);
    (void)serve();
    expect(device()->is_broken);
    close_bench();
    open_bench();
    buffer = (struct guest_buffer){ GUEST_BYTES - 1, 2, false };
    (void)guest_queue_add(&bench.transmitting, &buffer, 1);
    (void)serve();
    expect(device()->is_broken);
    close_bench();
    open_bench();
    buffer = (struct guest_buffer){ UINT64_MAX, 2, true };
    (void)guest_queue_add(&bench.receiving, &buffer, 1);
    expect(write(bench.input[1], "x", 1) == 1);
    (void)serve();
    expect(device()->is_broken);
    close_bench();
}
