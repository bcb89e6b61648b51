/* embed_net.c - the net between the core and the host's callbacks.
 *
 * What comes is copied once, into packets of the stack's own pool, so that the host's buffer is the
 * host's again at once. What goes is shown to the host where it lies.
 *
 * SPDX-License-Identifier: ISC */
#include "base/cursor.h"
#include "embed/embed.h"
#include "net/net_check.h"

#define CHECKSUM_BYTES 2

enum offloads { OFFLOADS_NONE, OFFLOADS_CHECKSUMS, OFFLOADS_SEGMENTS };

static const char *const link_names[] = { "ethernet", "ip", NULL };
static const char *const offload_names[] = { "none", "checksums", "segments", NULL };

static enum result parse_mac(struct view text, struct span value)
{
    struct mac mac = { 0 };
    if (!view_equal(text, VIEW("random"))) {
        for (size_t i = 0; i < sizeof mac.bytes; i++) {
            uint64_t byte;
            struct view digits = view_cut(text, ':', &text);
            if (digits.length_bytes != 2 || !view_hex_to_u64(digits, &byte)) return INVALID;
            mac.bytes[i] = (uint8_t)byte;
        }
        if (!view_is_empty(text) || mac_is_to_many(&mac) || mac_is_zero(&mac)) return INVALID;
    }
    (void)span_copy(value, VIEW_OF(mac));
    return OK;
}

const struct parameter embed_parameters[] = {
    PARAMETER_CHOICE(struct embed_parameters, link, "link", "ethernet", link_names,
                     "what the host's frames are"),
    PARAMETER_NUMBER(struct embed_parameters, mtu_bytes, "mtu", "1500", 576, 65521,
                     "longest IP datagram in a frame"),
    PARAMETER_PARSED(struct embed_parameters, mac, struct mac, "mac", "random",
                     "six bytes such as 02:00:00:00:00:01, or random", parse_mac,
                     "address on an Ethernet"),
    PARAMETER_CHOICE(struct embed_parameters, offloads, "offloads", "none", offload_names,
                     "what the host does: complete checksums, and also cut segments"),
    PARAMETER_NUMBER(struct embed_parameters, input_frames, "input-frames", "1024", 1, 1048576,
                     "frames that wait for the next step; further ones are lost"),
    PARAMETER_END,
};

/* ---- sending ---- */

static uint8_t family_of(uint8_t segmentation)
{
    switch (segmentation) {
    case PACKET_SEGMENT_TCP_IPV4: return LOOM_IPV4;
    case PACKET_SEGMENT_TCP_IPV6: return LOOM_IPV6;
    default: return LOOM_ANY;
    }
}

static struct loom_frame describe(struct embed_net *net, const struct packet *packet, size_t count)
{
    for (size_t i = 0; i < count; i++)
        net->parts[i] = (struct loom_part){ net->views[i].bytes, net->views[i].length_bytes };
    struct loom_frame frame = { .parts = net->parts,
                                .part_count = count,
                                .length_bytes = packet_total_bytes(packet) };
    if (packet->checksum != PACKET_CHECKSUM_PARTIAL) return frame;
    frame.checksum = LOOM_CHECKSUM_PARTIAL;
    frame.checksum_start = (uint16_t)(packet->checksum_start - packet->offset);
    frame.checksum_offset = (uint16_t)(packet->checksum_offset - packet->offset);
    frame.segments_family = family_of(packet->segmentation);
    frame.segment_bytes = packet->segment_bytes;
    return frame;
}

static size_t embed_net_send(struct net *base, struct packet *burst[], size_t count)
{
    struct embed_net *net = CONTAINER_OF(base, struct embed_net, net);
    size_t accepted = 0;
    for (; accepted < count; accepted++) {
        struct packet *packet = burst[accepted];
        net_check_send(base, packet);
        size_t parts = packet_gather(packet, net->views, EMBED_PARTS_MAX);
        struct loom_frame frame = describe(net, packet, parts);
        if (parts == 0) {
            base->statistics.send_errors++;
        } else {
            if (!net->host->send(net->host, &frame)) break;
            base->statistics.sent_frames++;
            base->statistics.sent_bytes += frame.length_bytes;
        }
        packet_drop(packet);
    }
    return accepted;
}

