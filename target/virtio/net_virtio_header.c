/* net_virtio_header.c - between a packet's marks and the header before a frame (virtio 1.2, 5.1.6.2
 * and 5.1.6.4).
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/net_virtio_header.h"

#include "base/units.h"

#define TCP_HEADER_BYTES 20
#define TCP_OFFSET_AT    12 /* the byte whose upper half counts the header's words */
#define TCP_FLAGS_AT     13
#define TCP_CWR          0x80
#define CHECKSUM_BYTES   2

/* ---- received ---- */

/* RFC 9293 3.1: the header's own count of its length. 0: it is not all in the first buffer. */
static size_t tcp_header_bytes(struct view transport)
{
    if (transport.length_bytes < TCP_HEADER_BYTES) return 0;
    size_t header_bytes = (size_t)(view_byte(transport, TCP_OFFSET_AT) >> 4) * 4;
    if (header_bytes < TCP_HEADER_BYTES || header_bytes > transport.length_bytes) return 0;
    return header_bytes;
}

/* The sum may begin anywhere in the first buffer, and its field must be there too. */
static bool read_partial(const struct virtio_net_header *header, struct packet *packet)
{
    size_t field_at = (size_t)header->checksum_start + header->checksum_offset;
    if (field_at + CHECKSUM_BYTES > packet->length_bytes) return false;
    packet->checksum = PACKET_CHECKSUM_PARTIAL;
    packet->checksum_start = (uint16_t)(packet->offset + header->checksum_start);
    packet->checksum_offset = (uint16_t)(packet->offset + field_at);
    return true;
}

static bool segmentation_of(uint8_t gso_type, uint8_t *segmentation)
{
    switch (gso_type & ~VIRTIO_NET_GSO_ECN) {
    case VIRTIO_NET_GSO_TCPV4: *segmentation = PACKET_SEGMENT_TCP_IPV4; return true;
    case VIRTIO_NET_GSO_TCPV6: *segmentation = PACKET_SEGMENT_TCP_IPV6; return true;
    default: return false; /* nothing else was asked for */
    }
}

/* 5.1.6.4.1: with a gso_type comes NEEDS_CSUM. What counts is in the frame: its length is only a
 * hint.
 */
static bool read_segmentation(const struct virtio_net_header *header, struct packet *packet,
                              size_t frame_bytes)
{
    uint8_t segmentation;
    if (packet->checksum != PACKET_CHECKSUM_PARTIAL || header->segment_bytes == 0) return false;
    if (!segmentation_of(header->gso_type, &segmentation)) return false;
    size_t tcp_bytes = tcp_header_bytes(
        view_from_offset(packet_view(packet), header->checksum_start));
    if (tcp_bytes == 0) return false;
    size_t payload_bytes = frame_bytes - header->checksum_start - tcp_bytes;
    size_t count = (payload_bytes + header->segment_bytes - 1) / header->segment_bytes;
    packet->segmentation = segmentation;
    packet->segment_bytes = header->segment_bytes;
    packet->segment_count = (uint16_t)MAX(count, 1u);
    return true;
}

bool net_virtio_header_read(const struct virtio_net_header *header, struct packet *packet,
                            size_t frame_bytes)
{
    if ((header->flags & VIRTIO_NET_HDR_NEEDS_CSUM) != 0) {
        if (!read_partial(header, packet)) return false;
    } else if ((header->flags & VIRTIO_NET_HDR_DATA_VALID) != 0) {
        packet->checksum = PACKET_CHECKSUM_GOOD;
    }
    if (header->gso_type == VIRTIO_NET_GSO_NONE) return true;
    return read_segmentation(header, packet, frame_bytes);
}

/* ---- to be sent ---- */

/* The host must know of a CWR that belongs to the first segment alone (RFC 3168 6.1.2; 5.1.6.2 of
 * virtio). */
static void put_segmentation(struct virtio_net_header *header, const struct packet *packet)
{
    struct view transport = view_from_offset(packet_view(packet), header->checksum_start);
    bool is_ipv4 = packet->segmentation == PACKET_SEGMENT_TCP_IPV4;
    header->gso_type = is_ipv4 ? VIRTIO_NET_GSO_TCPV4 : VIRTIO_NET_GSO_TCPV6;
    header->segment_bytes = packet->segment_bytes;
    header->header_bytes = (uint16_t)(header->checksum_start + tcp_header_bytes(transport));
    if ((view_byte(transport, TCP_FLAGS_AT) & TCP_CWR) != 0) header->gso_type |= VIRTIO_NET_GSO_ECN;
}

struct virtio_net_header net_virtio_header_of(const struct packet *packet)
{
    struct virtio_net_header header = { 0 };
    if (packet->checksum != PACKET_CHECKSUM_PARTIAL) {
        assert(packet->segmentation == PACKET_SEGMENT_NONE);
        return header;
    }
    assert_that(packet->checksum_start, >=, packet->offset);
    assert_that(packet->checksum_offset, >=, packet->checksum_start);
    header.flags = VIRTIO_NET_HDR_NEEDS_CSUM;
    header.checksum_start = (uint16_t)(packet->checksum_start - packet->offset);
    header.checksum_offset = (uint16_t)(packet->checksum_offset - packet->checksum_start);
    if (packet->segmentation != PACKET_SEGMENT_NONE) put_segmentation(&header, packet);
    return header;
}
