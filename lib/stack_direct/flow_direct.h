/* flow_direct.h - a connection of our own TCP as a flow.
 *
 * The core does all the work; this is what waits for it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_FLOW_DIRECT_H
#define LOOM_FLOW_DIRECT_H

#include "flow/flow.h"
#include "tcp_core/tcp_core.h"

struct tcp_direct;

struct flow_direct {
    struct flow flow;
    struct tcp_user user;
    struct tcp_connection *connection;
    struct tcp_direct *tcp;
    struct waiters waiters; /* at most a reader and a writer, or who connects */
    bool is_stirred;        /* an event came */
    struct list_node node;  /* among the free */
};

/* Makes a flow of the connection, whose events it takes over. `direct` is zeroed but for its node.
 */
void flow_direct_init(struct flow_direct *direct, struct tcp_direct *tcp);
void flow_direct_attach(struct flow_direct *direct, struct tcp_connection *connection);

#endif
