/* net_virtio_frames.c - frames in and out of a network card's rings.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_check.h"
#include "target/virtio/net_virtio.h"
#include "target/virtio/net_virtio_header.h"

#define HEADER_BYTES sizeof(struct virtio_net_header)

/* What a posted packet holds behind the header, or in its place. */
#define POSTED_BYTES (PACKET_PAYLOAD_MAX + HEADER_BYTES)

#define CHAIN_PACKETS_MAX (2 + (PACKET_TOTAL_MAX - PACKET_PAYLOAD_MAX - 1) / PACKET_ROOM_BYTES)

/* ---- posting ---- */

static struct packet *take_packet(struct packet_pool *pool)
{
    struct packet *packet = packet_take(pool, PACKET_FOR_RECEIVE);
    assert(packet != NULL); /* post_chain has counted */
    return packet;
}

/* The pool has as many as it needs. */
static void post_chain(struct net_virtio *net)
{
    struct span parts[CHAIN_PACKETS_MAX];
    struct packet *first = take_packet(net->net.pool), *last = first;
    parts[0] = span_from_offset(SPAN_OF(first->room), PACKET_HEADROOM - HEADER_BYTES);
    for (size_t i = 1; i < net->chain_packets; i++) {
        last = last->rest = take_packet(net->net.pool);
        last->offset = 0;
        parts[i] = SPAN_OF(last->room);
    }
    uint16_t head = virtio_queue_add(&net->receiving, NULL, 0, parts, net->chain_packets);
    net->posted[head] = first;
    net->posted_count++;
}

void net_virtio_post(struct net_virtio *net)
{
    uint16_t before = net->posted_count;
    if (net_virtio_is_broken(net)) return;
    while (net->posted_count < net->posted_max &&
           packet_pool_left(net->net.pool, PACKET_FOR_RECEIVE) >= net->chain_packets)
        post_chain(net);
    if (net->posted_count != before)
        virtio_device_publish(&net->device, &net->receiving, NET_VIRTIO_RECEIVING);
}

/* ---- receiving ---- */

/* The packets of a chain that the device has done with; NULL: none now. */
static struct packet *take_posted(struct net_virtio *net, uint32_t *written_bytes)
{
    uint16_t head;
    if (!virtio_queue_take_used(&net->receiving, &head, written_bytes)) return NULL;
    struct packet *packet = net->posted[head];
    net->posted[head] = NULL;
    net->posted_count--;
    return packet;
}

/* Says how much of each packet is the frame's, and drops those that it did not need. */
static void fill_chain(struct packet *packet, size_t frame_bytes)
{
    packet->length_bytes = (uint16_t)MIN(frame_bytes, PACKET_PAYLOAD_MAX);
    for (;;) {
        frame_bytes -= packet->length_bytes;
        struct packet *rest = packet->rest;
        if (frame_bytes == 0 || rest == NULL) break;
        rest->length_bytes = (uint16_t)MIN(frame_bytes, PACKET_ROOM_BYTES);
        packet = rest;
    }
    struct packet *unused = packet->rest;
    packet->rest = NULL;
    if (unused != NULL) packet_drop(unused);
}

/* 5.1.6.4.1: the device shows the buffers of a frame all at once, and fills all but the last. */
static bool merge(struct net_virtio *net, struct packet *frame, size_t buffer_count)
{
    struct packet *last = frame;
    size_t before_bytes = frame->length_bytes + HEADER_BYTES;
    if (virtio_queue_used_count(&net->receiving) < buffer_count - 1) {
        net->receiving.is_broken = true;
        return false;
    }
    for (size_t i = 1; i < buffer_count; i++) {
        uint32_t written_bytes;
        struct packet *packet = take_posted(net, &written_bytes);
        if (packet == NULL) return false;
        last = last->rest = packet;
        packet->offset = PACKET_HEADROOM - HEADER_BYTES;
        packet->length_bytes = (uint16_t)written_bytes;
        if (before_bytes != POSTED_BYTES) written_bytes = 0;
        before_bytes = written_bytes;
    }
    return before_bytes > 0;
}

/* What the device has not agreed to say is not listened to. */
static bool read_marks(const struct net_virtio *net, struct virtio_net_header header,
                       struct packet *frame, size_t frame_bytes)
{
    const struct virtio_device *device = &net->device;
    uint8_t gso_type = (uint8_t)(header.gso_type & ~VIRTIO_NET_GSO_ECN);
    if (!virtio_device_has(device, VIRTIO_NET_F_GUEST_CSUM)) header.flags = 0;
    if (gso_type == VIRTIO_NET_GSO_TCPV4 && !virtio_device_has(device, VIRTIO_NET_F_GUEST_TSO4))
        return false;
    if (gso_type == VIRTIO_NET_GSO_TCPV6 && !virtio_device_has(device, VIRTIO_NET_F_GUEST_TSO6))
        return false;
    return net_virtio_header_read(&header, frame, frame_bytes);
}

/* Makes a frame of what begins with this chain; false: it is none. */
static bool read_frame(struct net_virtio *net, struct packet *frame, uint32_t written_bytes)
{
    struct virtio_net_header header;
    if (written_bytes < HEADER_BYTES) return false;
    struct view start = view_from_offset(VIEW_OF(frame->room), PACKET_HEADROOM - HEADER_BYTES);
    (void)span_copy(SPAN_OF(header), view_first(start, HEADER_BYTES));
    fill_chain(frame, written_bytes - HEADER_BYTES);
    if (virtio_device_has(&net->device, VIRTIO_NET_F_MRG_RXBUF)) {
        if (header.buffer_count == 0) return false;
        if (header.buffer_count > 1 && !merge(net, frame, header.buffer_count)) return false;
    }
    size_t frame_bytes = packet_total_bytes(frame);
    if (frame_bytes < NET_ETHERNET_BYTES || frame_bytes > PACKET_TOTAL_MAX) return false;
    if (!read_marks(net, header, frame, frame_bytes)) return false;
    net->net.statistics.received_frames++;
    net->net.statistics.received_bytes += frame_bytes;
    return true;
}

