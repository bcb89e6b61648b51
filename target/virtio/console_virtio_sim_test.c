/* console_virtio_sim_test.c - the machine's console: text out, input in, and devices that take
 * nothing or lie.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/console_virtio.h"

#include "base/writer.h"
#include "target/virtio/machine_suite.h"
#include "test/test.h"

static struct console_virtio console;

/* A console that writes down what comes, and sends what it is told to. */
static struct {
    struct machine_device_suite device;
    struct queue_suite receiving, transmitting;
    size_t patience; /* so many writes it takes, and then no more */
    struct view input;
    struct writer text;
    uint8_t room[1 << 16];
} host;

static struct machine_device_suite *const devices[] = { &host.device };

static void take_text(void)
{
    static struct chain_suite chain;
    const struct machine_queue *place = &host.device.said.queues[1];
    for (; host.patience > 0 && queue_suite_take(&host.transmitting, place, &chain);
         host.patience--) {
        expect_that(chain.writable_count, ==, 0);
        for (size_t i = 0; i < chain.readable_count; i++)
            writer_put(&host.text, chain.readable[i]);
        queue_suite_give(&host.transmitting, place, chain.head, 0);
    }
    queue_suite_show(&host.transmitting, place);
}

static void give_input(void)
{
    static struct chain_suite chain;
    const struct machine_queue *place = &host.device.said.queues[0];
    while (!view_is_empty(host.input) && queue_suite_take(&host.receiving, place, &chain)) {
        size_t part_bytes = MIN(host.input.length_bytes, chain.writable[0].length_bytes);
        (void)span_copy(chain.writable[0], view_first(host.input, part_bytes));
        host.input = view_from_offset(host.input, part_bytes);
        queue_suite_give(&host.receiving, place, chain.head, (uint32_t)part_bytes);
    }
    queue_suite_show(&host.receiving, place);
}

static void host_serve(struct machine_device_suite *device)
{
    (void)device;
    take_text();
    give_input();
}

static void host_stop(struct machine_device_suite *device)
{
    (void)device;
    host.receiving = host.transmitting = (struct queue_suite){ 0 };
}

static size_t told_count;

static void has_input(struct console_virtio *told)
{
    expect(told == &console);
    told_count++;
}

static void open_console(void)
{
    host.device = (struct machine_device_suite){ .said = { .kind = MACHINE_CONSOLE,
                                                           .queue_count = 2,
                                                           .transport = MACHINE_SHARED,
                                                           .offered = VIRTIO_F_VERSION_1 },
                                                 .serve = host_serve,
                                                 .stop = host_stop };
    host_stop(&host.device);
    host.patience = SIZE_MAX;
    host.input = (struct view){ 0 };
    host.text = writer_over(SPAN_OF(host.room));
    told_count = 0;
    machine_suite_open(devices, LENGTH_OF(devices));
    console.has_input = has_input;
    expect_ok(console_virtio_open(&console));
}

static void close_console(void)
{
    console_virtio_close(&console);
    machine_suite_close();
}

TEST(text_goes_out_at_a_crossing)
{
    open_console();
    expect_that(console_virtio_write(&console, VIEW("one ")), ==, 4);
    expect_that(console_virtio_write(&console, VIEW("two")), ==, 3);
    expect(console.poller.has_work);
    expect(view_is_empty(writer_view(&host.text)));
    machine_serve();
    expect(view_equal(writer_view(&host.text), VIEW("one two")));
    expect_that(console_virtio_write(&console, VIEW("")), ==, 0);
    close_console();
}

/* All of a long text, in order, with a crossing where it does not fit. */
TEST(long_text_goes_out_in_pieces)
{
    static uint8_t text[3 * CONSOLE_VIRTIO_TEXT_BYTES + 5];
    size_t crossings = 0;
    open_console();
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7 + i / 256);
    for (struct view left = VIEW_OF(text); !view_is_empty(left);) {
        size_t taken = console_virtio_write(&console, left);
        left = view_from_offset(left, taken);
        if (taken > 0) continue;
        machine_serve();
        crossings++;
    }
    machine_serve();
    expect_that(crossings, ==, 3);
    expect(view_equal(writer_view(&host.text), VIEW_OF(text)));
    close_console();
}

