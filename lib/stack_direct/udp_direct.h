/* udp_direct.h - our own UDP as the udp signature: ports for fibers.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_UDP_DIRECT_H
#define LOOM_UDP_DIRECT_H

#include "fiber/sync.h"
#include "udp/udp.h"
#include "udp_core/udp_core.h"

struct stack_direct;

struct udp_direct_port {
    struct udp_port port;
    struct udp_binding_user user;
    struct udp_binding *binding; /* NULL: this place is free */
    struct udp_direct *udp;
    struct waiters receivers;
};

struct udp_direct {
    struct udp udp;
    struct stack_direct *stack;
    struct span port_memory;
    struct udp_direct_port *ports;
    size_t port_count;
    struct mutex turn;       /* of a sender for whom there was no room; the others wait for it */
    struct waiters for_room; /* at most that one */
    uint64_t ports_open, received_count, sent_count, truncated_count, refused_count;
};

/* FULL: no memory. */
enum result udp_direct_open(struct udp_direct *udp, struct stack_direct *stack,
                            size_t port_count) CHECKED;

/* For the stack, when it has run: the sender whose turn it is looks whether there is room. */
void udp_direct_go_on(struct udp_direct *udp);

/* Every port of it is closed. */
void udp_direct_close(struct udp_direct *udp);

#endif
