/* net.h - the signature of a network interface: frames in bursts.
 *
 * Its user is the stack above it, which attaches once. All calls are made in the loop or in a
 * fiber of the same image, and none of them waits.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_H
#define LOOM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/result.h"
#include "packet/packet.h"

#define NET_BURST_MAX 64

struct mac {
    uint8_t bytes[6];
};

/* What the frames are. */
enum net_link {
    NET_ETHERNET, /* Ethernet II, without the frame check sequence */
    NET_IP,       /* IP datagrams, nothing before them: a tun, a tunnel */
};

/* What the device does by itself, each way. */
enum net_offloads {
    NET_SENDS_CHECKSUMS = 1 << 0,     /* completes PACKET_CHECKSUM_PARTIAL */
    NET_SENDS_SEGMENTS_IPV4 = 1 << 1, /* cuts PACKET_SEGMENT_TCP_IPV4 of up to PACKET_TOTAL_MAX */
    NET_SENDS_SEGMENTS_IPV6 = 1 << 2,
    NET_RECEIVES_CHECKSUMS = 1 << 3, /* may mark what it receives GOOD or PARTIAL */
    NET_RECEIVES_SEGMENTS = 1 << 4,  /* may give frames of many segments, so marked */
};

struct net_statistics {
    uint64_t sent_frames, sent_bytes, received_frames, received_bytes;
    uint64_t send_errors;       /* frames that the device refused for good */
    uint64_t receive_no_buffer; /* frames lost because the pool had no packet for them */
    uint64_t receive_errors;
};

/* Above the net. `ready` is called in the loop, in every turn of it as long as frames wait, once
 * when a ring that was full has room again, and once when the link has gone down or come up. It
 * does not wait; it calls net_receive and net_send as it likes. */
struct net_user {
    void (*ready)(struct net_user *user);
};

struct net {
    const struct net_ops *ops;
    struct net_user *user;    /* NULL: nobody is attached */
    struct packet_pool *pool; /* where packets for what is received come from */
    struct mac mac;
    uint8_t link;       /* enum net_link */
    uint8_t offloads;   /* enum net_offloads, or-ed */
    uint16_t mtu_bytes; /* the longest IP datagram in a frame that is not segmented; at least
                           576 */
    bool is_down;       /* nobody is at the other end of the cable: what is sent is lost */
    struct net_statistics statistics;
};

struct net_ops {
    void (*attach)(struct net *net);
    void (*detach)(struct net *net);
    size_t (*send)(struct net *net, struct packet *burst[], size_t count);
    size_t (*receive)(struct net *net, struct packet *burst[], size_t count);
};

#define NET_OPS(impl) \
    { \
        .attach = impl##_attach, .detach = impl##_detach, .send = impl##_send, \
        .receive = impl##_receive \
    }

/* Begins to receive. The pool must outlive the attachment. */
static inline void net_attach(struct net *net, struct net_user *user, struct packet_pool *pool)
{
    assert(net->user == NULL && user->ready != NULL);
    net->user = user;
    net->pool = pool;
    net->ops->attach(net);
}

/* Ends it: gives back every packet that the net still holds of the pool or of what it was to send.
 * What is received from now on is dropped. */
static inline void net_detach(struct net *net)
{
    assert(net->user != NULL);
    net->ops->detach(net);
    net->user = NULL;
    net->pool = NULL;
}

/* Sends frames, the headers in front, and takes ownership of those it accepts: the first of the
 * burst, as many as it returns; it drops each when it has gone, or when the device refuses it for
 * good. Fewer than `count`: the ring is full, and `ready` tells when it is not. What a frame
 * borrows must not change before it is dropped. A packet marked for an offload that the net has not
 * is a mistake; so is a frame longer than the MTU and not segmented. */
static inline size_t net_send(struct net *net, struct packet *burst[], size_t count)
{
    assert(count > 0 && count <= NET_BURST_MAX && net->user != NULL);
    size_t accepted = net->ops->send(net, burst, count);
    assert_that(accepted, <=, count);
    return accepted;
}

/* Receives up to `count` frames, which are the caller's, into packets of the pool: contiguous as
 * far as a buffer goes. 0: none now. Frames longer than PACKET_TOTAL_MAX never come. */
static inline size_t net_receive(struct net *net, struct packet *burst[], size_t count)
{
    assert(count > 0 && count <= NET_BURST_MAX && net->user != NULL);
    size_t received = net->ops->receive(net, burst, count);
    assert_that(received, <=, count);
    return received;
}

#endif
