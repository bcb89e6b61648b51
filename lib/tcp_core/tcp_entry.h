/* tcp_entry.h - where segments and ICMP errors come in, and what finds who gets them.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_ENTRY_H
#define LOOM_TCP_ENTRY_H

#include "tcp_core/tcp_core_state.h"

/* Opens all that this side of TCP needs below `core`, whose parameters, agenda, pool, ip and key
 * are set: demultiplexer, ports, acceptors, SYN and TIME-WAIT records. FULL: there is not so much
 * memory, and nothing is held. Sets core->protocol, to be attached to
 * IP when all is open. */
enum result tcp_entry_open(struct tcp_core *core) CHECKED;
void tcp_entry_close(struct tcp_core *core);

#endif
