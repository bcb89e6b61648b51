/* console.c - the machine's console, as text of the image and its diagnostics see it: both go out
 * in the order in which they are written.
 *
 * What is written lies in the driver's ring until the next crossing. Only text that finds no room
 * crosses for itself, and has PATIENCE_NS: whoever reads nothing for so long loses it.
 *
 * SPDX-License-Identifier: ISC */
#include "target/console.h"

#include "base/units.h"
#include "fiber/fiber.h"
#include "target/clock.h"
#include "target/virtio/console_virtio.h"
#include "target/vm/services.h"

#define PATIENCE_NS (200 * MS_NS)

static struct {
    struct console_virtio device;
    struct waiters readers;
    bool has_stalled; /* no more patience until it takes something */
} console;

static void wake_readers(struct console_virtio *device)
{
    (void)device;
    waiters_wake_all(&console.readers);
}

void console_open(void)
{
    waiters_init(&console.readers);
    console.device.has_input = wake_readers;
    enum result result = console_virtio_open(&console.device);
    (void)result; /* without one, what is written is lost */
}

/* Text that finds no room in the ring. */
static void write_patiently(struct view text)
{
    uint64_t deadline_ns = clock_monotonic_ns() + (console.has_stalled ? 0 : PATIENCE_NS);
    do {
        machine_sleep(deadline_ns);
        size_t taken_bytes = console_virtio_write(&console.device, text);
        if (taken_bytes > 0) deadline_ns = clock_monotonic_ns() + PATIENCE_NS;
        text = view_from_offset(text, taken_bytes);
    } while (!view_is_empty(text) && clock_monotonic_ns() < deadline_ns);
    console.has_stalled = !view_is_empty(text);
}

void console_write(struct view text)
{
    text = view_from_offset(text, console_virtio_write(&console.device, text));
    if (!view_is_empty(text)) write_patiently(text);
}

void console_write_diagnostic(struct view text)
{
    console_write(text);
}

enum result console_read(struct span room, size_t *length_bytes, uint64_t deadline_ns)
{
    *length_bytes = 0;
    if (!console.device.is_open) return CLOSED;
    for (;;) {
        *length_bytes = console_virtio_read(&console.device, room);
        if (*length_bytes > 0) return OK;
        if (console.device.device.is_broken) return CLOSED;
        enum result result = waiters_wait(&console.readers, "console_read", deadline_ns);
        if (result != OK) return result;
    }
}
