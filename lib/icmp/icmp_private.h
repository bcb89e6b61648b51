/* icmp_private.h - what the files of this folder share.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_ICMP_PRIVATE_H
#define LOOM_ICMP_PRIVATE_H

#include "icmp/icmp.h"
#include "packet/checksum.h"

#define ICMP_HEADER_BYTES 8

/* RFC 792, and what later ones have left of it. */
enum icmp_type {
    ICMP_ECHO_REPLY = 0,
    ICMP_UNREACHABLE = 3,
    ICMP_ECHO = 8,
    ICMP_TIME_EXCEEDED = 11,
    ICMP_PARAMETER_PROBLEM = 12,
    ICMP_TIMESTAMP = 13,
    ICMP_INFORMATION = 15,
    ICMP_MASK = 17,
};

/* What the last four bytes are depends on the type. Integers are big-endian. */
struct icmp_header {
    uint8_t type, code;
    uint16_t checksum;
    uint16_t identifier; /* of an echo */
    uint16_t sequence;   /* of an echo; the MTU in an error (RFC 1191 4) */
};
static_assert(sizeof(struct icmp_header) == ICMP_HEADER_BYTES, "as on the wire");

/* ---- icmp_error.c ---- */

/* A message of one of the error types, its header in front. The packet stays the caller's. */
void icmp_input_error(struct icmp *icmp, struct packet *packet, const struct ip_incoming *incoming,
                      const struct icmp_header *header);

/* Answers a datagram with an error, if it deserves one and the limits allow. */
void icmp_report(struct ipv4_reporter *reporter, const struct packet *packet,
                 const struct ip_incoming *incoming, enum ipv4_reject reason);

/* ---- icmp_limit.c ---- */

void icmp_limit_open(struct icmp *icmp);

/* Whether one more error may go to `destination`; counts it then. */
bool icmp_limit_take(struct icmp *icmp, const struct address *destination);

/* ---- icmp.c ---- */

/* Writes the checksum of a message whose header stands in front, and sends it. */
enum result icmp_send(struct icmp *icmp, struct packet *packet, const struct ip_outgoing *outgoing);

#endif
