/* capture.c - frames from the guest's memory into a file.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "packet/checksum.h"
#include "target/clock.h"
#include "target/memory.h"
#include "tender/fail.h"
#include "tender/net_rings.h"
#include "tender/parts.h"

#define ROOM_BYTES  ((size_t)(256 * KIB))
#define BLOCK_BYTES (NET_FRAME_MAX + PCAPNG_AROUND_BYTES)
static_assert(ROOM_BYTES >= BLOCK_BYTES, "a frame fits when the room is empty");

static void stop(struct capture *capture)
{
    tender_say("the capture in %s ends here: %s", capture->path, strerror(errno));
    capture->is_open = false;
    (void)close(capture->descriptor);
}

void capture_flush(struct capture *capture)
{
    struct view left = span_view(span_first(capture->room, capture->used_bytes));
    capture->used_bytes = 0;
    while (capture->is_open && left.length_bytes > 0) {
        ssize_t written = write(capture->descriptor, left.bytes, left.length_bytes);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0)
            stop(capture);
        else
            left = view_from_offset(left, (size_t)written);
    }
}

/* Room for a block: what is there goes out before it would be too little. */
static struct span block_room(struct capture *capture)
{
    if (capture->used_bytes > ROOM_BYTES - BLOCK_BYTES) capture_flush(capture);
    return span_from_offset(capture->room, capture->used_bytes);
}

static void add(struct capture *capture, struct view block)
{
    capture->used_bytes += block.length_bytes;
}

/* In what is written down. The header has been checked: the field lies within the frame. */
static void complete(const struct virtio_net_header *header, struct span frame)
{
    struct checksum checksum = { 0 };
    size_t field = (size_t)header->checksum_start + header->checksum_offset;
    if ((header->flags & VIRTIO_NET_HDR_NEEDS_CSUM) == 0 || field + 2 > frame.length_bytes) return;
    checksum_add(&checksum, view_from_offset(span_view(frame), header->checksum_start));
    uint16_t sum = checksum_finish(&checksum);
    if (sum == 0) sum = UINT16_MAX;
    (void)span_copy(span_from_offset(frame, field), VIEW_OF(sum));
}

void capture_frame(struct capture *capture, const struct capture_frame *frame,
                   enum pcapng_direction direction)
{
    if (!capture->is_open) return;
    struct writer writer = pcapng_frame_begin(block_room(capture), clock_wall_ns(),
                                              frame->length_bytes, frame->length_bytes);
    struct span written = writer_take(&writer, frame->length_bytes);
    (void)parts_copy_out(frame->parts, frame->part_count, frame->offset_bytes, written);
    complete(&frame->header, written);
    add(capture, pcapng_frame_end(&writer, direction));
    capture->frames++;
}

void capture_open(struct capture *capture, const char *path, struct view name)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    *capture = (struct capture){ .path = path, .descriptor = open(path, flags, 0600) };
    if (capture->descriptor < 0) tender_fail("cannot capture to %s: %s", path, strerror(errno));
    if (memory_take(ROOM_BYTES, &capture->room) != OK)
        tender_fail("the host gives no memory for a capture");
    capture->is_open = true;
    add(capture, pcapng_section(capture->room));
    add(capture, pcapng_interface(block_room(capture), PCAPNG_ETHERNET, NET_FRAME_MAX, name));
    capture_flush(capture);
}
