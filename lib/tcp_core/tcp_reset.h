/* tcp_reset.h - what a segment gets that belongs to nobody (RFC 9293 3.10.7.1).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_RESET_H
#define LOOM_TCP_RESET_H

#include "tcp_core/tcp_reply.h"

/* All resets of one stack to segments of nobody: a storm of them gets that many answers and costs
 * no more. */
#define TCP_RESET_BURST       500
#define TCP_RESET_INTERVAL_NS MS_NS

/* Answers `segment`, which was sent from pair->peer to pair->local, with a reset that its sender
 * will believe; not a reset with a reset. Within the limit above. */
void tcp_reset_answer(struct tcp_core *core, const struct tcp_pair *pair,
                      const struct tcp_segment *segment);

/* The same without the limit's bound: for a connection that ends with one and knows its numbers and
 * options. */
void tcp_reset_send(struct tcp_core *core, const struct tcp_pair *pair, uint8_t traffic_class,
                    struct tcp_segment *reset);

#endif
