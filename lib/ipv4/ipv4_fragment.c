/* ipv4_fragment.c - cuts datagrams that are longer than the path takes (RFC 791 3.2).
 *
 * The pieces are copies: whoever cares for speed asks for the path's MTU and needs none.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "ipv4/ipv4_private.h"
#include "packet/checksum.h"

/* Of the payload, in each piece but the last: a multiple of eight that a buffer holds. */
static size_t piece_bytes_for(uint16_t mtu_bytes)
{
    return MIN((size_t)mtu_bytes - IPV4_HEADER_BYTES, PACKET_PAYLOAD_MAX) & ~(size_t)7;
}

static enum result send_piece(struct ipv4 *ipv4, const struct packet *whole, size_t offset_bytes,
                              size_t length_bytes, struct ipv4_header header,
                              const struct ipv4_way *way)
{
    struct packet *piece = packet_take(ipv4->pool, PACKET_FOR_DATA);
    if (piece == NULL) return FULL;
    bool is_last = offset_bytes + length_bytes == packet_total_bytes(whole);
    uint16_t field = (uint16_t)(offset_bytes / 8 | (is_last ? 0 : IPV4_MORE_FRAGMENTS));
    packet_copy_out(whole, offset_bytes, packet_put(piece, length_bytes));
    header.total_length = __builtin_bswap16((uint16_t)(length_bytes + IPV4_HEADER_BYTES));
    header.fragment = __builtin_bswap16(field);
    ipv4->statistics.fragments_sent++;
    return ipv4_transmit(ipv4, piece, &header, way);
}

/* All the buffers are there, or nothing goes: a part of a datagram is of no use to anybody. */
enum result ipv4_send_fragments(struct ipv4 *ipv4, struct packet *packet,
                                const struct ipv4_header *header, const struct ipv4_way *way,
                                uint16_t mtu_bytes)
{
    size_t total_bytes = packet_total_bytes(packet), piece_bytes = piece_bytes_for(mtu_bytes);
    size_t count = (total_bytes + piece_bytes - 1) / piece_bytes;
    enum result result = packet_pool_left(ipv4->pool, PACKET_FOR_DATA) < count ? FULL : OK;
    if (packet->checksum == PACKET_CHECKSUM_PARTIAL) checksum_complete(packet);
    for (size_t offset = 0; result == OK && offset < total_bytes; offset += piece_bytes)
        result = send_piece(ipv4, packet, offset, MIN(piece_bytes, total_bytes - offset), *header,
                            way);
    packet_drop(packet);
    return result;
}
