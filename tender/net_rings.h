/* net_rings.h - the guest's side of a net: its two queues, and frames in and out of them.
 *
 *     posted    | chain | chain | chain | ...       the guest's, taken and not filled yet
 *     frame     | header, bytes ...         |       fills as many of them as it needs (5.1.6.4)
 *
 * A frame that the host has given and for which there is no room stays with the device until there
 * is. One that the guest cannot take however long it waits is lost, and counted.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_NET_RINGS_H
#define LOOM_TENDER_NET_RINGS_H

#include "tender/capture.h"
#include "tender/queue.h"

/* The longest frame is one that the host has not cut into segments: an IP datagram of 65,535 bytes,
 * its Ethernet header and a VLAN's tag. Before it lies the header. */
#define NET_FRAME_MAX        ((size_t)65535 + 14 + 4)
#define NET_FRAME_LEAST      ((size_t)14)
#define NET_HEADER_BYTES     sizeof(struct virtio_net_header)
#define NET_HEADER_FRAME_MAX (NET_HEADER_BYTES + NET_FRAME_MAX)

/* What is held of the guest's: enough for the longest frame in buffers of 1 KiB. */
#define NET_POSTED_MAX 72
#define NET_PARTS_MAX  ((size_t)2 * (QUEUE_PARTS_MAX + NET_POSTED_MAX))

struct net_posted {
    uint32_t head, length_bytes, part_count;
};

struct net_rings {
    struct queue receive, transmit;
    uint64_t accepted; /* features */
    bool has_mergeable;
    /* What is posted: the first is at `posted_first`, and what it has of `parts` at `part_first`.
     */
    struct net_posted posted[2 * NET_POSTED_MAX];
    struct iovec parts[NET_PARTS_MAX];
    size_t posted_first, posted_count, posted_bytes;
    size_t part_first, part_count;
    struct queue_chain chain; /* that was taken last */
    uint64_t received_frames, sent_frames;
    uint64_t receive_lost, send_lost;
    struct capture *capture; /* NULL: none */
};

/* False: not sound; *problem says why. What the device offers is the device's own. */
bool net_rings_open(struct net_rings *rings, const struct guest_memory *memory,
                    const struct machine_device *said, uint64_t offered, const char **problem);

/* Lets go of all. */
void net_rings_close(struct net_rings *rings);

/* NULL, or what is wrong with one of the queues. */
const char *net_rings_problem(const struct net_rings *rings);

/* Shows the guest what has been done. True: it has something to look at: a frame, or a completed
 * transmission of which it wants to be told (VIRTQ_AVAIL_NO_INTERRUPT). */
bool net_rings_publish(struct net_rings *rings);

/* ---- to the guest ---- */

/* Whether the guest has posted anything for a frame to be put into. */
bool net_rings_has_room(struct net_rings *rings);

/* Tries to have so much posted that any frame fits, so that the host can put it there itself: then
 * `net_rings_parts` are at most NET_POSTED_MAX + QUEUE_PARTS_MAX places, and net_rings_filled says
 * that the first of them hold a header and a frame. */
bool net_rings_has_room_for_any(struct net_rings *rings);
const struct iovec *net_rings_parts(const struct net_rings *rings, size_t *count);
void net_rings_filled(struct net_rings *rings, size_t length_bytes);

/* Copies a header and a frame to the guest. False: it has to wait, and the caller to keep it. */
bool net_rings_give(struct net_rings *rings, const struct virtio_net_header *header,
                    struct view frame);

/* ---- from the guest ---- */

enum net_taken {
    NET_TAKEN_NONE,  /* there is none, or the queue is broken */
    NET_TAKEN_FRAME, /* in `chain`, behind its header */
    NET_TAKEN_BAD,   /* so is this one, which cannot be sent: it is lost, or put back for later */
};

/* The next frame to be sent. Its header is copied and checked: what it says is true of a frame of
 * this length, and is made of accepted features. */
enum net_taken net_rings_take(struct net_rings *rings, struct virtio_net_header *header,
                              size_t *frame_bytes);

/* The chain with that head has been sent; is lost, which is counted. */
void net_rings_sent(struct net_rings *rings, uint32_t head);
void net_rings_lose(struct net_rings *rings, uint32_t head);

/* Writes down what has been sent, where there is a capture: the bytes of these places from
 * `offset_bytes` on. */
void net_rings_capture_sent(struct net_rings *rings, const struct capture_frame *frame);

/* ---- within ---- */

/* 5.1.6.2: whether a header that the guest wrote fits its frame and what was accepted. What remains
 * of it says no more than that. */
bool net_header_check(struct virtio_net_header *header, uint64_t accepted, size_t frame_bytes);

#endif
