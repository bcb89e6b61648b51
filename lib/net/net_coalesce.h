/* net_coalesce.h - makes one frame of TCP segments that follow each other in a burst.
 *
 * Segments are put together when nothing is lost by it, so that the frame could be cut again into
 * what came: the same addresses, ports, hop limit, traffic class (so ECN, RFC 3168 5) and DF; the
 * same acknowledgement, window and options to the byte; sequence numbers without a gap; each as
 * long as the first, but for the last. PSH, FIN and a short one are the last. The checksum of each
 * is verified first, and the frame says so.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_COALESCE_H
#define LOOM_NET_COALESCE_H

#include "net/net_segment.h"

/* Connections that are put together side by side; more take each other's place, a power of two. */
#define NET_COALESCE_PLACES 16

struct net_coalesced {
    struct packet *frame; /* NULL: nothing goes on here */
    struct packet *last;  /* of its chain */
    struct net_segment segment;
    uint32_t next_sequence;
    uint32_t segment_bytes, payload_bytes;
    uint16_t segment_count;
    uint8_t flags; /* PSH and FIN of those behind the first */
};

/* Zeroed it is ready; between bursts it holds nothing. */
struct net_coalesce {
    struct net_coalesced places[NET_COALESCE_PLACES];
};

/* Puts together what can be of a burst, in place, and gives how many frames are left. Frames of one
 * connection stay in order; so do the first segments of all. */
size_t net_coalesce_burst(struct net_coalesce *coalesce, enum net_link link, struct packet *burst[],
                          size_t count);

#endif
