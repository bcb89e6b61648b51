/* stack_direct.h - a stack of our own over any net: Ethernet to TCP, no kernel below it.
 *
 * The protocols are lib/stack_core, a state machine; this is what drives it in an image: the loop
 * feeds it when frames wait and when a deadline comes, and fibers wait for what it has for them.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_STACK_DIRECT_H
#define LOOM_STACK_DIRECT_H

#include "metrics/metrics.h"
#include "stack/stack.h"
#include "stack_core/stack_core.h"
#include "stack_direct/tcp_direct.h"
#include "stack_direct/udp_direct.h"

struct stack_direct_parameters {
    struct stack_core_parameters core;
};
extern const struct parameter stack_direct_parameters[];

struct stack_direct {
    struct stack stack;
    struct stack_core core;
    struct net_user user;
    struct ipv4_user address_user;
    struct alarm alarm;       /* at the core's next deadline */
    struct deferred deferred; /* at the end of a turn in which something happened */
    struct tcp_direct tcp;
    struct udp_direct udp;
    struct metrics metrics;
    uint64_t told_link_changes; /* of the core's, told in the log */
};

/* Attaches to the net. FULL: no memory for the pools. INVALID: the addresses make no sense; the log
 * tells. */
enum result stack_direct_open(struct stack_direct *stack, struct net *net,
                              const struct stack_direct_parameters *parameters) CHECKED;

/* Every flow, listener and port of it is closed. Connections that are still ending end at once. */
void stack_direct_close(struct stack_direct *stack);

/* What /metrics shows of it. */
extern const struct metric stack_direct_metrics[];

/* ---- for its files: round every call into the core from a fiber ---- */

void stack_direct_enter(struct stack_direct *stack);
void stack_direct_leave(struct stack_direct *stack);

#endif
