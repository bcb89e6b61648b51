/* net_loop.h - a net on which every frame sent comes back.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_LOOP_H
#define LOOM_NET_LOOP_H

#include "net/net_pair.h"

struct net_loop {
    struct net_pair_end end; /* connected to itself */
};

void net_loop_open(struct net_loop *loop, const struct net_pair_options *options);

static inline struct net *net_loop_net(struct net_loop *loop)
{
    return &loop->end.net;
}

/* It is detached. */
void net_loop_close(struct net_loop *loop);

#endif
