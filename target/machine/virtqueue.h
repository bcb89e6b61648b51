/* virtqueue.h - a split virtqueue as it lies in memory (virtio 1.2, 2.7): one side, the driver, is
 * the image, the other the device. Little-endian; shared, so each side reads a field of the other
 * once and checks it.
 *
 *     descriptors   16 bytes each, aligned to 16      where buffers are, chained by `next`
 *     available     flags, index, ring[size], event   the driver's: heads of chains to be used
 *     used          flags, index, ring[size], event   the device's: heads that have been
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_VIRTQUEUE_H
#define LOOM_VIRTQUEUE_H

#include <stdint.h>

#include "base/assert.h"

#define VIRTQ_DESC_NEXT     1u
#define VIRTQ_DESC_WRITE    2u /* for the device to write */
#define VIRTQ_DESC_INDIRECT 4u

#define VIRTQ_AVAIL_NO_INTERRUPT 1u
#define VIRTQ_USED_NO_NOTIFY     1u

struct virtq_desc {
    uint64_t address; /* physical */
    uint32_t length_bytes;
    uint16_t flags, next;
};
static_assert(sizeof(struct virtq_desc) == 16, "virtio 1.2, 2.7.5");

struct virtq_used_element {
    uint32_t head, length_bytes;
};
static_assert(sizeof(struct virtq_used_element) == 8, "virtio 1.2, 2.7.8");

/* Both rings begin so; `size` entries and the event index follow. */
struct virtq_ring {
    uint16_t flags, index;
};

#define VIRTQ_DESC_BYTES(size)  ((size) * sizeof(struct virtq_desc))
#define VIRTQ_AVAIL_BYTES(size) (sizeof(struct virtq_ring) + (size) * sizeof(uint16_t) + 2)
#define VIRTQ_USED_BYTES(size) \
    (sizeof(struct virtq_ring) + (size) * sizeof(struct virtq_used_element) + 2)

/* Features of every device (virtio 1.2, 6). */
#define VIRTIO_F_INDIRECT_DESC ((uint64_t)1 << 28)
#define VIRTIO_F_EVENT_IDX     ((uint64_t)1 << 29)
#define VIRTIO_F_VERSION_1     ((uint64_t)1 << 32)

/* Of a net (5.1.3). */
#define VIRTIO_NET_F_CSUM       ((uint64_t)1 << 0)
#define VIRTIO_NET_F_GUEST_CSUM ((uint64_t)1 << 1)
#define VIRTIO_NET_F_MTU        ((uint64_t)1 << 3)
#define VIRTIO_NET_F_MAC        ((uint64_t)1 << 5)
#define VIRTIO_NET_F_GUEST_TSO4 ((uint64_t)1 << 7)
#define VIRTIO_NET_F_GUEST_TSO6 ((uint64_t)1 << 8)
#define VIRTIO_NET_F_GUEST_ECN  ((uint64_t)1 << 9)
#define VIRTIO_NET_F_HOST_TSO4  ((uint64_t)1 << 11)
#define VIRTIO_NET_F_HOST_TSO6  ((uint64_t)1 << 12)
#define VIRTIO_NET_F_HOST_ECN   ((uint64_t)1 << 13)
#define VIRTIO_NET_F_MRG_RXBUF  ((uint64_t)1 << 15)
#define VIRTIO_NET_F_STATUS     ((uint64_t)1 << 16)

/* The configuration of a net (5.1.4) and of a block device (5.2.4), as far as it is used. */
struct virtio_net_config {
    uint8_t mac[6];
    uint16_t status; /* bit 0: the link is up; with VIRTIO_NET_F_STATUS */
    uint16_t queue_pairs_max;
    uint16_t mtu_bytes; /* with VIRTIO_NET_F_MTU */
};
static_assert(sizeof(struct virtio_net_config) == 12, "virtio 1.2, 5.1.4");

