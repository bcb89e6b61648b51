/* net_offload.c - a net that looks as if its device did all, over one that does less.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_offload.h"

#include "base/units.h"
#include "net/net_check.h"

#define SENDS (NET_SENDS_CHECKSUMS | NET_SENDS_SEGMENTS_IPV4 | NET_SENDS_SEGMENTS_IPV6)
#define ALL   (SENDS | NET_RECEIVES_CHECKSUMS | NET_RECEIVES_SEGMENTS)

static struct net_offload *offload_of(struct net *net)
{
    return CONTAINER_OF(net, struct net_offload, net);
}

static bool below_has(const struct net_offload *offload, uint8_t wanted)
{
    return (offload->below->offloads & wanted) == wanted;
}

/* ---- sending ---- */

/* What is staged goes down. False: not all of it. */
static bool flush(struct net_offload *offload)
{
    size_t count = offload->staged_count;
    if (count == 0) return true;
    size_t accepted = net_send(offload->below, offload->staged, count);
    for (size_t i = accepted; i < count; i++)
        offload->staged[i - accepted] = offload->staged[i];
    offload->staged_count = count - accepted;
    return offload->staged_count == 0;
}

/* Cuts on until the frame is done. False: the ring below is full, or the pool has no packet. */
static bool go_on(struct net_offload *offload)
{
    while (net_cut_goes_on(&offload->cut)) {
        if (offload->staged_count == NET_BURST_MAX && !flush(offload)) return false;
        struct packet *packet = net_cut_next(&offload->cut, offload->net.pool);
        if (packet == NULL) return false;
        offload->staged[offload->staged_count++] = packet;
    }
    return offload->staged_count < NET_BURST_MAX || flush(offload);
}

/* Whatever was accepted before goes first. Where the pool ran dry, what has just gone down may
 * have come back to it. */
static bool catch_up(struct net_offload *offload)
{
    for (;;) {
        bool is_cut = go_on(offload), has_staged = offload->staged_count > 0;
        if (!flush(offload)) return false;
        if (is_cut || !has_staged) return is_cut;
    }
}

static void stage(struct net_offload *offload, struct packet *frame)
{
    uint8_t wanted = net_offload_for(frame->segmentation);
    if (wanted != 0 && !below_has(offload, wanted)) {
        bool partial = below_has(offload, NET_SENDS_CHECKSUMS);
        if (!net_cut_begin(&offload->cut, frame, offload->net.link, partial))
            offload->refused_count++;
        return;
    }
    if (frame->checksum == PACKET_CHECKSUM_PARTIAL && !below_has(offload, NET_SENDS_CHECKSUMS))
        checksum_complete(frame);
    offload->staged[offload->staged_count++] = frame;
}

static void count_sent(struct net_offload *offload, struct packet *const burst[], size_t count)
{
    offload->net.statistics.sent_frames += count;
    for (size_t i = 0; i < count; i++)
        offload->net.statistics.sent_bytes += packet_total_bytes(burst[i]);
}

/* What was lost below was lost. */
static void count_errors(struct net_offload *offload)
{
    const struct net_statistics *below = &offload->below->statistics;
    struct net_statistics *own = &offload->net.statistics;
    own->send_errors = below->send_errors + offload->refused_count;
    own->receive_errors = below->receive_errors;
    own->receive_no_buffer = below->receive_no_buffer;
}

static size_t net_offload_send(struct net *net, struct packet *burst[], size_t count)
{
    struct net_offload *offload = offload_of(net);
    size_t accepted = 0;
    if (!catch_up(offload)) return 0;
    while (accepted < count && go_on(offload)) {
        count_sent(offload, &burst[accepted], 1);
        stage(offload, burst[accepted++]);
    }
    (void)catch_up(offload);
    count_errors(offload);
    return accepted;
}

void net_offload_go_on(struct net_offload *offload)
{
    (void)catch_up(offload);
}

/* ---- receiving ---- */

static size_t net_offload_receive(struct net *net, struct packet *burst[], size_t count)
{
    struct net_offload *offload = offload_of(net);
    (void)catch_up(offload);
    size_t received = net_receive(offload->below, burst, count);
    if (received > 0 && !below_has(offload, NET_RECEIVES_SEGMENTS))
        received = net_coalesce_burst(&offload->coalesce, net->link, burst, received);
    count_errors(offload);
    net->statistics.received_frames += received;
    for (size_t i = 0; i < received; i++)
        net->statistics.received_bytes += packet_total_bytes(burst[i]);
    return received;
}

static void below_ready(struct net_user *user)
{
    struct net_offload *offload = CONTAINER_OF(user, struct net_offload, user);
    (void)catch_up(offload);
    offload->net.is_down = offload->below->is_down;
    offload->net.user->ready(offload->net.user);
}

/* ---- attaching ---- */

static void net_offload_attach(struct net *net)
{
    struct net_offload *offload = offload_of(net);
    net_attach(offload->below, &offload->user, net->pool);
    net->mac = offload->below->mac;
    net->mtu_bytes = offload->below->mtu_bytes;
    net->is_down = offload->below->is_down;
}

static void net_offload_detach(struct net *net)
{
    struct net_offload *offload = offload_of(net);
    net_cut_end(&offload->cut);
    for (size_t i = 0; i < offload->staged_count; i++)
        packet_drop(offload->staged[i]);
    offload->staged_count = 0;
    net_detach(offload->below);
}

static const struct net_ops net_offload_ops = NET_OPS(net_offload);

void net_offload_open(struct net_offload *offload, struct net *below)
{
    *offload = (struct net_offload){
        .net = { .ops = &net_offload_ops,
                 .mac = below->mac,
                 .link = below->link,
                 .offloads = ALL,
                 .mtu_bytes = below->mtu_bytes },
        .below = below,
        .user.ready = below_ready,
    };
}

void net_offload_close(struct net_offload *offload)
{
    assert(offload->net.user == NULL);
    assert(offload->staged_count == 0 && !net_cut_goes_on(&offload->cut));
}
