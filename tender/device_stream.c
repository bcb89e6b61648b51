/* device_stream.c - frames between a stream and a guest's memory.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/device_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/units.h"
#include "tender/net_config.h"
#include "tender/parts.h"

/* How often the stream is read while it is served once. */
#define READS_MAX 4

static struct device_stream *stream_of(struct device *device)
{
    return CONTAINER_OF(device, struct device_stream, device);
}

static void stream_gone(struct device_stream *stream, const char *why)
{
    if (stream->is_gone) return;
    stream->is_gone = true;
    stream->rest_bytes = 0;
    stream->taken_bytes = stream->read_bytes = 0;
    net_config_set_link(stream->device.shared, false);
    device_warn(&stream->device, "its other side has gone (%s): nothing comes or goes any more",
                why);
}

/* ---- to the guest ---- */

static struct view unread(const struct device_stream *stream)
{
    return view_slice(VIEW_OF(stream->memory), stream->taken_bytes,
                      stream->read_bytes - stream->taken_bytes);
}

/* The whole frame that comes next, if it is there. */
static bool next_frame(struct device_stream *stream, struct view *frame)
{
    uint32_t length;
    struct view bytes = unread(stream);
    if (bytes.length_bytes < sizeof length) return false;
    (void)span_copy(SPAN_OF(length), view_first(bytes, sizeof length));
    length = __builtin_bswap32(length);
    if (length > NET_FRAME_MAX) {
        stream_gone(stream, "it says that a frame comes that is longer than any");
        return false;
    }
    bytes = view_from_offset(bytes, sizeof length);
    if (bytes.length_bytes < length) return false;
    *frame = view_first(bytes, length);
    return true;
}

/* False: the guest has no room for a frame that is there. */
static bool give_frames(struct device_stream *stream)
{
    static const struct virtio_net_header nothing_said;
    struct view frame;
    while (next_frame(stream, &frame)) {
        if (frame.length_bytes < NET_FRAME_LEAST) {
            stream->rings.receive_lost++;
        } else if (!net_rings_give(&stream->rings, &nothing_said, frame)) {
            return false;
        }
        stream->taken_bytes += STREAM_LENGTH_BYTES + frame.length_bytes;
    }
    return true;
}

/* What is not taken moves to the front: the beginning of one frame. */
static struct span make_room(struct device_stream *stream)
{
    struct view left = unread(stream);
    if (stream->taken_bytes > 0 && left.length_bytes > 0)
        memmove(stream->memory, left.bytes, left.length_bytes);
    stream->taken_bytes = 0;
    stream->read_bytes = left.length_bytes;
    return span_from_offset(SPAN_OF(stream->memory), stream->read_bytes);
}

/* False: there is no more for now. */
static bool read_more(struct device_stream *stream)
{
    struct span room = make_room(stream);
    ssize_t length = recv(stream->number, room.bytes, room.length_bytes, MSG_DONTWAIT);
    if (length > 0) {
        stream->read_bytes += (size_t)length;
        return (size_t)length == room.length_bytes;
    }
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    stream_gone(stream, length < 0 ? strerror(errno) : "it has closed the stream");
    return false;
}

/* Before each read all whole frames are taken, so that there is room for more than one. */
static void receive(struct device_stream *stream)
{
    bool may_be_more = true;
    for (size_t reads = 0; !stream->is_gone; reads++) {
        if (!give_frames(stream) || !net_rings_has_room(&stream->rings)) return;
        if (!may_be_more || reads == READS_MAX || stream->is_gone) return;
        may_be_more = read_more(stream);
    }
}

/* ---- from the guest ---- */

