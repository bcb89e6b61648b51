/* net_segment.c - finds TCP segments in frames, and mends their headers' lengths.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_segment.h"

#include "net/net_check.h"

#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define TYPE_OF   12 /* where an Ethernet header has it */

#define FRAGMENT_MASK 0x3fff /* MF and the offset */
#define PROTOCOL_TCP  6
#define CHECKSUM_OF   10 /* where an IPv4 header has it */

static bool has(struct view headers, size_t offset, size_t length_bytes)
{
    return headers.length_bytes >= offset + length_bytes;
}

static bool parse_ipv4(struct view headers, struct net_segment *segment)
{
    if (!has(headers, segment->ip_offset, sizeof(struct net_ipv4_header))) return false;
    struct net_ipv4_header header = net_segment_ipv4(headers, segment);
    size_t header_bytes = (size_t)(header.version_length & 15u) * 4;
    segment->is_ipv6 = false;
    segment->datagram_bytes = __builtin_bswap16(header.total_bytes);
    if (header.version_length >> 4 != 4 || header_bytes < sizeof header) return false;
    if (header.protocol != PROTOCOL_TCP) return false;
    if ((__builtin_bswap16(header.fragment) & FRAGMENT_MASK) != 0) return false;
    segment->tcp_offset = (uint16_t)(segment->ip_offset + header_bytes);
    return true;
}

static bool parse_ipv6(struct view headers, struct net_segment *segment)
{
    struct net_ipv6_header header;
    if (!has(headers, segment->ip_offset, sizeof header)) return false;
    (void)span_copy(SPAN_OF(header), view_slice(headers, segment->ip_offset, sizeof header));
    segment->is_ipv6 = true;
    segment->datagram_bytes = __builtin_bswap16(header.payload_bytes) + (uint32_t)sizeof header;
    if (__builtin_bswap32(header.version_class_label) >> 28 != 6) return false;
    if (header.next_header != PROTOCOL_TCP) return false;
    segment->tcp_offset = (uint16_t)(segment->ip_offset + sizeof header);
    return true;
}

static bool parse_tcp(struct view headers, struct net_segment *segment)
{
    if (!has(headers, segment->tcp_offset, sizeof(struct net_tcp_header))) return false;
    size_t header_bytes = (size_t)(net_segment_tcp(headers, segment).length_words >> 4) * 4;
    segment->payload_offset = (uint16_t)(segment->tcp_offset + header_bytes);
    return header_bytes >= sizeof(struct net_tcp_header) &&
           has(headers, segment->tcp_offset, header_bytes) &&
           segment->payload_offset - segment->ip_offset <= (int)segment->datagram_bytes;
}

/* Without an Ethernet header the version in the first byte says what it is. */
static uint16_t type_of(struct view headers, enum net_link link)
{
    uint16_t type;
    if (link == NET_IP) {
        if (headers.length_bytes == 0) return 0;
        return view_byte(headers, 0) >> 4 == 6 ? TYPE_IPV6 : TYPE_IPV4;
    }
    if (!has(headers, TYPE_OF, sizeof type)) return 0;
    (void)span_copy(SPAN_OF(type), view_slice(headers, TYPE_OF, sizeof type));
    return __builtin_bswap16(type);
}

bool net_segment_parse(const struct packet *frame, enum net_link link, struct net_segment *segment)
{
    struct view headers = packet_view(frame);
    uint16_t type = type_of(headers, link);
    segment->ip_offset = link == NET_ETHERNET ? NET_ETHERNET_BYTES : 0;
    if (type == TYPE_IPV4 ? !parse_ipv4(headers, segment)
                          : type != TYPE_IPV6 || !parse_ipv6(headers, segment))
        return false;
    return parse_tcp(headers, segment) &&
           segment->ip_offset + segment->datagram_bytes <= packet_total_bytes(frame);
}

struct checksum net_segment_pseudo_header(struct view headers, const struct net_segment *segment,
                                          size_t tcp_bytes)
{
    struct checksum checksum = { 0 };
    size_t addresses = segment->ip_offset + (segment->is_ipv6
                                                 ? offsetof(struct net_ipv6_header, source)
                                                 : offsetof(struct net_ipv4_header, source));
    checksum_add(&checksum, view_slice(headers, addresses, segment->is_ipv6 ? 32 : 8));
    checksum.sum += __builtin_bswap32((uint32_t)tcp_bytes);
    checksum.sum += PROTOCOL_TCP << 8;
    return checksum;
}

void net_segment_set_length(struct span headers, const struct net_segment *segment,
                            size_t datagram_bytes)
{
    struct span ip = span_first(span_from_offset(headers, segment->ip_offset),
                                (size_t)segment->tcp_offset - segment->ip_offset);
    if (segment->is_ipv6) {
        uint16_t payload_bytes = __builtin_bswap16(
            (uint16_t)(datagram_bytes - sizeof(struct net_ipv6_header)));
        (void)span_copy(span_from_offset(ip, offsetof(struct net_ipv6_header, payload_bytes)),
                        VIEW_OF(payload_bytes));
        return;
    }
    uint16_t total_bytes = __builtin_bswap16((uint16_t)datagram_bytes), sum = 0;
    struct checksum checksum = { 0 };
    (void)span_copy(span_from_offset(ip, offsetof(struct net_ipv4_header, total_bytes)),
                    VIEW_OF(total_bytes));
    (void)span_copy(span_from_offset(ip, CHECKSUM_OF), VIEW_OF(sum));
    checksum_add(&checksum, span_view(ip));
    sum = checksum_finish(&checksum);
    (void)span_copy(span_from_offset(ip, CHECKSUM_OF), VIEW_OF(sum));
}
