/* net_guest_test.h - for the tests of nets: a guest with a receive and a transmit queue, and frames
 * in known bytes.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_NET_GUEST_TEST_H
#define LOOM_TENDER_NET_GUEST_TEST_H

#include "tender/guest_test.h"
#include "tender/net_rings.h"

#define NET_QUEUE_SIZE  256u
#define NET_BUFFER      2048u
#define NET_SEND_AT     0x10000u /* frames to be sent, 68 KiB each */
#define NET_SEND_STEP   0x11000u
#define NET_SEND_PLACES 4u
#define NET_POST_AT     0x60000u /* buffers posted, NET_BUFFER each */
#define NET_POST_PLACES 256u

static struct machine_device shared;
static struct guest_queue receiving, transmitting;
static size_t sent_places, posted_places;

static const uint8_t test_mac[6] = { 2, 0, 0, 0, 0, 1 };

/* What the guest says when it is ready: features of those offered. */
static inline struct machine_device net_guest_says(uint64_t features, uint32_t size)
{
    guest_queue_place(&receiving, 0, size);
    guest_queue_place(&transmitting, 1, size);
    sent_places = posted_places = 0;
    struct machine_device said = shared;
    said.accepted = shared.offered & features;
    said.queues[0] = receiving.said;
    said.queues[1] = transmitting.said;
    said.status = MACHINE_DEVICE_READY;
    return said;
}

static inline void net_guest_start(struct device *device, uint64_t features, uint32_t size)
{
    const struct machine_device said = net_guest_says(features, size);
    device->is_ready = device->ops->start(device, &guest_memory, &said);
    expect(device->is_ready && !device->is_broken);
}

static inline bool net_guest_serve(struct device *device)
{
    bool has_news = device->ops->serve(device, &guest_memory);
    expect(!device->is_broken);
    return has_news;
}

/* ---- frames ---- */

static inline uint8_t net_frame_byte(size_t index, size_t number)
{
    return (uint8_t)(index * 7 + index / 256 + number * 31);
}

static inline struct view net_frame_fill(struct span room, size_t number)
{
    for (size_t i = 0; i < room.length_bytes; i++)
        room.bytes[i] = net_frame_byte(i, number);
    return span_view(room);
}

static inline void net_frame_expect(struct view frame, size_t length_bytes, size_t number)
{
    expect_that(frame.length_bytes, ==, length_bytes);
    for (size_t i = 0; i < length_bytes; i++)
        expect_that(frame.bytes[i], ==, net_frame_byte(i, number));
}

/* ---- to be sent ---- */

/* Of a frame of TCP over IPv4, without options, to be cut into segments of so many bytes. */
static inline struct virtio_net_header net_guest_segments(uint16_t segment_bytes)
{
    return (struct virtio_net_header){ .flags = VIRTIO_NET_HDR_NEEDS_CSUM,
                                       .gso_type = VIRTIO_NET_GSO_TCPV4,
                                       .header_bytes = 54,
                                       .segment_bytes = segment_bytes,
                                       .checksum_start = 34,
                                       .checksum_offset = 16 };
}

/* A frame with its header in a part of its own, the rest in parts of at most `part_bytes`. */
static inline void net_guest_send(const struct virtio_net_header *header, size_t frame_bytes,
                                  size_t number, uint32_t part_bytes)
{
    static struct guest_buffer parts[QUEUE_PARTS_MAX];
    uint64_t at = NET_SEND_AT + NET_SEND_STEP * (sent_places++ % NET_SEND_PLACES);
    size_t count = 1;
    *(struct virtio_net_header *)guest_at(at) = *header;
    parts[0] = (struct guest_buffer){ at, sizeof *header, false };
    at += sizeof *header;
    (void)net_frame_fill(span_from(guest_at(at), frame_bytes), number);
    while (frame_bytes > 0) {
        uint32_t bytes = (uint32_t)MIN(frame_bytes, part_bytes);
        parts[count++] = (struct guest_buffer){ at, bytes, false };
        at += bytes;
        frame_bytes -= bytes;
    }
    (void)guest_queue_add(&transmitting, parts, count);
}

static inline size_t net_guest_count_sent(void)
{
    struct virtq_used_element element;
    size_t count = 0;
    while (guest_queue_look(&transmitting, &element)) {
        expect_that(element.length_bytes, ==, 0);
        count++;
    }
    return count;
}

/* ---- received ---- */

static inline void net_guest_post(size_t count)
{
    for (; count > 0; count--) {
        struct guest_buffer buffer = {
            NET_POST_AT + NET_BUFFER * (posted_places++ % NET_POST_PLACES), NET_BUFFER, true
        };
        (void)guest_queue_add(&receiving, &buffer, 1);
    }
}

/* Puts the next frame together as 5.1.6.4 has it; false: there is none. */
static inline bool net_guest_receive(struct virtio_net_header *header, struct span room,
                                     struct view *frame)
{
    static uint8_t whole[NET_HEADER_FRAME_MAX];
    struct virtq_used_element element;
    struct span left = SPAN_OF(whole);
    size_t wanted_count = 1;
    if (receiving.looked == receiving.used->index) return false;
    for (size_t i = 0; i < wanted_count; i++) {
        expect(guest_queue_look(&receiving, &element)); /* all of a frame at once */
        const struct virtq_desc *descriptor = &receiving.descriptors[element.head];
        expect_that(element.length_bytes, <=, descriptor->length_bytes);
        left = span_copy(left, view_from(guest_at(descriptor->address), element.length_bytes));
        if (i > 0) continue;
        (void)span_copy(SPAN_OF(*header), view_first(VIEW_OF(whole), sizeof *header));
        wanted_count = header->buffer_count;
        expect(wanted_count > 0);
    }
    size_t frame_bytes = sizeof whole - left.length_bytes - sizeof *header;
    (void)span_copy(room, view_slice(VIEW_OF(whole), sizeof *header, frame_bytes));
    *frame = view_first(span_view(room), frame_bytes);
    return true;
}

#endif
