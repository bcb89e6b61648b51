/* packet.h - buffers for what travels: fixed in size, counted, from a pool sized at boot.
 *
 * A packet is one buffer. A frame is a packet, the fragments that it borrows, and the packets in
 * its `rest`, in this order:
 *
 *     struct packet          room                                                 PACKET_BYTES
 *     +---------------------+----------+-------------------+-----------------------+
 *     | references, offsets | headroom | bytes             | fragments, if any     |
 *     +---------------------+----------+-------------------+-----------------------+
 *                           0          offset              offset + length
 *        fragments -> bytes that somebody else keeps: a send queue, a loan
 *        rest      -> the next packet of a frame that was received into several buffers
 *
 * So headers go in front without a copy, a payload is sent from where the application left it, and
 * what was received is lent to the reader where the device put it. Offsets count from the start of
 * the room and stay true when headers are pushed or pulled.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_PACKET_H
#define LOOM_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/result.h"
#include "base/view.h"

#define PACKET_BYTES         2048
#define PACKET_HEADROOM      128 /* Ethernet 14, IPv6 40, TCP with its options 60 */
#define PACKET_FRAGMENTS_MAX 40
#define PACKET_TOTAL_MAX     ((size_t)65550) /* an IP datagram and its Ethernet header */

/* Memory that packets borrow from, alive while somebody counts on it: embedded in a packet, or in
 * what keeps an application's loan. When the last reference is dropped, `released` is called; it
 * must not wait. A packet's own buffer is such a payload: who holds it may read its bytes after the
 * frame is dropped. */
struct payload {
    uint32_t references;
    void (*released)(struct payload *payload);
};

static inline struct payload *payload_hold(struct payload *payload)
{
    assert(payload->references > 0 && payload->references < UINT32_MAX);
    payload->references++;
    return payload;
}

static inline void payload_drop(struct payload *payload)
{
    assert(payload->references > 0);
    if (--payload->references == 0) payload->released(payload);
}

/* Bytes of a payload. The frame holds one reference to the owner; NULL: the bytes are constant. */
struct fragment {
    struct view bytes;
    struct payload *owner;
};

/* What is known of the transport's checksum. */
enum packet_checksum {
    PACKET_CHECKSUM_UNKNOWN, /* received: verify it. To send: it is in place. */
    PACKET_CHECKSUM_GOOD,    /* received: the device has verified it */
    PACKET_CHECKSUM_PARTIAL, /* the field holds the pseudo-header's sum, and the sum over the bytes
                                from checksum_start belongs into it. To send: the device's work, or
                                net_offload's. Received (from a neighbour on the same host): as good
                                as verified. */
};

/* What a frame of many segments is cut into. */
enum packet_segmentation {
    PACKET_SEGMENT_NONE,
    PACKET_SEGMENT_TCP_IPV4,
    PACKET_SEGMENT_TCP_IPV6,
};

struct packet_pool;

struct packet {
    struct payload payload; /* its own buffer: other packets' fragments may point into it */
    struct packet_pool *pool;
    struct packet *next; /* for whoever has it in a queue */
    struct packet *rest; /* the frame goes on there */

    uint16_t offset, length_bytes; /* of the bytes in this buffer */
    uint16_t network_offset;       /* where the IP header starts; set by who receives it */
    uint16_t transport_offset;     /* where its payload starts */

    uint16_t checksum_start;  /* with PACKET_CHECKSUM_PARTIAL, offsets in the room */
    uint16_t checksum_offset; /* of the field */
    uint8_t checksum;         /* enum packet_checksum */

    uint8_t segmentation;   /* enum packet_segmentation */
    uint16_t segment_bytes; /* payload of each segment but the last; 0 with SEGMENT_NONE */

    uint8_t fragment_count;
    bool ecn_marked;          /* received coalesced: one of the segments was marked CE */
    uint16_t segment_count;   /* received: how many frames of the wire it was put together from; 0
                                 counts as 1 */
    uint32_t fragments_bytes; /* their sum */

    uint8_t room[PACKET_BYTES - 64];
};
static_assert(sizeof(struct packet) == PACKET_BYTES, "a pool is an array of buffers");

#define PACKET_ROOM_BYTES ((size_t)PACKET_BYTES - 64)
/* What the room of a packet without fragments holds behind the headroom. */
#define PACKET_PAYLOAD_MAX (PACKET_ROOM_BYTES - PACKET_HEADROOM)

/* ---- the pool ---- */

/* What a buffer is wanted for. When buffers grow scarce, the application's sends stop first, at a
 * quarter of the pool, so that acknowledgements can still come in and free what was sent; what is
 * received is dropped at a sixteenth, so that answers can still go out. */
enum packet_use {
    PACKET_FOR_CONTROL, /* an acknowledgement, an ARP or ICMP message, a header before fragments */
    PACKET_FOR_RECEIVE,
    PACKET_FOR_DATA, /* a copy of the application's bytes */
    PACKET_USES,
};

