/* ipv4_private.h - what the files of this folder share.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_IPV4_PRIVATE_H
#define LOOM_IPV4_PRIVATE_H

#include "ipv4/ipv4.h"
#include "ipv4/ipv4_header.h"

/* ---- ipv4_input.c ---- */

void ipv4_input(struct ethernet_protocol *protocol, struct packet *packet,
                const struct ethernet_incoming *incoming);

/* What the header of a datagram that came says to a transport; `to`: its destination is such. */
struct ip_incoming ipv4_incoming_of(const struct ipv4_header *header, enum ipv4_scope to);

/* ---- ipv4_output.c ---- */

/* Where a datagram goes, and from where. */
struct ipv4_way {
    enum ipv4_scope scope; /* OURS: to ourselves; NONE: nowhere */
    uint32_t destination, source, next_hop;
};

enum result ipv4_send(struct ip *ip, struct packet *packet, const struct ip_outgoing *outgoing);
enum result ipv4_find_path(struct ip *ip, const struct address *destination,
                           const struct address *source, struct ip_path *path);
void ipv4_doubt(struct ip *ip, const struct address *destination);

/* ---- ipv4_fragment.c ---- */

/* Sends the datagram, whose header is `header` but for lengths, offset and checksum, in pieces of
 * at most `mtu_bytes`. Takes ownership of the packet. */
enum result ipv4_send_fragments(struct ipv4 *ipv4, struct packet *packet,
                                const struct ipv4_header *header, const struct ipv4_way *way,
                                uint16_t mtu_bytes);

/* Puts the header in front, whose checksum it completes, and sends it. */
enum result ipv4_transmit(struct ipv4 *ipv4, struct packet *packet, struct ipv4_header *header,
                          const struct ipv4_way *way);

/* ---- ipv4_error.c ---- */

/* A datagram of ours, its header in front, for which no neighbour answered. */
void ipv4_unresolved(struct arp_user *user, struct packet *packet, uint32_t neighbour);

#endif