/* ---- receiving ---- */

static size_t embed_net_receive(struct net *base, struct packet *burst[], size_t count)
{
    struct embed_net *net = CONTAINER_OF(base, struct embed_net, net);
    size_t received = 0;
    for (; received < count; received++) {
        struct packet *packet = net_queue_take(&net->received);
        if (packet == NULL) break;
        base->statistics.received_frames++;
        base->statistics.received_bytes += packet_total_bytes(packet);
        burst[received] = packet;
    }
    return received;
}

/* The frame's bytes, part after part. */
struct reader {
    const struct loom_frame *frame;
    size_t part, offset_bytes, left_bytes;
};

static void fill(struct reader *reader, struct span room)
{
    while (room.length_bytes > 0) {
        const struct loom_part *part = &reader->frame->parts[reader->part];
        struct view rest = view_from_offset(view_from(part->bytes, part->length_bytes),
                                            reader->offset_bytes);
        struct view now = view_first(rest, MIN(rest.length_bytes, room.length_bytes));
        room = span_copy(room, now);
        reader->offset_bytes += now.length_bytes;
        reader->left_bytes -= now.length_bytes;
        if (now.length_bytes == rest.length_bytes) {
            reader->part++;
            reader->offset_bytes = 0;
        }
    }
}

/* In as many buffers as it takes. NULL: there are not so many. */
static struct packet *copy_in(struct embed_net *net, const struct loom_frame *frame)
{
    struct reader reader = { .frame = frame, .left_bytes = frame->length_bytes };
    struct packet *first = NULL, **place = &first;
    do {
        struct packet *packet = packet_take(net->net.pool, PACKET_FOR_RECEIVE);
        if (packet == NULL) {
            if (first != NULL) packet_drop(first);
            return NULL;
        }
        *place = packet;
        place = &packet->rest;
        fill(&reader, packet_put(packet, MIN(reader.left_bytes, packet_room_behind(packet))));
    } while (reader.left_bytes > 0);
    return first;
}

/* The sum's field must be in the first buffer, behind its start. */
static bool mark_checksum(const struct loom_frame *frame, struct packet *packet)
{
    if (frame->checksum == LOOM_CHECKSUM_GOOD) packet->checksum = PACKET_CHECKSUM_GOOD;
    if (frame->checksum != LOOM_CHECKSUM_PARTIAL) return frame->checksum <= LOOM_CHECKSUM_GOOD;
    if (frame->checksum_offset < frame->checksum_start ||
        (size_t)frame->checksum_offset + CHECKSUM_BYTES > packet->length_bytes)
        return false;
    packet->checksum = PACKET_CHECKSUM_PARTIAL;
    packet->checksum_start = (uint16_t)(packet->offset + frame->checksum_start);
    packet->checksum_offset = (uint16_t)(packet->offset + frame->checksum_offset);
    return true;
}

#define TCP_OFFSET_AT 12 /* the byte whose upper half counts the header's words */

static bool mark_segments(const struct loom_frame *frame, struct packet *packet)
{
    if (frame->segments_family == LOOM_ANY) return true;
    if (packet->checksum != PACKET_CHECKSUM_PARTIAL || frame->segment_bytes == 0) return false;
    if (frame->segments_family > LOOM_IPV6) return false;
    if ((size_t)frame->checksum_start + TCP_OFFSET_AT >= packet->length_bytes) return false;
    uint8_t words = view_byte(packet_view(packet), frame->checksum_start + TCP_OFFSET_AT) >> 4;
    size_t headers_bytes = (size_t)frame->checksum_start + (size_t)words * 4;
    if (headers_bytes > packet->length_bytes) return false;
    size_t payload_bytes = frame->length_bytes - headers_bytes;
    size_t segments = (payload_bytes + frame->segment_bytes - 1) / frame->segment_bytes;
    packet->segmentation = frame->segments_family == LOOM_IPV4 ? PACKET_SEGMENT_TCP_IPV4
                                                               : PACKET_SEGMENT_TCP_IPV6;
    packet->segment_bytes = frame->segment_bytes;
    packet->segment_count = (uint16_t)MAX(segments, (size_t)1);
    return true;
}

