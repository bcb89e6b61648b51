/* net_segment.h - a frame that holds one TCP segment: where its parts are.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_SEGMENT_H
#define LOOM_NET_SEGMENT_H

#include "net/net.h"
#include "packet/checksum.h"

#define NET_TCP_FIN 0x01
#define NET_TCP_SYN 0x02
#define NET_TCP_RST 0x04
#define NET_TCP_PSH 0x08
#define NET_TCP_ACK 0x10
#define NET_TCP_URG 0x20
#define NET_TCP_ECE 0x40
#define NET_TCP_CWR 0x80

/* RFC 791 3.1. Numbers in network order. */
struct net_ipv4_header {
    uint8_t version_length, type_of_service;
    uint16_t total_bytes, id, fragment;
    uint8_t hop_limit, protocol;
    uint16_t checksum;
    uint8_t source[4], destination[4];
};
static_assert(sizeof(struct net_ipv4_header) == 20, "RFC 791 3.1");

/* RFC 8200 3. */
struct net_ipv6_header {
    uint32_t version_class_label;
    uint16_t payload_bytes;
    uint8_t next_header, hop_limit;
    uint8_t source[16], destination[16];
};
static_assert(sizeof(struct net_ipv6_header) == 40, "RFC 8200 3");

/* RFC 9293 3.1. */
struct net_tcp_header {
    uint16_t source_port, destination_port;
    uint32_t sequence, acknowledgement;
    uint8_t length_words; /* in the upper half */
    uint8_t flags;
    uint16_t window, checksum, urgent;
};
static_assert(sizeof(struct net_tcp_header) == 20, "RFC 9293 3.1");

/* Offsets from the frame's first byte. */
struct net_segment {
    uint16_t ip_offset, tcp_offset, payload_offset;
    bool is_ipv6;
    uint32_t datagram_bytes; /* from the IP header on, as that says: what comes behind is padding */
};

/* A segment's headers in its first buffer, of which lengths have been checked: none ends behind the
 * frame. False: it is something else, a fragment (RFC 791 3.2), or IPv6 with headers between. */
bool net_segment_parse(const struct packet *frame, enum net_link link, struct net_segment *segment);

/* The sum of the segment's pseudo-header (RFC 9293 3.1, RFC 8200 8.1) for so many bytes of TCP. */
struct checksum net_segment_pseudo_header(struct view headers, const struct net_segment *segment,
                                          size_t tcp_bytes);

/* Sets the lengths of the IP header for so many bytes of datagram, and IPv4's checksum. */
void net_segment_set_length(struct span headers, const struct net_segment *segment,
                            size_t datagram_bytes);

static inline struct net_tcp_header net_segment_tcp(struct view headers,
                                                    const struct net_segment *segment)
{
    struct net_tcp_header header;
    (void)span_copy(SPAN_OF(header), view_slice(headers, segment->tcp_offset, sizeof header));
    return header;
}

static inline struct net_ipv4_header net_segment_ipv4(struct view headers,
                                                      const struct net_segment *segment)
{
    struct net_ipv4_header header;
    (void)span_copy(SPAN_OF(header), view_slice(headers, segment->ip_offset, sizeof header));
    return header;
}

#endif
