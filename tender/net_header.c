/* net_header.c - the header that a guest puts before a frame, before the host's kernel sees it.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "tender/net_rings.h"

#define TCP_HEADER_BYTES 20

/* RFC 9293 3.7.1 with RFC 791 3.2: no path is so narrow that segments of 48 bytes do not fit, of
 * which TCP's options take 40 at most. The host makes a packet of its own of each piece: of pieces
 * of one byte it would make 65,000 for one system call. */
#define SEGMENT_LEAST 8

/* The sum begins behind the Ethernet header and is stored within the frame. */
static bool checksum_fits(const struct virtio_net_header *header, size_t frame_bytes)
{
    size_t field_at = (size_t)header->checksum_start + header->checksum_offset;
    return header->checksum_start >= NET_FRAME_LEAST && field_at + sizeof(uint16_t) <= frame_bytes;
}

static uint64_t feature_of(uint8_t gso_type)
{
    switch (gso_type & ~VIRTIO_NET_GSO_ECN) {
    case VIRTIO_NET_GSO_TCPV4: return VIRTIO_NET_F_HOST_TSO4;
    case VIRTIO_NET_GSO_TCPV6: return VIRTIO_NET_F_HOST_TSO6;
    default: return 0;
    }
}

/* What is to be cut into segments is TCP, and its checksum is the host's to compute (5.1.6.2.1). */
static bool segments_fit(const struct virtio_net_header *header, uint64_t accepted,
                         size_t frame_bytes)
{
    bool has_ecn = (header->gso_type & VIRTIO_NET_GSO_ECN) != 0;
    if ((feature_of(header->gso_type) & accepted) == 0) return false;
    if (has_ecn && (accepted & VIRTIO_NET_F_HOST_ECN) == 0) return false;
    return (header->flags & VIRTIO_NET_HDR_NEEDS_CSUM) != 0 &&
           header->segment_bytes >= SEGMENT_LEAST && header->header_bytes <= frame_bytes &&
           (size_t)header->checksum_start + TCP_HEADER_BYTES <= frame_bytes;
}

bool net_header_check(struct virtio_net_header *header, uint64_t accepted, size_t frame_bytes)
{
    struct virtio_net_header kept = { .flags = header->flags, .gso_type = header->gso_type };
    if ((header->flags & ~VIRTIO_NET_HDR_NEEDS_CSUM) != 0) return false;
    if (header->flags != 0) {
        if ((accepted & VIRTIO_NET_F_CSUM) == 0 || !checksum_fits(header, frame_bytes))
            return false;
        kept.checksum_start = header->checksum_start;
        kept.checksum_offset = header->checksum_offset;
    }
    if (header->gso_type != VIRTIO_NET_GSO_NONE) {
        if (!segments_fit(header, accepted, frame_bytes)) return false;
        kept.header_bytes = header->header_bytes;
        kept.segment_bytes = header->segment_bytes;
    }
    *header = kept;
    return true;
}
