/* icmp_error.c - errors: why we do not deliver, and what became of ours (RFC 1122 3.2.2).
 *
 * SPDX-License-Identifier: ISC */
#include "base/cursor.h"
#include "base/units.h"
#include "icmp/icmp_private.h"
#include "ipv4/ipv4_header.h"

#define ERROR_BYTES_MAX       576  /* RFC 1812 4.3.2.3: of the whole datagram */
#define QUOTED_TRANSPORT_MIN  8    /* RFC 792 */
#define QUOTED_TRANSPORT_USED 64   /* all of what the transports look at */
#define INTERNETWORK_CONTROL  0xc0 /* RFC 1812 4.3.2.5: the precedence of errors */

enum { CODE_PROTOCOL = 2, CODE_PORT = 3, CODE_TOO_LARGE = 4 };

/* ---- out ---- */

/* RFC 1122 3.2.2: only queries of ICMP are answered by errors, never errors. */
static bool is_query(uint8_t type)
{
    return type == ICMP_ECHO || type == ICMP_TIMESTAMP || type == ICMP_INFORMATION ||
           type == ICMP_MASK;
}

/* RFC 1122 3.2.2 has the list of what is not answered. (Fragments behind the first do not come this
 * far, and what came in a broadcast frame does neither.) */
static bool deserves_error(const struct icmp *icmp, const struct packet *packet,
                           const struct ip_incoming *incoming)
{
    enum ipv4_scope scope = ipv4_scope_of(&icmp->ipv4->routes,
                                          address_to_number(&incoming->source));
    if (incoming->to_many || (scope != IPV4_SCOPE_OTHER && scope != IPV4_SCOPE_OURS)) return false;
    if (incoming->protocol != IP_PROTOCOL_ICMP) return true;
    return packet->length_bytes > 0 && is_query(view_byte(packet_view(packet), 0));
}

static struct icmp_header header_for(enum ipv4_reject reason)
{
    switch (reason) {
    case IPV4_REJECT_PORT:
        return (struct icmp_header){ .type = ICMP_UNREACHABLE, .code = CODE_PORT };
    case IPV4_REJECT_PROTOCOL:
        return (struct icmp_header){ .type = ICMP_UNREACHABLE, .code = CODE_PROTOCOL };
    case IPV4_REJECT_REASSEMBLY_TIME:
        return (struct icmp_header){ .type = ICMP_TIME_EXCEEDED, .code = 1 };
    }
    panic("%u is not a reason", (unsigned)reason);
}

/* The header as it came, still in the room in front of its payload. */
static struct view quoted_header(const struct packet *packet)
{
    struct view room = view_from_offset(view_from(packet->room, sizeof packet->room),
                                        packet->network_offset);
    struct ipv4_header header = ipv4_header_at(room);
    return view_first(room, ipv4_header_length(&header));
}

static void put_error(struct packet *error, const struct packet *packet, enum ipv4_reject reason)
{
    const struct icmp_header header = header_for(reason);
    struct view quoted = quoted_header(packet);
    size_t room_bytes = ERROR_BYTES_MAX - IPV4_HEADER_BYTES - sizeof header - quoted.length_bytes;
    size_t payload_bytes = MIN(packet_total_bytes(packet), room_bytes);
    (void)span_copy(packet_put(error, sizeof header), VIEW_OF(header));
    (void)span_copy(packet_put(error, quoted.length_bytes), quoted);
    packet_copy_out(packet, 0, packet_put(error, payload_bytes));
}

void icmp_report(struct ipv4_reporter *reporter, const struct packet *packet,
                 const struct ip_incoming *incoming, enum ipv4_reject reason)
{
    struct icmp *icmp = CONTAINER_OF(reporter, struct icmp, reporter);
    if (!deserves_error(icmp, packet, incoming)) {
        icmp->statistics.errors_suppressed++;
        return;
    }
    if (!ip_is_ours(&icmp->ipv4->ip, &incoming->source) &&
        !icmp_limit_take(icmp, &incoming->source)) {
        icmp->statistics.errors_limited++;
        return;
    }
    struct packet *error = packet_take(icmp->pool, PACKET_FOR_CONTROL);
    if (error == NULL) return;
    put_error(error, packet, reason);
    const struct ip_outgoing outgoing = { .source = incoming->destination,
                                          .destination = incoming->source,
                                          .protocol = IP_PROTOCOL_ICMP,
                                          .traffic_class = INTERNETWORK_CONTROL };
    icmp->statistics.errors_sent++;
    /* An error that finds no way or no room is lost, as on the way. */
    result_ignore(icmp_send(icmp, error, &outgoing));
}

