/* ipv4_header.h - the header of a datagram as it stands on the wire (RFC 791 3.1).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_IPV4_HEADER_H
#define LOOM_IPV4_HEADER_H

#include "base/view.h"

#define IPV4_VERSION_AND_LENGTH 0x45 /* version 4, five words: no options */
#define IPV4_DONT_FRAGMENT      0x4000
#define IPV4_MORE_FRAGMENTS     0x2000
#define IPV4_OFFSET_MASK        0x1fff /* in units of eight bytes */

/* Integers are big-endian. */
struct ipv4_header {
    uint8_t version_and_length;
    uint8_t traffic_class;
    uint16_t total_length;
    uint16_t identification;
    uint16_t fragment;
    uint8_t time_to_live;
    uint8_t protocol;
    uint16_t checksum;
    uint32_t source, destination;
};
static_assert(sizeof(struct ipv4_header) == 20 && offsetof(struct ipv4_header, source) == 12,
              "as on the wire");

/* Its length with the options that it says to have. */
static inline size_t ipv4_header_length(const struct ipv4_header *header)
{
    return (size_t)(header->version_and_length & 15) * 4;
}

/* The header at the start of `bytes`, of which there are enough. */
static inline struct ipv4_header ipv4_header_at(struct view bytes)
{
    struct ipv4_header header;
    (void)span_copy(SPAN_OF(header), view_first(bytes, sizeof header));
    return header;
}

/* The ones' complement sum over a header without options, complemented: what its checksum field is
 * to hold, and 0 where it holds it. The same for each byte order (RFC 1071 2 B). */
static inline uint16_t ipv4_header_checksum(const struct ipv4_header *header)
{
    uint32_t words[sizeof *header / sizeof(uint32_t)];
    uint64_t sum = 0;
    __builtin_memcpy(words, header, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        sum += words[i];
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    return (uint16_t)~sum;
}

#endif
