/* net_faulty.c - a net that makes a bad wire of another one, under a seed.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_faulty.h"

#include "net/net_chance.h"
#include "net/net_check.h"
#include "net/net_cut.h"
#include "net/net_faulty_line.h"
#include "target/clock.h"
#include "target/memory.h"

static struct net_faulty *faulty_of(struct net *net)
{
    return CONTAINER_OF(net, struct net_faulty, net);
}

/* ---- sending ---- */

static void deliver_below(struct net_faulty *faulty)
{
    struct net_queue *landed = &faulty->send.landed;
    while (landed->count > 0) {
        size_t sent = net_queue_send(landed, faulty->below);
        faulty->send.statistics.left_frames += sent;
        if (sent == 0) return; /* `ready` says when there is room again */
    }
}

static size_t net_faulty_send(struct net *net, struct packet *burst[], size_t count)
{
    struct net_faulty *faulty = faulty_of(net);
    uint64_t now_ns = clock_monotonic_ns();
    for (size_t i = 0; i < count; i++) {
        net_check_send(net, burst[i]);
        net->statistics.sent_frames++;
        net->statistics.sent_bytes += packet_total_bytes(burst[i]);
        net_faulty_line_enter(&faulty->send, burst[i], now_ns);
    }
    net_faulty_line_advance(&faulty->send, now_ns);
    deliver_below(faulty);
    net_faulty_line_rearm(&faulty->send);
    return count;
}

static void send_due(struct alarm *alarm)
{
    struct net_faulty_line *line = CONTAINER_OF(alarm, struct net_faulty_line, alarm);
    net_faulty_line_advance(line, clock_monotonic_ns());
    deliver_below(line->faulty);
    net_faulty_line_rearm(line);
}

/* ---- receiving ---- */

static void deliver_above(struct net_faulty *faulty)
{
    if (faulty->receive.landed.count > 0) faulty->net.user->ready(faulty->net.user);
}

/* A neighbour may hand over frames that never were on a wire: they are cut, and completed, as they
 * would be there. */
static void enter_from_below(struct net_faulty *faulty, struct packet *frame, uint64_t now_ns)
{
    struct net_faulty_line *line = &faulty->receive;
    struct net_cut cut;
    if (frame->segmentation == PACKET_SEGMENT_NONE) {
        if (frame->checksum == PACKET_CHECKSUM_PARTIAL) checksum_complete(frame);
        frame->checksum = PACKET_CHECKSUM_UNKNOWN;
        net_faulty_line_enter(line, frame, now_ns);
        return;
    }
    if (!net_cut_begin(&cut, frame, faulty->net.link, false)) {
        faulty->net.statistics.receive_errors++;
        return;
    }
    while (net_cut_goes_on(&cut)) {
        struct packet *packet = net_cut_next(&cut, &faulty->pool);
        if (packet == NULL) {
            line->statistics.no_buffer_frames++;
            net_cut_end(&cut);
            return;
        }
        net_faulty_line_enter(line, packet, now_ns);
    }
}

static void follow_link(struct net_faulty *faulty)
{
    if (faulty->net.is_down == faulty->below->is_down) return;
    faulty->net.is_down = faulty->below->is_down;
    faulty->net.user->ready(faulty->net.user);
}

static void below_ready(struct net_user *user)
{
    struct net_faulty *faulty = CONTAINER_OF(user, struct net_faulty, user);
    struct packet *burst[NET_BURST_MAX / 2];
    uint64_t now_ns = clock_monotonic_ns();
    size_t count = net_receive(faulty->below, burst, LENGTH_OF(burst));
    deliver_below(faulty);
    for (size_t i = 0; i < count; i++)
        enter_from_below(faulty, burst[i], now_ns);
    net_faulty_line_advance(&faulty->receive, now_ns);
    deliver_above(faulty);
    if (faulty->net.user != NULL) net_faulty_line_rearm(&faulty->receive);
    if (faulty->net.user != NULL) follow_link(faulty);
}

static void receive_due(struct alarm *alarm)
{
    struct net_faulty_line *line = CONTAINER_OF(alarm, struct net_faulty_line, alarm);
    net_faulty_line_advance(line, clock_monotonic_ns());
    deliver_above(line->faulty);
    if (line->faulty->net.user != NULL) net_faulty_line_rearm(line);
}

static size_t net_faulty_receive(struct net *net, struct packet *burst[], size_t count)
{
    struct net_faulty *faulty = faulty_of(net);
    size_t received = 0;
    while (received < count) {
        struct packet *landed = net_queue_take(&faulty->receive.landed);
        if (landed == NULL) break;
        struct packet *packet = packet_copy(landed, net->pool, PACKET_FOR_RECEIVE);
        packet_drop(landed);
        faulty->receive.statistics.left_frames++;
        if (packet == NULL) {
            net->statistics.receive_no_buffer++;
            continue;
        }
        net->statistics.received_frames++;
        net->statistics.received_bytes += packet_total_bytes(packet);
        burst[received++] = packet;
    }
    return received;
}

/* ---- attaching ---- */

static void net_faulty_attach(struct net *net)
{
    struct net_faulty *faulty = faulty_of(net);
    net_attach(faulty->below, &faulty->user, &faulty->pool);
    net->mac = faulty->below->mac;
    net->mtu_bytes = faulty->below->mtu_bytes;
    net->is_down = faulty->below->is_down;
}

static void net_faulty_detach(struct net *net)
{
    struct net_faulty *faulty = faulty_of(net);
    net_faulty_line_clear(&faulty->send);
    net_faulty_line_clear(&faulty->receive);
    net_detach(faulty->below);
}

static const struct net_ops net_faulty_ops = NET_OPS(net_faulty);

enum result net_faulty_open(struct net_faulty *faulty, struct net *below,
                            const struct net_faulty_options *options)
{
    size_t heap_bytes = options->packet_count * sizeof(struct net_faulty_flying);
    *faulty = (struct net_faulty){
        .net = { .ops = &net_faulty_ops,
                 .mac = below->mac,
                 .link = below->link,
                 .mtu_bytes = below->mtu_bytes },
        .below = below,
        .user.ready = below_ready,
        .packet_count = options->packet_count,
    };
    enum result result = packet_pool_open(&faulty->pool, options->packet_count);
    if (result != OK) return result;
    result = memory_take(2 * heap_bytes, &faulty->memory);
    if (result != OK) {
        packet_pool_close(&faulty->pool);
        return result;
    }
    void *send_heap = faulty->memory.bytes;
    void *receive_heap = span_from_offset(faulty->memory, heap_bytes).bytes;
    net_faulty_line_open(&faulty->send, faulty, &options->send, options->seed, send_heap);
    net_faulty_line_open(&faulty->receive, faulty, &options->receive, ~options->seed, receive_heap);
    faulty->send.alarm.due = send_due;
    faulty->receive.alarm.due = receive_due;
    return OK;
}

void net_faulty_close(struct net_faulty *faulty)
{
    assert(faulty->net.user == NULL);
    memory_give_back(faulty->memory);
    packet_pool_close(&faulty->pool);
}
