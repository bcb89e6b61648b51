/* console_virtio.h - the machine's console (virtio 1.2, 5.3): text out through a bounded ring of
 * bytes, input in through one buffer.
 *
 *     text     | gone | given to the device | not yet published |  room  |
 *
 * It waits for nothing and crosses for nothing but its reset: target/console.h stands above it, in
 * the target. So it can be used in a crash report.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CONSOLE_VIRTIO_H
#define LOOM_CONSOLE_VIRTIO_H

#include "base/ring.h"
#include "target/virtio/machine_poller.h"
#include "target/virtio/virtio_device.h"

#define CONSOLE_VIRTIO_TEXT_BYTES  8192
#define CONSOLE_VIRTIO_INPUT_BYTES 512

struct console_virtio {
    struct virtio_device device;
    struct virtio_queue receiving, transmitting;
    struct ring text; /* taken: the device has done with it; put: written */
    size_t given;     /* as `put`, up to where it is in chains */
    size_t input_at, input_bytes;
    bool input_is_posted;
    bool is_open;
    struct machine_poller poller;
    /* NULL, or called when input has come. */
    void (*has_input)(struct console_virtio *console);
    uint32_t chain_bytes[16]; /* by head: of text */
    uint8_t room[CONSOLE_VIRTIO_TEXT_BYTES];
    uint8_t input[CONSOLE_VIRTIO_INPUT_BYTES];
};

/* Opens the machine's first console. NOT_FOUND, UNSUPPORTED, FULL, and nothing is open. */
enum result console_virtio_open(struct console_virtio *console) CHECKED;
void console_virtio_close(struct console_virtio *console);

/* Puts as much of `text` into the ring as there is room for, and gives how many bytes. The device
 * has it at the next crossing; where not all went in, machine_serve makes room. A console that is
 * not open, or broken, takes everything and loses it. */
size_t console_virtio_write(struct console_virtio *console, struct view text);

/* Takes input that has come, 0 if none: then `has_input` tells of the next. */
size_t console_virtio_read(struct console_virtio *console, struct span room);

#endif