struct packet_pool {
    struct span memory;
    struct packet *free;
    size_t count, free_count;
    size_t touched_count;          /* the first so many of the memory have ever been taken */
    size_t least_free_count;       /* ever */
    uint64_t refused[PACKET_USES]; /* times that there was none */
};

/* Takes memory for `count` packets, at least 16. FULL: there is not so much. */
enum result packet_pool_open(struct packet_pool *pool, size_t count) CHECKED;

/* Every packet is back. */
void packet_pool_close(struct packet_pool *pool);

/* A packet with PACKET_HEADROOM in front, no bytes, and one reference; NULL: none for this use. */
struct packet *packet_take(struct packet_pool *pool, enum packet_use use);

/* How many could be taken for this use now. */
size_t packet_pool_left(const struct packet_pool *pool, enum packet_use use);

/* ---- one packet ---- */

/* Drops this reference to the packet. With the last one the whole frame goes: the fragments'
 * owners, the rest, and the buffer back to its pool. The packet is in no queue. */
void packet_drop(struct packet *packet);

/* The bytes in this buffer alone. */
static inline struct view packet_view(const struct packet *packet)
{
    return view_slice(view_from(packet->room, sizeof packet->room), packet->offset,
                      packet->length_bytes);
}

static inline struct span packet_span(struct packet *packet)
{
    return span_first(span_from_offset(SPAN_OF(packet->room), packet->offset),
                      packet->length_bytes);
}

/* `length_bytes` more in front, in the headroom; and behind, where there must be room (of which
 * fragments take their part). The caller fills them. */
struct span packet_push(struct packet *packet, size_t length_bytes);
struct span packet_put(struct packet *packet, size_t length_bytes);

static inline size_t packet_room_behind(const struct packet *packet)
{
    return PACKET_ROOM_BYTES - packet->fragment_count * sizeof(struct fragment) - packet->offset -
           packet->length_bytes;
}

/* Takes bytes away from the front of the frame; they must be in this buffer. */
static inline void packet_pull(struct packet *packet, size_t length_bytes)
{
    assert_that(length_bytes, <=, packet->length_bytes);
    packet->offset = (uint16_t)(packet->offset + length_bytes);
    packet->length_bytes = (uint16_t)(packet->length_bytes - length_bytes);
}

/* ---- a frame ---- */

/* Of all its parts. */
static inline size_t packet_total_bytes(const struct packet *packet)
{
    size_t total_bytes = 0;
    for (; packet != NULL; packet = packet->rest)
        total_bytes += packet->length_bytes + (size_t)packet->fragments_bytes;
    return total_bytes;
}

/* Makes the first `length_bytes` of the frame stand in its first buffer, by copying from its
 * fragments and its rest. False: the frame is shorter, or they do not fit, and nothing has changed.
 */
bool packet_pull_up(struct packet *packet, size_t length_bytes);

/* Cuts the frame's end off, so that `total_bytes` are left: padding goes. */
void packet_trim(struct packet *packet, size_t total_bytes);

/* Borrows: takes a reference of its own to `owner` (which may be NULL) until the frame is dropped.
 * At most PACKET_FRAGMENTS_MAX; there must be room for the fragment's record at the end of the
 * buffer. Bytes that follow those borrowed last from the same owner lengthen that fragment. Empty
 * bytes are not borrowed. */
void packet_borrow(struct packet *packet, struct view bytes, struct payload *owner);

/* Whether one more fragment is sure to find its place. */
static inline bool packet_can_borrow(const struct packet *packet)
{
    return packet->fragment_count < PACKET_FRAGMENTS_MAX &&
           packet_room_behind(packet) >= sizeof(struct fragment);
}

/* The records stand in the room from its end backwards, so that there are as many as needed:
 *
 *     | bytes | ...                             | fragment 2 | fragment 1 | fragment 0 |
 */
static inline const struct fragment *packet_fragment(const struct packet *packet, size_t index)
{
    assert_that(index, <, packet->fragment_count);
    const void *records = &packet->room[PACKET_ROOM_BYTES % sizeof(struct fragment)];
    return &(
        (const struct fragment *)records)[PACKET_ROOM_BYTES / sizeof(struct fragment) - 1 - index];
}

/* The frame's parts in order, for a driver: gives how many of `views` were filled, at most `max`;
 * a frame of more parts gives 0. Empty parts are left out. */
size_t packet_gather(const struct packet *packet, struct view views[], size_t max);

/* Copies `length_bytes` from `offset_bytes` on, counted from the frame's first byte. They must be
 * there. */
void packet_copy_out(const struct packet *packet, size_t offset_bytes, struct span to);

/* A copy of the whole frame in buffers of another pool, with its checksum and segmentation marks.
 * NULL: that pool has not enough for this use. */
struct packet *packet_copy(const struct packet *packet, struct packet_pool *pool,
                           enum packet_use use);

#endif
