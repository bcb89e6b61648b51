/* net_loop.c - a net on which every frame sent comes back: a pair's end, connected to itself.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_loop.h"

void net_loop_open(struct net_loop *loop, const struct net_pair_options *options)
{
    net_pair_end_open(&loop->end, &loop->end, options);
    loop->end.net.mac = (struct mac){ { 0x02, 'L', 'O', 'O', 'P', 0x01 } };
}

void net_loop_close(struct net_loop *loop)
{
    net_pair_end_close(&loop->end);
}
