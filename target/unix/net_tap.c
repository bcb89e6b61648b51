/* net_tap.c - frames in and out of a tap, a system call each.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/net_tap.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/writer.h"

#define LOG_MODULE "net"
#include "log/log.h"

#define ETHERNET_HEADER_BYTES 14
#define VLAN_TAG_BYTES        4
#define IPV4_HEADER_BYTES     20

/* A frame of the common MTU is copied where that is the faster way. */
#define COPIED_MAX 2048

static struct net_tap *tap_of(struct net *net)
{
    return CONTAINER_OF(net, struct net_tap, net);
}

static struct iovec vector_of(struct span span)
{
    return (struct iovec){ .iov_base = span.bytes, .iov_len = span.length_bytes };
}

/* The host's structure serves receiving too, and so is not const. */
static struct iovec vector_of_view(struct view view)
{
    struct iovec vector = { .iov_len = view.length_bytes };
    __builtin_memcpy(&vector.iov_base, &view.bytes, sizeof vector.iov_base);
    return vector;
}

/* ---- posting ---- */

static size_t slot_bytes(size_t slot)
{
    return slot == 0 ? PACKET_PAYLOAD_MAX : PACKET_ROOM_BYTES;
}

static void post(struct net_tap *tap, size_t slot)
{
    struct packet *packet = packet_take(tap->net.pool, PACKET_FOR_RECEIVE);
    size_t header_bytes = slot == 0 ? tap->header_bytes : 0;
    struct span room = span_first(SPAN_OF(tap->scratch), header_bytes + slot_bytes(slot));
    tap->posted[slot] = packet;
    if (packet != NULL) {
        if (slot > 0) packet->offset = 0;
        room = span_from_offset(SPAN_OF(packet->room), packet->offset - header_bytes);
    }
    tap->receiving[slot] = vector_of(room);
}

static void post_missing(struct net_tap *tap, size_t count)
{
    for (size_t slot = 0; slot < count; slot++) {
        if (tap->posted[slot] == NULL) post(tap, slot);
    }
}

static void unpost(struct net_tap *tap)
{
    for (size_t slot = 0; slot < tap->slot_count; slot++) {
        if (tap->posted[slot] != NULL) packet_drop(tap->posted[slot]);
        tap->posted[slot] = NULL;
    }
}

/* What has come tells what will: a read into one place costs the host 130 ns less than one into
 * two, and 200 less than one into all the slots. A copy of a frame of the common MTU costs 30, but
 * that of a long one thousands. With one slot there is nothing to choose. */
static void learn_from(struct net_tap *tap, size_t slots_filled)
{
    enum { SHORT_MANY = 64 };
    if (tap->slot_count == 1) return;
    if (slots_filled > 1) {
        tap->short_count = 0;
        if (!tap->in_place) post_missing(tap, tap->slot_count);
        tap->in_place = true;
    } else if (tap->in_place && ++tap->short_count == SHORT_MANY) {
        tap->in_place = false;
        unpost(tap);
    }
}

/* ---- receiving ---- */

/* The interface was removed while it was open. */
static void tap_gone(struct net_tap *tap, int error)
{
    log_error("%s has gone (%s): nothing comes or goes there any more", tap->name, strerror(error));
    net_descriptor_gone(&tap->descriptor);
}

static ssize_t read_parts(struct net_tap *tap)
{
    int number = tap->descriptor.poll.descriptor;
    if (!tap->in_place) return read(number, tap->scratch, sizeof tap->scratch);
    post_missing(tap, tap->slot_count);
    if (tap->slot_count == 1)
        return read(number, tap->receiving[0].iov_base, tap->receiving[0].iov_len);
    return readv(number, tap->receiving, (int)tap->slot_count + 1);
}

/* Below 0: nothing came. */
static ssize_t read_frame(struct net_tap *tap)
{
    ssize_t length = read_parts(tap);
    if (length > 0) return length;
    int error = length == 0 ? ECONNRESET : errno; /* a socket whose other end is closed reads 0 */
    if (error == EBADFD || error == ENODEV || error == ECONNRESET) tap_gone(tap, error);
    return -1;
}

