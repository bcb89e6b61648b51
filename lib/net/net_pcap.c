/* net_pcap.c - a net that writes down what passes through another one. A block is put together in
 * one piece, so that a sink can take it or leave it whole.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_pcap.h"

#include "base/units.h"
#include "base/writer.h"
#include "net/net_check.h"
#include "net/pcapng.h"
#include "packet/checksum.h"
#include "target/clock.h"
#include "target/memory.h"

/* Where a frame's first buffer stood before the net below had it in hand. */
struct stood {
    uint16_t offset, length_bytes;
};

static struct net_pcap *pcap_of(struct net *net)
{
    return CONTAINER_OF(net, struct net_pcap, net);
}

static void write_head(struct net_pcap *pcap, struct view name)
{
    enum pcapng_link link = pcap->net.link == NET_ETHERNET ? PCAPNG_ETHERNET : PCAPNG_RAW;
    pcap->sink->write(pcap->sink, pcapng_section(pcap->block));
    pcap->sink->write(pcap->sink, pcapng_interface(pcap->block, link, pcap->snap_bytes, name));
}

/* ---- frames ---- */

static void put_part(struct writer *writer, struct view part, size_t *left_bytes)
{
    struct view taken = view_first(part, MIN(part.length_bytes, *left_bytes));
    writer_put(writer, taken);
    *left_bytes -= taken.length_bytes;
}

static void put_frame(struct writer *writer, const struct packet *frame, struct stood stood,
                      size_t left_bytes)
{
    struct view first = view_slice(VIEW_OF(frame->room), stood.offset, stood.length_bytes);
    for (const struct packet *packet = frame; packet != NULL; packet = packet->rest) {
        put_part(writer, packet == frame ? first : packet_view(packet), &left_bytes);
        for (size_t i = 0; i < packet->fragment_count; i++)
            put_part(writer, packet_fragment(packet, i)->bytes, &left_bytes);
    }
}

/* In what is written, not in the frame; the field may lie behind what is kept. */
static void complete(const struct packet *frame, struct stood stood, struct span written)
{
    struct checksum checksum = { 0 };
    size_t field = (size_t)frame->checksum_offset - stood.offset;
    if (frame->checksum != PACKET_CHECKSUM_PARTIAL || field + 2 > written.length_bytes) return;
    checksum_add_packet(&checksum, frame, (size_t)frame->checksum_start - frame->offset);
    uint16_t sum = checksum_finish(&checksum);
    if (sum == 0) sum = UINT16_MAX;
    (void)span_copy(span_from_offset(written, field), VIEW_OF(sum));
}

static void write_frame(struct net_pcap *pcap, const struct packet *frame, struct stood stood,
                        uint64_t time_ns, enum pcapng_direction direction)
{
    size_t total_bytes = packet_total_bytes(frame) - frame->length_bytes + stood.length_bytes;
    size_t kept_bytes = MIN(total_bytes, pcap->snap_bytes);
    struct writer writer = pcapng_frame_begin(pcap->block, time_ns, kept_bytes, total_bytes);
    size_t start = writer.length_bytes;
    put_frame(&writer, frame, stood, kept_bytes);
    if (pcap->completes_checksums)
        complete(frame, stood, span_first(span_from_offset(pcap->block, start), kept_bytes));
    pcap->sink->write(pcap->sink, pcapng_frame_end(&writer, direction));
    pcap->frames++;
}

/* ---- the net ---- */

/* Only what the net below accepts has passed, and that is its own from then on: so each frame is
 * held until it is written down. */
static size_t net_pcap_send(struct net *net, struct packet *burst[], size_t count)
{
    struct net_pcap *pcap = pcap_of(net);
    struct stood stood[NET_BURST_MAX];
    struct packet *frames[NET_BURST_MAX];
    uint64_t time_ns = clock_wall_ns();
    for (size_t i = 0; i < count; i++) {
        frames[i] = burst[i];
        payload_hold(&burst[i]->payload);
        stood[i] = (struct stood){ burst[i]->offset, burst[i]->length_bytes };
    }
    size_t accepted = net_send(pcap->below, burst, count);
    for (size_t i = 0; i < count; i++) {
        if (i < accepted) write_frame(pcap, frames[i], stood[i], time_ns, PCAPNG_OUTBOUND);
        packet_drop(frames[i]);
    }
    net->statistics = pcap->below->statistics;
    return accepted;
}

static size_t net_pcap_receive(struct net *net, struct packet *burst[], size_t count)
{
    struct net_pcap *pcap = pcap_of(net);
    size_t received = net_receive(pcap->below, burst, count);
    uint64_t time_ns = received > 0 ? clock_wall_ns() : 0;
    for (size_t i = 0; i < received; i++) {
        struct stood stood = { burst[i]->offset, burst[i]->length_bytes };
        write_frame(pcap, burst[i], stood, time_ns, PCAPNG_INBOUND);
    }
    net->statistics = pcap->below->statistics;
    return received;
}

static void below_ready(struct net_user *user)
{
    struct net_pcap *pcap = CONTAINER_OF(user, struct net_pcap, user);
    pcap->net.is_down = pcap->below->is_down;
    pcap->net.user->ready(pcap->net.user);
}

static void net_pcap_attach(struct net *net)
{
    struct net_pcap *pcap = pcap_of(net);
    net_attach(pcap->below, &pcap->user, net->pool);
    net->mac = pcap->below->mac;
    net->mtu_bytes = pcap->below->mtu_bytes;
    net->is_down = pcap->below->is_down;
}

static void net_pcap_detach(struct net *net)
{
    net_detach(pcap_of(net)->below);
}

static const struct net_ops net_pcap_ops = NET_OPS(net_pcap);

enum result net_pcap_open(struct net_pcap *pcap, struct net *below, struct net_pcap_sink *sink,
                          const struct net_pcap_options *options)
{
    uint32_t snap_bytes = options->snap_bytes;
    if (snap_bytes == 0 || snap_bytes > PACKET_TOTAL_MAX) snap_bytes = PACKET_TOTAL_MAX;
    assert_that(options->name.length_bytes, <=, PCAPNG_NAME_BYTES_MAX);
    *pcap = (struct net_pcap){
        .net = { .ops = &net_pcap_ops,
                 .mac = below->mac,
                 .link = below->link,
                 .offloads = below->offloads,
                 .mtu_bytes = below->mtu_bytes },
        .below = below,
        .user.ready = below_ready,
        .sink = sink,
        .snap_bytes = snap_bytes,
        .completes_checksums = options->completes_checksums,
    };
    enum result result = memory_take(snap_bytes + PCAPNG_AROUND_BYTES, &pcap->block);
    if (result != OK) return result;
    write_head(pcap, options->name);
    return OK;
}

void net_pcap_close(struct net_pcap *pcap)
{
    assert(pcap->net.user == NULL);
    memory_give_back(pcap->block);
}
