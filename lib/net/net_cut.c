/* net_cut.c - cuts a frame of many TCP segments into frames of one.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_cut.h"

#include "base/units.h"

#define LAST_FLAGS (NET_TCP_FIN | NET_TCP_PSH)

static bool is_as_marked(const struct packet *frame, const struct net_segment *segment)
{
    uint8_t segmentation = segment->is_ipv6 ? PACKET_SEGMENT_TCP_IPV6 : PACKET_SEGMENT_TCP_IPV4;
    return frame->segmentation == segmentation && frame->segment_bytes > 0;
}

static struct checksum constant_ip_sum(struct view headers, const struct net_segment *segment)
{
    struct net_ipv4_header ip = net_segment_ipv4(headers, segment);
    struct checksum checksum = { 0 };
    size_t options = segment->ip_offset + sizeof ip;
    ip.total_bytes = ip.id = ip.checksum = 0;
    checksum_add(&checksum, VIEW_OF(ip));
    checksum_add(&checksum, view_slice(headers, options, segment->tcp_offset - options));
    return checksum;
}

bool net_cut_begin(struct net_cut *cut, struct packet *frame, enum net_link link, bool partial)
{
    *cut = (struct net_cut){ 0 };
    if (!net_segment_parse(frame, link, &cut->segment) || !is_as_marked(frame, &cut->segment)) {
        packet_drop(frame);
        return false;
    }
    cut->frame = cut->at = frame;
    cut->at_offset = cut->segment.payload_offset;
    cut->segment_bytes = frame->segment_bytes;
    cut->payload_bytes = cut->segment.ip_offset + cut->segment.datagram_bytes -
                         cut->segment.payload_offset;
    cut->partial = partial;
    cut->pseudo_sum = net_segment_pseudo_header(packet_view(frame), &cut->segment, 0);
    if (!cut->segment.is_ipv6) cut->ip_sum = constant_ip_sum(packet_view(frame), &cut->segment);
    return true;
}

void net_cut_end(struct net_cut *cut)
{
    if (cut->frame != NULL) packet_drop(cut->frame);
    cut->frame = NULL;
}

/* What is left of the part that the payload goes on in, and who keeps it. */
static struct view part_left(const struct net_cut *cut, struct payload **owner)
{
    struct view part = packet_view(cut->at);
    *owner = &cut->at->payload;
    if (cut->at_part > 0) {
        const struct fragment *fragment = packet_fragment(cut->at, cut->at_part - 1);
        part = fragment->bytes;
        *owner = fragment->owner;
    }
    return view_from_offset(part, cut->at_offset);
}

static void go_to_next_part(struct net_cut *cut)
{
    cut->at_offset = 0;
    if (cut->at_part++ < cut->at->fragment_count) return;
    cut->at_part = 0;
    cut->at = cut->at->rest;
    assert(cut->at != NULL); /* the headers' lengths have been checked */
}

/* Lends the next `length_bytes` of the payload to `packet`; where it came in so many parts that one
 * packet cannot borrow them all the frame goes on in another. False: the pool has none. */
static bool borrow_payload(struct net_cut *cut, struct packet *packet, size_t length_bytes,
                           struct packet_pool *pool)
{
    while (length_bytes > 0) {
        struct payload *owner;
        struct view left = part_left(cut, &owner);
        if (left.length_bytes == 0) {
            go_to_next_part(cut);
            continue;
        }
        if (!packet_can_borrow(packet)) {
            struct packet *rest = packet_take(pool, PACKET_FOR_CONTROL);
            if (rest == NULL) return false;
            packet = packet->rest = rest;
        }
        size_t part_bytes = MIN(length_bytes, left.length_bytes);
        packet_borrow(packet, view_first(left, part_bytes), owner);
        cut->at_offset += part_bytes;
        length_bytes -= part_bytes;
    }
    return true;
}

/* Each segment has the first one's flags, but that FIN and PSH go with the last byte, and CWR, of
 * which one answers an ECN-Echo, with the first (RFC 3168 6.1.2). */
static uint8_t flags_of(const struct net_cut *cut, uint8_t flags, bool is_last)
{
    if (cut->done_count > 0) flags &= (uint8_t)~NET_TCP_CWR;
    return is_last ? flags : flags & (uint8_t)~LAST_FLAGS;
}

