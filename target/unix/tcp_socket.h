/* tcp_socket.h - TCP over the sockets of the host.
 *
 * Connections come from a pool of `--tcp-connections`; one that does not fit stays in the host's
 * backlog. Unused places of the pool cost no memory. What an application borrows from is a second
 * pool, of `--tcp-borrow-buffers` buffers of 16 KiB, and each of those is held only while there are
 * bytes in it.
 *
 * A listener on any address takes both families where the host has both; IPv4 peers show as IPv4.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_SOCKET_H
#define LOOM_TCP_SOCKET_H

#include "metrics/metrics.h"
#include "parameter/parameter.h"
#include "target/unix/flow_socket.h"
#include "tcp/tcp.h"

#define TCP_SOCKET_LISTENERS 16

struct tcp_socket_parameters {
    uint64_t connection_count, borrow_buffer_count;
};
extern const struct parameter tcp_socket_parameters[];

struct tcp_socket_listener {
    struct listener listener;
    struct poll poll;
    struct tcp_socket *tcp;
    struct waiters acceptors;
    uint64_t drained_ns; /* when no handshake can be under way any more; 0: not drained */
    bool used;
    bool maybe_waiting; /* an accept may find a connection */
    bool is_silent;     /* epoll was told to say nothing, as nobody accepts */
    bool comes_in_bursts;
    unsigned burst_count, alone_count; /* taken since the event; taken alone, of late */
};

struct tcp_socket {
    struct tcp tcp;
    struct span flow_memory, buffer_memory;
    struct flow_socket *flows;
    size_t flow_count, flows_touched_count; /* those from flows_touched_count on were never used */
    size_t buffer_count, buffers_touched_count;
    struct list free_flows, free_buffers;
    struct tcp_socket_listener listeners[TCP_SOCKET_LISTENERS];
    struct metrics metrics;
    uint64_t connections_open, accepted_count, connected_count, no_room_count;
    uint64_t read_bytes, written_bytes;
};

/* FULL: no memory for the pools. */
enum result tcp_socket_open(struct tcp_socket *tcp,
                            const struct tcp_socket_parameters *parameters) CHECKED;

/* Every flow and listener of it is closed. */
void tcp_socket_close(struct tcp_socket *tcp);

/* ---- for the files of tcp_socket and flow_socket ---- */

/* A place for a connection, not yet filled; NULL when the pool is empty. The one given back last
 * is taken first, as its memory is the warmest. */
struct flow_socket *tcp_socket_take_flow(struct tcp_socket *tcp);
void tcp_socket_give_flow(struct tcp_socket *tcp, struct flow_socket *socket);
bool tcp_socket_has_room(const struct tcp_socket *tcp);

/* A buffer to borrow from; empty when the pool is. An empty span is ignored. */
struct span tcp_socket_take_buffer(struct tcp_socket *tcp);
void tcp_socket_give_buffer(struct tcp_socket *tcp, struct span buffer);

/* What a socket of either family sends from now on, and a listener's connections after it (RFC 2474
 * 3). The host keeps the bits of ECN to itself. */
void tcp_socket_set_traffic_class(int descriptor, uint8_t traffic_class);

enum result tcp_socket_listen(struct tcp *base, const struct endpoint *local,
                              const struct listen_options *options, struct listener **made) CHECKED;
enum result tcp_socket_connect(struct tcp *base, const struct endpoint *peer,
                               const struct connect_options *options, struct flow **flow,
                               uint64_t deadline_ns) CHECKED;

#endif
