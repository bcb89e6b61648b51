/* ipv4_reassembly.h - puts fragments together (RFC 791 3.2, RFC 815), within bounds.
 *
 * Fragments are kept in the buffers that they came in, charged at what those occupy, in a list by
 * their offset. A datagram with fragments that overlap, contradict one another or lead past 65,535
 * bytes is discarded whole, and what still comes of it too (RFC 5722 4, which is as true of IPv4).
 * At most IPV4_FRAGMENTS_MAX make a datagram, so that the work for one more is bounded.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_IPV4_REASSEMBLY_H
#define LOOM_IPV4_REASSEMBLY_H

#include "base/agenda.h"
#include "base/list.h"
#include "base/table.h"
#include "packet/packet.h"

#define IPV4_FRAGMENTS_MAX 128 /* 65,535 bytes through an MTU of 576 */
#define IPV4_REASSEMBLY_NS (30 * S_NS)

/* What tells the fragments of one datagram from others (RFC 791 3.2). */
struct ipv4_fragment_key {
    uint32_t source, destination;
    uint16_t identification;
    uint8_t protocol;
    uint8_t zero;
};

/* One fragment, its IP header taken off and at packet->network_offset. */
struct ipv4_fragment {
    struct ipv4_fragment_key key;
    uint16_t offset_bytes;
    uint8_t header_bytes;
    bool is_last;
    uint8_t ecn;
};

struct ipv4_datagram {
    struct table_node node;
    struct list_node place; /* among the free ones, or the oldest first */
    struct ipv4_fragment_key key;
    struct packet *first, *last; /* by offset, linked by `next` */
    uint32_t bytes;              /* received so far */
    uint32_t total_bytes;        /* 0: the last has not come */
    uint16_t fragment_count;
    size_t packet_count; /* buffers */
    uint8_t ecn_seen;    /* a bit each of the four codepoints */
    bool is_spoilt;
    uint64_t give_up_ns;
};

struct ipv4_reassembly_user {
    /* A datagram is given up, whatever the reason. */
    void (*failed)(struct ipv4_reassembly_user *user);
    /* Time is up for a datagram whose first fragment is there. The packet stays the reassembly's.
     */
    void (*timed_out)(struct ipv4_reassembly_user *user, const struct packet *first);
};

struct ipv4_reassembly {
    struct agenda *agenda;
    struct ipv4_reassembly_user *user;
    struct agenda_entry timer;
    struct span memory;
    struct table table;
    struct list free, open;
    size_t packet_count, packet_count_max; /* buffers that fragments occupy */
};

enum result ipv4_reassembly_open(struct ipv4_reassembly *reassembly, struct agenda *agenda,
                                 struct ipv4_reassembly_user *user, size_t datagram_count,
                                 size_t packet_count_max, struct siphash_key key) CHECKED;
void ipv4_reassembly_close(struct ipv4_reassembly *reassembly);

/* Adds a fragment; takes ownership. Gives the whole datagram when it is complete, its transport
 * header in front, the header at network_offset as if it had come in one piece; NULL otherwise. */
struct packet *ipv4_reassembly_add(struct ipv4_reassembly *reassembly, struct packet *packet,
                                   const struct ipv4_fragment *fragment);

#endif
