/* guest.h - the test itself as a host of its world: a stack of our own on a wire to a switch.
 *
 *     struct guest guest;
 *     guest_open(&guest, world, "guest", VIEW("--ipv4=10.0.0.254/24"));
 *     expect_ok(tcp_connect(guest.stack.stack.tcp, &server, NULL, &flow, deadline_ns));
 *
 * Its clock is the world's, without skew.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_GUEST_H
#define LOOM_SIM_GUEST_H

#include "stack_direct/stack_direct.h"
#include "target/sim/world.h"

struct guest {
    struct wire *wire;
    struct stack_direct_parameters parameters;
    struct stack_direct stack;
};

/* Panics where `argument`, a boot parameter of the stack, is wrong or memory lacks. */
void guest_open(struct guest *guest, struct world *world, const char *name, struct view argument);

/* Before the world is closed. */
void guest_close(struct guest *guest);

#endif
