/* console_virtio.c - the machine's console.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/console_virtio.h"

#include "base/units.h"

#define RECEIVING    0
#define TRANSMITTING 1

/* One buffer is posted; and so many lines go out between two crossings. */
#define RECEIVING_SIZE    2
#define TRANSMITTING_SIZE 64

/* ---- input ---- */

static bool is_usable(struct console_virtio *console)
{
    if (console->receiving.is_broken || console->transmitting.is_broken)
        virtio_device_broken(&console->device);
    return console->is_open && !console->device.is_broken;
}

static void post_input(struct console_virtio *console)
{
    const struct span input = SPAN_OF(console->input);
    if (!is_usable(console) || console->input_is_posted) return;
    (void)virtio_queue_add(&console->receiving, NULL, 0, &input, 1);
    console->input_is_posted = true;
    console->poller.has_work = true;
    virtio_device_publish(&console->device, &console->receiving, RECEIVING);
}

/* A device that says that nothing has come gets the buffer back. */
static bool take_input(struct console_virtio *console)
{
    uint16_t head;
    uint32_t written_bytes;
    if (!virtio_queue_take_used(&console->receiving, &head, &written_bytes)) return false;
    console->input_is_posted = false;
    console->input_at = 0;
    console->input_bytes = written_bytes;
    if (written_bytes == 0) post_input(console);
    return written_bytes > 0;
}

size_t console_virtio_read(struct console_virtio *console, struct span room)
{
    size_t length_bytes = MIN(room.length_bytes, console->input_bytes);
    struct view input = view_slice(VIEW_OF(console->input), console->input_at, length_bytes);
    (void)span_copy(room, input);
    console->input_at += length_bytes;
    console->input_bytes -= length_bytes;
    if (console->input_bytes == 0) post_input(console);
    return length_bytes;
}

/* ---- text ---- */

static void reclaim(struct console_virtio *console)
{
    uint16_t head;
    uint32_t written_bytes;
    while (virtio_queue_take_used(&console->transmitting, &head, &written_bytes)) {
        if (console->transmitting.given_count == 0) console->text_bytes = 0;
    }
}

size_t console_virtio_write(struct console_virtio *console, struct view text)
{
    if (!is_usable(console)) return text.length_bytes;
    reclaim(console);
    if (!is_usable(console)) return text.length_bytes;
    struct span free = span_from_offset(SPAN_OF(console->room), console->text_bytes);
    struct view taken = view_first(text, MIN(text.length_bytes, free.length_bytes));
    if (taken.length_bytes == 0 || console->transmitting.room == 0) return 0;
    (void)span_copy(free, taken);
    const struct view part = span_view(span_first(free, taken.length_bytes));
    (void)virtio_queue_add(&console->transmitting, &part, 1, NULL, 0);
    console->text_bytes += taken.length_bytes;
    console->poller.has_work = true;
    virtio_device_publish(&console->device, &console->transmitting, TRANSMITTING);
    return taken.length_bytes;
}

/* ---- the loop ---- */

/* True the first time. */
static bool has_broken(struct console_virtio *console)
{
    if (is_usable(console) || console->has_told_broken) return false;
    console->has_told_broken = true;
    return true;
}

static bool console_poll(struct machine_poller *poller)
{
    struct console_virtio *console = CONTAINER_OF(poller, struct console_virtio, poller);
    reclaim(console);
    if (!take_input(console) && !has_broken(console)) return false;
    if (console->has_input != NULL) console->has_input(console);
    return true;
}

static bool console_arm(struct machine_poller *poller)
{
    struct console_virtio *console = CONTAINER_OF(poller, struct console_virtio, poller);
    return is_usable(console) && virtio_queue_interrupts(&console->receiving, true);
}

/* ---- opening ---- */

static enum result open_queues(struct console_virtio *console)
{
    bool has_event_index = virtio_device_has(&console->device, VIRTIO_F_EVENT_IDX);
    const struct virtio_queue_options receiving = {
        .size = virtio_device_queue_size(&console->device, RECEIVING, RECEIVING_SIZE),
        .has_event_index = has_event_index,
    };
    const struct virtio_queue_options transmitting = {
        .size = virtio_device_queue_size(&console->device, TRANSMITTING, TRANSMITTING_SIZE),
        .has_event_index = has_event_index,
    };
    if (receiving.size == 0 || transmitting.size == 0) return UNSUPPORTED;
    enum result result = virtio_queue_open(&console->receiving, &receiving);
    if (result == OK) result = virtio_queue_open(&console->transmitting, &transmitting);
    return result;
}

static void close_queues(struct console_virtio *console)
{
    virtio_queue_close(&console->receiving);
    virtio_queue_close(&console->transmitting);
}

enum result console_virtio_open(struct console_virtio *console)
{
    const struct virtio_queue *const queues[] = { &console->receiving, &console->transmitting };
    struct virtio_device *device = &console->device;
    *console = (struct console_virtio){ .has_input = console->has_input,
                                        .poller = { .poll = console_poll, .arm = console_arm } };
    enum result result = virtio_device_open(device, MACHINE_CONSOLE, VIEW(""));
    if (result == OK)
        result = virtio_device_agree(device, virtio_device_offers(device, VIRTIO_F_EVENT_IDX));
    if (result == OK) result = open_queues(console);
    if (result != OK) {
        close_queues(console);
        return result;
    }
    virtio_device_start(device, queues, LENGTH_OF(queues));
    console->is_open = true;
    machine_poller_add(&console->poller);
    post_input(console);
    return OK;
}

void console_virtio_close(struct console_virtio *console)
{
    if (!console->is_open) return;
    machine_poller_remove(&console->poller);
    (void)virtio_device_reset(&console->device);
    console->is_open = false;
    close_queues(console);
}
