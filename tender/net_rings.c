/* net_rings.c - frames in and out of a guest's queues.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/net_rings.h"

#include <string.h>

#include "base/units.h"
#include "tender/parts.h"

enum { RECEIVE = 0, TRANSMIT = 1 };

#define COUNT_OFFSET offsetof(struct virtio_net_header, buffer_count)

/* ---- opening ---- */

static bool has(uint64_t features, uint64_t wanted)
{
    return (features & wanted) != 0;
}

/* 5.1.3.1 and 6.1: what needs what. */
static const char *features_problem(uint64_t accepted, uint64_t offered)
{
    const uint64_t host_segments = VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6;
    const uint64_t guest_segments = VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6;
    if ((accepted & ~offered) != 0) return "it accepts features that are not offered";
    if (!has(accepted, VIRTIO_F_VERSION_1)) return "it does not accept virtio 1";
    if (has(accepted, host_segments) && !has(accepted, VIRTIO_NET_F_CSUM))
        return "it sends segments to be cut without their checksums";
    if (has(accepted, guest_segments) && !has(accepted, VIRTIO_NET_F_GUEST_CSUM))
        return "it takes long segments but no partial checksums";
    if (has(accepted, VIRTIO_NET_F_HOST_ECN) && !has(accepted, host_segments))
        return "it sends ECN in segments, but no segments";
    if (has(accepted, VIRTIO_NET_F_GUEST_ECN) && !has(accepted, guest_segments))
        return "it takes ECN in segments, but no segments";
    return NULL;
}

bool net_rings_open(struct net_rings *rings, const struct guest_memory *memory,
                    const struct machine_device *said, uint64_t offered, const char **problem)
{
    net_rings_close(rings);
    rings->accepted = said->accepted;
    rings->has_mergeable = has(said->accepted, VIRTIO_NET_F_MRG_RXBUF);
    *problem = features_problem(said->accepted, offered);
    if (*problem != NULL) return false;
    if (queue_open(&rings->receive, memory, &said->queues[RECEIVE], said->accepted) &&
        queue_open(&rings->transmit, memory, &said->queues[TRANSMIT], said->accepted))
        return true;
    *problem = net_rings_problem(rings);
    return false;
}

void net_rings_close(struct net_rings *rings)
{
    rings->receive = rings->transmit = (struct queue){ .size = 0 };
    rings->posted_first = rings->posted_count = rings->posted_bytes = 0;
    rings->part_first = rings->part_count = 0;
}

const char *net_rings_problem(const struct net_rings *rings)
{
    return rings->receive.problem != NULL ? rings->receive.problem : rings->transmit.problem;
}

bool net_rings_publish(struct net_rings *rings)
{
    bool has_frames = queue_publish(&rings->receive);
    bool has_sent = queue_publish(&rings->transmit) && queue_wants_notice(&rings->transmit);
    if (rings->capture != NULL) capture_flush(rings->capture);
    return has_frames || has_sent;
}

/* ---- what is posted ---- */

static struct net_posted *first_posted(struct net_rings *rings)
{
    return &rings->posted[rings->posted_first];
}

/* Moves what is posted to the front, so that there is room for NET_POSTED_MAX chains and for a
 * chain's parts behind it. */
static void make_room(struct net_rings *rings)
{
    if (rings->posted_first >= NET_POSTED_MAX) {
        memmove(rings->posted, first_posted(rings), rings->posted_count * sizeof rings->posted[0]);
        rings->posted_first = 0;
    }
    if (rings->part_first + rings->part_count + QUEUE_PARTS_MAX > NET_PARTS_MAX) {
        memmove(rings->parts, &rings->parts[rings->part_first],
                rings->part_count * sizeof rings->parts[0]);
        rings->part_first = 0;
    }
}

static void add_posted(struct net_rings *rings, const struct queue_chain *chain)
{
    make_room(rings);
    memcpy(&rings->parts[rings->part_first + rings->part_count], queue_writable(chain),
           chain->writable_count * sizeof chain->parts[0]);
    rings->posted[rings->posted_first + rings->posted_count] = (struct net_posted){
        .head = chain->head,
        .length_bytes = chain->writable_bytes,
        .part_count = chain->writable_count,
    };
    rings->posted_count++;
    rings->part_count += chain->writable_count;
    rings->posted_bytes += chain->writable_bytes;
}

static bool post_another(struct net_rings *rings)
{
    if (rings->posted_count == NET_POSTED_MAX ||
        rings->part_count >= NET_POSTED_MAX) /* and QUEUE_PARTS_MAX at most come to that */
        return false;
    if (!queue_take(&rings->receive, &rings->chain)) return false;
    if (rings->chain.readable_count > 0 || rings->chain.writable_bytes < NET_HEADER_BYTES) {
        rings->receive.problem = "a buffer to receive in is too short, or is to be read";
        return false;
    }
    add_posted(rings, &rings->chain);
    return true;
}

/* Without mergeable buffers a frame has the first chain, and no other (5.1.6.3.1). */
static size_t room_bytes(struct net_rings *rings)
{
    if (rings->posted_count == 0) return 0;
    return rings->has_mergeable ? rings->posted_bytes : first_posted(rings)->length_bytes;
}

/* Posts until there is room for so much; false: there is not. */
static bool make_posted(struct net_rings *rings, size_t wanted_bytes)
{
    while (room_bytes(rings) < wanted_bytes) {
        if (!rings->has_mergeable && rings->posted_count > 0) return false;
        if (!post_another(rings)) return false;
    }
    return rings->receive.problem == NULL;
}

