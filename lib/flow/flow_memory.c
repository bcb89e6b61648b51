/* flow_memory.c - two flows connected inside the process.
 *
 * SPDX-License-Identifier: ISC */
#include "flow/flow_memory.h"

#include "flow/flow_memory_pipe.h"
#include "target/memory.h"

static struct flow_memory_end *end_of(struct flow *flow)
{
    return CONTAINER_OF(flow, struct flow_memory_end, flow);
}

static size_t index_of(const struct flow_memory_end *end)
{
    return end == &end->pair->ends[0] ? 0 : 1;
}

static struct flow_memory_end *other_end(const struct flow_memory_end *end)
{
    return &end->pair->ends[1 - index_of(end)];
}

static struct flow_memory_pipe *pipe_out(const struct flow_memory_end *end)
{
    return &end->pair->pipes[index_of(end)];
}

static struct flow_memory_pipe *pipe_in(const struct flow_memory_end *end)
{
    return &end->pair->pipes[1 - index_of(end)];
}

/* ---- reading ---- */

/* OK: there are bytes. */
static enum result reading_state(const struct flow_memory_pipe *in)
{
    if (!view_is_empty(pipe_front(in))) return OK;
    if (in->reset) return FAILED;
    return in->shut ? CLOSED : TIMED_OUT;
}

static enum result wait_readable(struct flow_memory_pipe *in, uint64_t deadline_ns)
{
    enum result state;
    while ((state = reading_state(in)) == TIMED_OUT) {
        enum result waited = waiters_wait(&in->reader, "flow_read", deadline_ns);
        if (waited != OK) return waited;
    }
    return state;
}

static enum result flow_memory_read(struct flow *flow, struct span room, size_t *length_bytes,
                                    uint64_t deadline_ns)
{
    struct flow_memory_end *end = end_of(flow);
    struct flow_memory_pipe *in = pipe_in(end);
    assert_that(end->borrowed_bytes, ==, 0);
    enum result result = wait_readable(in, deadline_ns);
    if (result != OK) return result;
    while (room.length_bytes > 0) {
        struct view front = pipe_front(in);
        if (view_is_empty(front)) break;
        front = view_first(front, MIN(front.length_bytes, room.length_bytes));
        room = span_copy(room, front);
        pipe_consume(in, front.length_bytes);
        *length_bytes += front.length_bytes;
    }
    return OK;
}

static enum result flow_memory_borrow(struct flow *flow, struct view *bytes, uint64_t deadline_ns)
{
    struct flow_memory_end *end = end_of(flow);
    assert_that(end->borrowed_bytes, ==, 0);
    enum result result = wait_readable(pipe_in(end), deadline_ns);
    if (result != OK) return result;
    *bytes = pipe_front(pipe_in(end));
    end->borrowed_bytes = bytes->length_bytes;
    return OK;
}

static void flow_memory_give_back(struct flow *flow, size_t consumed_bytes)
{
    struct flow_memory_end *end = end_of(flow);
    assert_that(consumed_bytes, <=, end->borrowed_bytes);
    end->borrowed_bytes = 0;
    pipe_consume(pipe_in(end), consumed_bytes);
}

static void flow_memory_watch(struct flow *flow, struct watch *watch, uint64_t deadline_ns)
{
    watch_arm(flow, watch, deadline_ns);
    if (reading_state(pipe_in(end_of(flow))) != TIMED_OUT) flow_notify(flow, OK);
}

/* ---- writing ---- */

static enum result writing_state(const struct flow_memory_pipe *out)
{
    if (out->shut) return CLOSED;
    if (out->reset) return FAILED;
    return out->gone ? CLOSED : OK;
}

static enum result write_view(struct flow_memory_end *end, struct view view, size_t *written_bytes,
                              uint64_t deadline_ns)
{
    struct flow_memory_pipe *out = pipe_out(end);
    while (view.length_bytes > 0) {
        enum result result = writing_state(out);
        if (result != OK) return result;
        size_t put_bytes = pipe_put(out, view);
        if (put_bytes > 0) {
            flow_notify(&other_end(end)->flow, OK);
            *written_bytes += put_bytes;
            view = view_from_offset(view, put_bytes);
            continue;
        }
        result = waiters_wait(&out->writer, "flow_write", deadline_ns);
        if (result != OK) return result;
    }
    return OK;
}

