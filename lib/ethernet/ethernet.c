/* ethernet.c - frames over a net, in bursts, for the protocols above.
 *
 * SPDX-License-Identifier: ISC */
#include "ethernet/ethernet.h"

#include "packet/checksum.h"

/* Everything below is a length (IEEE 802.3), and such frames carry nothing for us. */
#define ETHERTYPE_MIN 0x0600

struct ethernet_header {
    struct mac destination, source;
    uint16_t type; /* big-endian */
};
static_assert(sizeof(struct ethernet_header) == ETHERNET_HEADER_BYTES, "as on the wire");

const struct mac mac_broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

/* 224.0.0.1, all hosts, is the one group that every host belongs to (RFC 1112 6.4). */
static const struct mac mac_all_hosts = { { 0x01, 0x00, 0x5e, 0x00, 0x00, 0x01 } };

bool mac_equal(const struct mac *a, const struct mac *b)
{
    return __builtin_memcmp(a, b, sizeof *a) == 0;
}

bool mac_is_zero(const struct mac *mac)
{
    static const struct mac zero = { 0 };
    return mac_equal(mac, &zero);
}

void ethernet_open(struct ethernet *ethernet, struct net *net, struct net_user *user,
                   struct packet_pool *pool)
{
    *ethernet = (struct ethernet){ .net = net, .pool = pool };
    net_attach(net, user, pool);
}

void ethernet_close(struct ethernet *ethernet)
{
    for (size_t i = 0; i < ethernet->burst_count; i++)
        packet_drop(ethernet->burst[i]);
    ethernet->burst_count = 0;
    net_detach(ethernet->net);
}

void ethernet_attach(struct ethernet *ethernet, struct ethernet_protocol *protocol)
{
    assert(protocol->input != NULL);
    protocol->next = ethernet->protocols;
    ethernet->protocols = protocol;
}

/* ---- in ---- */

static void drop(struct packet *packet, uint64_t *counter)
{
    ++*counter;
    packet_drop(packet);
}

static void dispatch(struct ethernet *ethernet, struct packet *packet, uint16_t type,
                     const struct ethernet_incoming *incoming)
{
    struct ethernet_protocol *protocol = ethernet->protocols;
    while (protocol != NULL && protocol->type != type)
        protocol = protocol->next;
    if (protocol == NULL) {
        drop(packet, &ethernet->statistics.unknown_type);
        return;
    }
    protocol->input(protocol, packet, incoming);
}

/* The first four bits of every IP datagram are its version. */
static void input_datagram(struct ethernet *ethernet, struct packet *packet)
{
    static const struct ethernet_incoming incoming = { 0 };
    if (!packet_pull_up(packet, 1)) {
        drop(packet, &ethernet->statistics.malformed);
        return;
    }
    unsigned version = view_byte(packet_view(packet), 0) >> 4;
    uint16_t type = version == 4 ? ETHERTYPE_IPV4 : version == 6 ? ETHERTYPE_IPV6 : 0;
    dispatch(ethernet, packet, type, &incoming);
}

static bool is_for_us(const struct ethernet *ethernet, const struct mac *destination)
{
    return mac_equal(destination, &ethernet->net->mac) || mac_equal(destination, &mac_broadcast) ||
           mac_equal(destination, &mac_all_hosts);
}

void ethernet_input(struct ethernet *ethernet, struct packet *packet)
{
    if (ethernet->net->link == NET_IP) {
        input_datagram(ethernet, packet);
        return;
    }
    struct ethernet_header header;
    if (!packet_pull_up(packet, sizeof header)) {
        drop(packet, &ethernet->statistics.malformed);
        return;
    }
    (void)span_copy(SPAN_OF(header), view_first(packet_view(packet), sizeof header));
    uint16_t type = __builtin_bswap16(header.type);
    if (!is_for_us(ethernet, &header.destination)) {
        drop(packet, &ethernet->statistics.not_for_us);
        return;
    }
    /* A source is a single station (IEEE 802): an answer to a group would go to many. */
    if (type < ETHERTYPE_MIN || mac_is_to_many(&header.source)) {
        drop(packet, &ethernet->statistics.malformed);
        return;
    }
    const struct ethernet_incoming incoming = { .source = header.source,
                                                .to_many = mac_is_to_many(&header.destination) };
    packet_pull(packet, sizeof header);
    dispatch(ethernet, packet, type, &incoming);
}

bool ethernet_poll(struct ethernet *ethernet)
{
    struct packet *burst[NET_BURST_MAX];
    size_t count = net_receive(ethernet->net, burst, NET_BURST_MAX);
    for (size_t i = 0; i < count; i++)
        ethernet_input(ethernet, burst[i]);
    return count > 0;
}

/* ---- out ---- */

void ethernet_flush(struct ethernet *ethernet)
{
    if (ethernet->burst_count == 0) return;
    size_t accepted = net_send(ethernet->net, ethernet->burst, ethernet->burst_count);
    ethernet->burst_count -= accepted;
    for (size_t i = 0; accepted > 0 && i < ethernet->burst_count; i++)
        ethernet->burst[i] = ethernet->burst[i + accepted];
}

static void put_header(const struct ethernet *ethernet, struct packet *packet,
                       const struct mac *destination, uint16_t type)
{
    const struct ethernet_header header = { .destination = *destination,
                                            .source = ethernet->net->mac,
                                            .type = __builtin_bswap16(type) };
    (void)span_copy(packet_push(packet, sizeof header), VIEW_OF(header));
}

enum result ethernet_send(struct ethernet *ethernet, struct packet *packet,
                          const struct mac *destination, uint16_t type)
{
    if (ethernet->burst_count == NET_BURST_MAX) ethernet_flush(ethernet);
    if (ethernet->burst_count == NET_BURST_MAX) {
        drop(packet, &ethernet->statistics.ring_full);
        return FULL;
    }
    if (packet->checksum == PACKET_CHECKSUM_PARTIAL &&
        (ethernet->net->offloads & NET_SENDS_CHECKSUMS) == 0)
        checksum_complete(packet);
    if (ethernet->net->link == NET_ETHERNET) put_header(ethernet, packet, destination, type);
    ethernet->burst[ethernet->burst_count++] = packet;
    return OK;
}