/* How many of the slots a frame fills; 0: they do not hold it. With nothing behind it the only slot
 * is full when the host has cut a frame off. */
static size_t slots_of(const struct net_tap *tap, size_t frame_bytes)
{
    size_t capacity = 0;
    if (tap->slot_count == 1) return frame_bytes < slot_bytes(0) ? 1 : 0;
    for (size_t slot = 0; slot < tap->slot_count; slot++) {
        capacity += slot_bytes(slot);
        if (frame_bytes <= capacity) return slot + 1;
    }
    return 0;
}

static bool all_posted(const struct net_tap *tap, size_t count)
{
    for (size_t slot = 0; slot < count; slot++) {
        if (tap->posted[slot] == NULL) return false;
    }
    return true;
}

/* What was read into the scratch buffer, copied to where it would have been read. */
static void copy_posted(struct net_tap *tap, size_t count, size_t frame_bytes)
{
    struct view rest = view_first(VIEW_OF(tap->scratch), tap->header_bytes + frame_bytes);
    for (size_t slot = 0; slot < count; slot++) {
        struct iovec *to = &tap->receiving[slot];
        size_t part_bytes = MIN(rest.length_bytes, to->iov_len);
        (void)span_copy(span_from(to->iov_base, to->iov_len), view_first(rest, part_bytes));
        rest = view_from_offset(rest, part_bytes);
    }
}

/* Takes the frame out of its slots. */
static struct packet *take_posted(struct net_tap *tap, size_t count, size_t frame_bytes)
{
    struct packet *frame = tap->posted[0], *last = NULL;
    for (size_t slot = 0; slot < count; slot++) {
        struct packet *packet = tap->posted[slot];
        size_t part_bytes = MIN(frame_bytes, slot_bytes(slot));
        packet->length_bytes = (uint16_t)part_bytes;
        frame_bytes -= part_bytes;
        if (last != NULL) last->rest = packet;
        last = packet;
        tap->posted[slot] = NULL;
    }
    return frame;
}

/* NULL: the pool has not as many buffers as the frame needs. */
static struct packet *take_slots(struct net_tap *tap, size_t count, size_t frame_bytes)
{
    if (!tap->in_place) post_missing(tap, count);
    if (!all_posted(tap, count)) return NULL;
    if (!tap->in_place) copy_posted(tap, count, frame_bytes);
    return take_posted(tap, count, frame_bytes);
}

static struct packet *lose(uint64_t *count)
{
    ++*count;
    return NULL;
}

/* It lies in the headroom, where the host has put it. */
static bool read_header(struct packet *packet, size_t frame_bytes)
{
    struct net_tap_header header;
    size_t at = packet->offset - sizeof header;
    (void)span_copy(SPAN_OF(header), view_slice(VIEW_OF(packet->room), at, sizeof header));
    return net_tap_header_read(&header, packet, frame_bytes);
}

/* The frame of `length_bytes` that was read, its header included; NULL: it is lost, and counted. */
static struct packet *take_frame(struct net_tap *tap, size_t length_bytes)
{
    struct net_statistics *statistics = &tap->net.statistics;
    size_t least_bytes = tap->net.link == NET_IP ? IPV4_HEADER_BYTES : ETHERNET_HEADER_BYTES;
    if (length_bytes < tap->header_bytes + least_bytes) return lose(&statistics->receive_errors);
    size_t frame_bytes = length_bytes - tap->header_bytes;
    size_t count = frame_bytes <= PACKET_TOTAL_MAX ? slots_of(tap, frame_bytes) : 0;
    if (count == 0) return lose(&statistics->receive_errors);
    struct packet *packet = take_slots(tap, count, frame_bytes);
    learn_from(tap, count);
    if (packet == NULL) return lose(&statistics->receive_no_buffer);
    if (tap->header_bytes > 0 && !read_header(packet, frame_bytes)) {
        packet_drop(packet);
        return lose(&statistics->receive_errors);
    }
    statistics->received_frames++;
    statistics->received_bytes += frame_bytes;
    return packet;
}

