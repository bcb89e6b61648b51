/* ipv4_error.c - what became of our datagrams, told to their transports.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "ipv4/ipv4_private.h"

/* Lowers the path's MTU as far as the claim can be true, and gives what counts from now on; 0: it
 * is not believed. A router that gives none leaves us to guess (RFC 1191 5). */
static uint16_t learn_mtu(struct ipv4 *ipv4, const struct ip_error *error, uint16_t quoted_bytes)
{
    uint16_t mtu_bytes = error->mtu_bytes;
    if (mtu_bytes == 0) mtu_bytes = ipv4_path_plateau_below(quoted_bytes);
    if (mtu_bytes >= quoted_bytes || mtu_bytes >= ipv4->ethernet->net->mtu_bytes) return 0;
    ipv4_lower_path_mtu(ipv4, &error->destination, mtu_bytes);
    return MAX(mtu_bytes, IPV4_PATH_MTU_MIN);
}

void ipv4_error(struct ipv4 *ipv4, uint8_t number, const struct ip_error *error,
                uint16_t quoted_bytes)
{
    struct ip_protocol *protocol = ip_find_protocol(&ipv4->ip, number);
    if (protocol == NULL) return;
    bool can_tell = protocol->has_sent != NULL;
    if (can_tell && !protocol->has_sent(protocol, error)) {
        if (error->kind == IP_ERROR_TOO_LARGE) ipv4->statistics.path_mtu_refused++;
        return;
    }
    struct ip_error told = *error;
    if (error->kind == IP_ERROR_TOO_LARGE) {
        told.mtu_bytes = can_tell ? learn_mtu(ipv4, error, quoted_bytes) : 0;
        if (told.mtu_bytes == 0) {
            ipv4->statistics.path_mtu_refused++;
            return;
        }
    }
    protocol->error(protocol, &told);
}

/* Of a fragment only the first has a transport header to go by. */
void ipv4_unresolved(struct arp_user *user, struct packet *packet, uint32_t neighbour)
{
    (void)neighbour; /* the gateway perhaps: the datagram says where it was to go */
    struct ipv4 *ipv4 = CONTAINER_OF(user, struct ipv4, arp_user);
    struct ipv4_header header = ipv4_header_at(packet_view(packet));
    struct ip_protocol *protocol = ip_find_protocol(&ipv4->ip, header.protocol);
    bool is_first = (__builtin_bswap16(header.fragment) & IPV4_OFFSET_MASK) == 0;
    const struct ip_error error = {
        .kind = IP_ERROR_HOST_UNREACHABLE,
        .source = address_from_number(__builtin_bswap32(header.source)),
        .destination = address_from_number(__builtin_bswap32(header.destination)),
        .transport = view_from_offset(packet_view(packet), sizeof header),
    };
    if (protocol != NULL && is_first && error.transport.length_bytes >= 8)
        protocol->error(protocol, &error);
    packet_drop(packet);
}
