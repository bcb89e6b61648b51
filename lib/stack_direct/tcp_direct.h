/* tcp_direct.h - our own TCP as the tcp signature: listeners and connections for fibers.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_DIRECT_H
#define LOOM_TCP_DIRECT_H

#include "stack_direct/flow_direct.h"
#include "tcp/tcp.h"

struct stack_direct;

struct listener_direct {
    struct listener listener;
    struct tcp_acceptor_user user;
    struct tcp_acceptor *acceptor; /* NULL: this place is free */
    struct tcp_direct *tcp;
    struct waiters acceptors;
    bool keepalive;
    uint64_t drained_ns; /* when no handshake can be under way any more; 0: not drained */
};

struct tcp_direct {
    struct tcp tcp;
    struct stack_direct *stack;
    struct span flow_memory, listener_memory;
    struct flow_direct *flows;
    struct listener_direct *listeners;
    size_t flow_count, flows_touched_count; /* those from flows_touched_count on were never used */
    size_t listener_count;
    struct list free_flows;
    uint64_t connections_open, accepted_count, connected_count, no_room_count;
    uint64_t read_bytes, written_bytes;
};

/* FULL: no memory. */
enum result tcp_direct_open(struct tcp_direct *tcp, struct stack_direct *stack,
                            size_t connection_count, size_t listener_count) CHECKED;

/* Every flow and listener of it is closed. */
void tcp_direct_close(struct tcp_direct *tcp);

/* ---- for the files of tcp_direct ---- */

/* A flow without a connection; NULL: all are in use. */
struct flow_direct *tcp_direct_take_flow(struct tcp_direct *tcp);
void tcp_direct_give_flow(struct tcp_direct *tcp, struct flow_direct *flow);

enum result tcp_direct_listen(struct tcp *base, const struct endpoint *local,
                              const struct listen_options *options, struct listener **made) CHECKED;

#endif
