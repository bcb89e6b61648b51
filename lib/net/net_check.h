/* net_check.h - what net_send asks of its caller, for the nets that hold it to that.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_CHECK_H
#define LOOM_NET_CHECK_H

#include "net/net.h"

#define NET_ETHERNET_BYTES 14

static inline size_t net_link_bytes(const struct net *net)
{
    return net->link == NET_ETHERNET ? NET_ETHERNET_BYTES : 0;
}

static inline uint8_t net_offload_for(uint8_t segmentation)
{
    switch (segmentation) {
    case PACKET_SEGMENT_NONE: return 0;
    case PACKET_SEGMENT_TCP_IPV4: return NET_SENDS_SEGMENTS_IPV4;
    case PACKET_SEGMENT_TCP_IPV6: return NET_SENDS_SEGMENTS_IPV6;
    default: panic("segmentation %u is not one of ours", segmentation);
    }
}

/* The marks are of offloads that the net has, and the frame is no longer than it takes. */
static inline void net_check_send(const struct net *net, const struct packet *frame)
{
    size_t total_bytes = packet_total_bytes(frame);
    uint8_t wanted = net_offload_for(frame->segmentation);
    assert_that(wanted & ~net->offloads, ==, 0);
    assert(frame->checksum != PACKET_CHECKSUM_PARTIAL ||
           (net->offloads & NET_SENDS_CHECKSUMS) != 0);
    assert_that(total_bytes, <=,
                wanted != 0 ? PACKET_TOTAL_MAX : net->mtu_bytes + net_link_bytes(net));
    assert_that(total_bytes, >=, net_link_bytes(net));
}

#endif