static void set_tcp_header(const struct net_cut *cut, struct span headers, bool is_last)
{
    struct net_tcp_header tcp = net_segment_tcp(span_view(headers), &cut->segment);
    tcp.sequence = __builtin_bswap32(__builtin_bswap32(tcp.sequence) + cut->done_bytes);
    tcp.flags = flags_of(cut, tcp.flags, is_last);
    tcp.checksum = 0;
    (void)span_copy(span_from_offset(headers, cut->segment.tcp_offset), VIEW_OF(tcp));
}

/* A datagram's ID counts on, as if each segment had been sent by itself: where DF is set it says
 * nothing (RFC 6864 4.1). */
static void set_ip_header(const struct net_cut *cut, struct span headers, size_t datagram_bytes)
{
    if (cut->segment.is_ipv6) {
        net_segment_set_length(headers, &cut->segment, datagram_bytes);
        return;
    }
    struct net_ipv4_header ip = net_segment_ipv4(span_view(headers), &cut->segment);
    struct checksum checksum = cut->ip_sum;
    ip.total_bytes = __builtin_bswap16((uint16_t)datagram_bytes);
    ip.id = __builtin_bswap16((uint16_t)(__builtin_bswap16(ip.id) + cut->done_count));
    checksum.sum += (uint64_t)ip.total_bytes + ip.id;
    ip.checksum = checksum_finish(&checksum);
    (void)span_copy(span_from_offset(headers, cut->segment.ip_offset), VIEW_OF(ip));
}

static void set_checksum(const struct net_cut *cut, struct packet *packet, size_t tcp_bytes)
{
    size_t tcp_offset = cut->segment.tcp_offset;
    size_t field = tcp_offset + offsetof(struct net_tcp_header, checksum);
    struct checksum checksum = cut->pseudo_sum;
    checksum.sum += __builtin_bswap32((uint32_t)tcp_bytes);
    uint16_t sum;
    if (cut->partial) {
        sum = checksum_fold(&checksum);
        packet->checksum = PACKET_CHECKSUM_PARTIAL;
        packet->checksum_start = (uint16_t)(packet->offset + tcp_offset);
        packet->checksum_offset = (uint16_t)(packet->offset + field);
    } else {
        checksum_add_packet(&checksum, packet, tcp_offset);
        sum = checksum_finish(&checksum);
    }
    (void)span_copy(span_from_offset(packet_span(packet), field), VIEW_OF(sum));
}

static void set_headers(const struct net_cut *cut, struct packet *packet, size_t payload_bytes)
{
    size_t tcp_bytes = (size_t)cut->segment.payload_offset - cut->segment.tcp_offset +
                       payload_bytes;
    size_t ip_bytes = (size_t)cut->segment.tcp_offset - cut->segment.ip_offset;
    struct span headers = packet_span(packet);
    set_tcp_header(cut, headers, cut->done_bytes + payload_bytes == cut->payload_bytes);
    set_ip_header(cut, headers, ip_bytes + tcp_bytes);
    packet->network_offset = (uint16_t)(packet->offset + cut->segment.ip_offset);
    packet->transport_offset = (uint16_t)(packet->offset + cut->segment.tcp_offset);
    set_checksum(cut, packet, tcp_bytes);
}

struct packet *net_cut_next(struct net_cut *cut, struct packet_pool *pool)
{
    assert(cut->frame != NULL);
    struct packet *packet = packet_take(pool, PACKET_FOR_CONTROL);
    if (packet == NULL) return NULL;
    struct packet *const at = cut->at;
    const size_t at_part = cut->at_part, at_offset = cut->at_offset;
    size_t head_bytes = cut->segment.payload_offset;
    size_t payload_bytes = MIN(cut->segment_bytes, cut->payload_bytes - cut->done_bytes);
    (void)span_copy(packet_put(packet, head_bytes),
                    view_first(packet_view(cut->frame), head_bytes));
    if (!borrow_payload(cut, packet, payload_bytes, pool)) {
        packet_drop(packet);
        cut->at = at;
        cut->at_part = at_part;
        cut->at_offset = at_offset;
        return NULL;
    }
    set_headers(cut, packet, payload_bytes);
    cut->done_bytes += (uint32_t)payload_bytes;
    cut->done_count++;
    if (cut->done_bytes == cut->payload_bytes) net_cut_end(cut);
    return packet;
}
