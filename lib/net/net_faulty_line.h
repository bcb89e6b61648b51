/* net_faulty_line.h - one direction of a bad wire: from where a frame enters to where it has
 * landed. For net_faulty.c alone.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_FAULTY_LINE_H
#define LOOM_NET_FAULTY_LINE_H

#include "net/net_faulty.h"

/* `heap` has a place for each buffer of the net. */
void net_faulty_line_open(struct net_faulty_line *line, struct net_faulty *faulty,
                          const struct net_faulty_plan *plan, uint64_t seed,
                          struct net_faulty_flying *heap);

/* Takes the frame, and goes on with a copy where it is of another pool. */
void net_faulty_line_enter(struct net_faulty_line *line, struct packet *frame, uint64_t now_ns);

/* Moves on what is due: out of the queue, out of the air. */
void net_faulty_line_advance(struct net_faulty_line *line, uint64_t now_ns);

/* Sets the alarm for what is due next. */
void net_faulty_line_rearm(struct net_faulty_line *line);

/* Drops all that is under way. */
void net_faulty_line_clear(struct net_faulty_line *line);

#endif
