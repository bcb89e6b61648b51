/* capture.h - what a net of the machine sends and receives, written down in a file for Wireshark.
 *
 * Frames are written down as they pass the device. Where the guest leaves a checksum to it, the
 * checksum is completed in what is written; a frame that is to be cut into segments is shown whole.
 *
 * The file is opened before the sandbox is entered. Blocks are gathered and written when the device
 * has been served, or the room is full. A write that fails ends the capture with a line on stderr,
 * never the machine.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_CAPTURE_H
#define LOOM_TENDER_CAPTURE_H

#include <stdbool.h>
#include <sys/uio.h>

#include "net/pcapng.h"
#include "target/machine/virtqueue.h"

/* A zeroed one captures nothing. */
struct capture {
    int descriptor; /* with `is_open` */
    bool is_open;
    struct span room;
    size_t used_bytes;
    const char *path;
    uint64_t frames; /* written down */
};

/* Creates the file, or empties it; only its owner may read it. `name`: of the net, as the capture
 * shows it. Ends the process where it cannot. */
void capture_open(struct capture *capture, const char *path, struct view name);

/* Writes one down: the bytes of these places from `offset_bytes` on. */
struct capture_frame {
    const struct iovec *parts;
    size_t part_count, offset_bytes, length_bytes;
    struct virtio_net_header header; /* what is left to the device */
};
void capture_frame(struct capture *capture, const struct capture_frame *frame,
                   enum pcapng_direction direction);

/* Writes what has been gathered. */
void capture_flush(struct capture *capture);

#endif