static enum result flow_memory_write(struct flow *flow, const struct view views[], size_t count,
                                     size_t *written_bytes, uint64_t deadline_ns)
{
    struct flow_memory_end *end = end_of(flow);
    enum result result = writing_state(pipe_out(end));
    for (size_t i = 0; i < count && result == OK; i++)
        result = write_view(end, views[i], written_bytes, deadline_ns);
    return result;
}

static enum result flow_memory_lend(struct flow *flow, struct loan *loan, uint64_t deadline_ns)
{
    struct flow_memory_end *end = end_of(flow);
    struct flow_memory_pipe *out = pipe_out(end);
    enum result result = writing_state(out);
    while (result == OK && out->loan != NULL) {
        result = waiters_wait(&out->writer, "flow_lend", deadline_ns);
        if (result == OK) result = writing_state(out);
    }
    if (result != OK) return result;
    out->loan = loan;
    waiters_wake_one(&out->reader);
    flow_notify(&other_end(end)->flow, OK);
    return OK;
}

static enum result flow_memory_shut(struct flow *flow)
{
    struct flow_memory_end *end = end_of(flow);
    struct flow_memory_pipe *out = pipe_out(end);
    if (out->reset) return FAILED;
    out->shut = true;
    waiters_wake_all(&out->reader);
    flow_notify(&other_end(end)->flow, OK);
    return OK;
}

/* ---- ending ---- */

static void end_flow(struct flow_memory_end *end, bool reset)
{
    struct flow_memory_pipe *in = pipe_in(end), *out = pipe_out(end);
    struct flow_memory_end *other = other_end(end);
    assert(!end->closed && waiters_is_empty(&in->reader) && waiters_is_empty(&out->writer));
    end->closed = true;
    out->shut = true;
    in->gone = true;
    in->reset = in->reset || reset;
    out->reset = out->reset || reset;
    pipe_drop(in);
    if (reset || other->closed) pipe_drop(out);
    pipe_wake(in);
    pipe_wake(out);
    flow_notify(&other->flow, OK);
    if (other->closed && end->pair->ended != NULL) end->pair->ended(end->pair);
}

static void flow_memory_abort(struct flow *flow)
{
    end_flow(end_of(flow), true);
}

/* Bytes that nobody read reset the connection, as RFC 1122 4.2.2.13 says; what this side has
 * written can still be read, as on a host whose peer has it already. */
static void flow_memory_end_close(struct flow *flow)
{
    struct flow_memory_end *end = end_of(flow);
    struct flow_memory_pipe *in = pipe_in(end), *out = pipe_out(end);
    bool unread = !view_is_empty(pipe_front(in));
    if (unread) in->reset = out->reset = true;
    end_flow(end, false);
}

static const struct flow_ops flow_memory_ops = {
    .read = flow_memory_read,
    .borrow = flow_memory_borrow,
    .give_back = flow_memory_give_back,
    .write = flow_memory_write,
    .lend = flow_memory_lend,
    .shut = flow_memory_shut,
    .watch = flow_memory_watch,
    .close = flow_memory_end_close,
    .abort = flow_memory_abort,
};

/* ---- opening ---- */

void flow_memory_connect(struct flow_memory *pair, struct span forth, struct span back)
{
    *pair = (struct flow_memory){ 0 };
    pipe_init(&pair->pipes[0], forth);
    pipe_init(&pair->pipes[1], back);
    for (size_t i = 0; i < LENGTH_OF(pair->ends); i++)
        pair->ends[i] = (struct flow_memory_end){ .flow.ops = &flow_memory_ops, .pair = pair };
}

enum result flow_memory_open(struct flow_memory *pair, size_t buffer_bytes)
{
    struct span memory;
    enum result result = memory_take(2 * buffer_bytes, &memory);
    if (result != OK) return result;
    flow_memory_connect(pair, span_first(memory, buffer_bytes),
                        span_from_offset(memory, buffer_bytes));
    pair->memory = memory;
    return OK;
}

void flow_memory_close(struct flow_memory *pair)
{
    for (size_t i = 0; i < LENGTH_OF(pair->ends); i++) {
        if (!pair->ends[i].closed) flow_close(&pair->ends[i].flow);
    }
    memory_give_back(pair->memory);
    pair->memory = (struct span){ 0 };
}
