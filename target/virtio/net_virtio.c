/* net_virtio.c - a network card of the machine: set up, told of, taken down.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/net_virtio.h"

#include "target/entropy.h"
#include "target/memory.h"
#include "target/virtio/net_virtio_header.h"

#define LOG_MODULE "net"
#include "log/log.h"

#define ETHERNET_HEADER_BYTES 14
#define VLAN_TAG_BYTES        4
#define MTU_DEFAULT           1500
#define MTU_LEAST             576
#define MTU_MOST              (PACKET_TOTAL_MAX - ETHERNET_HEADER_BYTES)

/* A burst of long frames each way between two crossings: seven of 64 KiB. */
#define QUEUE_SIZE 256

/* Packets that a frame of PACKET_TOTAL_MAX needs, and some more. */
#define POSTED_FIRST 40

/* How often in a row a user may be told and not read, as with the host's nets. */
#define IGNORED_MAX     16
#define SILENT_AGAIN_NS MS_NS

/* ---- telling the user ---- */

bool net_virtio_is_broken(struct net_virtio *net)
{
    if (net->receiving.is_broken || net->transmitting.is_broken) virtio_device_broken(&net->device);
    return net->device.is_broken;
}

/* A broken device loses all that is sent, and so has room. */
static bool has_room_again(struct net_virtio *net)
{
    if (net->awaited_room == 0) return false;
    if (!virtio_queue_has_room(&net->transmitting, net->awaited_room) && !net_virtio_is_broken(net))
        return false;
    net->awaited_room = 0;
    return true;
}

static bool has_frames(struct net_virtio *net)
{
    return !net->is_silent && virtio_queue_used_count(&net->receiving) > 0;
}

static void fall_silent(struct net_virtio *net)
{
    net->is_silent = true;
    alarm_set(&net->again, deadline_after(loop_now_ns(), SILENT_AGAIN_NS));
}

static void again_due(struct alarm *alarm)
{
    CONTAINER_OF(alarm, struct net_virtio, again)->is_silent = false;
}

static bool net_poll(struct machine_poller *poller)
{
    struct net_virtio *net = CONTAINER_OF(poller, struct net_virtio, poller);
    net_virtio_reclaim(net);
    net_virtio_post(net);
    bool has_room = has_room_again(net), has_come = has_frames(net);
    if (net_virtio_is_broken(net)) has_come = false;
    if (!virtio_watch_poll(&net->watch, has_room || has_come)) return false;
    if (!has_room && !has_come) return true;
    if (has_come) net->ignored_turns++;
    net->net.user->ready(net->net.user);
    if (net->ignored_turns > IGNORED_MAX && !net->is_silent) fall_silent(net);
    return true;
}

static bool net_arm(struct machine_poller *poller)
{
    struct net_virtio *net = CONTAINER_OF(poller, struct net_virtio, poller);
    if (net_virtio_is_broken(net)) return false;
    bool has_come = virtio_queue_interrupts(&net->receiving, !net->is_silent);
    bool has_gone = virtio_queue_interrupts(&net->transmitting, net->awaited_room > 0);
    return virtio_watch_arm(&net->watch) || has_come || has_gone;
}

/* ---- the link ---- */

#define LINK_UP 1u

/* 5.1.4: without VIRTIO_NET_F_STATUS it is up. */
static bool is_down(const struct net_virtio *net, const struct virtio_net_config *config)
{
    return virtio_device_has(&net->device, VIRTIO_NET_F_STATUS) && (config->status & LINK_UP) == 0;
}

static bool config_changed(struct virtio_watch *watch)
{
    struct net_virtio *net = CONTAINER_OF(watch, struct net_virtio, watch);
    struct virtio_net_config config;
    virtio_device_config(&net->device, SPAN_OF(config));
    bool was_down = net->net.is_down;
    net->net.is_down = is_down(net, &config);
    if (net->net.is_down == was_down) return false;
    net->net.user->ready(net->net.user);
    return true;
}

/* ---- attaching ---- */

/* Of the pool a quarter, but so much that a long frame has its place if that is not most of it. */
static void bound_posted(struct net_virtio *net, const struct packet_pool *pool)
{
    size_t packets = MAX(pool->count / 4, MIN(POSTED_FIRST, pool->count / 2));
    size_t most = MIN(packets, net->receiving.size) / net->chain_packets;
    net->posted_most = (uint16_t)MAX(most, 1u);
    net->posted_max = (uint16_t)MIN(MAX(POSTED_FIRST / net->chain_packets, 1u), net->posted_most);
}

