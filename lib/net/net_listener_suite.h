/* net_listener_suite.h - who attaches to a net in a test: counts how often it is told, and lets one
 * fiber wait for what comes.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_LISTENER_SUITE_H
#define LOOM_NET_LISTENER_SUITE_H

#include "fiber/fiber.h"
#include "net/net.h"

struct net_listener {
    struct net_user user;
    struct waiters waiters;
    struct packet_pool pool;
    size_t told_count;
};

/* Attaches with a pool of its own; when it detaches every packet must be back. */
void net_listener_attach(struct net_listener *listener, struct net *net, size_t packet_count);
void net_listener_detach(struct net_listener *listener, struct net *net);

/* Waits. The next frame; fails the test if none comes within five seconds. */
struct packet *net_listener_receive(struct net_listener *listener, struct net *net);

void net_expect_none(struct net *net);

/* The whole packet, of any length up to PACKET_TOTAL_MAX. */
void net_expect_bytes(const struct packet *packet, struct view wanted);

#endif