static void give_back_first(struct net_rings *rings, size_t written_bytes)
{
    const struct net_posted posted = *first_posted(rings);
    queue_give_back(&rings->receive, posted.head, (uint32_t)written_bytes);
    rings->posted_first++;
    rings->posted_count--;
    rings->posted_bytes -= posted.length_bytes;
    rings->part_first += posted.part_count;
    rings->part_count -= posted.part_count;
}

/* ---- to the guest ---- */

bool net_rings_has_room(struct net_rings *rings)
{
    return make_posted(rings, 1);
}

bool net_rings_has_room_for_any(struct net_rings *rings)
{
    return make_posted(rings, NET_HEADER_FRAME_MAX);
}

const struct iovec *net_rings_parts(const struct net_rings *rings, size_t *count)
{
    *count = rings->has_mergeable ? rings->part_count
                                  : rings->posted[rings->posted_first].part_count;
    return &rings->parts[rings->part_first];
}

/* How many of the posted chains so many bytes fill, which have room there. */
static uint16_t count_filled(const struct net_rings *rings, size_t length_bytes)
{
    uint16_t count = 0;
    for (size_t room = 0; room < length_bytes; count++)
        room += rings->posted[rings->posted_first + count].length_bytes;
    return count;
}

/* As it lies in the guest's memory, with its header. */
static void capture_filled(const struct net_rings *rings, size_t length_bytes)
{
    struct capture_frame frame = { .parts = &rings->parts[rings->part_first],
                                   .part_count = rings->part_count,
                                   .offset_bytes = NET_HEADER_BYTES,
                                   .length_bytes = length_bytes - NET_HEADER_BYTES };
    (void)parts_copy_out(frame.parts, frame.part_count, 0, SPAN_OF(frame.header));
    capture_frame(rings->capture, &frame, PCAPNG_INBOUND);
}

void net_rings_filled(struct net_rings *rings, size_t length_bytes)
{
    assert_that(length_bytes, <=, room_bytes(rings));
    assert_that(length_bytes, >=, NET_HEADER_BYTES);
    if (rings->capture != NULL) capture_filled(rings, length_bytes);
    uint16_t count = count_filled(rings, length_bytes);
    (void)parts_copy_in(&rings->parts[rings->part_first], rings->part_count, COUNT_OFFSET,
                        VIEW_OF(count));
    for (; count > 0; count--) {
        size_t written_bytes = MIN(length_bytes, first_posted(rings)->length_bytes);
        length_bytes -= written_bytes;
        give_back_first(rings, written_bytes);
    }
    rings->received_frames++;
}

/* Whether the guest could still post what the frame needs, by waiting. */
static bool may_get_room(const struct net_rings *rings)
{
    if (rings->receive.problem != NULL) return true; /* nothing will be given any more */
    if (!rings->has_mergeable) return rings->posted_count == 0;
    return rings->posted_count < MIN(NET_POSTED_MAX, rings->receive.size) &&
           rings->part_count < NET_POSTED_MAX;
}

bool net_rings_give(struct net_rings *rings, const struct virtio_net_header *header,
                    struct view frame)
{
    size_t length_bytes = NET_HEADER_BYTES + frame.length_bytes;
    if (!make_posted(rings, length_bytes)) {
        if (may_get_room(rings)) return false;
        rings->receive_lost++;
        return true;
    }
    const struct iovec *parts = &rings->parts[rings->part_first];
    (void)parts_copy_in(parts, rings->part_count, 0, VIEW_OF(*header));
    (void)parts_copy_in(parts, rings->part_count, NET_HEADER_BYTES, frame);
    net_rings_filled(rings, length_bytes);
    return true;
}

/* ---- from the guest ---- */

/* What is wrong with one frame costs that frame. */
static bool read_header(struct net_rings *rings, struct virtio_net_header *header,
                        size_t *frame_bytes)
{
    const struct queue_chain *chain = &rings->chain;
    if (chain->readable_bytes < NET_HEADER_BYTES + NET_FRAME_LEAST ||
        chain->readable_bytes > NET_HEADER_FRAME_MAX)
        return false;
    *frame_bytes = chain->readable_bytes - NET_HEADER_BYTES;
    (void)parts_copy_out(queue_readable(chain), chain->readable_count, 0, SPAN_OF(*header));
    return net_header_check(header, rings->accepted, *frame_bytes);
}

enum net_taken net_rings_take(struct net_rings *rings, struct virtio_net_header *header,
                              size_t *frame_bytes)
{
    if (!queue_take(&rings->transmit, &rings->chain)) return NET_TAKEN_NONE;
    if (rings->chain.writable_count > 0) {
        rings->transmit.problem = "a frame to be sent is to be written";
        return NET_TAKEN_NONE;
    }
    return read_header(rings, header, frame_bytes) ? NET_TAKEN_FRAME : NET_TAKEN_BAD;
}

void net_rings_sent(struct net_rings *rings, uint32_t head)
{
    queue_give_back(&rings->transmit, head, 0);
    rings->sent_frames++;
}

void net_rings_lose(struct net_rings *rings, uint32_t head)
{
    queue_give_back(&rings->transmit, head, 0);
    rings->send_lost++;
}

void net_rings_capture_sent(struct net_rings *rings, const struct capture_frame *frame)
{
    if (rings->capture != NULL) capture_frame(rings->capture, frame, PCAPNG_OUTBOUND);
}
