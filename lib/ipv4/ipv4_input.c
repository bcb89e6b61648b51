/* ipv4_input.c - datagrams that come: checked whole, put together, handed to their protocol.
 *
 * SPDX-License-Identifier: ISC */
#include "base/cursor.h"
#include "base/units.h"
#include "ipv4/ipv4_private.h"
#include "packet/checksum.h"

#define ALL_HOSTS 0xe0000001 /* 224.0.0.1 */

enum { OPTION_END = 0, OPTION_NOTHING = 1, OPTION_LOOSE_ROUTE = 131, OPTION_STRICT_ROUTE = 137 };

static void drop(struct packet *packet, uint64_t *counter)
{
    ++*counter;
    packet_drop(packet);
}

/* ---- the header ---- */

/* RFC 791 3.1: each option but two has a length, of itself and its length too. A route that the
 * sender chose is not followed (RFC 7126 4.3, 4.4), and what took one is not believed either. */
static bool options_are_sound(struct view options)
{
    struct cursor cursor = cursor_over(options);
    while (cursor_left(&cursor) > 0) {
        uint8_t kind = cursor_u8(&cursor);
        if (kind == OPTION_END) return true;
        if (kind == OPTION_NOTHING) continue;
        if (kind == OPTION_LOOSE_ROUTE || kind == OPTION_STRICT_ROUTE) return false;
        uint8_t length_bytes = cursor_u8(&cursor);
        if (length_bytes < 2) return false;
        cursor_skip(&cursor, (size_t)length_bytes - 2);
        if (cursor.ran_short) return false;
    }
    return true;
}

/* The lengths of RFC 791 3.1, and no version but this one. The header stands in the first buffer
 * then, and what the link added behind the datagram is cut off. */
static bool read_header(struct packet *packet, struct ipv4_header *header)
{
    if (!packet_pull_up(packet, sizeof *header)) return false;
    *header = ipv4_header_at(packet_view(packet));
    size_t header_bytes = ipv4_header_length(header), total_bytes = packet_total_bytes(packet);
    size_t length_bytes = __builtin_bswap16(header->total_length);
    if (header->version_and_length >> 4 != 4 || header_bytes < sizeof *header) return false;
    if (length_bytes < header_bytes || length_bytes > total_bytes) return false;
    if (length_bytes < total_bytes) packet_trim(packet, length_bytes);
    return packet_pull_up(packet, header_bytes);
}

/* RFC 1122 3.2.1.2: verified, always. */
static bool checksum_is_right(const struct packet *packet, const struct ipv4_header *header)
{
    size_t header_bytes = ipv4_header_length(header);
    if (header_bytes == sizeof *header) return ipv4_header_checksum(header) == 0;
    struct checksum sum = { 0 };
    checksum_add(&sum, view_first(packet_view(packet), header_bytes));
    return checksum_finish(&sum) == 0;
}

/* ---- from where to where ---- */

/* RFC 1122 3.2.1.3: no sender is a group, everybody, this host, or behind the loopback. One that
 * has no address yet may speak to all (RFC 951). */
static bool source_is_possible(const struct ipv4 *ipv4, uint32_t source, enum ipv4_scope to)
{
    if (source == 0) return to == IPV4_SCOPE_BROADCAST;
    return ipv4_scope_of(&ipv4->routes, source) == IPV4_SCOPE_OTHER;
}

/* What came in a frame to all but is to one is somebody's mistake or trick (RFC 1122 3.3.6). */
static bool is_for_us(uint32_t destination, enum ipv4_scope scope,
                      const struct ethernet_incoming *incoming)
{
    if (scope == IPV4_SCOPE_OURS) return !ipv4_is_loopback(destination) && !incoming->to_many;
    return scope == IPV4_SCOPE_BROADCAST || destination == ALL_HOSTS;
}

/* ---- delivering ---- */

struct ip_incoming ipv4_incoming_of(const struct ipv4_header *header, enum ipv4_scope to)
{
    return (struct ip_incoming){
        .source = address_from_number(__builtin_bswap32(header->source)),
        .destination = address_from_number(__builtin_bswap32(header->destination)),
        .protocol = header->protocol,
        .hop_limit = header->time_to_live,
        .traffic_class = header->traffic_class,
        .to_many = to != IPV4_SCOPE_OURS,
    };
}

