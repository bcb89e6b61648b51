/* net_record.c - a net for tests: it records what is sent, and what it receives is told to it.
 *
 * SPDX-License-Identifier: ISC */
#include "ethernet/net_record.h"

#include "base/units.h"

static struct net_record *record_of(struct net *net)
{
    return CONTAINER_OF(net, struct net_record, net);
}

static void append(struct packet **queue, struct packet *packet)
{
    packet->next = NULL;
    while (*queue != NULL)
        queue = &(*queue)->next;
    *queue = packet;
}

static struct packet *take(struct packet **queue)
{
    struct packet *packet = *queue;
    if (packet == NULL) return NULL;
    *queue = packet->next;
    packet->next = NULL;
    return packet;
}

static void net_record_attach(struct net *net)
{
    (void)net;
}

static void net_record_detach(struct net *net)
{
    struct net_record *record = record_of(net);
    struct packet **queues[] = { &record->sent, &record->given };
    for (size_t i = 0; i < LENGTH_OF(queues); i++)
        for (struct packet *packet = take(queues[i]); packet != NULL; packet = take(queues[i]))
            packet_drop(packet);
    record->sent_count = 0;
}

/* It is as strict as a driver. */
static void check(const struct net *net, const struct packet *packet)
{
    size_t header_bytes = net->link == NET_ETHERNET ? 14 : 0;
    assert(packet->checksum != PACKET_CHECKSUM_PARTIAL ||
           (net->offloads & NET_SENDS_CHECKSUMS) != 0);
    assert(packet->segmentation == PACKET_SEGMENT_NONE ||
           (net->offloads & NET_SENDS_SEGMENTS_IPV4) != 0);
    if (packet->segmentation == PACKET_SEGMENT_NONE)
        assert_that(packet_total_bytes(packet), <=, net->mtu_bytes + header_bytes);
    assert_that(packet_total_bytes(packet), <=, PACKET_TOTAL_MAX);
}

static size_t net_record_send(struct net *net, struct packet *burst[], size_t count)
{
    struct net_record *record = record_of(net);
    size_t accepted = MIN(count, record->ring_room);
    for (size_t i = 0; i < accepted; i++) {
        check(net, burst[i]);
        append(&record->sent, burst[i]);
    }
    record->sent_count += accepted;
    record->ring_room -= accepted;
    return accepted;
}

static size_t net_record_receive(struct net *net, struct packet *burst[], size_t count)
{
    struct net_record *record = record_of(net);
    size_t received = 0;
    while (received < count && record->given != NULL)
        burst[received++] = take(&record->given);
    return received;
}

static const struct net_ops net_record_ops = NET_OPS(net_record);

void net_record_open(struct net_record *record, enum net_link link, uint8_t offloads)
{
    *record = (struct net_record){
        .net = { .ops = &net_record_ops,
                 .mac = { { 0x02, 0, 0, 0, 0, 0x01 } },
                 .link = (uint8_t)link,
                 .offloads = offloads,
                 .mtu_bytes = 1500 },
        .ring_room = SIZE_MAX,
    };
}

void net_record_give_packet(struct net_record *record, struct packet *packet)
{
    append(&record->given, packet);
}

void net_record_give(struct net_record *record, struct view frame)
{
    struct packet *packet = packet_take(record->net.pool, PACKET_FOR_RECEIVE);
    assert(packet != NULL);
    append(&record->given, packet);
    for (;;) {
        size_t part_bytes = MIN(frame.length_bytes, packet_room_behind(packet));
        (void)span_copy(packet_put(packet, part_bytes), view_first(frame, part_bytes));
        frame = view_from_offset(frame, part_bytes);
        if (view_is_empty(frame)) return;
        packet->rest = packet_take(record->net.pool, PACKET_FOR_RECEIVE);
        packet = packet->rest;
        assert(packet != NULL);
        packet->offset = 0;
    }
}

struct packet *net_record_take_packet(struct net_record *record)
{
    return take(&record->sent);
}

struct view net_record_take(struct net_record *record, struct span room)
{
    struct packet *packet = take(&record->sent);
    if (packet == NULL) return (struct view){ 0 };
    struct span bytes = span_first(room, packet_total_bytes(packet));
    packet_copy_out(packet, 0, bytes);
    packet_drop(packet);
    return span_view(bytes);
}
