/* tcp_core_state.h - all that one stack's TCP holds: every part of it hangs below this.
 *
 * Only the parts of tcp_core include it; who stands above sees tcp_core.h, and gets the size of the
 * structure from here to embed it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_CORE_STATE_H
#define LOOM_TCP_CORE_STATE_H

#include "base/list.h"
#include "tcp_core/tcp_acceptor.h"
#include "tcp_core/tcp_core.h"
#include "tcp_core/tcp_demux.h"
#include "tcp_core/tcp_limit.h"
#include "tcp_core/tcp_port.h"
#include "tcp_core/tcp_recovery.h"
#include "tcp_core/tcp_send_queue.h"
#include "tcp_core/tcp_syn_cache.h"
#include "tcp_core/tcp_time_wait.h"

/* The records of connections, which are taken and given back whole. */
struct tcp_connection_pool {
    struct span memory;
    struct tcp_connection *records;
    struct list free;
    size_t count, touched_count; /* those behind the first `touched_count` were never taken */
    size_t used_count;
};

struct tcp_core {
    struct ip_protocol protocol;
    struct ip *ip;
    struct agenda *agenda; /* core->agenda->now_ns is the time */
    struct packet_pool *pool;
    struct tcp_core_parameters parameters;
    struct tcp_core_statistics statistics;
    struct siphash_key key; /* from which each part derives its own */

    /* The engine's. */
    struct tcp_connection_pool connections;
    struct list orphans; /* closed by their users, oldest first: the first to go when all is full */
    struct list pending; /* owe an acknowledgement, or may send, when the burst of input ends */
    struct list starved; /* want a buffer or room in the ring */
    struct tcp_send_pool send_pool;
    struct tcp_recovery_pool recovery_pool;

    /* The other parts', a member each: opened by tcp_core_open in this order, closed in reverse. */

    /* Listening's, by tcp_entry_open. */
    struct tcp_demux demux; /* connections too: tcp_reference(TCP_DEMUX_CONNECTION, index) */
    struct siphash_key initial_key, cookie_key;
    struct tcp_ports ports;
    struct tcp_acceptors acceptors;
    struct tcp_syn_cache syn_cache;
    struct tcp_time_waits time_waits;
    struct tcp_limit resets;
};

#endif
