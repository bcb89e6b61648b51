/* config.c - three echo services and a page of their metrics, over one network attachment.
 *
 * The names tell the services apart, here and on the command line: --tcp-port, --left-port,
 * --right-port, --metrics-port.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "echo.h"
#include "echo_modules.h"

unikernel(echo)
{
    struct stack *stack = default_stack();
    struct echo *tcp = named("tcp", echo_tcp(stack_tcp(stack)));
    struct echo *left = named("left", echo_udp(stack_udp(stack), 7007));
    struct echo *right = named("right", echo_udp(stack_udp(stack), 7008));
    struct http *metrics = named("metrics", http_server(stack_tcp(stack)));

    start(echo_start, tcp, left, right, metrics);
}
