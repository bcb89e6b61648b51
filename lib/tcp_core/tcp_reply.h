/* tcp_reply.h - segments that no connection sends: SYN-ACKs, resets, the ACKs of TIME-WAIT.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_REPLY_H
#define LOOM_TCP_REPLY_H

#include "tcp_core/tcp_core_state.h"
#include "tcp_core/tcp_demux.h"
#include "tcp_core/tcp_segment.h"

/* Sends `segment` without payload from pair->local to pair->peer; the ports are filled in. One
 * packet, PACKET_FOR_CONTROL; false: there is none, or it cannot be sent now. Nobody will send it
 * again: what is lost is as if the wire had lost it. */
bool tcp_reply(struct tcp_core *core, const struct tcp_pair *pair, uint8_t traffic_class,
               struct tcp_segment *segment);

#endif