/* A read that finds nothing costs half of one that does. So where frames come one by one it is left
 * to the loop to tell of the next, and only now and then is it tried whether they come in bursts.
 */
static bool expects_more(struct net_tap *tap, size_t tried_count)
{
    enum { PROBE_EVERY = 8 };
    if (tried_count > 1 || tap->comes_in_bursts) return true;
    return ++tap->alone_count % PROBE_EVERY == 0;
}

static size_t net_tap_receive(struct net *net, struct packet *burst[], size_t count)
{
    struct net_tap *tap = tap_of(net);
    size_t received_count = 0, tried_count = 0;
    if (tap->descriptor.is_gone) return 0;
    while (tried_count < count) {
        ssize_t length = read_frame(tap);
        if (length < 0) {
            tap->comes_in_bursts = tried_count > 1;
            break;
        }
        tried_count++;
        struct packet *packet = take_frame(tap, (size_t)length);
        if (packet != NULL) burst[received_count++] = packet;
        if (!expects_more(tap, tried_count)) break;
    }
    net_descriptor_read(&tap->descriptor,
                        tried_count == count ? NET_LEFT_MORE : NET_LEFT_NOTHING);
    return received_count;
}

/* ---- sending ---- */

static void say_down(struct net_tap *tap)
{
    if (tap->told_down) return;
    tap->told_down = true;
    log_warning("%s is down, so what is sent is lost; set it up: ip link set %s up", tap->name,
                tap->name);
}

/* A frame that the host refuses is lost, as on any wire. */
static void refused(struct net_tap *tap, int error)
{
    tap->net.statistics.send_errors++;
    if (error == EIO) say_down(tap);
    if (error == EBADFD || error == ENODEV || error == EPIPE || error == ECONNREFUSED)
        tap_gone(tap, error);
}

/* Whether its headroom is nobody else's. */
static bool has_headroom(const struct packet *packet)
{
    return packet->payload.references == 1 && packet->length_bytes > 0 &&
           packet->offset >= sizeof(struct net_tap_header);
}

/* Puts the header before the frame's parts, which begin at parts[1], and gives where they begin
 * then: in the headroom, where it costs no part of its own, or in a part. */
static size_t put_header(struct net_tap *tap, struct packet *packet)
{
    struct net_tap_header header = net_tap_header_of(packet);
    if (!has_headroom(packet)) {
        tap->sent = header;
        tap->parts[0] = VIEW_OF(tap->sent);
        return 0;
    }
    struct span room = span_from_offset(SPAN_OF(packet->room), packet->offset - sizeof header);
    (void)span_copy(room, VIEW_OF(header));
    tap->parts[1] = view_first(span_view(room), sizeof header + packet->length_bytes);
    return 1;
}

/* Makes one part of several, which are short. */
static struct view join_parts(struct net_tap *tap, size_t first, size_t end)
{
    struct writer writer = writer_over(SPAN_OF(tap->scratch));
    for (size_t i = first; i < end; i++)
        writer_put(&writer, tap->parts[i]);
    return writer_view(&writer);
}

/* The host needs 130 ns more for a writev of two parts than for a write of both; a copy of them
 * takes 30, and less where they are not in cache, as the host's own copy then finds them there. */
static ssize_t write_parts(struct net_tap *tap, size_t first, size_t end, size_t total_bytes)
{
    int number = tap->descriptor.poll.descriptor;
    struct view whole = tap->parts[first];
    if (first + 1 < end && total_bytes <= COPIED_MAX) whole = join_parts(tap, first, end);
    if (first + 1 == end || total_bytes <= COPIED_MAX)
        return write(number, whole.bytes, whole.length_bytes);
    for (size_t i = first; i < end; i++)
        tap->sending[i] = vector_of_view(tap->parts[i]);
    return writev(number, &tap->sending[first], (int)(end - first));
}

