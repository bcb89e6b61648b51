/* tcp_loop_private.h - what the two files of tcp_loop know of each other.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_LOOP_PRIVATE_H
#define LOOM_TCP_LOOP_PRIVATE_H

#include "tcp/tcp_loop.h"

bool tcp_loop_has_address(const struct address *address);

/* A port that no listener was asked to take. */
uint16_t tcp_loop_take_port(struct tcp_loop *loop);

/* Who listens there; NULL: nobody. */
struct tcp_loop_listener *tcp_loop_find_listener(struct tcp_loop *loop,
                                                 const struct endpoint *local);

/* Puts the connection into the backlog, which has room. */
void tcp_loop_offer(struct tcp_loop_listener *listener, struct tcp_loop_connection *connection);

enum result tcp_loop_listen(struct tcp *tcp, const struct endpoint *local,
                            const struct listen_options *options,
                            struct listener **listener) CHECKED;

#endif