static void hand_over(struct ipv4 *ipv4, struct packet *packet, const struct ipv4_header *header,
                      enum ipv4_scope to)
{
    struct ip_incoming incoming = ipv4_incoming_of(header, to);
    struct ip_protocol *protocol = ip_find_protocol(&ipv4->ip, header->protocol);
    packet->transport_offset = packet->offset;
    if (protocol == NULL) {
        ip_reject(&ipv4->ip, packet, &incoming, IP_REJECT_PROTOCOL);
        drop(packet, &ipv4->statistics.no_protocol);
        return;
    }
    ipv4->statistics.delivered++;
    protocol->input(protocol, packet, &incoming);
}

static void input_fragment(struct ipv4 *ipv4, struct packet *packet,
                           const struct ipv4_header *header, enum ipv4_scope to)
{
    uint16_t field = __builtin_bswap16(header->fragment);
    const struct ipv4_fragment fragment = {
        .key = { .source = header->source,
                 .destination = header->destination,
                 .identification = header->identification,
                 .protocol = header->protocol },
        .offset_bytes = (uint16_t)((field & IPV4_OFFSET_MASK) * 8),
        .header_bytes = (uint8_t)ipv4_header_length(header),
        .is_last = (field & IPV4_MORE_FRAGMENTS) == 0,
        .ecn = header->traffic_class & IP_ECN_MASK,
    };
    ipv4->statistics.fragments_received++;
    struct packet *whole = ipv4_reassembly_add(&ipv4->reassembly, packet, &fragment);
    if (whole == NULL) return;
    ipv4->statistics.reassembled++;
    struct view room = view_from(whole->room, sizeof whole->room);
    struct ipv4_header first = ipv4_header_at(view_from_offset(room, whole->network_offset));
    hand_over(ipv4, whole, &first, to);
}

static void take_off_header(struct packet *packet, const struct ipv4_header *header)
{
    packet->network_offset = packet->offset;
    packet_pull(packet, ipv4_header_length(header));
}

void ipv4_input(struct ethernet_protocol *protocol, struct packet *packet,
                const struct ethernet_incoming *incoming)
{
    struct ipv4 *ipv4 = CONTAINER_OF(protocol, struct ipv4, protocol);
    struct ipv4_statistics *statistics = &ipv4->statistics;
    struct ipv4_header header;
    statistics->received++;
    if (!read_header(packet, &header)) {
        drop(packet, &statistics->bad_header);
        return;
    }
    if (!checksum_is_right(packet, &header)) {
        drop(packet, &statistics->bad_checksum);
        return;
    }
    uint32_t destination = __builtin_bswap32(header.destination);
    enum ipv4_scope scope = ipv4_scope_of(&ipv4->routes, destination);
    if (!is_for_us(destination, scope, incoming)) {
        drop(packet, &statistics->not_for_us);
        return;
    }
    if (!source_is_possible(ipv4, __builtin_bswap32(header.source), scope)) {
        drop(packet, &statistics->bad_source);
        return;
    }
    size_t header_bytes = ipv4_header_length(&header);
    if (header_bytes > sizeof header &&
        !options_are_sound(
            view_slice(packet_view(packet), sizeof header, header_bytes - sizeof header))) {
        drop(packet, &statistics->bad_option);
        return;
    }
    take_off_header(packet, &header);
    if ((__builtin_bswap16(header.fragment) & (IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK)) != 0)
        input_fragment(ipv4, packet, &header, scope);
    else
        hand_over(ipv4, packet, &header, scope);
}

/* ---- to ourselves ---- */

static struct packet *take_looped(struct ipv4 *ipv4)
{
    struct packet *packet = ipv4->loopback_first;
    ipv4->loopback_first = packet->next;
    packet->next = NULL;
    for (const struct packet *part = packet; part != NULL; part = part->rest)
        ipv4->loopback_packets--;
    return packet;
}

/* The header is ours, and needs no check. */
static void deliver_looped(struct ipv4 *ipv4, struct packet *packet)
{
    struct ipv4_header header = ipv4_header_at(packet_view(packet));
    take_off_header(packet, &header);
    hand_over(ipv4, packet, &header, IPV4_SCOPE_OURS);
}

/* What is sent while this goes on comes after `last`, and waits for the next step. */
bool ipv4_step(struct ipv4 *ipv4)
{
    const struct packet *last = ipv4->loopback_last;
    while (ipv4->loopback_first != NULL) {
        struct packet *packet = take_looped(ipv4);
        bool is_last = packet == last;
        deliver_looped(ipv4, packet);
        if (is_last) break;
    }
    return ipv4->loopback_first != NULL;
}
