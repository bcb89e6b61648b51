/* flow_memory_pipe.h - one direction of a flow_memory: bytes in, bytes out, and who is woken.
 * For the files of this folder.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_FLOW_MEMORY_PIPE_H
#define LOOM_FLOW_MEMORY_PIPE_H

#include "flow/flow_memory.h"

void pipe_init(struct flow_memory_pipe *pipe, struct span room);

/* The oldest bytes that lie together; empty when there are none. */
struct view pipe_front(const struct flow_memory_pipe *pipe);

/* Takes bytes of pipe_front, and wakes the writer. */
void pipe_consume(struct flow_memory_pipe *pipe, size_t length_bytes);

/* Puts in what fits of `bytes` now, and wakes a waiting reader. The watch is the caller's to tell.
 */
size_t pipe_put(struct flow_memory_pipe *pipe, struct view bytes);

/* Drops what is in it; the loan is done. */
void pipe_drop(struct flow_memory_pipe *pipe);

/* Wakes both sides, because a flag has changed. */
void pipe_wake(struct flow_memory_pipe *pipe);

#endif
