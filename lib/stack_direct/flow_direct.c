/* flow_direct.c - a connection of our own TCP as a flow.
 *
 * Every call tries the core first and waits for an event where it has to; an event wakes whoever
 * waits and sends the watch, and they try again.
 *
 * SPDX-License-Identifier: ISC */
#include "stack_direct/flow_direct.h"

#include "stack_direct/stack_direct.h"

static struct flow_direct *direct_of(struct flow *flow)
{
    return CONTAINER_OF(flow, struct flow_direct, flow);
}

/* Of a connection that was established, whatever ended it. */
static enum result broken(enum result result)
{
    return result == OK || result == CLOSED || result == FULL ? result : FAILED;
}

/* ---- reading ---- */

/* OK with an empty view: nothing now. */
static enum result look(struct flow_direct *direct, struct view *bytes)
{
    return broken(tcp_connection_peek(direct->connection, bytes));
}

/* OK: there is something to look at. CLOSED, FAILED: there never will be. */
static enum result wait_readable(struct flow_direct *direct, struct view *bytes, const char *reason,
                                 uint64_t deadline_ns)
{
    for (;;) {
        enum result result = look(direct, bytes);
        if (result != OK || bytes->length_bytes > 0) return result;
        result = waiters_wait(&direct->waiters, reason, deadline_ns);
        if (result != OK) return result;
    }
}

static void consume(struct flow_direct *direct, size_t length_bytes)
{
    stack_direct_enter(direct->tcp->stack);
    tcp_connection_consume(direct->connection, length_bytes);
    direct->tcp->read_bytes += length_bytes;
    stack_direct_leave(direct->tcp->stack);
}

static enum result flow_direct_read(struct flow *flow, struct span room, size_t *length_bytes,
                                    uint64_t deadline_ns)
{
    struct flow_direct *direct = direct_of(flow);
    struct view bytes;
    enum result result = wait_readable(direct, &bytes, "flow_read", deadline_ns);
    if (result != OK) return result;
    /* A buffer may hold little: fill the room from the next ones too. */
    while (room.length_bytes > 0 && look(direct, &bytes) == OK && bytes.length_bytes > 0) {
        bytes = view_first(bytes, MIN(bytes.length_bytes, room.length_bytes));
        room = span_copy(room, bytes);
        *length_bytes += bytes.length_bytes;
        consume(direct, bytes.length_bytes);
    }
    return OK;
}

static enum result flow_direct_borrow(struct flow *flow, struct view *bytes, uint64_t deadline_ns)
{
    return wait_readable(direct_of(flow), bytes, "flow_borrow", deadline_ns);
}

static void flow_direct_give_back(struct flow *flow, size_t consumed_bytes)
{
    if (consumed_bytes > 0) consume(direct_of(flow), consumed_bytes);
}

static void flow_direct_watch(struct flow *flow, struct watch *watch, uint64_t deadline_ns)
{
    struct flow_direct *direct = direct_of(flow);
    struct view bytes;
    watch_arm(flow, watch, deadline_ns);
    if (look(direct, &bytes) != OK || bytes.length_bytes > 0) flow_notify(flow, OK);
}

/* ---- writing ---- */

/* Waits for room, unless something has happened since `direct->is_stirred` was cleared: what a call
 * sends may bring an event before the call has returned. */
static enum result wait_writable(struct flow_direct *direct, const char *reason,
                                 uint64_t deadline_ns)
{
    return direct->is_stirred ? OK : waiters_wait(&direct->waiters, reason, deadline_ns);
}

/* The views from `offset_bytes` on, counted over all of them. */
static size_t views_behind(const struct view views[], size_t count, size_t offset_bytes,
                           struct view rest[])
{
    size_t rest_count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t skipped = MIN(offset_bytes, views[i].length_bytes);
        offset_bytes -= skipped;
        struct view view = view_from_offset(views[i], skipped);
        if (view.length_bytes > 0) rest[rest_count++] = view;
    }
    return rest_count;
}

