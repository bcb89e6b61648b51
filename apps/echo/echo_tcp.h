/* echo_tcp.h - echo over TCP: a fiber a connection, from a pool whose size is a boot parameter.
 *
 * SPDX-License-Identifier: ISC */
#ifndef ECHO_TCP_H
#define ECHO_TCP_H

#include "echo.h"
#include "fiber/fiber.h"
#include "metrics/metrics.h"
#include "parameter/parameter.h"
#include "tcp/tcp.h"

#define ECHO_ROOM_BYTES 4096

struct echo_tcp_parameters {
    uint64_t port;
    uint64_t sessions_max;
    uint64_t idle_timeout_ns;
};
extern const struct parameter echo_tcp_parameters[];

/* A connection and the fiber that serves it. */
struct echo_session {
    struct task task;
    struct list_node node; /* among the free or among the busy */
    struct echo_tcp *owner;
    struct flow *flow;
    bool is_reading;
    uint8_t room[ECHO_ROOM_BYTES];
};

struct echo_tcp {
    struct echo echo;
    struct tcp *tcp;
    struct echo_tcp_parameters parameters;
    struct listener *listener;
    struct task acceptor;
    struct scope scope; /* of the acceptor and the sessions */
    struct span memory; /* the sessions */
    struct list free, busy;
    struct waiters for_session;

    char instance[24];
    struct metrics metrics;
    uint64_t connections_count, sessions_count, refused_count, idle_count, bytes_count;
};

/* FULL: no memory for so many sessions. */
enum result echo_tcp_open(struct echo_tcp *tcp_echo, struct tcp *tcp,
                          const struct echo_tcp_parameters *parameters) CHECKED;
void echo_tcp_close(struct echo_tcp *tcp_echo);

#endif
