/* net_faulty.h - a net that makes a bad wire of another one, under a seed.
 *
 * Each direction is a line of its own that a frame goes along like this:
 *
 *     too long? lost? corrupted? twice?  ->  [ queue ] rate  ->  delay, jitter, reordering  ->
 *
 * Chance is drawn frame by frame, for each kind of fault from a sequence of its own: the same seed
 * loses the same frames whatever they hold, and whatever other faults are asked for. In virtual
 * time the same seed makes the same run to the byte.
 *
 * It has no offloads, so that each fault is of one frame of the wire: a net_offload stands above
 * where something wants them. Frames under way stand in buffers of its own, never in the user's.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_FAULTY_H
#define LOOM_NET_FAULTY_H

#include "fiber/fiber.h"
#include "net/net.h"
#include "net/net_queue.h"

/* What one direction does; all zero: nothing. */
struct net_faulty_plan {
    uint32_t loss_per_million; /* 1,000,000: a partition */

    /* Losses in bursts (Gilbert 1960, Elliott 1963): a chain of two states that steps with each
     * frame; `burst_loss_per_million` are lost in the bad state besides. */
    uint32_t burst_begins_per_million, burst_ends_per_million, burst_loss_per_million;

    uint32_t duplicate_per_million;
    uint32_t corrupt_per_million; /* one bit of it, anywhere, is turned */

    uint64_t delay_ns;
    uint64_t jitter_ns; /* up to so much more, uniformly; frames stay in order */
    uint32_t reorder_per_million;
    uint64_t reorder_ns; /* such a frame is so much later, and those behind it overtake it */

    uint64_t rate_bits;        /* a second, of frames with 24 bytes each of preamble, check sequence
                                  and gap; 0: no limit */
    uint32_t queue_bytes_max;  /* that wait for the rate; what comes beyond is dropped. 0: no */
    uint32_t queue_frames_max; /* limit but the buffers */
    uint32_t mark_bytes; /* frames that can be (ECT, RFC 3168 5) and find so much before them are
                            marked CE; 0: never */

    uint16_t mtu_bytes; /* a longer IP datagram vanishes, as in a black hole; 0: no limit */
};

struct net_faulty_statistics {
    uint64_t entered_frames, left_frames;
    uint64_t lost_frames, duplicated_frames, corrupted_frames, reordered_frames, marked_frames;
    uint64_t queue_full_frames, too_long_frames;
    uint64_t no_buffer_frames; /* lost because all buffers were under way */
};

/* A frame on its way through the air. */
struct net_faulty_flying {
    uint64_t lands_ns;
    uint64_t number; /* frames that land at once do so in order */
    struct packet *packet;
};

struct net_faulty;

struct net_faulty_line {
    struct net_faulty_plan plan; /* may be changed at any time, for what enters from then on */
    struct net_faulty_statistics statistics;
    struct net_faulty *faulty;
    uint64_t random_loss, random_burst, random_duplicate, random_corrupt, random_jitter,
        random_reorder;
    bool in_burst;

    struct net_queue queue;     /* waits for the rate */
    uint64_t queue_bytes;       /* of it */
    uint64_t departs_ns;        /* when the first of it has gone out */
    uint64_t lands_in_order_ns; /* the latest yet of those that are not reordered */

    struct net_faulty_flying *flying; /* a heap, the next to land first */
    size_t flying_count;
    uint64_t number;

    struct net_queue landed; /* waits for who takes it */
    struct alarm alarm;
};

struct net_faulty_options {
    uint64_t seed;
    size_t packet_count; /* buffers for what is under way, both ways together; at least 16 */
    struct net_faulty_plan send, receive;
};

struct net_faulty {
    struct net net;
    struct net *below;
    struct net_user user; /* of `below` */
    struct packet_pool pool;
    size_t packet_count;
    struct span memory;
    struct net_faulty_line send, receive;
};

/* Attaches to `below` when it is itself attached. FULL: there is not so much memory. */
enum result net_faulty_open(struct net_faulty *faulty, struct net *below,
                            const struct net_faulty_options *options) CHECKED;

/* It is detached. */
void net_faulty_close(struct net_faulty *faulty);

#endif
