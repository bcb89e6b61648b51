/* flow_memory_pipe.c - one direction of a flow_memory: a bounded buffer, and behind it a loan.
 *
 * SPDX-License-Identifier: ISC */
#include "flow/flow_memory_pipe.h"

void pipe_init(struct flow_memory_pipe *pipe, struct span room)
{
    *pipe = (struct flow_memory_pipe){ .room = room };
    ring_init(&pipe->ring, room.length_bytes);
    waiters_init(&pipe->reader);
    waiters_init(&pipe->writer);
}

struct view pipe_front(const struct flow_memory_pipe *pipe)
{
    struct ring_run run = ring_used_run(&pipe->ring);
    if (run.length > 0) return view_slice(span_view(pipe->room), run.index, run.length);
    if (pipe->loan != NULL) return view_from_offset(pipe->loan->bytes, pipe->loan_read_bytes);
    return (struct view){ 0 };
}

static void end_loan(struct flow_memory_pipe *pipe)
{
    struct loan *loan = pipe->loan;
    pipe->loan = NULL;
    pipe->loan_read_bytes = 0;
    if (loan != NULL) loan->done(loan);
}

void pipe_consume(struct flow_memory_pipe *pipe, size_t length_bytes)
{
    if (length_bytes == 0) return;
    if (ring_used(&pipe->ring) > 0) {
        ring_take(&pipe->ring, length_bytes);
    } else {
        pipe->loan_read_bytes += length_bytes;
        assert_that(pipe->loan_read_bytes, <=, pipe->loan->bytes.length_bytes);
        if (pipe->loan_read_bytes == pipe->loan->bytes.length_bytes) end_loan(pipe);
    }
    waiters_wake_one(&pipe->writer);
}

size_t pipe_put(struct flow_memory_pipe *pipe, struct view bytes)
{
    size_t put_bytes = 0;
    while (pipe->loan == NULL && put_bytes < bytes.length_bytes) {
        struct ring_run run = ring_room_run(&pipe->ring);
        if (run.length == 0) break;
        struct view piece = view_from_offset(bytes, put_bytes);
        piece = view_first(piece, MIN(piece.length_bytes, run.length));
        (void)span_copy(span_from_offset(pipe->room, run.index), piece);
        ring_put(&pipe->ring, piece.length_bytes);
        put_bytes += piece.length_bytes;
    }
    if (put_bytes > 0) waiters_wake_one(&pipe->reader);
    return put_bytes;
}

void pipe_drop(struct flow_memory_pipe *pipe)
{
    ring_take(&pipe->ring, ring_used(&pipe->ring));
    end_loan(pipe);
}

void pipe_wake(struct flow_memory_pipe *pipe)
{
    waiters_wake_all(&pipe->reader);
    waiters_wake_all(&pipe->writer);
}