static enum result send_some(struct flow_direct *direct, const struct view views[], size_t count,
                             size_t *written_bytes)
{
    enum tcp_send_mode mode = direct->flow.is_last ? TCP_SEND_HOLD : TCP_SEND_SOON;
    struct view rest[FLOW_VIEWS_MAX];
    size_t taken_bytes = 0;
    size_t rest_count = views_behind(views, count, *written_bytes, rest);
    if (rest_count == 0) return OK;
    direct->is_stirred = false;
    stack_direct_enter(direct->tcp->stack);
    enum result result = tcp_connection_send(direct->connection, rest, rest_count, mode,
                                             &taken_bytes);
    stack_direct_leave(direct->tcp->stack);
    *written_bytes += taken_bytes;
    direct->tcp->written_bytes += taken_bytes;
    return broken(result);
}

static enum result flow_direct_write(struct flow *flow, const struct view views[], size_t count,
                                     size_t *written_bytes, uint64_t deadline_ns)
{
    struct flow_direct *direct = direct_of(flow);
    size_t total_bytes = 0;
    for (size_t i = 0; i < count; i++)
        total_bytes += views[i].length_bytes;
    for (;;) {
        enum result result = send_some(direct, views, count, written_bytes);
        if (result != OK || *written_bytes == total_bytes) return result;
        result = wait_writable(direct, "flow_write", deadline_ns);
        if (result != OK) return result;
    }
}

static enum result flow_direct_lend(struct flow *flow, struct loan *loan, uint64_t deadline_ns)
{
    struct flow_direct *direct = direct_of(flow);
    size_t length_bytes = loan->bytes.length_bytes; /* a loan that is done is another's again */
    for (;;) {
        direct->is_stirred = false;
        stack_direct_enter(direct->tcp->stack);
        enum result result = tcp_connection_lend(direct->connection, loan);
        stack_direct_leave(direct->tcp->stack);
        if (result == OK) direct->tcp->written_bytes += length_bytes;
        if (result != FULL) return broken(result);
        result = wait_writable(direct, "flow_lend", deadline_ns);
        if (result != OK) return result;
    }
}

static enum result flow_direct_shut(struct flow *flow)
{
    struct flow_direct *direct = direct_of(flow);
    enum result result = broken(tcp_connection_failure(direct->connection));
    if (result != OK) return result;
    stack_direct_enter(direct->tcp->stack);
    tcp_connection_shut(direct->connection);
    stack_direct_leave(direct->tcp->stack);
    return OK;
}

/* ---- the end ---- */

static void flow_direct_close(struct flow *flow)
{
    struct flow_direct *direct = direct_of(flow);
    assert(waiters_is_empty(&direct->waiters));
    stack_direct_enter(direct->tcp->stack);
    tcp_connection_close(direct->connection);
    stack_direct_leave(direct->tcp->stack);
    tcp_direct_give_flow(direct->tcp, direct);
}

static void flow_direct_abort(struct flow *flow)
{
    struct flow_direct *direct = direct_of(flow);
    assert(waiters_is_empty(&direct->waiters));
    stack_direct_enter(direct->tcp->stack);
    tcp_connection_abort(direct->connection);
    stack_direct_leave(direct->tcp->stack);
    tcp_direct_give_flow(direct->tcp, direct);
}

/* ---- events ---- */

static void flow_direct_event(struct tcp_user *user, unsigned events)
{
    struct flow_direct *direct = CONTAINER_OF(user, struct flow_direct, user);
    /* A flow has no word for what ends nothing; the metrics count it. */
    if (events == TCP_EVENT_REPORTED) return;
    direct->is_stirred = true;
    if (events & (TCP_EVENT_READABLE | TCP_EVENT_FAILED)) flow_notify(&direct->flow, OK);
    waiters_wake_all(&direct->waiters);
}

static const struct flow_ops flow_direct_ops = FLOW_OPS(flow_direct);

void flow_direct_init(struct flow_direct *direct, struct tcp_direct *tcp)
{
    direct->flow = (struct flow){ .ops = &flow_direct_ops };
    direct->user = (struct tcp_user){ .event = flow_direct_event };
    direct->connection = NULL;
    direct->tcp = tcp;
    waiters_init(&direct->waiters);
}

void flow_direct_attach(struct flow_direct *direct, struct tcp_connection *connection)
{
    direct->connection = connection;
    direct->flow.local = *tcp_connection_local(connection);
    direct->flow.peer = *tcp_connection_peer(connection);
    /* A flow holds back what it writes last, and nothing else. */
    tcp_connection_set_nodelay(connection, true);
}