/* Marks are of offloads that the host has. */
static bool may_be_marked(const struct embed_net *net, const struct loom_frame *frame)
{
    bool sums = (net->net.offloads & NET_RECEIVES_CHECKSUMS) != 0;
    bool segments = (net->net.offloads & NET_RECEIVES_SEGMENTS) != 0;
    return (frame->checksum == LOOM_CHECKSUM_IN_FRAME || sums) &&
           (frame->segments_family == LOOM_ANY || segments);
}

static bool parts_add_up(const struct loom_frame *frame)
{
    size_t total_bytes = 0;
    for (size_t i = 0; i < frame->part_count; i++) {
        if (frame->parts[i].length_bytes > PACKET_TOTAL_MAX) return false;
        total_bytes += frame->parts[i].length_bytes;
    }
    return total_bytes == frame->length_bytes;
}

static enum loom_result take(struct embed_net *net, const struct loom_frame *frame)
{
    if (frame->length_bytes > PACKET_TOTAL_MAX) return LOOM_TOO_LARGE;
    if (frame->length_bytes == 0 || !parts_add_up(frame)) return LOOM_INVALID;
    if (!may_be_marked(net, frame)) return LOOM_INVALID;
    if (net->received.count == net->received_max) return LOOM_FULL;
    struct packet *packet = copy_in(net, frame);
    if (packet == NULL) return LOOM_FULL;
    if (!mark_checksum(frame, packet) || !mark_segments(frame, packet)) {
        packet_drop(packet);
        return LOOM_INVALID;
    }
    net_queue_put(&net->received, packet);
    return LOOM_OK;
}

enum loom_result embed_net_input(struct embed_net *net, const struct loom_frame *frame)
{
    enum loom_result result = take(net, frame);
    if (result != LOOM_OK) net->dropped_count++;
    if (result == LOOM_FULL) net->net.statistics.receive_no_buffer++;
    return result;
}

/* ---- opening ---- */

static void embed_net_attach(struct net *base)
{
    (void)base;
}

static void embed_net_detach(struct net *base)
{
    net_queue_drop_all(&CONTAINER_OF(base, struct embed_net, net)->received);
}

static const struct net_ops embed_net_ops = NET_OPS(embed_net);

static uint8_t offloads_for(uint32_t choice)
{
    uint8_t checksums = NET_SENDS_CHECKSUMS | NET_RECEIVES_CHECKSUMS;
    uint8_t segments = NET_SENDS_SEGMENTS_IPV4 | NET_SENDS_SEGMENTS_IPV6 | NET_RECEIVES_SEGMENTS;
    switch (choice) {
    case OFFLOADS_CHECKSUMS: return checksums;
    case OFFLOADS_SEGMENTS: return checksums | segments;
    default: return 0;
    }
}

/* Locally administered, and no group's (IEEE 802 8.4). */
static struct mac draw_mac(struct loom_host *host)
{
    struct mac mac;
    host->entropy(host, mac.bytes, sizeof mac.bytes);
    mac.bytes[0] = (uint8_t)((mac.bytes[0] & ~1u) | 2u);
    return mac;
}

void embed_net_open(struct embed_net *net, struct loom_host *host,
                    const struct embed_parameters *parameters)
{
    *net = (struct embed_net){
        .net = { .ops = &embed_net_ops,
                 .mac = parameters->mac,
                 .link = (uint8_t)parameters->link,
                 .offloads = offloads_for(parameters->offloads),
                 .mtu_bytes = (uint16_t)parameters->mtu_bytes },
        .host = host,
        .received_max = parameters->input_frames,
    };
    if (net->net.link == NET_ETHERNET && mac_is_zero(&net->net.mac)) net->net.mac = draw_mac(host);
}

void loom_frame_copy(const struct loom_frame *frame, void *room, size_t room_bytes)
{
    struct span rest = span_from(room, room_bytes);
    for (size_t i = 0; i < frame->part_count; i++)
        rest = span_copy(rest, view_from(frame->parts[i].bytes, frame->parts[i].length_bytes));
}
