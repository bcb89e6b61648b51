/* entropy_virtio.c - a source of randomness of the machine.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/entropy_virtio.h"

#include "fiber/fiber.h"
#include "target/clock.h"

#define QUEUE_INDEX 0
#define QUEUE_SIZE  2

static struct entropy_virtio *source_of(struct machine_poller *poller)
{
    return CONTAINER_OF(poller, struct entropy_virtio, poller);
}

static bool is_usable(struct entropy_virtio *source)
{
    if (source->queue.is_broken) virtio_device_broken(&source->device);
    return !source->device.is_broken;
}

void entropy_virtio_ask(struct entropy_virtio *source)
{
    const struct span room = SPAN_OF(source->room);
    if (source->is_asked || !is_usable(source)) return;
    (void)virtio_queue_add(&source->queue, NULL, 0, &room, 1);
    source->is_asked = true;
    source->asked_ns = clock_monotonic_ns();
    source->poller.has_work = true;
    virtio_device_publish(&source->device, &source->queue, QUEUE_INDEX);
}

static void take(struct entropy_virtio *source)
{
    uint16_t head;
    uint32_t written_bytes;
    if (!virtio_queue_take_used(&source->queue, &head, &written_bytes)) return;
    source->is_asked = false;
    struct span given = span_first(SPAN_OF(source->room), written_bytes);
    if (written_bytes > 0) source->given(source, span_view(given));
    span_fill(given, 0);
    __asm__ volatile("" : : "r"(given.bytes) : "memory"); /* whoever reads the memory later */
}

/* Nobody waits for it, so there is nothing to tell. */
static bool entropy_poll(struct machine_poller *poller)
{
    struct entropy_virtio *source = source_of(poller);
    if (source->is_asked)
        take(source);
    else if (loop_now_ns() >= source->asked_ns + ENTROPY_VIRTIO_AGAIN_NS)
        entropy_virtio_ask(source);
    (void)is_usable(source);
    return false;
}

static bool entropy_arm(struct machine_poller *poller)
{
    struct entropy_virtio *source = source_of(poller);
    return source->is_asked && is_usable(source) && virtio_queue_interrupts(&source->queue, true);
}

static enum result open_queue(struct entropy_virtio *source)
{
    const struct virtio_queue_options options = {
        .size = virtio_device_queue_size(&source->device, QUEUE_INDEX, QUEUE_SIZE),
        .has_event_index = virtio_device_has(&source->device, VIRTIO_F_EVENT_IDX),
    };
    return options.size > 0 ? virtio_queue_open(&source->queue, &options) : UNSUPPORTED;
}

enum result entropy_virtio_open(struct entropy_virtio *source)
{
    const struct virtio_queue *const queues[] = { &source->queue };
    struct virtio_device *device = &source->device;
    *source = (struct entropy_virtio){ .given = source->given,
                                       .poller = { .poll = entropy_poll, .arm = entropy_arm } };
    enum result result = virtio_device_open(device, MACHINE_ENTROPY, VIEW(""));
    if (result == OK)
        result = virtio_device_agree(device, virtio_device_offers(device, VIRTIO_F_EVENT_IDX));
    if (result == OK) result = open_queue(source);
    if (result != OK) return result;
    virtio_device_start(device, queues, LENGTH_OF(queues));
    machine_poller_add(&source->poller);
    entropy_virtio_ask(source);
    return OK;
}

void entropy_virtio_close(struct entropy_virtio *source)
{
    machine_poller_remove(&source->poller);
    (void)virtio_device_reset(&source->device);
    virtio_queue_close(&source->queue);
}
