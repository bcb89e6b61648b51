/* net_frames.h - TCP segments in frames, for the tests of what cuts them and puts them together.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_FRAMES_H
#define LOOM_NET_FRAMES_H

#include "base/writer.h"
#include "net/net_segment.h"

/* What a test may want of a segment; zeroed it is one of no bytes and no flags. */
struct net_frame {
    uint32_t sequence, acknowledgement;
    uint16_t window, id, fragment;
    uint8_t connection; /* tells addresses and ports apart */
    uint8_t flags, class, hop_limit;
    bool is_ipv6, wrong_checksum;
    uint32_t timestamp;     /* 0: no options; otherwise RFC 7323 3.2's, behind two NOPs */
    uint32_t payload_bytes; /* of a stream that net_frame_byte gives */
    uint32_t padding_bytes; /* behind the datagram */
};

static inline uint8_t net_frame_byte(uint32_t sequence)
{
    return (uint8_t)(sequence * 5 + (sequence >> 8) * 29 + (sequence >> 16));
}

static inline size_t net_frame_head_bytes(const struct net_frame *frame)
{
    return 14 + (frame->is_ipv6 ? 40u : 20u) + 20 + (frame->timestamp != 0 ? 12u : 0u);
}

static inline void net_frame_put_ip(struct writer *writer, const struct net_frame *frame,
                                    size_t tcp_bytes)
{
    if (frame->is_ipv6) {
        writer_put_u32_be(writer, 6u << 28 | (uint32_t)frame->class << 20);
        writer_put_u16_be(writer, (uint16_t)tcp_bytes);
        writer_put_u8(writer, 6);
        writer_put_u8(writer, frame->hop_limit);
        for (unsigned i = 0; i < 2; i++) {
            writer_put_u64_be(writer, 0x20010db800000000u);
            writer_put_u64_be(writer, frame->connection + i);
        }
        return;
    }
    writer_put_u8(writer, 0x45);
    writer_put_u8(writer, frame->class);
    writer_put_u16_be(writer, (uint16_t)(20 + tcp_bytes));
    writer_put_u16_be(writer, frame->id);
    writer_put_u16_be(writer, frame->fragment);
    writer_put_u8(writer, frame->hop_limit);
    writer_put_u8(writer, 6);
    writer_put_u16_be(writer, 0);
    writer_put_u32_be(writer, 0xc0000200u + frame->connection);
    writer_put_u32_be(writer, 0xc6336401u);
}

static inline void net_frame_put_tcp(struct writer *writer, const struct net_frame *frame)
{
    writer_put_u16_be(writer, (uint16_t)(5000 + frame->connection));
    writer_put_u16_be(writer, 80);
    writer_put_u32_be(writer, frame->sequence);
    writer_put_u32_be(writer, frame->acknowledgement);
    writer_put_u8(writer, frame->timestamp != 0 ? 8 << 4 : 5 << 4);
    writer_put_u8(writer, frame->flags);
    writer_put_u16_be(writer, frame->window);
    writer_put_u32_be(writer, 0);
    if (frame->timestamp == 0) return;
    writer_put_u32_be(writer, 0x0101080a);
    writer_put_u32_be(writer, frame->timestamp);
    writer_put_u32_be(writer, 99);
}

/* Writes the whole frame, with its checksums. */
static inline struct view net_frame_write(const struct net_frame *frame, struct span room)
{
    struct writer writer = writer_over(room);
    size_t tcp_bytes = net_frame_head_bytes(frame) - 14 - (frame->is_ipv6 ? 40 : 20) +
                       frame->payload_bytes;
    struct net_segment segment = { .ip_offset = 14,
                                   .tcp_offset = frame->is_ipv6 ? 54 : 34,
                                   .is_ipv6 = frame->is_ipv6 };
    writer_put_u64_be(&writer, 0x0200000000010200u);
    writer_put_u32_be(&writer, 0x00000002u);
    writer_put_u16_be(&writer, frame->is_ipv6 ? 0x86dd : 0x0800);
    net_frame_put_ip(&writer, frame, tcp_bytes);
    net_frame_put_tcp(&writer, frame);
    for (uint32_t i = 0; i < frame->payload_bytes; i++)
        writer_put_u8(&writer, net_frame_byte(frame->sequence + i));
    assert(!writer.ran_short);
    struct view written = writer_view(&writer);
    struct checksum sum = net_segment_pseudo_header(written, &segment, tcp_bytes);
    checksum_add(&sum, view_from_offset(written, segment.tcp_offset));
    uint16_t field = checksum_finish(&sum);
    if (frame->wrong_checksum) field ^= 0x100;
    (void)span_copy(span_from_offset(room, segment.tcp_offset + 16u), VIEW_OF(field));
    net_segment_set_length(span_first(room, written.length_bytes), &segment,
                           written.length_bytes - 14);
    for (uint32_t i = 0; i < frame->padding_bytes; i++)
        writer_put_u8(&writer, 0xee);
    return writer_view(&writer);
}

/* In buffers of the pool. */
static inline struct packet *net_frame_packet(const struct net_frame *frame,
                                              struct packet_pool *pool, struct span scratch)
{
    struct view left = net_frame_write(frame, scratch);
    struct packet *packet = packet_take(pool, PACKET_FOR_CONTROL), *last = packet;
    for (;;) {
        assert(last != NULL);
        size_t part_bytes = packet_room_behind(last) < left.length_bytes ? packet_room_behind(last)
                                                                         : left.length_bytes;
        (void)span_copy(packet_put(last, part_bytes), view_first(left, part_bytes));
        left = view_from_offset(left, part_bytes);
        if (left.length_bytes == 0) return packet;
        last = last->rest = packet_take(pool, PACKET_FOR_CONTROL);
    }
}

#endif
