/* console_virtio.h - the machine's console (virtio 1.2, 5.3): text out through a bounded room, a
 * chain a write, and input in through one buffer.
 *
 *     room   | text that the device has, a chain a write |   still free   |
 *
 * The room is free again when the device has done with all that is in it: under our tender that is
 * at each crossing. It waits for nothing, crosses for nothing but its reset, and takes no memory
 * once it is open: target/console.h stands above it, in the target, and so does a crash report.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CONSOLE_VIRTIO_H
#define LOOM_CONSOLE_VIRTIO_H

#include "target/virtio/machine_poller.h"
#include "target/virtio/virtio_device.h"

#define CONSOLE_VIRTIO_TEXT_BYTES  8192
#define CONSOLE_VIRTIO_INPUT_BYTES 512

struct console_virtio {
    /* NULL, or called when input has come, and once when the device is found broken, of which none
     * comes any more; in the loop. Set before it is opened. */
    void (*has_input)(struct console_virtio *console);

    struct virtio_device device;
    struct virtio_queue receiving, transmitting;
    struct machine_poller poller;
    size_t text_bytes;            /* of the room, that the device has */
    size_t input_at, input_bytes; /* of the input, that were not read yet */
    bool input_is_posted, has_told_broken;
    bool is_open;
    uint8_t room[CONSOLE_VIRTIO_TEXT_BYTES];
    uint8_t input[CONSOLE_VIRTIO_INPUT_BYTES];
};

/* Opens the machine's first console. NOT_FOUND, UNSUPPORTED, FULL: none is open, and what is
 * written is lost. */
COLD enum result console_virtio_open(struct console_virtio *console) CHECKED;
void console_virtio_close(struct console_virtio *console);

/* Gives the device as much of `text` as there is room for, and returns how many bytes. It is served
 * at the next crossing; where not all went in, machine_serve makes room, if somebody takes what the
 * device has. A console that is not open, or broken, takes everything and loses it. */
size_t console_virtio_write(struct console_virtio *console, struct view text);

/* Takes input that has come; 0: none, and `has_input` tells of the next. */
size_t console_virtio_read(struct console_virtio *console, struct span room);

#endif