/* Before each frame of a net (5.1.6.1): with VIRTIO_F_VERSION_1 always so long. */
struct virtio_net_header {
    uint8_t flags, gso_type;
    uint16_t header_bytes, segment_bytes, checksum_start, checksum_offset;
    uint16_t buffer_count; /* that the frame fills, when received with VIRTIO_NET_F_MRG_RXBUF */
};
static_assert(sizeof(struct virtio_net_header) == 12, "virtio 1.2, 5.1.6.1");

#define VIRTIO_NET_HDR_NEEDS_CSUM 1u
#define VIRTIO_NET_HDR_DATA_VALID 2u
#define VIRTIO_NET_GSO_NONE       0u
#define VIRTIO_NET_GSO_TCPV4      1u
#define VIRTIO_NET_GSO_TCPV6      4u
#define VIRTIO_NET_GSO_ECN        0x80u

/* Of a block device (5.2.3). */
#define VIRTIO_BLK_F_SIZE_MAX     ((uint64_t)1 << 1)
#define VIRTIO_BLK_F_SEG_MAX      ((uint64_t)1 << 2)
#define VIRTIO_BLK_F_RO           ((uint64_t)1 << 5)
#define VIRTIO_BLK_F_BLK_SIZE     ((uint64_t)1 << 6)
#define VIRTIO_BLK_F_FLUSH        ((uint64_t)1 << 9)
#define VIRTIO_BLK_F_DISCARD      ((uint64_t)1 << 13)
#define VIRTIO_BLK_F_WRITE_ZEROES ((uint64_t)1 << 14)

/* Its configuration (5.2.4), with the places of what is not used. */
struct virtio_block_config {
    uint64_t capacity_sectors; /* of 512 bytes, whatever block_bytes is */
    uint32_t part_bytes_max;   /* with VIRTIO_BLK_F_SIZE_MAX */
    uint32_t parts_max;        /* of a request's data; with VIRTIO_BLK_F_SEG_MAX */
    uint8_t geometry[4];
    uint32_t block_bytes; /* with VIRTIO_BLK_F_BLK_SIZE */
    uint8_t topology[8];
    uint8_t writeback, reserved;
    uint16_t queue_count;
    /* With VIRTIO_BLK_F_DISCARD: of one range, ranges of one request, and in sectors. */
    uint32_t discard_sectors_max, discard_ranges_max, discard_alignment_sectors;
    /* The same with VIRTIO_BLK_F_WRITE_ZEROES, and whether the blocks may be given back. */
    uint32_t zeroes_sectors_max, zeroes_ranges_max;
    uint8_t zeroes_may_unmap, unused[7];
};
static_assert(sizeof(struct virtio_block_config) == 64, "virtio 1.2, 5.2.4");

#define VIRTIO_BLOCK_SECTOR_BYTES 512u
#define VIRTIO_BLOCK_UNMAP        1u

/* A request (5.2.6): this, the data to be written or room for what is read, and a byte of status
 * that the device writes. */
struct virtio_block_request {
    uint32_t type, reserved;
    uint64_t sector; /* of a read or write; else 0 */
};
static_assert(sizeof(struct virtio_block_request) == 16, "virtio 1.2, 5.2.6");

enum virtio_block_type {
    VIRTIO_BLOCK_READ = 0,
    VIRTIO_BLOCK_WRITE = 1,
    VIRTIO_BLOCK_FLUSH = 4,
    VIRTIO_BLOCK_NAME = 8, /* 20 bytes, ended by NUL unless full */
    VIRTIO_BLOCK_DISCARD = 11,
    VIRTIO_BLOCK_WRITE_ZEROES = 13,
};

enum virtio_block_status {
    VIRTIO_BLOCK_OK = 0,
    VIRTIO_BLOCK_FAILED = 1,
    VIRTIO_BLOCK_UNSUPPORTED = 2,
};

/* The data of a discard, or of zeroes to be written: some of these. */
struct virtio_block_range {
    uint64_t sector;
    uint32_t sector_count, flags; /* flags: 0, or of zeroes VIRTIO_BLOCK_UNMAP */
};
static_assert(sizeof(struct virtio_block_range) == 16, "virtio 1.2, 5.2.6");

#endif
