/* net_coalesce.c - makes one frame of TCP segments that follow each other in a burst.
 *
 * The frame that a segment begins keeps its place in the burst; what follows is chained to it with
 * its headers pulled, so nothing is copied:
 *
 *     burst   A1 B1 A2 A3 B2   ->   A1 B1        A1.rest = A2, A3      B1.rest = B2
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_coalesce.h"

#include "base/units.h"
#include "ip/ip.h"

#define LAST_FLAGS      (NET_TCP_FIN | NET_TCP_PSH)
#define IPV4_NO_OPTIONS 0x45

/* What of an IPv4 header must be the same: all but lengths, ID and checksum. */
static bool same_ipv4(struct view one, struct view other)
{
    struct net_ipv4_header a, b;
    (void)span_copy(SPAN_OF(a), view_first(one, sizeof a));
    (void)span_copy(SPAN_OF(b), view_first(other, sizeof b));
    return a.version_length == b.version_length && a.type_of_service == b.type_of_service &&
           a.fragment == b.fragment && a.hop_limit == b.hop_limit &&
           __builtin_memcmp(a.source, b.source, sizeof a.source) == 0 &&
           __builtin_memcmp(a.destination, b.destination, sizeof a.destination) == 0;
}

/* All but the length: class and label, hop limit, addresses. */
static bool same_ipv6(struct view one, struct view other)
{
    return view_equal(view_first(one, 4), view_first(other, 4)) &&
           view_equal(view_slice(one, 6, 34), view_slice(other, 6, 34));
}

/* Addresses and ports: whether two segments are of one connection. */
static bool same_connection(struct view one, struct view other, const struct net_segment *segment)
{
    size_t source = segment->ip_offset + (segment->is_ipv6
                                              ? offsetof(struct net_ipv6_header, source)
                                              : offsetof(struct net_ipv4_header, source));
    size_t length_bytes = segment->is_ipv6 ? 32 : 8;
    return view_equal(view_slice(one, source, length_bytes),
                      view_slice(other, source, length_bytes)) &&
           view_equal(view_slice(one, segment->tcp_offset, 4),
                      view_slice(other, segment->tcp_offset, 4));
}

/* Whatever is not told by sequence number, length and the flags that a last one may have. */
static bool same_headers(struct view one, struct view other, const struct net_segment *segment)
{
    size_t link_bytes = segment->ip_offset;
    struct net_tcp_header a = net_segment_tcp(one, segment), b = net_segment_tcp(other, segment);
    size_t options = segment->tcp_offset + sizeof a;
    size_t options_bytes = segment->payload_offset - options;
    if (!view_equal(view_first(one, link_bytes), view_first(other, link_bytes))) return false;
    one = view_first(one, segment->payload_offset);
    other = view_first(other, segment->payload_offset);
    if (!(segment->is_ipv6
              ? same_ipv6(view_from_offset(one, link_bytes), view_from_offset(other, link_bytes))
              : same_ipv4(view_from_offset(one, link_bytes), view_from_offset(other, link_bytes))))
        return false;
    return a.acknowledgement == b.acknowledgement && a.length_words == b.length_words &&
           a.window == b.window && ((a.flags ^ b.flags) & ~LAST_FLAGS) == 0 &&
           view_equal(view_slice(one, options, options_bytes),
                      view_slice(other, options, options_bytes));
}

/* The frame is whole: its headers say what has become of it. */
static void finish(struct net_coalesced *place)
{
    struct packet *frame = place->frame;
    place->frame = NULL;
    if (frame == NULL || place->segment_count == 1) return;
    const struct net_segment *segment = &place->segment;
    struct span headers = packet_span(frame);
    struct net_tcp_header tcp = net_segment_tcp(span_view(headers), segment);
    size_t head_bytes = (size_t)segment->payload_offset - segment->ip_offset;
    tcp.flags |= place->flags;
    (void)span_copy(span_from_offset(headers, segment->tcp_offset), VIEW_OF(tcp));
    net_segment_set_length(headers, segment, head_bytes + place->payload_bytes);
    frame->segmentation = segment->is_ipv6 ? PACKET_SEGMENT_TCP_IPV6 : PACKET_SEGMENT_TCP_IPV4;
    frame->segment_bytes = (uint16_t)place->segment_bytes;
    frame->segment_count = place->segment_count;
}

/* A segment of data that others might follow or precede: nothing in it but bytes (a SYN, a RST or
 * urgent data has its own meaning; so has CWR, which one segment bears), a sound IP header and
 * a sound checksum. Its mark is then GOOD, and its padding gone. */
static bool is_data(struct packet *frame, const struct net_segment *segment)
{
    struct view headers = packet_view(frame);
    uint8_t flags = net_segment_tcp(headers, segment).flags;
    size_t tcp_bytes = segment->ip_offset + segment->datagram_bytes - segment->tcp_offset;
    if (segment->ip_offset + segment->datagram_bytes == segment->payload_offset) return false;
    if ((flags & ~(LAST_FLAGS | NET_TCP_ECE)) != NET_TCP_ACK) return false;
    if (frame->segmentation != PACKET_SEGMENT_NONE) return false;
    if (!segment->is_ipv6) {
        struct checksum header = { 0 };
        checksum_add(&header, view_slice(headers, segment->ip_offset, 20));
        if (view_byte(headers, segment->ip_offset) != IPV4_NO_OPTIONS) return false;
        if (checksum_finish(&header) != 0) return false;
    }
    if (packet_total_bytes(frame) > segment->ip_offset + segment->datagram_bytes)
        packet_trim(frame, segment->ip_offset + segment->datagram_bytes);
    if (frame->checksum == PACKET_CHECKSUM_UNKNOWN) {
        struct checksum checksum = net_segment_pseudo_header(headers, segment, tcp_bytes);
        checksum_add_packet(&checksum, frame, segment->tcp_offset);
        if (checksum_finish(&checksum) != 0) return false;
        frame->checksum = PACKET_CHECKSUM_GOOD;
    }
    return true;
}

