/* net_pcap.c - a net that writes down what passes through another one.
 *
 * A block is put together in one piece, so that a sink can take it or leave it whole:
 *
 *     type | length | ... | frame, padded to 4 | options | length
 *
 * Numbers are in the machine's order, as the section's head says (pcapng 4.1).
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_pcap.h"

#include "base/units.h"
#include "base/writer.h"
#include "net/net_check.h"
#include "packet/checksum.h"
#include "target/clock.h"
#include "target/memory.h"

#define BLOCK_SECTION   0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET    6u
#define BYTE_ORDER      0x1a2b3c4du
#define OPTION_END      0
#define OPTION_PROGRAM  4 /* shb_userappl */
#define OPTION_NAME     2 /* if_name */
#define OPTION_UNIT     9 /* if_tsresol */
#define OPTION_FLAGS    2 /* epb_flags */
#define LINK_ETHERNET   1
#define LINK_RAW        101
#define INBOUND         1u
#define OUTBOUND        2u

#define NAME_BYTES_MAX 64
#define AROUND_BYTES   128 /* of a block without its frame */

/* Where a frame's first buffer stood before the net below had it in hand. */
struct stood {
    uint16_t offset, length_bytes;
};

static struct net_pcap *pcap_of(struct net *net)
{
    return CONTAINER_OF(net, struct net_pcap, net);
}

/* ---- blocks ---- */

static struct writer block_begin(struct net_pcap *pcap, uint32_t type)
{
    struct writer writer = writer_over(pcap->block);
    writer_put_u32_le(&writer, type);
    writer_put_u32_le(&writer, 0);
    return writer;
}

static void block_end(struct net_pcap *pcap, struct writer *writer)
{
    uint32_t length_bytes = (uint32_t)writer->length_bytes + 4;
    writer_put_u32_le(writer, length_bytes);
    assert(!writer->ran_short);
    (void)span_copy(span_from_offset(pcap->block, 4), VIEW_OF(length_bytes));
    pcap->sink->write(pcap->sink, writer_view(writer));
}

static void pad(struct writer *writer)
{
    while (writer->length_bytes % 4 != 0)
        writer_put_u8(writer, 0);
}

static void put_option(struct writer *writer, uint16_t code, struct view value)
{
    writer_put_u16_le(writer, code);
    writer_put_u16_le(writer, (uint16_t)value.length_bytes);
    writer_put(writer, value);
    pad(writer);
}

static void write_section(struct net_pcap *pcap)
{
    struct writer writer = block_begin(pcap, BLOCK_SECTION);
    writer_put_u32_le(&writer, BYTE_ORDER);
    writer_put_u16_le(&writer, 1);
    writer_put_u16_le(&writer, 0);
    writer_put_u64_le(&writer, UINT64_MAX); /* its length is not known */
    put_option(&writer, OPTION_PROGRAM, VIEW("Loom"));
    put_option(&writer, OPTION_END, VIEW(""));
    block_end(pcap, &writer);
}

static void write_interface(struct net_pcap *pcap, struct view name)
{
    const uint8_t nanoseconds = 9;
    struct writer writer = block_begin(pcap, BLOCK_INTERFACE);
    writer_put_u16_le(&writer, pcap->net.link == NET_ETHERNET ? LINK_ETHERNET : LINK_RAW);
    writer_put_u16_le(&writer, 0);
    writer_put_u32_le(&writer, pcap->snap_bytes);
    if (!view_is_empty(name)) put_option(&writer, OPTION_NAME, name);
    put_option(&writer, OPTION_UNIT, VIEW_OF(nanoseconds));
    put_option(&writer, OPTION_END, VIEW(""));
    block_end(pcap, &writer);
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
                        uint64_t time_ns, uint32_t direction)
{
    size_t total_bytes = packet_total_bytes(frame) - frame->length_bytes + stood.length_bytes;
    size_t kept_bytes = MIN(total_bytes, pcap->snap_bytes);
    struct writer writer = block_begin(pcap, BLOCK_PACKET);
    writer_put_u32_le(&writer, 0); /* of the only interface */
    writer_put_u32_le(&writer, (uint32_t)(time_ns >> 32));
    writer_put_u32_le(&writer, (uint32_t)time_ns);
    writer_put_u32_le(&writer, (uint32_t)kept_bytes);
    writer_put_u32_le(&writer, (uint32_t)total_bytes);
    size_t start = writer.length_bytes;
    put_frame(&writer, frame, stood, kept_bytes);
    if (pcap->completes_checksums)
        complete(frame, stood, span_first(span_from_offset(pcap->block, start), kept_bytes));
    pad(&writer);
    put_option(&writer, OPTION_FLAGS, VIEW_OF(direction));
    put_option(&writer, OPTION_END, VIEW(""));
    block_end(pcap, &writer);
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
        if (i < accepted) write_frame(pcap, frames[i], stood[i], time_ns, OUTBOUND);
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
        write_frame(pcap, burst[i], stood, time_ns, INBOUND);
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
    assert_that(options->name.length_bytes, <=, NAME_BYTES_MAX);
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
    enum result result = memory_take(snap_bytes + AROUND_BYTES, &pcap->block);
    if (result != OK) return result;
    write_section(pcap);
    write_interface(pcap, options->name);
    return OK;
}

void net_pcap_close(struct net_pcap *pcap)
{
    assert(pcap->net.user == NULL);
    memory_give_back(pcap->block);
}
