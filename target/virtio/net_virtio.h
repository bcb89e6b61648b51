/* net_virtio.h - a net that is a network card of the machine (virtio 1.2, 5.1).
 *
 * What is sent stays where it lies: the header in the packet's headroom, where that is nobody
 * else's, and a descriptor for each of its parts. What is received is put by the device into
 * packets of the pool, the header into the headroom:
 *
 *     | headroom: ... header | frame |      each posted buffer; a long frame goes on in the next
 *                            | frame |      ones, behind the place of the header (MRG_RXBUF)
 *
 * Where the device cannot merge buffers, chains are posted that hold the longest frame.
 *
 * At first no more is posted than a long frame needs, as untouched memory costs nothing; whenever
 * most of it has been used in one go, twice as much, up to a quarter of the pool. Where the pool
 * has no packets fewer are posted, and more when it has: meanwhile the device keeps or loses what
 * comes.
 *
 * The device is not trusted: of a header only what fits its frame and what was negotiated is
 * believed, and a device that gives back what it was not given is not used any more: what is sent
 * then is lost, and counted.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_VIRTIO_H
#define LOOM_NET_VIRTIO_H

#include "base/units.h"
#include "fiber/fiber.h"
#include "net/net.h"
#include "target/virtio/machine_poller.h"
#include "target/virtio/virtio_watch.h"

/* A frame to be sent in more parts, or in more than the ring has room for, is copied into one part
 * or a few, or lost. One that was received and goes on fits. */
#define NET_VIRTIO_PARTS (PACKET_FRAGMENTS_MAX + 40)

struct net_virtio {
    struct net net;
    struct virtio_device device;
    struct virtio_queue receiving, transmitting;
    struct machine_poller poller;
    struct virtio_watch watch; /* of the link */
    struct alarm again;        /* tells a user that does not read, now and then */

    /* By the head of its chain: what is posted, what is on its way, and the headers that have no
     * place before their frame. */
    struct packet **posted, **sent;
    struct virtio_net_header *headers;
    struct span memory;

    size_t chain_packets;             /* of a posted chain: 1 where the device merges */
    uint16_t posted_count;            /* chains */
    uint16_t posted_max, posted_most; /* for now, and ever */
    uint16_t awaited_room;            /* for the parts of the frame that was refused; 0: none was */
    unsigned ignored_turns;
    bool is_silent;
    uint16_t receiving_size, transmitting_size; /* of the queues */
    struct view parts[1 + NET_VIRTIO_PARTS];    /* of the frame that is being sent */
};

/* Opens the network card `name` of the machine. NOT_FOUND, UNSUPPORTED, FULL; the log says what is
 * wrong. */
enum result net_virtio_open(struct net_virtio *net, struct view name) CHECKED;
void net_virtio_close(struct net_virtio *net);

/* ---- within net_virtio ---- */

#define NET_VIRTIO_RECEIVING    0
#define NET_VIRTIO_TRANSMITTING 1

size_t net_virtio_receive(struct net *base, struct packet *burst[], size_t count);
size_t net_virtio_send(struct net *base, struct packet *burst[], size_t count);

/* Posts packets, as many as are missing and the pool has. */
void net_virtio_post(struct net_virtio *net);

/* Drops what the device has sent. */
void net_virtio_reclaim(struct net_virtio *net);

/* Whether the device is not to be used any more; says so in the log when it is found out. */
bool net_virtio_is_broken(struct net_virtio *net);

static inline struct net_virtio *net_virtio_of(struct net *net)
{
    return CONTAINER_OF(net, struct net_virtio, net);
}

#endif
