/* device_stream.h - a net whose frames go through a stream, each behind its length in four bytes
 * (big-endian): passt, or anything that speaks as QEMU's stream sockets do.
 *
 *     memory    | taken | frame | frame | part of one | room |      read from the stream
 *     rest      | part of a frame that the stream has not taken |   to be written before anything
 *
 * There are no offloads; a long MTU makes up for that, as no wire sees these frames. The other side
 * is not trusted: a length that no frame can have ends the net, as nothing behind it can be told
 * apart.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_DEVICE_STREAM_H
#define LOOM_TENDER_DEVICE_STREAM_H

#include "net/net.h"
#include "tender/net_rings.h"

#define STREAM_LENGTH_BYTES sizeof(uint32_t)
#define STREAM_PARTS_MAX    256
#define STREAM_BURST_MAX    64

struct device_stream {
    struct device device;
    int number; /* the descriptor */
    bool is_gone;
    uint64_t offered;
    struct net_rings rings;
    size_t taken_bytes, read_bytes; /* of `memory` */
    size_t rest_from, rest_bytes;   /* of `rest` */
    /* A burst on its way out. */
    size_t burst_count, part_count;
    uint32_t heads[STREAM_BURST_MAX], lengths[STREAM_BURST_MAX];
    size_t part_ends[STREAM_BURST_MAX];
    struct iovec sending[STREAM_PARTS_MAX];
    uint8_t rest[STREAM_LENGTH_BYTES + NET_FRAME_MAX];
    uint8_t memory[262144];
};

struct device_stream_options {
    struct view name; /* the device's */
    struct mac mac;
    uint16_t mtu_bytes;
};

/* Over one end of a stream socket, which belongs to the device from now on. */
void device_stream_open(struct device_stream *stream, struct machine_device *shared, int descriptor,
                        const struct device_stream_options *options);

#endif
