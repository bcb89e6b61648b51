/* ethernet.h - frames over a net, in bursts, for the protocols above (RFC 894).
 *
 * A net that carries bare IP (NET_IP) is served too: there are no headers then and no neighbours,
 * and IP's own version says which protocol a datagram is for.
 *
 *     ethernet_open(&ethernet, net, &user, &pool);      `user` is told by the net when to come
 *     while (ethernet_poll(&ethernet)) ...              frames in, to the protocols
 *     ethernet_flush(&ethernet);                        frames out
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_ETHERNET_H
#define LOOM_ETHERNET_H

#include "net/net.h"

#define ETHERNET_HEADER_BYTES 14

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP  0x0806
#define ETHERTYPE_IPV6 0x86dd

/* Where a frame came from and to whom it was sent. */
struct ethernet_incoming {
    struct mac source; /* zero on a net of bare IP */
    bool to_many;      /* to the broadcast or a group address */
};

/* What is carried in frames of one type; attaches once. `input` takes ownership of the packet,
 * whose Ethernet header has been taken off. */
struct ethernet_protocol {
    uint16_t type;
    void (*input)(struct ethernet_protocol *protocol, struct packet *packet,
                  const struct ethernet_incoming *incoming);
    struct ethernet_protocol *next;
};

struct ethernet_statistics {
    uint64_t not_for_us, malformed, unknown_type; /* received and dropped */
    uint64_t ring_full;                           /* to be sent, and dropped */
};

struct ethernet {
    struct net *net;
    struct packet_pool *pool;
    struct ethernet_protocol *protocols;
    struct packet *burst[NET_BURST_MAX]; /* to be sent with the next flush */
    size_t burst_count;
    struct ethernet_statistics statistics;
};

/* Attaches to the net, which tells `user` when frames wait or its ring has room again; received
 * frames come in packets of the pool. */
void ethernet_open(struct ethernet *ethernet, struct net *net, struct net_user *user,
                   struct packet_pool *pool);

/* Drops what was not sent yet, and detaches. */
void ethernet_close(struct ethernet *ethernet);

void ethernet_attach(struct ethernet *ethernet, struct ethernet_protocol *protocol);

/* Receives one burst and hands it up. False: nothing had come. How many came does not tell whether
 * more wait, for the net may have made one frame of many. */
bool ethernet_poll(struct ethernet *ethernet);

/* Hands one received frame up. Takes ownership. */
void ethernet_input(struct ethernet *ethernet, struct packet *packet);

/* Puts the header in front and sends the frame with the burst. Takes ownership, whatever the
 * result. A partial checksum is completed here if the net does not do that. `destination` is not
 * looked at on a net of bare IP. FULL: the net's ring is full and so is the burst that waits for
 * it; the frame is dropped. */
enum result ethernet_send(struct ethernet *ethernet, struct packet *packet,
                          const struct mac *destination, uint16_t type) CHECKED;

/* Hands the burst to the net. What its ring has no room for waits for the next flush. */
void ethernet_flush(struct ethernet *ethernet);

/* Whether frames wait for room in the net's ring: its user is told when to flush again. */
static inline bool ethernet_is_blocked(const struct ethernet *ethernet)
{
    return ethernet->burst_count > 0;
}

extern const struct mac mac_broadcast;

bool mac_equal(const struct mac *a, const struct mac *b);

/* The broadcast address, or a group's. */
static inline bool mac_is_to_many(const struct mac *mac)
{
    return (mac->bytes[0] & 1) != 0;
}

/* All zero: no station's. */
bool mac_is_zero(const struct mac *mac);

#endif
