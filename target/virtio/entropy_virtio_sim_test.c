/* entropy_virtio_sim_test.c - a source of randomness that gives what it is asked for, or less, or
 * nothing, or lies.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/entropy_virtio.h"

#include "fiber/fiber.h"
#include "target/virtio/machine_suite.h"
#include "test/test.h"

/* ---- the device ---- */

static struct {
    struct machine_device_suite base;
    struct queue_suite queue;
    size_t asked_count, gives_bytes, says_bytes;
    bool is_silent;
    uint8_t next;
} device;

static void answer(const struct machine_queue *place, const struct chain_suite *chain)
{
    expect_that(chain->readable_count, ==, 0);
    expect_that(chain->writable_count, ==, 1);
    expect_that(chain->writable[0].length_bytes, ==, ENTROPY_VIRTIO_BYTES);
    for (size_t i = 0; i < device.gives_bytes; i++)
        chain->writable[0].bytes[i] = ++device.next;
    device.asked_count++;
    queue_suite_give(&device.queue, place, chain->head, (uint32_t)device.says_bytes);
}

static void device_serve(struct machine_device_suite *base)
{
    static struct chain_suite chain;
    const struct machine_queue *place = &base->said.queues[0];
    while (!device.is_silent && queue_suite_take(&device.queue, place, &chain))
        answer(place, &chain);
    queue_suite_show(&device.queue, place);
}

static void device_stop(struct machine_device_suite *base)
{
    (void)base;
    device.queue = (struct queue_suite){ 0 };
}

/* ---- who asks ---- */

static struct {
    struct entropy_virtio source;
    uint8_t bytes[4 * ENTROPY_VIRTIO_BYTES];
    size_t length_bytes, count;
} taker;

static void given(struct entropy_virtio *source, struct view bytes)
{
    expect(source == &taker.source && bytes.length_bytes > 0);
    (void)span_copy(span_from_offset(SPAN_OF(taker.bytes), taker.length_bytes), bytes);
    taker.length_bytes += bytes.length_bytes;
    taker.count++;
}

static struct machine_device_suite *const devices[] = { &device.base };

static void open_source(uint64_t offered, size_t gives_bytes)
{
    span_fill(SPAN_OF(device), 0);
    span_fill(SPAN_OF(taker), 0);
    device.base = (struct machine_device_suite){ .said = { .kind = MACHINE_ENTROPY,
                                                           .transport = MACHINE_SHARED,
                                                           .queue_count = 1,
                                                           .name = "rng" },
                                                 .serve = device_serve,
                                                 .stop = device_stop };
    device.base.said.offered = offered;
    device.gives_bytes = device.says_bytes = gives_bytes;
    taker.source.given = given;
    machine_suite_open(devices, LENGTH_OF(devices));
    expect_ok(entropy_virtio_open(&taker.source));
}

static void close_source(void)
{
    entropy_virtio_close(&taker.source);
    expect_that(device.base.said.status, ==, 0);
    machine_suite_close();
}

static void pass_turns(void)
{
    (void)fiber_sleep(4 * MACHINE_TURN_NS);
}

/* Bytes that were never given before, in the device's order, and erased where they came. */
static void expect_given(size_t length_bytes, size_t count)
{
    expect_that(taker.length_bytes, ==, length_bytes);
    expect_that(taker.count, ==, count);
    for (size_t i = 0; i < length_bytes; i++)
        expect_that(taker.bytes[i], ==, (uint8_t)(i + 1));
    for (size_t i = 0; i < sizeof taker.source.room; i++)
        expect_that(taker.source.room[i], ==, 0);
}

TEST(entropy_is_asked_for_once_and_now_and_then)
{
    static const uint64_t kinds[] = { VIRTIO_F_VERSION_1, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX };
    for (size_t i = 0; i < LENGTH_OF(kinds); i++) {
        open_source(kinds[i], ENTROPY_VIRTIO_BYTES);
        pass_turns();
        expect_given(ENTROPY_VIRTIO_BYTES, 1);
        machine_suite_stop_turns();
        (void)fiber_sleep(ENTROPY_VIRTIO_AGAIN_NS - MS_NS);
        (void)machine_suite_poll();
        expect(!taker.source.is_asked);
        (void)fiber_sleep(2 * MS_NS);
        expect(!taker.source.is_asked); /* nobody is woken for it */
        expect(!machine_suite_poll() && taker.source.is_asked);
        expect(!machine_suite_arm());
        machine_serve();
        expect(machine_suite_arm()); /* and what has come meanwhile is polled before a sleep */
        expect(!machine_suite_poll() && !machine_suite_arm());
        expect_given((size_t)2 * ENTROPY_VIRTIO_BYTES, 2);
        expect_that(device.asked_count, ==, 2);
        close_source();
    }
}

/* virtio 1.2, 5.4.6: at least one byte, or as many as there are; what the device says counts, and
 * nothing more of the room. */
TEST(entropy_may_come_in_pieces)
{
    open_source(VIRTIO_F_VERSION_1, 1);
    for (size_t i = 1; i <= 20; i++) {
        pass_turns();
        expect_given(i, i);
        entropy_virtio_ask(&taker.source);
        entropy_virtio_ask(&taker.source); /* which is one question */
    }
    pass_turns();
    expect_that(device.asked_count, ==, 21);
    close_source();
}

TEST(entropy_that_does_not_come_holds_nobody_up)
{
    open_source(VIRTIO_F_VERSION_1, 0);
    pass_turns();
    expect_given(0, 0); /* it has said that it gave nothing */
    expect_that(device.asked_count, ==, 1);
    close_source();

    open_source(VIRTIO_F_VERSION_1, ENTROPY_VIRTIO_BYTES);
    device.is_silent = true;
    (void)fiber_sleep(2 * ENTROPY_VIRTIO_AGAIN_NS - MS_NS);
    device.is_silent = false;
    pass_turns();
    close_source();
}

TEST(entropy_devices_that_lie_are_not_used)
{
    open_source(VIRTIO_F_VERSION_1, ENTROPY_VIRTIO_BYTES);
    pass_turns();
    device.says_bytes = ENTROPY_VIRTIO_BYTES + 1;
    entropy_virtio_ask(&taker.source);
    pass_turns();
    expect_that(taker.count, ==, 1);
    expect(taker.source.device.is_broken);
    size_t asked_count = device.asked_count;
    entropy_virtio_ask(&taker.source);
    (void)fiber_sleep(2 * ENTROPY_VIRTIO_AGAIN_NS);
    expect_that(device.asked_count, ==, asked_count);
    close_source();
}