/* ---- in ---- */

/* What an error means to a transport. False: nothing. */
static bool read_unreachable(uint8_t code, enum ip_error_kind *kind)
{
    /* RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1. */
    static const uint8_t kinds[] = {
        IP_ERROR_HOST_UNREACHABLE,
        IP_ERROR_HOST_UNREACHABLE, /* network, host */
        IP_ERROR_PROTOCOL_UNREACHABLE,
        IP_ERROR_PORT_UNREACHABLE, /* protocol, port */
        IP_ERROR_TOO_LARGE,
        IP_ERROR_HOST_UNREACHABLE, /* too large, source route */
        IP_ERROR_HOST_UNREACHABLE,
        IP_ERROR_HOST_UNREACHABLE, /* network, host unknown */
        IP_ERROR_HOST_UNREACHABLE,
        IP_ERROR_DENIED, /* isolated; network denied */
        IP_ERROR_DENIED,
        IP_ERROR_HOST_UNREACHABLE, /* host denied; network and */
        IP_ERROR_HOST_UNREACHABLE,
        IP_ERROR_DENIED, /* host for this service; filter */
        IP_ERROR_DENIED,
        IP_ERROR_DENIED, /* precedence */
    };
    if (code >= LENGTH_OF(kinds)) return false;
    *kind = kinds[code];
    return true;
}

static bool read_kind(const struct icmp_header *header, struct ip_error *error)
{
    switch (header->type) {
    case ICMP_UNREACHABLE:
        error->mtu_bytes = __builtin_bswap16(header->sequence);
        return read_unreachable(header->code, &error->kind);
    case ICMP_TIME_EXCEEDED: error->kind = IP_ERROR_TIME_EXCEEDED; return true;
    case ICMP_PARAMETER_PROBLEM: error->kind = IP_ERROR_PARAMETER; return true;
    default: return false;
    }
}

/* The start of a datagram: a whole header and eight bytes behind it, of a first fragment. */
static bool read_quotation(struct view quotation, struct ipv4_header *header,
                           struct ip_error *error)
{
    if (quotation.length_bytes < sizeof *header) return false;
    *header = ipv4_header_at(quotation);
    size_t header_bytes = ipv4_header_length(header);
    size_t length_bytes = __builtin_bswap16(header->total_length);
    if (header->version_and_length >> 4 != 4 || header_bytes < sizeof *header) return false;
    if (length_bytes < header_bytes + QUOTED_TRANSPORT_MIN) return false;
    if (quotation.length_bytes < header_bytes + QUOTED_TRANSPORT_MIN) return false;
    if ((__builtin_bswap16(header->fragment) & IPV4_OFFSET_MASK) != 0) return false;
    quotation = view_first(quotation, MIN(quotation.length_bytes, length_bytes));
    error->source = address_from_number(__builtin_bswap32(header->source));
    error->destination = address_from_number(__builtin_bswap32(header->destination));
    error->transport = view_from_offset(quotation, header_bytes);
    return true;
}

void icmp_input_error(struct icmp *icmp, struct packet *packet, const struct ip_incoming *incoming,
                      const struct icmp_header *header)
{
    struct ipv4_header quoted;
    struct ip_error error = { 0 };
    size_t wanted_bytes = ICMP_HEADER_BYTES + IPV4_HEADER_BYTES_MAX + QUOTED_TRANSPORT_USED;
    icmp->statistics.errors_received++;
    bool is_sound = packet_pull_up(packet, MIN(packet_total_bytes(packet), wanted_bytes)) &&
                    read_quotation(view_from_offset(packet_view(packet), sizeof *header), &quoted,
                                   &error);
    if (!is_sound) {
        icmp->statistics.malformed++;
        return;
    }
    /* An error goes to the source of what it quotes, and that must be us. */
    if (incoming->to_many || !address_equal(&error.source, &incoming->destination) ||
        !read_kind(header, &error)) {
        icmp->statistics.ignored++;
        return;
    }
    ipv4_error(icmp->ipv4, quoted.protocol, &error, __builtin_bswap16(quoted.total_length));
}
