/* net_passt.c - frames on a stream, each behind its length.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/net_passt.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "target/memory.h"

#define LOG_MODULE "net"
#include "log/log.h"

#define LENGTH_BYTES          sizeof(uint32_t)
#define ETHERNET_HEADER_BYTES 14
/* A few of the longest frames, or some hundred of a common length. */
#define READ_BYTES ((size_t)256 * KIB)

/* A frame of more parts than this is refused. */
#define FRAME_PARTS_MAX (NET_PASST_PARTS / 2)

static struct net_passt *passt_of(struct net *net)
{
    return CONTAINER_OF(net, struct net_passt, net);
}

static void drop_unfinished(struct net_passt *passt)
{
    if (passt->unfinished != NULL) packet_drop(passt->unfinished);
    passt->unfinished = NULL;
    passt->unfinished_bytes = 0;
}

static void passt_gone(struct net_passt *passt)
{
    drop_unfinished(passt);
    net_descriptor_gone(&passt->descriptor);
}

/* ---- receiving ---- */

static size_t unread_bytes(const struct net_passt *passt)
{
    return passt->read_bytes - passt->taken_bytes;
}

static struct view unread(const struct net_passt *passt)
{
    return view_slice(span_view(passt->memory), passt->taken_bytes, unread_bytes(passt));
}

/* The length of the frame that comes next; false: its length is not there yet. */
static bool next_length(const struct net_passt *passt, size_t *length_bytes)
{
    uint32_t length;
    if (unread_bytes(passt) < LENGTH_BYTES) return false;
    (void)span_copy(SPAN_OF(length), view_first(unread(passt), LENGTH_BYTES));
    *length_bytes = __builtin_bswap32(length);
    return true;
}

static bool has_whole_frame(const struct net_passt *passt)
{
    size_t length_bytes;
    return next_length(passt, &length_bytes) && unread_bytes(passt) >= LENGTH_BYTES + length_bytes;
}

/* What is not taken moves to the front: mostly nothing, or the beginning of one frame. */
static void make_room(struct net_passt *passt)
{
    size_t left_bytes = unread_bytes(passt);
    if (passt->taken_bytes == 0) return;
    if (left_bytes > 0) memmove(passt->memory.bytes, unread(passt).bytes, left_bytes);
    passt->taken_bytes = 0;
    passt->read_bytes = left_bytes;
}

/* False: nothing came. */
static bool read_more(struct net_passt *passt)
{
    make_room(passt);
    struct span room = span_from_offset(passt->memory, passt->read_bytes);
    ssize_t length = recv(passt->descriptor.poll.descriptor, room.bytes, room.length_bytes, 0);
    if (length > 0) {
        passt->read_bytes += (size_t)length;
        return true;
    }
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    log_error("the other side of the net has gone: nothing comes or goes there any more%s%s",
              length < 0 ? ": " : "", length < 0 ? strerror(errno) : "");
    passt_gone(passt);
    return false;
}

/* A copy of the bytes in as many packets as they need; NULL: the pool has not so many. */
static struct packet *copy_frame(struct packet_pool *pool, struct view bytes)
{
    struct packet *frame = NULL, *last = NULL;
    while (!view_is_empty(bytes)) {
        struct packet *packet = packet_take(pool, PACKET_FOR_RECEIVE);
        if (packet == NULL) {
            if (frame != NULL) packet_drop(frame);
            return NULL;
        }
        if (last != NULL) packet->offset = 0;
        size_t part_bytes = MIN(packet_room_behind(packet), bytes.length_bytes);
        (void)span_copy(packet_put(packet, part_bytes), view_first(bytes, part_bytes));
        bytes = view_from_offset(bytes, part_bytes);
        if (last == NULL) frame = packet;
        if (last != NULL) last->rest = packet;
        last = packet;
    }
    return frame;
}

static struct packet *take_frame(struct net_passt *passt, size_t length_bytes)
{
    struct net_statistics *statistics = &passt->net.statistics;
    struct view bytes = view_slice(unread(passt), LENGTH_BYTES, length_bytes);
    passt->taken_bytes += LENGTH_BYTES + length_bytes;
    if (length_bytes < ETHERNET_HEADER_BYTES) {
        statistics->receive_errors++;
        return NULL;
    }
    struct packet *packet = copy_frame(passt->net.pool, bytes);
    if (packet == NULL) {
        statistics->receive_no_buffer++;
        return NULL;
    }
    statistics->received_frames++;
    statistics->received_bytes += length_bytes;
    return packet;
}

