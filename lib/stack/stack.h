/* stack.h - one attachment to a network: what speaks TCP and UDP there.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_STACK_H
#define LOOM_STACK_H

#include "tcp/tcp.h"
#include "udp/udp.h"

struct stack {
    struct tcp *tcp;
    struct udp *udp;
};

#endif
