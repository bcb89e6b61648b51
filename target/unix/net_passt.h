/* net_passt.h - a net whose frames travel on a stream: to passt, the user-mode network of a process
 * without privileges, or to whatever speaks as QEMU does on a stream socket.
 *
 *     | length, 32 bits, big-endian | frame | length | frame | ...
 *
 * One read takes as many frames as the host has, one sendmsg a burst. The other side is not
 * trusted: a length that no frame can have ends the net, as nothing behind it can be told apart.
 *
 * There are no offloads; a long MTU makes up for that, as no wire sees these frames.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_PASST_H
#define LOOM_NET_PASST_H

#include <sys/uio.h>

#include "net/net.h"
#include "target/unix/net_descriptor.h"

/* The longest that passt sends and takes: its frames are at most 65,535 bytes. */
#define NET_PASST_MTU 65520

/* Parts of one sendmsg, the lengths among them. */
#define NET_PASST_PARTS 256

struct net_passt {
    struct net net;
    struct net_descriptor descriptor;
    struct span memory; /* of what was read and is not taken yet */
    size_t taken_bytes, read_bytes;
    struct packet *unfinished; /* the host has taken a part of it: the rest comes first */
    size_t unfinished_bytes;   /* of it, its length included, that are gone */
    bool was_detached;
    uint32_t lengths[NET_BURST_MAX];
    struct view parts[NET_PASST_PARTS];
    struct iovec sending[NET_PASST_PARTS];
};

struct net_passt_options {
    struct mac mac;
    uint16_t mtu_bytes;
};

/* Over one end of a stream socket, which belongs to the net from now on, also where this fails.
 * FULL: no memory. */
enum result net_passt_open(struct net_passt *passt, int descriptor,
                           const struct net_passt_options *options) CHECKED;
void net_passt_close(struct net_passt *passt);

#endif