static void listen_again(struct net_virtio *net)
{
    net->ignored_turns = 0;
    if (!net->is_silent) return;
    net->is_silent = false;
    alarm_stop(&net->again);
}

/* What has come since the last turn was nearly more than there was room for. */
static void post_more(struct net_virtio *net)
{
    if (net->posted_max == net->posted_most) return;
    if (virtio_queue_used_count(&net->receiving) <= net->posted_max / 4 * 3) return;
    net->posted_max = (uint16_t)MIN(2 * net->posted_max, net->posted_most);
}

size_t net_virtio_receive(struct net *base, struct packet *burst[], size_t count)
{
    struct net_virtio *net = net_virtio_of(base);
    size_t received_count = 0;
    listen_again(net);
    post_more(net);
    while (received_count < count && !net_virtio_is_broken(net)) {
        uint32_t written_bytes;
        struct packet *packet = take_posted(net, &written_bytes);
        if (packet == NULL) break;
        if (read_frame(net, packet, written_bytes)) {
            burst[received_count++] = packet;
            continue;
        }
        net->net.statistics.receive_errors++;
        packet_drop(packet);
    }
    net_virtio_post(net);
    return received_count;
}

/* ---- sending ---- */

void net_virtio_reclaim(struct net_virtio *net)
{
    uint16_t head;
    uint32_t written_bytes;
    while (virtio_queue_take_used(&net->transmitting, &head, &written_bytes)) {
        struct packet *packet = net->sent[head];
        net->sent[head] = NULL;
        packet_drop(packet);
    }
}

/* Whether its headroom is nobody else's. */
static bool has_headroom(const struct packet *packet)
{
    return packet->payload.references == 1 && packet->length_bytes > 0 &&
           packet->offset >= HEADER_BYTES;
}

/* Puts the header before the frame's parts, which begin at parts[1], and gives where they begin
 * then: in the headroom, where it costs no part of its own, or in a part. */
static size_t put_header(struct net_virtio *net, struct packet *packet)
{
    struct virtio_net_header header = net_virtio_header_of(packet);
    if (!virtio_device_has(&net->device, VIRTIO_NET_F_HOST_ECN))
        header.gso_type &= (uint8_t)~VIRTIO_NET_GSO_ECN;
    if (!has_headroom(packet)) {
        struct virtio_net_header *place = &net->headers[virtio_queue_next_head(&net->transmitting)];
        *place = header;
        net->parts[0] = VIEW_OF(*place);
        return 0;
    }
    struct span room = span_from_offset(SPAN_OF(packet->room), packet->offset - HEADER_BYTES);
    (void)span_copy(room, VIEW_OF(header));
    net->parts[1] = view_first(span_view(room), HEADER_BYTES + packet->length_bytes);
    return 1;
}

static void lose(struct net_virtio *net, struct packet *packet)
{
    net->net.statistics.send_errors++;
    packet_drop(packet);
}

/* Behind the place of the header; where they end. 1: they are too many. */
static size_t gather(struct net_virtio *net, const struct packet *packet)
{
    size_t most = MIN(NET_VIRTIO_PARTS, net->transmitting.size - 1u);
    return 1 + packet_gather(packet, &net->parts[1], most);
}

/* False: the ring has no room for it now. */
static bool add_gathered(struct net_virtio *net, struct packet *packet, size_t end)
{
    size_t needed = has_headroom(packet) ? end - 1 : end;
    if (!virtio_queue_has_room(&net->transmitting, needed)) {
        net->awaited_room = (uint16_t)needed;
        return false;
    }
    size_t first = put_header(net, packet);
    uint16_t head = virtio_queue_add(&net->transmitting, &net->parts[first], end - first, NULL, 0);
    net->sent[head] = packet;
    net->net.statistics.sent_frames++;
    net->net.statistics.sent_bytes += packet_total_bytes(packet);
    return true;
}

/* What a short ring has no room for in its parts goes as a copy, which has few. */
static bool add_copy(struct net_virtio *net, struct packet *packet)
{
    struct packet *copy = packet_copy(packet, net->net.pool, PACKET_FOR_CONTROL);
    size_t end = copy != NULL ? gather(net, copy) : 1;
    if (end > 1 && !add_gathered(net, copy, end)) {
        packet_drop(copy);
        return false;
    }
    if (end == 1 && copy != NULL) packet_drop(copy);
    if (end == 1) net->net.statistics.send_errors++;
    packet_drop(packet);
    return true;
}

/* False: the ring has no room for it now. */
static bool add_frame(struct net_virtio *net, struct packet *packet)
{
    net_check_send(&net->net, packet);
    size_t end = gather(net, packet);
    return end > 1 ? add_gathered(net, packet, end) : add_copy(net, packet);
}

size_t net_virtio_send(struct net *base, struct packet *burst[], size_t count)
{
    struct net_virtio *net = net_virtio_of(base);
    size_t accepted = 0;
    net_virtio_reclaim(net);
    if (net_virtio_is_broken(net)) {
        for (; accepted < count; accepted++)
            lose(net, burst[accepted]);
        return count;
    }
    while (accepted < count && add_frame(net, burst[accepted]))
        accepted++;
    virtio_device_publish(&net->device, &net->transmitting, NET_VIRTIO_TRANSMITTING);
    net->poller.has_work = true;
    return accepted;
}