static void net_virtio_attach(struct net *base)
{
    struct net_virtio *net = net_virtio_of(base);
    const struct virtio_queue *const queues[] = { &net->receiving, &net->transmitting };
    bound_posted(net, base->pool);
    if (!net->device.is_broken) virtio_device_start(&net->device, queues, LENGTH_OF(queues));
    net_virtio_post(net);
    machine_poller_add(&net->poller);
    if (virtio_device_has(&net->device, VIRTIO_NET_F_STATUS))
        virtio_watch_start(&net->watch, &net->device);
}

static void drop_all(struct packet *packets[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (packets[i] != NULL) packet_drop(packets[i]);
        packets[i] = NULL;
    }
}

/* A device that does not let go is not used any more; its word is not waited for. */
static void net_virtio_detach(struct net *base)
{
    struct net_virtio *net = net_virtio_of(base);
    machine_poller_remove(&net->poller);
    virtio_watch_stop(&net->watch);
    alarm_stop(&net->again);
    if (!virtio_device_reset(&net->device)) net->device.is_broken = true;
    drop_all(net->posted, net->receiving.size);
    drop_all(net->sent, net->transmitting.size);
    virtio_queue_reset(&net->receiving);
    virtio_queue_reset(&net->transmitting);
    net->posted_count = net->awaited_room = 0;
    net->ignored_turns = 0;
    net->is_silent = false;
}

/* ---- opening ---- */

static const struct net_ops net_virtio_ops = NET_OPS(net_virtio);

/* Without VIRTIO_F_INDIRECT_DESC: a ring that is full has the machine work on meanwhile, and one
 * with tables beside it answers a tenth fewer requests under QEMU, with more crossings for each.
 * Without VIRTIO_NET_F_GUEST_ANNOUNCE, which needs a third queue, the device announces a machine
 * that has moved by itself (5.1.6.5.4). */
static const uint64_t wanted = VIRTIO_F_EVENT_IDX | VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM |
                               VIRTIO_NET_F_MTU | VIRTIO_NET_F_MAC | VIRTIO_NET_F_GUEST_TSO4 |
                               VIRTIO_NET_F_GUEST_TSO6 | VIRTIO_NET_F_GUEST_ECN |
                               VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 |
                               VIRTIO_NET_F_HOST_ECN | VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_STATUS;

static uint8_t offload(const struct net_virtio *net, uint64_t feature, uint8_t offload)
{
    return virtio_device_has(&net->device, feature) ? offload : 0;
}

static uint8_t offloads_of(const struct net_virtio *net)
{
    return offload(net, VIRTIO_NET_F_CSUM, NET_SENDS_CHECKSUMS) |
           offload(net, VIRTIO_NET_F_HOST_TSO4, NET_SENDS_SEGMENTS_IPV4) |
           offload(net, VIRTIO_NET_F_HOST_TSO6, NET_SENDS_SEGMENTS_IPV6) |
           offload(net, VIRTIO_NET_F_GUEST_CSUM, NET_RECEIVES_CHECKSUMS) |
           offload(net, VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6, NET_RECEIVES_SEGMENTS);
}

static const uint64_t guest_segments = VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6;
static const uint64_t host_segments = VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6;

/* 5.1.3.1: segments need checksums of the same direction, and the ECN bits need segments. */
static uint64_t consistent(uint64_t offered)
{
    if ((offered & VIRTIO_NET_F_GUEST_CSUM) == 0) offered &= ~guest_segments;
    if ((offered & VIRTIO_NET_F_CSUM) == 0) offered &= ~host_segments;
    if ((offered & guest_segments) == 0) offered &= ~VIRTIO_NET_F_GUEST_ECN;
    if ((offered & host_segments) == 0) offered &= ~VIRTIO_NET_F_HOST_ECN;
    return offered;
}

/* Without an address of its own it gets one: a station's, locally administered (IEEE 802 8.2). */
static struct mac mac_of(const struct net_virtio *net, const struct virtio_net_config *config)
{
    struct mac mac;
    if (virtio_device_has(&net->device, VIRTIO_NET_F_MAC)) {
        (void)span_copy(SPAN_OF(mac), VIEW_OF(config->mac));
        return mac;
    }
    entropy_fill(SPAN_OF(mac));
    mac.bytes[0] = (uint8_t)((mac.bytes[0] & 0xfc) | 0x02);
    return mac;
}

