/* stack_socket.h - a stack that is the host's own, by way of its sockets.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_STACK_SOCKET_H
#define LOOM_STACK_SOCKET_H

#include "stack/stack.h"
#include "target/unix/tcp_socket.h"
#include "target/unix/udp_socket.h"

struct stack_socket_parameters {
    struct tcp_socket_parameters tcp;
    struct udp_socket_parameters udp;
};
extern const struct parameter stack_socket_parameters[];

struct stack_socket {
    struct stack stack;
    struct tcp_socket tcp;
    struct udp_socket udp;
};

/* FULL: no memory for the pools. */
enum result stack_socket_open(struct stack_socket *stack,
                              const struct stack_socket_parameters *parameters) CHECKED;

/* Every flow, listener and port of it is closed. */
void stack_socket_close(struct stack_socket *stack);

#endif
