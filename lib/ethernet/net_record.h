/* net_record.h - a net for tests: it records what is sent, and what it receives is told to it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_RECORD_H
#define LOOM_NET_RECORD_H

#include "net/net.h"

struct net_record {
    struct net net;
    struct packet *sent, *given; /* oldest first, by `next` */
    size_t sent_count;
    size_t ring_room; /* how many frames it still accepts */
};

/* Its station is 02:00:00:00:00:01, its MTU 1500, its ring endless until told otherwise. */
void net_record_open(struct net_record *record, enum net_link link, uint8_t offloads);

/* Frames wait to be received: copies in packets of the pool, or the packet itself. */
void net_record_give(struct net_record *record, struct view frame);
void net_record_give_packet(struct net_record *record, struct packet *packet);

/* The oldest frame sent and not yet taken, copied into `room`; empty: there is none. */
struct view net_record_take(struct net_record *record, struct span room);

/* The same as a packet, which is the caller's. NULL: there is none. */
struct packet *net_record_take_packet(struct net_record *record);

#endif
