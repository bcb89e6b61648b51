/* tcp_loop.h - a TCP inside the process: listeners and connections between fibers.
 *
 * A double for tests of servers and clients, in real and in virtual time. Its addresses are the
 * loopback addresses of both families. A connection is a flow_memory, so buffers are bounded; an
 * attempt beyond the backlog is not answered, and waits, as on a network.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_LOOP_H
#define LOOM_TCP_LOOP_H

#include "flow/flow_memory.h"
#include "tcp/tcp.h"

struct tcp_loop_options {
    size_t connection_count; /* open at once */
    size_t listener_count;
    size_t buffer_bytes; /* each way of a connection; a power of two */
};

struct tcp_loop_connection {
    struct flow_memory pair;
    struct tcp_loop *loop;
    struct list_node node; /* in the backlog, or among the free */
    struct span buffers;
};

struct tcp_loop_listener {
    struct listener listener;
    struct tcp_loop *loop;
    struct list backlog;
    size_t backlog_count, backlog_max;
    struct waiters acceptors, connectors;
    bool used, drained;
};

struct tcp_loop {
    struct tcp tcp;
    struct tcp_loop_options options;
    struct span connection_memory, buffer_memory, listener_memory;
    struct tcp_loop_connection *connections;
    struct tcp_loop_listener *listeners;
    struct list free;
    size_t open_count; /* connections */
    uint16_t next_port;
};

/* FULL: no memory. */
enum result tcp_loop_open(struct tcp_loop *loop, const struct tcp_loop_options *options) CHECKED;

/* Every flow and listener of it is closed. */
void tcp_loop_close(struct tcp_loop *loop);

#endif
