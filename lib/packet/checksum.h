/* checksum.h - the Internet checksum: ones' complement sums, whole, in parts, and updated.
 *
 * Sums are kept in host order as the bytes stand in memory, folded only at the end, so that parts
 * add up (RFC 1071). What is written into a header is checksum_finish's value, with a plain copy.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CHECKSUM_H
#define LOOM_CHECKSUM_H

#include "ip/address.h"
#include "packet/packet.h"

/* A running sum; starts at 0. */
struct checksum {
    uint64_t sum;
    bool odd; /* an odd number of bytes has gone in: the next ones count swapped */
};

void checksum_add(struct checksum *checksum, struct view bytes);

/* The pseudo-header of TCP, UDP and ICMPv6: RFC 9293 3.1, RFC 8200 8.1. Both addresses are of one
 * family. */
void checksum_add_pseudo_header(struct checksum *checksum, const struct address *source,
                                const struct address *destination, uint8_t protocol,
                                uint32_t length_bytes);

/* Folded, not complemented: for a field that a device will complete. */
static inline uint16_t checksum_fold(const struct checksum *checksum)
{
    uint64_t sum = checksum->sum;
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    return (uint16_t)sum;
}

/* Folded and complemented: what a header carries, and 0 over a sound message that carries it. */
static inline uint16_t checksum_finish(const struct checksum *checksum)
{
    return (uint16_t)~checksum_fold(checksum);
}

/* The frame's bytes from `offset_bytes` on, counted from its first byte. */
void checksum_add_packet(struct checksum *checksum, const struct packet *packet,
                         size_t offset_bytes);

/* What a header's checksum is when one of its 16-bit words changes `from` one `to` another, all
 * three as they stand in memory (RFC 1624 3, equation 3). */
uint16_t checksum_update(uint16_t checksum, uint16_t from, uint16_t to);

/* Completes a packet marked PACKET_CHECKSUM_PARTIAL, whose mark is then UNKNOWN. The field is in
 * its first buffer. A sum of 0 is written as 0xffff, which means the same to TCP and which UDP
 * needs (RFC 768). */
void checksum_complete(struct packet *packet);

/* Whether the transport checksum of a received datagram is right: looks at the mark first, and at
 * the bytes where nobody has vouched. The frame starts at the transport header. */
bool checksum_is_good(const struct packet *packet, const struct address *source,
                      const struct address *destination, uint8_t protocol);

#endif