static uint32_t payload_bytes_of(const struct net_segment *segment)
{
    return segment->ip_offset + segment->datagram_bytes - segment->payload_offset;
}

static bool fits_behind(const struct net_coalesced *place, const struct packet *frame,
                        const struct net_segment *segment)
{
    uint32_t payload_bytes = payload_bytes_of(segment);
    struct view first = packet_view(place->frame), headers = packet_view(frame);
    struct net_tcp_header tcp = net_segment_tcp(headers, segment);
    size_t head_bytes = (size_t)segment->payload_offset - segment->ip_offset;
    size_t limit_bytes = UINT16_MAX + (segment->is_ipv6 ? sizeof(struct net_ipv6_header) : 0u);
    return segment->payload_offset == place->segment.payload_offset &&
           __builtin_bswap32(tcp.sequence) == place->next_sequence &&
           payload_bytes <= place->segment_bytes &&
           head_bytes + place->payload_bytes + payload_bytes <=
               MIN(limit_bytes, PACKET_TOTAL_MAX - segment->ip_offset) &&
           same_headers(first, headers, segment);
}

static struct packet *end_of_chain(struct packet *packet)
{
    while (packet->rest != NULL)
        packet = packet->rest;
    return packet;
}

static void append(struct net_coalesced *place, struct packet *frame,
                   const struct net_segment *segment)
{
    uint32_t payload_bytes = payload_bytes_of(segment);
    place->flags |= net_segment_tcp(packet_view(frame), segment).flags & LAST_FLAGS;
    packet_pull(frame, segment->payload_offset);
    /* Where a device vouched for some by PARTIAL all are now as good as verified. */
    place->frame->checksum = PACKET_CHECKSUM_GOOD;
    place->last->rest = frame;
    place->last = end_of_chain(frame);
    place->next_sequence += payload_bytes;
    place->payload_bytes += payload_bytes;
    place->segment_count++;
    if (payload_bytes < place->segment_bytes || place->flags != 0) finish(place);
}

static void begin(struct net_coalesced *place, struct packet *frame,
                  const struct net_segment *segment)
{
    struct net_tcp_header tcp = net_segment_tcp(packet_view(frame), segment);
    uint32_t payload_bytes = payload_bytes_of(segment);
    if ((tcp.flags & LAST_FLAGS) != 0) return;
    *place = (struct net_coalesced){
        .frame = frame,
        .last = end_of_chain(frame),
        .segment = *segment,
        .next_sequence = __builtin_bswap32(tcp.sequence) + payload_bytes,
        .segment_bytes = payload_bytes,
        .payload_bytes = payload_bytes,
        .segment_count = 1,
    };
}

/* Cheap and without a secret: who makes connections collide here only keeps their segments from
 * being put together. */
static struct net_coalesced *place_of(struct net_coalesce *coalesce, struct view headers,
                                      const struct net_segment *segment)
{
    struct net_tcp_header tcp = net_segment_tcp(headers, segment);
    uint32_t source;
    size_t last = segment->tcp_offset - sizeof source - (segment->is_ipv6 ? 16u : 4u);
    (void)span_copy(SPAN_OF(source), view_slice(headers, last, sizeof source));
    uint32_t ports = (uint32_t)tcp.source_port << 16 | tcp.destination_port;
    /* Addresses and ports of neighbours differ in the last byte, the highest here: fold it in. */
    uint64_t mixed = ((uint64_t)source << 32 | ports) * 0x9e3779b97f4a7c15u;
    mixed ^= mixed >> 32;
    mixed *= 0x9e3779b97f4a7c15u;
    return &coalesce->places[mixed >> 48 & (NET_COALESCE_PLACES - 1)];
}

/* True: it has become part of another. */
static bool put_together(struct net_coalesce *coalesce, struct packet *frame,
                         const struct net_segment *segment)
{
    struct view headers = packet_view(frame);
    struct net_coalesced *place = place_of(coalesce, headers, segment);
    bool data = is_data(frame, segment);
    if (place->frame != NULL) {
        bool same = segment->tcp_offset == place->segment.tcp_offset &&
                    segment->is_ipv6 == place->segment.is_ipv6 &&
                    same_connection(packet_view(place->frame), headers, segment);
        if (data && same && fits_behind(place, frame, segment)) {
            append(place, frame, segment);
            return true;
        }
        if (!data && !same) return false;
        finish(place);
    }
    if (data) begin(place, frame, segment);
    return false;
}

size_t net_coalesce_burst(struct net_coalesce *coalesce, enum net_link link, struct packet *burst[],
                          size_t count)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        struct net_segment segment;
        if (!net_segment_parse(burst[i], link, &segment) ||
            !put_together(coalesce, burst[i], &segment))
            burst[left++] = burst[i];
    }
    for (size_t i = 0; i < NET_COALESCE_PLACES; i++)
        finish(&coalesce->places[i]);
    return left;
}