/* Whether a whole frame is there, read from the host if need be. */
static bool find_frame(struct net_passt *passt, bool *has_read, size_t *length_bytes)
{
    for (;;) {
        if (next_length(passt, length_bytes)) {
            if (*length_bytes > PACKET_TOTAL_MAX) {
                log_error("the other side of the net says that a frame of %zu bytes comes, and "
                          "none is longer than %zu: nothing is taken from it any more",
                          *length_bytes, (size_t)PACKET_TOTAL_MAX);
                passt->net.statistics.receive_errors++;
                passt_gone(passt);
                return false;
            }
            if (unread_bytes(passt) >= LENGTH_BYTES + *length_bytes) return true;
        }
        if (*has_read || !read_more(passt)) return false;
        *has_read = true;
    }
}

/* One read at most: a peer that sends as fast as it is read does not keep the loop. */
static size_t net_passt_receive(struct net *net, struct packet *burst[], size_t count)
{
    struct net_passt *passt = passt_of(net);
    size_t received_count = 0, length_bytes;
    bool has_read = false;
    if (passt->descriptor.is_gone) return 0;
    while (received_count < count && find_frame(passt, &has_read, &length_bytes)) {
        struct packet *packet = take_frame(passt, length_bytes);
        if (packet != NULL) burst[received_count++] = packet;
    }
    net_descriptor_read(&passt->descriptor,
                        has_whole_frame(passt) ? NET_LEFT_INSIDE : NET_LEFT_NOTHING);
    return received_count;
}

/* ---- sending ---- */

/* The host's structure serves receiving too, and so is not const. */
static struct iovec vector_of(struct view view)
{
    struct iovec vector = { .iov_len = view.length_bytes };
    __builtin_memcpy(&vector.iov_base, &view.bytes, sizeof vector.iov_base);
    return vector;
}

/* The parts of a frame behind its length, from `skip_bytes` on; 0: there are too many. */
static size_t vectors_fill(struct net_passt *passt, size_t at, size_t index,
                           const struct packet *packet, size_t skip_bytes)
{
    struct view *parts = &passt->parts[at];
    passt->lengths[index] = __builtin_bswap32((uint32_t)packet_total_bytes(packet));
    parts[0] = VIEW_OF(passt->lengths[index]);
    size_t count = 1 + packet_gather(packet, &parts[1], FRAME_PARTS_MAX - 1), kept = 0;
    if (count == 1) return 0;
    for (size_t i = 0; i < count; i++) {
        size_t skipped_bytes = MIN(skip_bytes, parts[i].length_bytes);
        skip_bytes -= skipped_bytes;
        struct view part = view_from_offset(parts[i], skipped_bytes);
        if (!view_is_empty(part)) passt->sending[at + kept++] = vector_of(part);
    }
    return kept;
}

/* Gives how many bytes are gone; below 0 the host has no room, or the net is gone. */
static ssize_t write_parts(struct net_passt *passt, size_t count)
{
    struct msghdr message = { .msg_iov = passt->sending, .msg_iovlen = count };
    ssize_t length = sendmsg(passt->descriptor.poll.descriptor, &message,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (length >= 0 || errno == EAGAIN || errno == EINTR) return length;
    log_error("the other side of the net has gone: nothing comes or goes there any more: %s",
              strerror(errno));
    passt_gone(passt);
    return length;
}

static void note_sent(struct net_passt *passt, struct packet *packet)
{
    passt->net.statistics.sent_frames++;
    passt->net.statistics.sent_bytes += packet_total_bytes(packet);
    packet_drop(packet);
}

/* True: nothing is held back. */
static bool finish(struct net_passt *passt)
{
    struct packet *packet = passt->unfinished;
    if (packet == NULL) return true;
    size_t count = vectors_fill(passt, 0, 0, packet, passt->unfinished_bytes);
    ssize_t length = write_parts(passt, count);
    if (passt->descriptor.is_gone) return true;
    if (length > 0) passt->unfinished_bytes += (size_t)length;
    if (passt->unfinished_bytes < LENGTH_BYTES + packet_total_bytes(packet)) {
        net_descriptor_await_room(&passt->descriptor);
        return false;
    }
    passt->unfinished = NULL;
    passt->unfinished_bytes = 0;
    note_sent(passt, packet);
    return true;
}

static void passt_has_room(struct net_descriptor *descriptor)
{
    (void)finish(CONTAINER_OF(descriptor, struct net_passt, descriptor));
}

/* How many of the burst's frames are among the parts, of which there are *part_count. */
static size_t gather_burst(struct net_passt *passt, struct packet *burst[], size_t count,
                           size_t *part_count)
{
    *part_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (*part_count + FRAME_PARTS_MAX > NET_PASST_PARTS) return i;
        size_t parts = vectors_fill(passt, *part_count, i, burst[i], 0);
        if (parts == 0) return i;
        *part_count += parts;
    }
    return count;
}

