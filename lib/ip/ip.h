/* ip.h - the signature of IP: datagrams of both families, as TCP, UDP and ICMP use them.
 *
 * No call waits. The layers below stand behind it: routes, neighbours, fragments, path MTU.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_IP_H
#define LOOM_IP_H

#include "ip/address.h"
#include "packet/packet.h"

#define IP_PROTOCOL_ICMP   1
#define IP_PROTOCOL_TCP    6
#define IP_PROTOCOL_UDP    17
#define IP_PROTOCOL_ICMPV6 58

/* The two low bits of the traffic class (RFC 3168 5). */
#define IP_ECN_MASK    3
#define IP_ECN_NOT_ECT 0
#define IP_ECN_ECT_1   1
#define IP_ECN_ECT_0   2
#define IP_ECN_CE      3

/* A datagram that has come, its transport header in front (packet->network_offset tells where its
 * IP header was). */
struct ip_incoming {
    struct address source, destination;
    uint8_t protocol;
    uint8_t hop_limit;
    uint8_t traffic_class;
    bool to_many; /* the destination is a broadcast or multicast address: no errors, no TCP */
};

/* A datagram to send. */
struct ip_outgoing {
    struct address source; /* ADDRESS_ANY: the best one */
    struct address destination;
    uint8_t protocol;
    uint8_t hop_limit; /* 0: the default */
    uint8_t traffic_class;
    bool dont_fragment; /* TOO_LARGE above the path's MTU, and learn from what routers say */
    bool may_broadcast;
};

/* What it takes to reach a destination. */
struct ip_path {
    struct address source;
    uint16_t mtu_bytes; /* the longest datagram, headers included, that goes through whole */
    uint32_t segments_bytes_max; /* the longest segmented datagram that the net takes; 0: none */
    bool to_many; /* a broadcast or multicast address: no TCP; a directed one of our link too */
};

/* What became of a datagram of ours, told by a router or by the other host. */
enum ip_error_kind {
    IP_ERROR_HOST_UNREACHABLE, /* also: the network; no neighbour answers */
    IP_ERROR_PROTOCOL_UNREACHABLE,
    IP_ERROR_PORT_UNREACHABLE,
    IP_ERROR_DENIED,    /* administratively prohibited */
    IP_ERROR_TOO_LARGE, /* mtu_bytes says what would go through */
    IP_ERROR_TIME_EXCEEDED,
    IP_ERROR_PARAMETER,
};

struct ip_error {
    enum ip_error_kind kind;
    uint16_t mtu_bytes;
    struct address source, destination; /* of the datagram: the source was ours */
    struct view transport; /* what is quoted of it behind its IP header: 8 bytes or more;
                              from a stranger, so to be checked against what was sent */
};

/* A transport protocol, which attaches once. Neither call waits. */
struct ip_protocol {
    uint8_t number;
    /* Takes ownership of the packet. */
    void (*input)(struct ip_protocol *protocol, struct packet *packet,
                  const struct ip_incoming *incoming);
    void (*error)(struct ip_protocol *protocol, const struct ip_error *error);
    /* Whether what is quoted can be of a datagram that we sent: anybody may claim it. Asked before
     * `error`, which is called only then, and before an MTU is believed. NULL: cannot tell; errors
     * are passed on and no MTU is learnt. */
    bool (*has_sent)(struct ip_protocol *protocol, const struct ip_error *error);
    struct ip_protocol *next; /* among those attached */
};

/* Why a datagram that came cannot be delivered. */
enum ip_reject {
    IP_REJECT_PORT,
    IP_REJECT_PROTOCOL,
};

struct ip {
    const struct ip_ops *ops;
    struct ip_protocol *protocols;
};

struct ip_ops {
    enum result (*send)(struct ip *ip, struct packet *packet, const struct ip_outgoing *outgoing);
    enum result (*find_path)(struct ip *ip, const struct address *destination,
                             const struct address *source, struct ip_path *path);
    bool (*is_ours)(struct ip *ip, const struct address *address);
    void (*doubt)(struct ip *ip, const struct address *destination);
    void (*reject)(struct ip *ip, const struct packet *packet, const struct ip_incoming *incoming,
                   enum ip_reject reason);
};

#define IP_OPS(impl) \
    { \
        .send = impl##_send, .find_path = impl##_find_path, .is_ours = impl##_is_ours, \
        .doubt = impl##_doubt, .reject = impl##_reject \
    }

/* Attaches a protocol, whose number is set and which no other has. */
static inline void ip_attach(struct ip *ip, struct ip_protocol *protocol)
{
    assert(protocol->input != NULL && protocol->error != NULL);
    protocol->next = ip->protocols;
    ip->protocols = protocol;
}

/* The protocol attached under a number; NULL: none. */
static inline struct ip_protocol *ip_find_protocol(const struct ip *ip, uint8_t number)
{
    struct ip_protocol *protocol = ip->protocols;
    while (protocol != NULL && protocol->number != number)
        protocol = protocol->next;
    return protocol;
}

/* Sends the datagram whose transport header is in front of the packet. Takes ownership, whatever
 * the result. A transport checksum is in place or marked PARTIAL; a TCP segment may be marked for
 * segmentation, up to the path's segments_bytes_max.
 * OK: it is on its way, or waits for the neighbour's address. FULL: the net's ring or a queue is
 * full, and it is dropped. TOO_LARGE: dont_fragment and over the path's MTU, or over 65,535 bytes.
 * UNREACHABLE: no route, or the source is not ours. DENIED: a broadcast without may_broadcast. */
CHECKED static inline enum result ip_send(struct ip *ip, struct packet *packet,
                                          const struct ip_outgoing *outgoing)
{
    assert(outgoing->destination.family != ADDRESS_ANY);
    return ip->ops->send(ip, packet, outgoing);
}

/* How to reach a destination: from `source`, or with ADDRESS_ANY from the best one (RFC 1122
 * 3.3.4.3; RFC 6724). UNREACHABLE: there is no route, or the source is not ours. Cheap enough for
 * every segment. */
CHECKED static inline enum result ip_find_path(struct ip *ip, const struct address *destination,
                                               const struct address *source, struct ip_path *path)
{
    return ip->ops->find_path(ip, destination, source, path);
}

/* Whether it is one of this host's own addresses; a loopback address is. */
static inline bool ip_is_ours(struct ip *ip, const struct address *address)
{
    return ip->ops->is_ours(ip, address);
}

/* Nothing of what was sent there seems to arrive: the neighbour it goes through is asked whether it
 * is still there (RFC 9293 3.8.3 (b), MUST-20; RFC 1122 3.3.1.4). */
static inline void ip_doubt(struct ip *ip, const struct address *destination)
{
    ip->ops->doubt(ip, destination);
}

/* Answers a datagram that came with the ICMP error that says why it is not delivered, within the
 * limits of its rate. The packet stays the caller's, its transport header in front. */
static inline void ip_reject(struct ip *ip, const struct packet *packet,
                             const struct ip_incoming *incoming, enum ip_reject reason)
{
    ip->ops->reject(ip, packet, incoming, reason);
}

#endif
