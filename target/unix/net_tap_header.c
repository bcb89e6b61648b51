/* net_tap_header.c - the host's virtio_net_hdr, which has no count of merged buffers, and the
 * header of virtio.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/net_tap.h"
#include "target/virtio/net_virtio_header.h"

bool net_tap_header_read(const struct net_tap_header *header, struct packet *packet,
                         size_t frame_bytes)
{
    const struct virtio_net_header same = { .flags = header->flags,
                                            .gso_type = header->gso_type,
                                            .header_bytes = header->hdr_len,
                                            .segment_bytes = header->gso_size,
                                            .checksum_start = header->csum_start,
                                            .checksum_offset = header->csum_offset };
    return net_virtio_header_read(&same, packet, frame_bytes);
}

struct net_tap_header net_tap_header_of(const struct packet *packet)
{
    const struct virtio_net_header same = net_virtio_header_of(packet);
    return (struct net_tap_header){ .flags = same.flags,
                                    .gso_type = same.gso_type,
                                    .hdr_len = same.header_bytes,
                                    .gso_size = same.segment_bytes,
                                    .csum_start = same.checksum_start,
                                    .csum_offset = same.checksum_offset };
}
