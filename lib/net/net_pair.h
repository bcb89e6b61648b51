/* net_pair.h - two nets connected back to back: what one sends the other receives.
 *
 * Nothing is lost on the way as long as the receiver has buffers: a full ring holds the sender up.
 * Frames stay the sender's until they are received, into packets of the receiver's pool.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_PAIR_H
#define LOOM_NET_PAIR_H

#include "fiber/fiber.h"
#include "net/net.h"
#include "net/net_queue.h"

struct net_pair_options {
    uint16_t mtu_bytes;
    uint8_t link;      /* enum net_link */
    uint8_t offloads;  /* enum net_offloads, or-ed: what is sent passes with its marks, so both of a
                          kind or none, and of both ends alike */
    size_t ring_count; /* frames under way each way */
};

struct net_pair_end {
    struct net net;
    struct net_pair_end *other; /* itself: a net_loop */
    struct net_queue sent;      /* not received yet */
    size_t ring_count;
    bool was_full; /* and the user waits to be told that it is not */
    struct alarm alarm;
};

struct net_pair {
    struct net_pair_end a, b;
};

/* What is sent while the other end is not attached is lost. */
void net_pair_open(struct net_pair *pair, const struct net_pair_options *options);

/* Both ends are detached. */
void net_pair_close(struct net_pair *pair);

/* One end alone, for net_loop. */
void net_pair_end_open(struct net_pair_end *end, struct net_pair_end *other,
                       const struct net_pair_options *options);
void net_pair_end_close(struct net_pair_end *end);

#endif
