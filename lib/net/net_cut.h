/* net_cut.h - cuts a frame of many TCP segments into frames of one, which borrow its payload.
 *
 *     frame:  [ headers | bytes ] -> fragments -> rest
 *                          ^ at
 *     each:   [ headers ] -> the next segment_bytes of it
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_CUT_H
#define LOOM_NET_CUT_H

#include "net/net_segment.h"

/* Zeroed it has nothing to cut. */
struct net_cut {
    struct packet *frame; /* NULL: nothing is left */
    struct net_segment segment;
    uint32_t segment_bytes, payload_bytes;
    uint32_t done_bytes; /* of the payload */
    uint16_t done_count; /* segments */
    bool partial;        /* leaves checksums to the device: PACKET_CHECKSUM_PARTIAL */

    /* What all segments' checksums begin with: the pseudo-header but its length, and an IPv4 header
     * but its length and ID. */
    struct checksum pseudo_sum, ip_sum;

    /* Where the next segment's payload begins: in a packet of the frame, in its own bytes or in a
     * fragment. */
    struct packet *at;
    size_t at_part; /* 0: its own bytes; from 1 on: its fragments */
    size_t at_offset;
};

/* Takes the frame, whose headers stand in its first buffer and whose IP header tells the length of
 * the whole. False: it is no TCP segment as its marks say, and has been dropped. */
bool net_cut_begin(struct net_cut *cut, struct packet *frame, enum net_link link, bool partial);

static inline bool net_cut_goes_on(const struct net_cut *cut)
{
    return cut->frame != NULL;
}

/* The next frame of one segment; the last one ends it. NULL: the pool has no packet for its
 * headers, and nothing has changed. */
struct packet *net_cut_next(struct net_cut *cut, struct packet_pool *pool);

/* Drops what is left. */
void net_cut_end(struct net_cut *cut);

#endif
