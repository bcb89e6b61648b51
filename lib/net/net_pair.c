/* net_pair.c - two nets connected back to back.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_pair.h"

#include "net/net_check.h"

static struct net_pair_end *end_of(struct net *net)
{
    return CONTAINER_OF(net, struct net_pair_end, net);
}

static bool has_news(const struct net_pair_end *end)
{
    return end->other->sent.count > 0 || (end->was_full && end->sent.count < end->ring_count);
}

static void tell(struct net_pair_end *end)
{
    if (end->net.user != NULL && !timer_is_running(&end->alarm.timer))
        alarm_set(&end->alarm, NO_WAIT);
}

static void end_due(struct alarm *alarm)
{
    struct net_pair_end *end = CONTAINER_OF(alarm, struct net_pair_end, alarm);
    if (end->net.user == NULL || !has_news(end)) return;
    if (end->sent.count < end->ring_count) end->was_full = false;
    end->net.user->ready(end->net.user);
    if (has_news(end)) tell(end);
}

static void net_pair_end_attach(struct net *net)
{
    (void)net;
}

static void net_pair_end_detach(struct net *net)
{
    struct net_pair_end *end = end_of(net);
    alarm_stop(&end->alarm);
    end->was_full = false;
    net_queue_drop_all(&end->sent);
    net_queue_drop_all(&end->other->sent);
    if (end->other->was_full) tell(end->other);
}

static size_t net_pair_end_send(struct net *net, struct packet *burst[], size_t count)
{
    struct net_pair_end *end = end_of(net);
    size_t accepted = 0;
    for (; accepted < count && end->sent.count < end->ring_count; accepted++) {
        struct packet *packet = burst[accepted];
        net_check_send(net, packet);
        net->statistics.sent_frames++;
        net->statistics.sent_bytes += packet_total_bytes(packet);
        if (end->other->net.user != NULL) {
            net_queue_put(&end->sent, packet);
        } else {
            packet_drop(packet);
        }
    }
    if (accepted < count) end->was_full = true;
    if (end->sent.count > 0) tell(end->other);
    return accepted;
}

static size_t net_pair_end_receive(struct net *net, struct packet *burst[], size_t count)
{
    struct net_pair_end *end = end_of(net);
    size_t received = 0;
    while (received < count) {
        struct packet *sent = net_queue_take(&end->other->sent);
        if (sent == NULL) break;
        struct packet *packet = packet_copy(sent, net->pool, PACKET_FOR_RECEIVE);
        packet_drop(sent);
        if (packet == NULL) {
            net->statistics.receive_no_buffer++;
            continue;
        }
        net->statistics.received_frames++;
        net->statistics.received_bytes += packet_total_bytes(packet);
        burst[received++] = packet;
    }
    if (end->other->was_full) tell(end->other);
    return received;
}

static const struct net_ops net_pair_end_ops = NET_OPS(net_pair_end);

void net_pair_end_open(struct net_pair_end *end, struct net_pair_end *other,
                       const struct net_pair_options *options)
{
    bool sends = (options->offloads & (NET_SENDS_SEGMENTS_IPV4 | NET_SENDS_SEGMENTS_IPV6)) != 0;
    assert(options->mtu_bytes >= 576 && options->ring_count > 0);
    assert(sends == ((options->offloads & NET_RECEIVES_SEGMENTS) != 0));
    assert(((options->offloads & NET_SENDS_CHECKSUMS) != 0) ==
           ((options->offloads & NET_RECEIVES_CHECKSUMS) != 0));
    *end = (struct net_pair_end){
        .net = { .ops = &net_pair_end_ops,
                 .link = options->link,
                 .offloads = options->offloads,
                 .mtu_bytes = options->mtu_bytes },
        .other = other,
        .ring_count = options->ring_count,
        .alarm.due = end_due,
    };
}

void net_pair_end_close(struct net_pair_end *end)
{
    assert(end->net.user == NULL);
    assert_that(end->sent.count, ==, 0);
}

/* Locally administered addresses (IEEE 802 8.4). */
void net_pair_open(struct net_pair *pair, const struct net_pair_options *options)
{
    net_pair_end_open(&pair->a, &pair->b, options);
    net_pair_end_open(&pair->b, &pair->a, options);
    pair->a.net.mac = (struct mac){ { 0x02, 'P', 'A', 'I', 'R', 0x0a } };
    pair->b.net.mac = (struct mac){ { 0x02, 'P', 'A', 'I', 'R', 0x0b } };
}

void net_pair_close(struct net_pair *pair)
{
    net_pair_end_close(&pair->a);
    net_pair_end_close(&pair->b);
}
