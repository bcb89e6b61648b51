/* net_offload.h - a net that looks as if its device did all, over one that does less.
 *
 * What is sent gets its checksum and is cut into segments where the net below cannot do that:
 * each segment has its headers in a packet of its own and borrows its part of the payload. What is
 * received has its checksums verified, and segments of one TCP connection that follow each other in
 * a burst become one frame. Nothing waits here for more to come; nothing is allocated.
 *
 * A net below that cuts, completes, or coalesces keeps that work: its frames pass by.
 *
 * Sources: RFC 9293 3.1, RFC 3168 6.1.2 (CWR), RFC 6864 (the IPv4 ID).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_OFFLOAD_H
#define LOOM_NET_OFFLOAD_H

#include "net/net.h"
#include "net/net_coalesce.h"
#include "net/net_cut.h"

struct net_offload {
    struct net net;
    struct net *below;
    struct net_user user; /* of `below` */

    /* Accepted, and on its way down: `staged` in order, then what is left of `cut`. As long as
     * something stands here nothing more is accepted. */
    struct packet *staged[NET_BURST_MAX];
    size_t staged_count;
    struct net_cut cut;
    uint64_t refused_count; /* frames that were marked as many segments and were not */

    struct net_coalesce coalesce;
};

/* Attaches to `below` when it is itself attached, with its user's pool; takes over its address and
 * MTU. Headers of segments come from that pool (PACKET_FOR_CONTROL); when it has none, the rest of
 * the frame waits for the next call of any kind, or for net_offload_go_on. */
void net_offload_open(struct net_offload *offload, struct net *below);

/* It is detached. */
void net_offload_close(struct net_offload *offload);

/* Whether the pool had no packet for the rest of a frame: nobody tells when it has again. */
static inline bool net_offload_is_short(const struct net_offload *offload)
{
    return net_cut_goes_on(&offload->cut) && offload->staged_count == 0;
}

/* Tries again. */
void net_offload_go_on(struct net_offload *offload);

#endif