TEST(many_short_lines_between_two_crossings)
{
    size_t lines = 0;
    open_console();
    for (unsigned round = 0; round < 5; round++) {
        while (console_virtio_write(&console, VIEW("x\n")) == 2)
            lines++;
        machine_serve();
    }
    expect_that(lines, >=, 5 * 64);
    expect_that(host.text.length_bytes, ==, 2 * lines);
    close_console();
}

/* Nothing is overwritten that the device has, however long it takes. */
TEST(a_device_that_takes_nothing_holds_up)
{
    open_console();
    host.patience = 0;
    size_t taken = 0;
    for (unsigned i = 0; i < 10000; i++) {
        taken += console_virtio_write(&console, VIEW("abcdefgh"));
        if (i % 100 == 0) machine_serve();
    }
    expect_that(taken, ==, 64 * 8);
    host.patience = SIZE_MAX;
    machine_serve();
    expect_that(host.text.length_bytes, ==, taken);
    expect_that(console_virtio_write(&console, VIEW("abcdefgh")), ==, 8);
    close_console();
}

/* The room is free when the device has done with all of it, not with a part. */
TEST(a_device_that_takes_one_write_at_a_time)
{
    open_console();
    host.patience = 0;
    expect_that(console_virtio_write(&console, VIEW("one ")), ==, 4);
    expect_that(console_virtio_write(&console, VIEW("two ")), ==, 4);
    host.patience = 1;
    machine_serve();
    expect_that(console_virtio_write(&console, VIEW("three")), ==, 5);
    host.patience = SIZE_MAX;
    machine_serve();
    expect(view_equal(writer_view(&host.text), VIEW("one two three")));
    close_console();
}

TEST(input_comes_in)
{
    uint8_t room[8];
    open_console();
    expect_that(console_virtio_read(&console, SPAN_OF(room)), ==, 0);
    host.input = VIEW("eleven byte");
    machine_serve();
    expect(machine_suite_poll());
    expect_that(told_count, ==, 1);
    expect_that(console_virtio_read(&console, SPAN_OF(room)), ==, 8);
    expect(view_equal(VIEW_OF(room), VIEW("eleven b")));
    expect_that(console_virtio_read(&console, SPAN_OF(room)), ==, 3);
    expect_that(console_virtio_read(&console, SPAN_OF(room)), ==, 0);
    host.input = VIEW("more");
    machine_serve();
    expect(machine_suite_poll());
    expect_that(told_count, ==, 2);
    expect_that(console_virtio_read(&console, SPAN_OF(room)), ==, 4);
    expect(!machine_suite_poll());
    close_console();
}

/* What the device has not let go of would be written into after the console is closed. */
TEST(a_broken_device_loses_text_and_stops_nobody)
{
    uint8_t room[8];
    open_console();
    queue_suite_give(&host.transmitting, &host.device.said.queues[1], 99, 0);
    expect_that(console_virtio_write(&console, VIEW("text")), ==, 4);
    queue_suite_show(&host.transmitting, &host.device.said.queues[1]);
    expect_that(console_virtio_write(&console, VIEW("text")), ==, 4);
    expect(console.device.is_broken);
    expect_that(console_virtio_read(&console, SPAN_OF(room)), ==, 0);
    expect(machine_suite_poll()); /* who waits for input is told once that none comes */
    expect_that(told_count, ==, 1);
    expect(!machine_suite_poll());
    close_console();
}

TEST(a_console_that_is_not_there)
{
    static struct console_virtio none;
    uint8_t room[8];
    open_console();
    host.device.said.kind = MACHINE_BLOCK;
    expect_result(console_virtio_open(&none), NOT_FOUND);
    host.device.said.kind = MACHINE_CONSOLE;
    host.device.said.queue_count = 2;
    host.device.said.offered = 0;
    expect_result(console_virtio_open(&none), UNSUPPORTED);
    host.device.said.transport = 0;
    expect_result(console_virtio_open(&none), UNSUPPORTED);
    expect_that(console_virtio_write(&none, VIEW("lost")), ==, 4);
    expect_that(console_virtio_read(&none, SPAN_OF(room)), ==, 0);
    console_virtio_close(&none);
    host.device.said.transport = MACHINE_SHARED;
    close_console();
}
