/* ipv4.h - the Internet Protocol, version 4 (RFC 791, RFC 1122 3), as an implementation of ip.h.
 *
 * One link, several addresses on it, several routes. A host, not a router: nothing is forwarded.
 *
 *     incoming   ethernet -> whole header checked -> fragments put together -> protocol->input
 *     outgoing   ip_send -> route, source -> cut into fragments if need be -> arp -> ethernet
 *     to itself  ip_send -> a bounded queue -> ipv4_step -> protocol->input
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_IPV4_H
#define LOOM_IPV4_H

#include "arp/arp.h"
#include "base/agenda.h"
#include "ip/ip.h"
#include "ipv4/ipv4_path.h"
#include "ipv4/ipv4_reassembly.h"
#include "ipv4/ipv4_route.h"

#define IPV4_HEADER_BYTES     20
#define IPV4_HEADER_BYTES_MAX 60
#define IPV4_TOTAL_MAX        65535

#define IPV4_HOP_LIMIT 64 /* IANA's recommendation for RFC 1122 3.2.1.7 */

/* What find_path says of it; longer ones go as well. */
#define IPV4_LOOPBACK_MTU ((uint16_t)16384)

struct ipv4_parameters {
    uint64_t reassembly_count; /* datagrams being put together; the oldest gives way */
    uint64_t reassembly_bytes; /* of buffers that their fragments occupy; likewise */
    uint64_t path_count;       /* destinations with an MTU of their own; the oldest gives way */
    uint64_t loopback_packets; /* buffers on the way to ourselves; beyond that, FULL */
    uint64_t hop_limit;        /* of what goes, where nobody says; 0: IPV4_HOP_LIMIT */
};
extern const struct parameter ipv4_parameters[];

/* Why a datagram that came is answered by an error: ip_reject's reasons, and IPv4's own. */
enum ipv4_reject {
    IPV4_REJECT_PORT,
    IPV4_REJECT_PROTOCOL,
    IPV4_REJECT_REASSEMBLY_TIME, /* fragments of it are missing still */
};

/* Who answers with errors: ICMP. The packet stays the caller's; its IP header is at
 * network_offset, its transport header in front. */
struct ipv4_reporter {
    void (*report)(struct ipv4_reporter *reporter, const struct packet *packet,
                   const struct ip_incoming *incoming, enum ipv4_reject reason);
};

/* Above, if anybody: told of our own addresses. It must not wait. */
struct ipv4_user {
    void (*claimed)(struct ipv4_user *user, const struct address *address);
    /* As arp_user's. */
    void (*conflict)(struct ipv4_user *user, const struct address *address,
                     const struct mac *station, bool lost);
};

struct ipv4_statistics {
    uint64_t received, delivered, sent, looped;
    uint64_t bad_header, bad_checksum, bad_source, bad_option, not_for_us, no_protocol;
    uint64_t fragments_received, fragments_sent, reassembled, reassembly_failed;
    uint64_t no_route, too_large, loopback_full;
    uint64_t path_mtu_lowered, path_mtu_refused;
};

struct ipv4 {
    struct ip ip;
    struct ethernet_protocol protocol;
    struct arp_user arp_user;
    struct ipv4_reassembly_user reassembly_user;
    struct ethernet *ethernet;
    struct arp *arp; /* NULL: a net of bare IP */
    struct agenda *agenda;
    struct packet_pool *pool;
    struct ipv4_reporter *reporter; /* NULL: nobody answers with errors */
    struct ipv4_user *user;         /* NULL: nobody is told */
    struct ipv4_routes routes;
    struct ipv4_reassembly reassembly;
    struct ipv4_paths paths;
    struct siphash_key key;
    uint16_t identifications[256]; /* RFC 7739 5.3: counters, chosen by destination */
    uint8_t hop_limit;
    size_t loopback_packets, loopback_packets_max;
    struct packet *loopback_first, *loopback_last;
    struct ipv4_statistics statistics;
};

/* Attaches to `ethernet`. `arp` is open already and has &ipv4->arp_user as its user; NULL on a net
 * of bare IP. FULL: there is not so much memory. `key` is secret and random. */
enum result ipv4_open(struct ipv4 *ipv4, struct ethernet *ethernet, struct arp *arp,
                      struct agenda *agenda, struct packet_pool *pool,
                      const struct ipv4_parameters *parameters, struct siphash_key key) CHECKED;
void ipv4_close(struct ipv4 *ipv4);

/* Gives the link an address: 192.0.2.7 of 192.0.2.0/24, to which a route comes with it. EXISTS: it
 * has it. INVALID: no host can have it (RFC 1122 3.2.1.3). FULL: no more. */
enum result ipv4_add_address(struct ipv4 *ipv4, const struct address *address,
                             unsigned prefix_bits) CHECKED;
/* With the route to its prefix. NOT_FOUND: it has it not. */
enum result ipv4_remove_address(struct ipv4 *ipv4, const struct address *address) CHECKED;

/* The way to a prefix: by a gateway, or with ADDRESS_ANY as its gateway on the link itself. Among
 * the routes that fit a destination the longest prefix counts, then the least metric. EXISTS: there
 * is one to this prefix with this metric. FULL: no more. */
enum result ipv4_add_route(struct ipv4 *ipv4, const struct address *prefix, unsigned prefix_bits,
                           const struct address *gateway, uint32_t metric) CHECKED;
enum result ipv4_remove_route(struct ipv4 *ipv4, const struct address *prefix, unsigned prefix_bits,
                              uint32_t metric) CHECKED;

/* Delivers what was on its way to ourselves when it was called. True: more is by now. */
bool ipv4_step(struct ipv4 *ipv4);

static inline bool ipv4_is_pending(const struct ipv4 *ipv4)
{
    return ipv4->loopback_first != NULL;
}

/* Believes that no more than `mtu_bytes` go through to a destination, for ten minutes: for a
 * transport that has found a black hole (RFC 4821). Never raises it. */
void ipv4_lower_path_mtu(struct ipv4 *ipv4, const struct address *destination, uint16_t mtu_bytes);

/* An ICMP error about one of our datagrams, of the protocol of this
 * number, checked as far as ICMP can: asks the transport whether
 * it is its own, and tells it. With TOO_LARGE, mtu_bytes is the router's claim, 0 if it made none,
 * and `quoted_bytes` the length of the datagram that was refused. */
void ipv4_error(struct ipv4 *ipv4, uint8_t number, const struct ip_error *error,
                uint16_t quoted_bytes);

#endif
