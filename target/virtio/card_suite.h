/* card_suite.h - a network card that behaves, for the tests of its driver: frames wait in it, each
 * way, as long as the other side has no room.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CARD_SUITE_H
#define LOOM_CARD_SUITE_H

#include "base/view.h"
#include "target/virtio/machine_suite.h"

#define CARD_SUITE_MAC \
    { \
        0x02, 'C', 'A', 'R', 'D', 0x01 \
    }
#define CARD_SUITE_BYTES ((size_t)1 << 20)

struct card_suite {
    struct machine_device_suite device;
    struct queue_suite receiving, transmitting;
    size_t waiting_count, waiting_bytes; /* frames towards the driver, each after its length */
    uint8_t waiting[CARD_SUITE_BYTES];
};

/* It offers these features. */
void card_suite_init(struct card_suite *card, uint64_t offered, uint16_t mtu_bytes);

/* Its link is up at first; the driver learns of it when it looks. */
void card_suite_set_link(struct card_suite *card, bool is_up);

/* A frame for the driver, with what its header says. */
void card_suite_inject(struct card_suite *card, const struct virtio_net_header *header,
                       struct view frame);

/* The next frame that the driver has sent: its header, and its length, copied into `room`; 0: none.
 */
size_t card_suite_collect(struct card_suite *card, struct virtio_net_header *header,
                          struct span room);

#endif
