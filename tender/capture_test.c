/* capture_test.c - frames written down, read as the pcapng draft has them (sections 3.1 and 4.3).
 *
 * SPDX-License-Identifier: ISC */
#include "tender/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/units.h"
#include "packet/checksum.h"
#include "tender/net_rings.h"
#include "test/test.h"

#define BLOCK_FRAME 6u

static struct capture capture;
static uint8_t file[4 * MIB], frame_room[NET_FRAME_MAX];
static char path[64];

static void open_capture(void)
{
    (void)span_copy(SPAN_OF(path), VIEW("/tmp/loom-capture-XXXXXX\0"));
    int descriptor = mkstemp(path);
    expect(descriptor >= 0 && close(descriptor) == 0);
    capture_open(&capture, path, VIEW("net0"));
}

/* What is in the file. */
static struct cursor read_file(void)
{
    FILE *from = fopen(path, "re");
    expect(from != NULL);
    size_t length_bytes = fread(file, 1, sizeof file, from);
    expect(length_bytes < sizeof file && fclose(from) == 0 && unlink(path) == 0);
    return cursor_over(view_first(VIEW_OF(file), length_bytes));
}

/* The next block's body; each says its length twice. */
static uint32_t next_block(struct cursor *blocks, struct cursor *body)
{
    uint32_t type = cursor_u32_le(blocks), length_bytes = cursor_u32_le(blocks);
    expect(length_bytes % 4 == 0 && length_bytes >= 12);
    *body = cursor_over(cursor_take(blocks, length_bytes - 12));
    expect_that(cursor_u32_le(blocks), ==, length_bytes);
    expect(!blocks->ran_short);
    return type;
}

static void skip_head(struct cursor *blocks)
{
    struct cursor body;
    expect_that(next_block(blocks, &body), ==, 0x0a0d0d0au);
    expect_that(cursor_u32_le(&body), ==, 0x1a2b3c4du);
    expect_that(next_block(blocks, &body), ==, 1);
    expect_that(cursor_u16_le(&body), ==, PCAPNG_ETHERNET);
}

static struct view next_frame(struct cursor *blocks, uint8_t *direction)
{
    struct cursor body;
    expect_that(next_block(blocks, &body), ==, BLOCK_FRAME);
    (void)cursor_take(&body, 12); /* interface, time */
    uint32_t kept_bytes = cursor_u32_le(&body);
    expect_that(cursor_u32_le(&body), ==, kept_bytes);
    struct view frame = cursor_take(&body, kept_bytes);
    (void)cursor_take(&body, -kept_bytes % 4);
    expect_that(cursor_u32_le(&body), ==, 0x00040002u); /* epb_flags, four bytes */
    *direction = cursor_u8(&body);
    expect(!body.ran_short);
    return frame;
}

static void fill(size_t number)
{
    for (size_t i = 0; i < sizeof frame_room; i++)
        frame_room[i] = (uint8_t)(i * 7 + number);
}

/* In two places, behind a header. */
static void add_frame(size_t length_bytes, const struct virtio_net_header *header,
                      enum pcapng_direction direction)
{
    static uint8_t before[NET_HEADER_BYTES + 10];
    struct view bytes = view_first(VIEW_OF(frame_room), length_bytes);
    (void)span_copy(span_from_offset(SPAN_OF(before), NET_HEADER_BYTES), view_first(bytes, 10));
    const struct iovec parts[] = { { .iov_base = before, .iov_len = sizeof before },
                                   { .iov_base = frame_room + 10, .iov_len = length_bytes - 10 } };
    capture_frame(&capture,
                  &(const struct capture_frame){ .parts = parts,
                                                 .part_count = 2,
                                                 .offset_bytes = NET_HEADER_BYTES,
                                                 .length_bytes = length_bytes,
                                                 .header = *header },
                  direction);
}

TEST(capture_writes_frames_whole_and_in_order)
{
    static const size_t lengths[] = { 14, 15, 60, 1514, NET_FRAME_MAX };
    static const struct virtio_net_header plain;
    uint8_t direction;
    open_capture();
    for (size_t i = 0; i < 20; i++) {
        fill(i);
        add_frame(lengths[i % LENGTH_OF(lengths)], &plain,
                  i % 2 == 0 ? PCAPNG_INBOUND : PCAPNG_OUTBOUND);
    }
    capture_flush(&capture);
    expect_that(capture.frames, ==, 20);
    struct cursor blocks = read_file();
    skip_head(&blocks);
    for (size_t i = 0; i < 20; i++) {
        struct view frame = next_frame(&blocks, &direction);
        fill(i);
        expect_view(frame, view_first(VIEW_OF(frame_room), lengths[i % LENGTH_OF(lengths)]));
        expect_that(direction, ==, i % 2 + 1);
    }
    expect_that(cursor_left(&blocks), ==, 0);
}

/* RFC 1071: summed with what the guest has left in the field, which is then replaced. */
TEST(capture_completes_a_checksum_that_the_guest_leaves)
{
    const struct virtio_net_header header = { .flags = VIRTIO_NET_HDR_NEEDS_CSUM,
                                              .checksum_start = 34,
                                              .checksum_offset = 16 };
    const struct virtio_net_header outside = { .flags = VIRTIO_NET_HDR_NEEDS_CSUM,
                                               .checksum_start = 65535,
                                               .checksum_offset = 65535 };
    struct checksum checksum = { 0 };
    uint8_t direction;
    open_capture();
    fill(3);
    add_frame(101, &header, PCAPNG_OUTBOUND);
    add_frame(101, &outside, PCAPNG_OUTBOUND);
    capture_flush(&capture);
    struct cursor blocks = read_file();
    skip_head(&blocks);
    struct view whole = next_frame(&blocks, &direction);
    struct view left = next_frame(&blocks, &direction);
    expect_view(left, view_first(VIEW_OF(frame_room), 101));
    checksum_add(&checksum, view_from_offset(left, 34));
    const uint16_t sum = checksum_finish(&checksum);
    expect_view(view_slice(whole, 50, 2), VIEW_OF(sum));
    expect_view(view_first(whole, 50), view_first(left, 50));
    expect_view(view_from_offset(whole, 52), view_from_offset(left, 52));
}

/* A full disk ends the capture, and nothing else. */
TEST(capture_ends_where_the_file_cannot_grow)
{
    static const struct virtio_net_header plain;
    capture_open(&capture, "/dev/full", VIEW("net0"));
    expect(!capture.is_open);
    add_frame(60, &plain, PCAPNG_INBOUND);
    capture_flush(&capture);
    expect_that(capture.frames, ==, 0);
}
