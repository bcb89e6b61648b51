/* net_virtio_header.h - between a packet's marks and the header before a frame (virtio 1.2, 5.1.6),
 * as devices have it and, without its last field, the host's taps.
 *
 * The other side is not trusted: of a header only what fits its frame is believed.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_VIRTIO_HEADER_H
#define LOOM_NET_VIRTIO_HEADER_H

#include "packet/packet.h"
#include "target/machine/virtqueue.h"

/* Believes what the header says of the frame that came behind it, and marks the packet; false: it
 * is not true. 5.1.6.4. */
bool net_virtio_header_read(const struct virtio_net_header *header, struct packet *packet,
                            size_t frame_bytes);

/* What the header has to say of a frame to be sent. 5.1.6.2. */
struct virtio_net_header net_virtio_header_of(const struct packet *packet);

#endif
