/* device_console.c - a console over two descriptors that others share: they are not made
 * non-blocking, so each read and write is preceded by a poll. Of a terminal that does not do, as it
 * may have room for a part of what is written, or somebody else may read it first: it is opened
 * once more.
 *
 * Text that is not taken within a moment is lost: a console that nobody reads does not stop the
 * machine (target/console.h).
 *
 * SPDX-License-Identifier: ISC */
#include "tender/device_console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/units.h"

#define RECEIVE  0
#define TRANSMIT 1

#define PATIENCE_MS 200
/* What is longer is no text: a guest must not keep us at work as long as it likes. And after so
 * much it has to wait for its next turn. */
#define TEXT_BYTES_MAX ((uint32_t)64 << 10)

static struct device_console *console_of(struct device *device)
{
    return CONTAINER_OF(device, struct device_console, device);
}

static bool open_queue(struct device_console *console, struct queue *queue,
                       const struct guest_memory *memory, const struct machine_queue *said)
{
    if (queue_open(queue, memory, said, VIRTIO_F_VERSION_1)) return true;
    device_break(&console->device, queue->problem);
    return false;
}

static bool console_start(struct device *device, const struct guest_memory *memory,
                          const struct machine_device *said)
{
    struct device_console *console = console_of(device);
    if (said->accepted != VIRTIO_F_VERSION_1) {
        device_break(device, "features were accepted that are not offered");
        return false;
    }
    return open_queue(console, &console->receiving, memory, &said->queues[RECEIVE]) &&
           open_queue(console, &console->transmitting, memory, &said->queues[TRANSMIT]);
}

/* ---- output ---- */

static bool is_ready(int descriptor, short events, int patience_ms)
{
    struct pollfd poll_of = { .fd = descriptor, .events = events };
    return poll(&poll_of, 1, patience_ms) > 0;
}

/* No piece is larger than what a pipe that polls writable is sure to take. */
static void flush(struct device_console *console)
{
    struct view text = view_from(console->burst, console->burst_bytes);
    console->burst_bytes = 0;
    while (!view_is_empty(text)) {
        console->is_stalled = !is_ready(console->output, POLLOUT,
                                        console->is_stalled ? 0 : PATIENCE_MS);
        if (console->is_stalled) return;
        ssize_t written = write(console->output, text.bytes, text.length_bytes);
        if (written < 0 && errno == EAGAIN) console->is_stalled = true;
        if (written < 0 && errno != EINTR) return;
        if (written > 0) text = view_from_offset(text, (size_t)written);
    }
}

static void put(struct device_console *console, struct view text)
{
    while (!view_is_empty(text)) {
        if (console->burst_bytes == sizeof console->burst) flush(console);
        struct span room = span_from_offset(SPAN_OF(console->burst), console->burst_bytes);
        size_t length_bytes = MIN(room.length_bytes, text.length_bytes);
        (void)span_copy(room, view_first(text, length_bytes));
        console->burst_bytes += length_bytes;
        text = view_from_offset(text, length_bytes);
    }
}

static bool transmit(struct device_console *console)
{
    struct queue *queue = &console->transmitting;
    uint32_t text_bytes = 0;
    for (unsigned turn = 0; turn < queue->size && text_bytes < TEXT_BYTES_MAX; turn++) {
        if (!queue_take(queue, &console->chain)) break;
        const struct iovec *parts = queue_readable(&console->chain);
        if (console->chain.readable_bytes > TEXT_BYTES_MAX) {
            device_break(&console->device, "a text is longer than 64 KiB");
            return false;
        }
        for (uint32_t i = 0; i < console->chain.readable_count; i++)
            put(console, view_from(parts[i].iov_base, parts[i].iov_len));
        queue_give_back(queue, console->chain.head, 0);
        text_bytes += console->chain.readable_bytes;
    }
    flush(console);
    return queue_publish(queue);
}

/* ---- input ---- */

static bool receive(struct device_console *console)
{
    struct queue *queue = &console->receiving;
    if (console->input_ended || !queue_has_more(queue) || !is_ready(console->input, POLLIN, 0) ||
        !queue_take(queue, &console->chain))
        return false;
    ssize_t got = readv(console->input, queue_writable(&console->chain),
                        (int)console->chain.writable_count);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        queue_put_back(queue);
        return false;
    }
    console->input_ended = got <= 0;
    queue_give_back(queue, console->chain.head, got > 0 ? (uint32_t)got : 0);
    return queue_publish(queue);
}

static bool console_serve(struct device *device, const struct guest_memory *memory)
{
    struct device_console *console = console_of(device);
    (void)memory; /* the queues know it */
    bool sent = transmit(console), received = receive(console);
    if (console->transmitting.problem != NULL) device_break(device, console->transmitting.problem);
    if (console->receiving.problem != NULL) device_break(device, console->receiving.problem);
    bool wants_input = !device->is_broken && !console->input_ended &&
                       queue_has_more(&console->receiving);
    device->descriptor = wants_input ? console->input : -1;
    return sent || received;
}

static void console_stop(struct device *device)
{
    struct device_console *console = console_of(device);
    console->receiving = console->transmitting = (struct queue){ 0 };
    device->descriptor = -1;
}

static void close_own(int descriptor, int lent)
{
    if (descriptor != lent) (void)close(descriptor);
}

static void console_close(struct device *device)
{
    struct device_console *console = console_of(device);
    console_stop(device);
    close_own(console->input, console->lent_input);
    close_own(console->output, console->lent_output);
}

static const struct device_ops console_ops = {
    .start = console_start, .serve = console_serve, .stop = console_stop, .close = console_close
};

/* A terminal anew, so that whoever shares it does not find it non-blocking; what is no terminal, or
 * cannot be opened, as it is. */
static int open_own(int lent, int access)
{
    char path[32];
    if (isatty(lent) == 0) return lent;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", lent);
    int own = open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return own >= 0 ? own : lent;
}

void device_console_open(struct device_console *console, struct machine_device *shared, int input,
                         int output)
{
    *console = (struct device_console){
        .device = { .ops = &console_ops,
                    .shared = shared,
                    .name = "console",
                    .descriptor = -1,
                    .events = POLLIN },
        .input = open_own(input, O_RDONLY),
        .output = open_own(output, O_WRONLY),
        .lent_input = input,
        .lent_output = output,
    };
    *shared = (struct machine_device){ .kind = MACHINE_CONSOLE,
                                       .transport = MACHINE_SHARED,
                                       .queue_count = 2,
                                       .name = "console",
                                       .offered = VIRTIO_F_VERSION_1 };
}