/* False: the host has no room now. */
static bool write_frame(struct net_tap *tap, struct packet *packet)
{
    size_t first = 1, end = 1 + packet_gather(packet, &tap->parts[1], NET_TAP_PARTS);
    if (first == end) {
        refused(tap, EMSGSIZE);
        return true;
    }
    assert(tap->header_bytes > 0 || packet->checksum != PACKET_CHECKSUM_PARTIAL);
    if (tap->header_bytes > 0) first = put_header(tap, packet);
    ssize_t length = write_parts(tap, first, end, packet_total_bytes(packet));
    if (length < 0) {
        if (errno == EAGAIN) return false;
        refused(tap, errno);
        return true;
    }
    tap->told_down = false;
    tap->net.statistics.sent_frames++;
    tap->net.statistics.sent_bytes += (size_t)length - tap->header_bytes;
    return true;
}

static size_t net_tap_send(struct net *net, struct packet *burst[], size_t count)
{
    struct net_tap *tap = tap_of(net);
    for (size_t i = 0; i < count; i++) {
        if (tap->descriptor.is_gone) {
            tap->net.statistics.send_errors++;
        } else if (!write_frame(tap, burst[i])) {
            net_descriptor_await_room(&tap->descriptor);
            return i;
        }
        packet_drop(burst[i]);
    }
    return count;
}

/* ---- attaching ---- */

/* What came while nobody was attached is dropped, as net.h has it; so much that comes meanwhile is
 * not. */
static void drop_waiting(struct net_tap *tap)
{
    enum { WAITING_MAX = 4096 };
    for (size_t i = 0; i < WAITING_MAX && !tap->descriptor.is_gone; i++) {
        if (read_frame(tap) < 0) return;
    }
}

static void net_tap_attach(struct net *net)
{
    struct net_tap *tap = tap_of(net);
    tap->receiving[tap->slot_count] = vector_of(SPAN_OF(tap->scratch));
    if (tap->was_detached) drop_waiting(tap);
    net_descriptor_watch(&tap->descriptor);
}

static void net_tap_detach(struct net *net)
{
    struct net_tap *tap = tap_of(net);
    net_descriptor_forget(&tap->descriptor);
    tap->was_detached = true;
    unpost(tap);
}

/* ---- opening ---- */

static const struct net_ops net_tap_ops = NET_OPS(net_tap);

/* A frame that is not segmented may carry a VLAN's tag. */
static size_t slots_for(const struct net_tap_shape *shape)
{
    size_t frame_bytes = shape->mtu_bytes + (size_t)ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES;
    if ((shape->offloads & NET_RECEIVES_SEGMENTS) != 0) return NET_TAP_SLOTS;
    if (frame_bytes < PACKET_PAYLOAD_MAX) return 1;
    return 2 + (frame_bytes - PACKET_PAYLOAD_MAX) / PACKET_ROOM_BYTES;
}

void net_tap_init(struct net_tap *tap, int descriptor, const struct net_tap_shape *shape)
{
    assert(shape->has_header || shape->offloads == 0);
    *tap = (struct net_tap){
        .net = { .ops = &net_tap_ops,
                 .mac = shape->mac,
                 .link = (uint8_t)shape->link,
                 .offloads = shape->offloads,
                 .mtu_bytes = shape->mtu_bytes },
        .header_bytes = shape->has_header ? sizeof(struct net_tap_header) : 0,
        .slot_count = MIN(slots_for(shape), NET_TAP_SLOTS),
    };
    tap->in_place = tap->slot_count == 1;
    net_descriptor_init(&tap->descriptor, &tap->net, descriptor);
}

void net_tap_close(struct net_tap *tap)
{
    assert(tap->net.user == NULL);
    net_descriptor_close(&tap->descriptor);
}