/* Of `length_bytes` that are gone: the frames that are, and the one of which a part is. Gives how
 * many are the net's now. */
static size_t settle(struct net_passt *passt, struct packet *burst[], size_t count,
                     size_t length_bytes)
{
    for (size_t i = 0; i < count; i++) {
        size_t frame_bytes = LENGTH_BYTES + packet_total_bytes(burst[i]);
        if (length_bytes == 0) return i;
        if (length_bytes < frame_bytes) {
            passt->unfinished = burst[i];
            passt->unfinished_bytes = length_bytes;
            return i + 1;
        }
        length_bytes -= frame_bytes;
        note_sent(passt, burst[i]);
    }
    return count;
}

static void lose(struct net_passt *passt, struct packet *packet)
{
    passt->net.statistics.send_errors++;
    packet_drop(packet);
}

/* Some of the burst's first frames; 0: there is no room. */
static size_t send_some(struct net_passt *passt, struct packet *burst[], size_t count)
{
    size_t part_count;
    size_t gathered = gather_burst(passt, burst, count, &part_count);
    if (gathered == 0) {
        lose(passt, burst[0]);
        return 1;
    }
    ssize_t length = write_parts(passt, part_count);
    size_t sent = settle(passt, burst, gathered, length > 0 ? (size_t)length : 0);
    if (sent < gathered || passt->unfinished != NULL) {
        net_descriptor_await_room(&passt->descriptor);
    }
    return sent;
}

static size_t net_passt_send(struct net *net, struct packet *burst[], size_t count)
{
    struct net_passt *passt = passt_of(net);
    size_t sent = 0;
    if (!finish(passt)) return 0;
    while (sent < count && passt->unfinished == NULL) {
        if (passt->descriptor.is_gone) {
            lose(passt, burst[sent++]);
            continue;
        }
        size_t some = send_some(passt, &burst[sent], count - sent);
        if (some == 0 && !passt->descriptor.is_gone) break;
        sent += some;
    }
    return sent;
}

/* ---- attaching and opening ---- */

/* What came while nobody was attached is dropped, as net.h has it; so much that comes meanwhile is
 * not. */
static void drop_waiting(struct net_passt *passt)
{
    size_t length_bytes;
    bool has_read = false;
    for (size_t reads = 0; reads < 16 && !passt->descriptor.is_gone; reads++) {
        while (find_frame(passt, &has_read, &length_bytes))
            passt->taken_bytes += LENGTH_BYTES + length_bytes;
        if (!has_read) return;
        has_read = false;
    }
}

static void net_passt_attach(struct net *net)
{
    struct net_passt *passt = passt_of(net);
    if (passt->was_detached) drop_waiting(passt);
    net_descriptor_watch(&passt->descriptor);
    /* What waits inside is told of by no host. */
    if (has_whole_frame(passt)) net_descriptor_read(&passt->descriptor, NET_LEFT_INSIDE);
}

/* A frame of which a part is gone would leave the stream in the middle of it: there is no way on.
 */
static void net_passt_detach(struct net *net)
{
    struct net_passt *passt = passt_of(net);
    net_descriptor_forget(&passt->descriptor);
    passt->was_detached = true;
    if (passt->unfinished == NULL) return;
    log_warning("the net is left in the middle of a frame, and can be used no more");
    passt_gone(passt);
}

static const struct net_ops net_passt_ops = NET_OPS(net_passt);

enum result net_passt_open(struct net_passt *passt, int descriptor,
                           const struct net_passt_options *options)
{
    assert(options->mtu_bytes > 0 && options->mtu_bytes <= NET_PASST_MTU);
    *passt = (struct net_passt){
        .net = { .ops = &net_passt_ops,
                 .mac = options->mac,
                 .link = NET_ETHERNET,
                 .mtu_bytes = options->mtu_bytes },
    };
    net_descriptor_init(&passt->descriptor, &passt->net, descriptor);
    passt->descriptor.has_room = passt_has_room;
    enum result result = memory_take(READ_BYTES, &passt->memory);
    if (result != OK) net_descriptor_close(&passt->descriptor);
    return result;
}

void net_passt_close(struct net_passt *passt)
{
    assert(passt->net.user == NULL);
    net_descriptor_close(&passt->descriptor);
    memory_give_back(passt->memory);
}