/* Below 0: the stream has no room, or is gone. */
static ssize_t send_parts(struct device_stream *stream, struct iovec *parts, size_t count)
{
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
    ssize_t length = sendmsg(stream->number, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (length < 0 && errno != EAGAIN && errno != EINTR) stream_gone(stream, strerror(errno));
    return length;
}

/* True: nothing is left of a frame that was begun. */
static bool send_rest(struct device_stream *stream)
{
    if (stream->rest_bytes == 0) return true;
    struct span rest = span_first(span_from_offset(SPAN_OF(stream->rest), stream->rest_from),
                                  stream->rest_bytes);
    struct iovec part = { .iov_base = rest.bytes, .iov_len = rest.length_bytes };
    ssize_t length = send_parts(stream, &part, 1);
    if (length < 0) return stream->is_gone;
    stream->rest_from += (size_t)length;
    stream->rest_bytes -= (size_t)length;
    return stream->rest_bytes == 0;
}

static bool burst_has_room(const struct device_stream *stream)
{
    return stream->burst_count < STREAM_BURST_MAX &&
           stream->part_count + 1 + QUEUE_PARTS_MAX <= STREAM_PARTS_MAX;
}

/* Adds the frame that was taken. */
static void add_to_burst(struct device_stream *stream, size_t frame_bytes)
{
    const struct queue_chain *chain = &stream->rings.chain;
    size_t at = stream->burst_count++;
    stream->heads[at] = chain->head;
    stream->lengths[at] = __builtin_bswap32((uint32_t)frame_bytes);
    stream->sending[stream->part_count++] = (struct iovec){ .iov_base = &stream->lengths[at],
                                                            .iov_len = STREAM_LENGTH_BYTES };
    stream->part_count += parts_slice(&stream->sending[stream->part_count], queue_readable(chain),
                                      chain->readable_count, NET_HEADER_BYTES, frame_bytes);
    stream->part_ends[at] = stream->part_count;
}

/* A bad one behind others waits, as they may have to be put back. */
static void gather_burst(struct device_stream *stream)
{
    struct virtio_net_header header;
    size_t frame_bytes;
    stream->burst_count = stream->part_count = 0;
    while (burst_has_room(stream)) {
        enum net_taken taken = net_rings_take(&stream->rings, &header, &frame_bytes);
        if (taken == NET_TAKEN_FRAME) {
            add_to_burst(stream, frame_bytes);
        } else if (taken == NET_TAKEN_BAD && stream->burst_count > 0) {
            queue_put_back(&stream->rings.transmit);
            return;
        } else if (taken == NET_TAKEN_BAD) {
            net_rings_lose(&stream->rings, stream->rings.chain.head);
            return;
        } else {
            return;
        }
    }
}

/* Copies what of a frame the stream has not taken: the guest gets its memory back. */
static void keep_rest(struct device_stream *stream, size_t index, size_t gone_bytes)
{
    size_t first = index > 0 ? stream->part_ends[index - 1] : 0;
    size_t frame_bytes = __builtin_bswap32(stream->lengths[index]);
    struct span rest = span_first(SPAN_OF(stream->rest),
                                  STREAM_LENGTH_BYTES + frame_bytes - gone_bytes);
    stream->rest_from = 0;
    stream->rest_bytes = parts_copy_out(&stream->sending[first], stream->part_ends[index] - first,
                                        gone_bytes, rest);
}

static void capture_sent(struct device_stream *stream, size_t index)
{
    size_t first = index > 0 ? stream->part_ends[index - 1] : 0;
    net_rings_capture_sent(&stream->rings,
                           &(const struct capture_frame){
                               .parts = &stream->sending[first],
                               .part_count = stream->part_ends[index] - first,
                               .offset_bytes = STREAM_LENGTH_BYTES,
                               .length_bytes = __builtin_bswap32(stream->lengths[index]),
                           });
}

/* Of the burst so many bytes are gone: the frames that are, wholly or in part, have been sent, the
 * others are put back. True: all are gone. */
static bool settle(struct device_stream *stream, size_t length_bytes)
{
    size_t sent = 0;
    for (; sent < stream->burst_count && length_bytes > 0; sent++) {
        size_t frame_bytes = STREAM_LENGTH_BYTES + __builtin_bswap32(stream->lengths[sent]);
        if (length_bytes < frame_bytes) keep_rest(stream, sent, length_bytes);
        length_bytes -= MIN(length_bytes, frame_bytes);
        capture_sent(stream, sent);
        net_rings_sent(&stream->rings, stream->heads[sent]);
    }
    for (size_t left = sent; left < stream->burst_count; left++)
        queue_put_back(&stream->rings.transmit);
    return sent == stream->burst_count && stream->rest_bytes == 0;
}

static void lose_burst(struct device_stream *stream)
{
    for (size_t i = 0; i < stream->burst_count; i++)
        net_rings_lose(&stream->rings, stream->heads[i]);
}

static void transmit(struct device_stream *stream)
{
    for (size_t turn = 0; turn < stream->rings.transmit.size; turn++) {
        if (!send_rest(stream) || !queue_has_more(&stream->rings.transmit)) return;
        gather_burst(stream);
        if (stream->burst_count == 0) continue;
        ssize_t length = stream->is_gone ? -1
                                         : send_parts(stream, stream->sending, stream->part_count);
        if (stream->is_gone) {
            lose_burst(stream);
        } else if (!settle(stream, length > 0 ? (size_t)length : 0)) {
            return;
        }
    }
}

/* ---- the device ---- */

/* Whether frames are held back for want of room in the stream. */
static bool awaits_room(struct device_stream *stream)
{
    return stream->rest_bytes > 0 || queue_has_more(&stream->rings.transmit);
}

static void choose_events(struct device_stream *stream)
{
    struct view frame;
    short events = 0;
    if (!next_frame(stream, &frame) && net_rings_has_room(&stream->rings)) events |= POLLIN;
    if (awaits_room(stream)) events |= POLLOUT;
    stream->device.events = events;
    stream->device.descriptor = events != 0 && !stream->is_gone ? stream->number : -1;
}

static bool device_stream_serve(struct device *device, const struct guest_memory *memory)
{
    struct device_stream *stream = stream_of(device);
    bool was_gone = stream->is_gone;
    (void)memory; /* its queues have it */
    transmit(stream);
    receive(stream);
    choose_events(stream);
    bool published = net_rings_publish(&stream->rings);
    if (net_rings_problem(&stream->rings) != NULL)
        device_break(device, net_rings_problem(&stream->rings));
    return published || stream->is_gone != was_gone;
}

static bool device_stream_start(struct device *device, const struct guest_memory *memory,
                                const struct machine_device *said)
{
    struct device_stream *stream = stream_of(device);
    const char *problem;
    if (net_rings_open(&stream->rings, memory, said, stream->offered, &problem)) return true;
    device_break(device, problem);
    return false;
}

/* What is left of a frame goes first when the device is started again: the stream is in the middle
 * of it. */
static void device_stream_stop(struct device *device)
{
    net_rings_close(&stream_of(device)->rings);
    device->descriptor = -1;
}

static void device_stream_close(struct device *device)
{
    struct device_stream *stream = stream_of(device);
    device_stream_stop(device);
    (void)close(stream->number);
    stream->number = -1;
    stream->is_gone = true;
}

static const struct device_ops device_stream_ops = {
    .start = device_stream_start,
    .serve = device_stream_serve,
    .stop = device_stream_stop,
    .close = device_stream_close,
};

void device_stream_open(struct device_stream *stream, struct machine_device *shared, int descriptor,
                        const struct device_stream_options *options)
{
    memset(stream, 0, sizeof *stream);
    stream->device.ops = &device_stream_ops;
    stream->number = descriptor;
    stream->offered = net_config_present(
        &stream->device, shared,
        &(const struct net_config){
            .name = options->name, .mac = options->mac, .mtu_bytes = options->mtu_bytes });
    (void)fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}