static uint16_t mtu_of(const struct net_virtio *net, const struct virtio_net_config *config)
{
    if (!virtio_device_has(&net->device, VIRTIO_NET_F_MTU)) return MTU_DEFAULT;
    if (config->mtu_bytes < MTU_LEAST)
        log_warning("the card's MTU of %u is below the least of IP; it is taken for %u",
                    config->mtu_bytes, MTU_LEAST);
    return (uint16_t)MIN(MAX(config->mtu_bytes, MTU_LEAST), MTU_MOST);
}

/* Packets that hold the longest frame, where the device cannot take as many as it needs. */
static size_t chain_packets_of(const struct net_virtio *net)
{
    size_t longest_bytes = net->net.mtu_bytes + (size_t)ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES;
    if ((net->net.offloads & NET_RECEIVES_SEGMENTS) != 0) longest_bytes = PACKET_TOTAL_MAX;
    if (virtio_device_has(&net->device, VIRTIO_NET_F_MRG_RXBUF)) return 1;
    if (longest_bytes <= PACKET_PAYLOAD_MAX) return 1;
    return 2 + (longest_bytes - PACKET_PAYLOAD_MAX - 1) / PACKET_ROOM_BYTES;
}

/* How long the rings may be is known once features are agreed upon: where that is not enough for
 * the longest segments, it is agreed again, without them. */
static enum result agree(struct net_virtio *net)
{
    uint64_t features = consistent(virtio_device_offers(&net->device, wanted));
    enum result result = virtio_device_agree(&net->device, features);
    if (result != OK) return result;
    net->receiving_size = virtio_device_queue_size(&net->device, NET_VIRTIO_RECEIVING, QUEUE_SIZE);
    net->transmitting_size = virtio_device_queue_size(&net->device, NET_VIRTIO_TRANSMITTING,
                                                      QUEUE_SIZE);
    if (MIN(net->receiving_size, net->transmitting_size) > NET_VIRTIO_PARTS) return OK;
    if ((features & (guest_segments | host_segments)) == 0) return OK;
    features = consistent(features & ~(guest_segments | host_segments));
    return virtio_device_agree(&net->device, features);
}

static enum result negotiate(struct net_virtio *net)
{
    struct virtio_net_config config;
    enum result result = agree(net);
    if (result != OK) return result;
    virtio_device_config(&net->device, SPAN_OF(config));
    net->net.link = NET_ETHERNET;
    net->net.offloads = offloads_of(net);
    net->net.mac = mac_of(net, &config);
    net->net.mtu_bytes = mtu_of(net, &config);
    net->net.is_down = is_down(net, &config);
    net->chain_packets = chain_packets_of(net);
    if (net->transmitting_size > 1 && net->receiving_size >= net->chain_packets) return OK;
    log_error("the card's rings have %u and %u entries, too few for a frame", net->receiving_size,
              net->transmitting_size);
    return UNSUPPORTED;
}

static enum result open_queues(struct net_virtio *net)
{
    struct virtio_queue_options options = {
        .size = net->receiving_size,
        .has_event_index = virtio_device_has(&net->device, VIRTIO_F_EVENT_IDX),
    };
    enum result result = virtio_queue_open(&net->receiving, &options);
    if (result != OK) return result;
    options.size = net->transmitting_size;
    return virtio_queue_open(&net->transmitting, &options);
}

/* Each array is as long as the longest queue. */
static enum result open_arrays(struct net_virtio *net)
{
    const size_t pointers_bytes = QUEUE_SIZE * sizeof(struct packet *);
    enum result result = memory_take(2 * pointers_bytes + QUEUE_SIZE * sizeof *net->headers,
                                     &net->memory);
    if (result != OK) return result;
    void *posted = net->memory.bytes;
    void *sent = span_from_offset(net->memory, pointers_bytes).bytes;
    void *headers = span_from_offset(net->memory, 2 * pointers_bytes).bytes;
    net->posted = posted;
    net->sent = sent;
    net->headers = headers;
    return OK;
}

enum result net_virtio_open(struct net_virtio *net, struct view name)
{
    *net = (struct net_virtio){ .net.ops = &net_virtio_ops,
                                .poller = { .poll = net_poll, .arm = net_arm },
                                .watch.changed = config_changed,
                                .again.due = again_due };
    enum result result = virtio_device_open(&net->device, MACHINE_NET, name);
    if (result == OK) result = negotiate(net);
    if (result == OK) result = open_queues(net);
    if (result == OK) result = open_arrays(net);
    if (result != OK) net_virtio_close(net);
    return result;
}

void net_virtio_close(struct net_virtio *net)
{
    assert(net->net.user == NULL);
    memory_give_back(net->memory);
    virtio_queue_close(&net->receiving);
    virtio_queue_close(&net->transmitting);
}
