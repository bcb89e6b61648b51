/* entropy_virtio.h - a source of randomness that is a device of the machine (virtio 1.2, 5.4).
 *
 * It is asked for ENTROPY_VIRTIO_BYTES at a time: when it is opened, and again when the machine
 * runs anyway and ENTROPY_VIRTIO_AGAIN_NS have passed since it was asked. It gives as many as it
 * likes, and when it likes; nothing waits for it here.
 *
 * The device is not trusted: its bytes are to be mixed with what there is, in a way that lowers
 * nothing. One that says that it has given more than there was room for is not used any more.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_ENTROPY_VIRTIO_H
#define LOOM_ENTROPY_VIRTIO_H

#include "base/units.h"
#include "target/virtio/machine_poller.h"
#include "target/virtio/virtio_device.h"

#define ENTROPY_VIRTIO_BYTES    64
#define ENTROPY_VIRTIO_AGAIN_NS (300 * S_NS)

struct entropy_virtio {
    /* Takes bytes that have come, at least one; they are erased when it returns. Within `poll`.
     * Set before it is opened. */
    void (*given)(struct entropy_virtio *source, struct view bytes);

    struct virtio_device device;
    struct virtio_queue queue;
    struct machine_poller poller;
    uint64_t asked_ns;
    bool is_asked;
    uint8_t room[ENTROPY_VIRTIO_BYTES];
};

/* Opens the machine's first, and asks it. NOT_FOUND, UNSUPPORTED, FULL; the log says what is wrong.
 */
COLD enum result entropy_virtio_open(struct entropy_virtio *source) CHECKED;
COLD void entropy_virtio_close(struct entropy_virtio *source);

/* Asks it anew, if it owes nothing. */
void entropy_virtio_ask(struct entropy_virtio *source);

#endif
