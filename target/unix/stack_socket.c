/* stack_socket.c - a stack that is the host's own, by way of its sockets.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/stack_socket.h"

const struct parameter stack_socket_parameters[] = {
    PARAMETER_TABLE(struct stack_socket_parameters, tcp, tcp_socket_parameters),
    PARAMETER_TABLE(struct stack_socket_parameters, udp, udp_socket_parameters),
    PARAMETER_END,
};

enum result stack_socket_open(struct stack_socket *stack,
                              const struct stack_socket_parameters *parameters)
{
    enum result result = tcp_socket_open(&stack->tcp, &parameters->tcp);
    if (result != OK) return result;
    result = udp_socket_open(&stack->udp, &parameters->udp);
    if (result != OK) {
        tcp_socket_close(&stack->tcp);
        return result;
    }
    stack->stack = (struct stack){ .tcp = &stack->tcp.tcp, .udp = &stack->udp.udp };
    return OK;
}

void stack_socket_close(struct stack_socket *stack)
{
    udp_socket_close(&stack->udp);
    tcp_socket_close(&stack->tcp);
}
