/* flow.h - the signature of a byte stream between two sides.
 *
 * A flow is given open by what makes it (tcp_connect, listener_accept, flow_memory_open) and
 * belongs to the caller until flow_close. One fiber may read while another writes; two that read,
 * or two that write, at once are a mistake.
 *
 * Deadlines are absolute monotonic nanoseconds. With NO_WAIT a call does what it can at once and
 * gives TIMED_OUT where it would wait. CANCELLED: the waiting fiber has been told to end. After
 * CLOSED on one side the other side still works.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_FLOW_H
#define LOOM_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/loan.h"
#include "base/result.h"
#include "base/units.h"
#include "base/view.h"
#include "fiber/sync.h"
#include "ip/address.h"

#define FLOW_VIEWS_MAX 16

/* Zeroed before an implementation fills it. */
struct flow {
    const struct flow_ops *ops;
    struct endpoint local, peer; /* family ADDRESS_ANY where the flow has no addresses */
    struct watch *watch;         /* the one that is armed; NULL: none */
    bool is_last;                /* nothing is to be written after what goes now */
};

/* A one-shot notice, without a fiber: put into `mailbox` when the flow has something to read, its
 * peer is done, it has failed, or the deadline has come. Embedded in the session that goes to
 * sleep; zeroed before its first use. */
struct watch {
    struct letter letter;
    struct mailbox *mailbox;
    struct alarm alarm;
    struct flow *flow;  /* where it is armed; the flow's own, not to be read */
    enum result result; /* OK: try a read. TIMED_OUT: the deadline came. */
    bool armed; /* set by flow_watch, cleared when the letter is sent or the watch is taken back */
};

struct flow_ops {
    enum result (*read)(struct flow *flow, struct span room, size_t *length_bytes,
                        uint64_t deadline_ns);
    enum result (*borrow)(struct flow *flow, struct view *bytes, uint64_t deadline_ns);
    void (*give_back)(struct flow *flow, size_t consumed_bytes);
    enum result (*write)(struct flow *flow, const struct view views[], size_t count,
                         size_t *written_bytes, uint64_t deadline_ns);
    enum result (*lend)(struct flow *flow, struct loan *loan, uint64_t deadline_ns);
    enum result (*shut)(struct flow *flow);
    void (*watch)(struct flow *flow, struct watch *watch, uint64_t deadline_ns);
    void (*close)(struct flow *flow);
    void (*abort)(struct flow *flow);
};

#define FLOW_OPS(impl) \
    { \
        .read = impl##_read, .borrow = impl##_borrow, .give_back = impl##_give_back, \
        .write = impl##_write, .lend = impl##_lend, .shut = impl##_shut, .watch = impl##_watch, \
        .close = impl##_close, .abort = impl##_abort \
    }

/* Waits. Reads at least one byte into `room`. OK: *length_bytes > 0. CLOSED: the peer is done, and
 * every later read is CLOSED too. FAILED: the connection broke (a reset, say). TIMED_OUT: nothing
 * was taken. The flow keeps no pointer into `room`. */
CHECKED static inline enum result flow_read(struct flow *flow, struct span room,
                                            size_t *length_bytes, uint64_t deadline_ns)
{
    assert(room.length_bytes > 0);
    *length_bytes = 0;
    enum result result = fiber_give_way(deadline_ns);
    if (result == OK) result = flow->ops->read(flow, room, length_bytes, deadline_ns);
    assert((result == OK) == (*length_bytes > 0) && *length_bytes <= room.length_bytes);
    return result;
}

/* Waits. Lends what has arrived, without a further copy: at least one byte, the oldest first.
 * Results as flow_read, and FULL: no buffer is free to borrow from, so read into a room of your
 * own. The view is the caller's until flow_give_back, which must come before the next read or
 * borrow. */
CHECKED static inline enum result flow_borrow(struct flow *flow, struct view *bytes,
                                              uint64_t deadline_ns)
{
    *bytes = (struct view){ 0 };
    enum result result = fiber_give_way(deadline_ns);
    if (result == OK) result = flow->ops->borrow(flow, bytes, deadline_ns);
    assert((result == OK) == (bytes->length_bytes > 0));
    return result;
}

/* Ends a borrow: the first `consumed_bytes` of it are taken; the rest will be read again. */
static inline void flow_give_back(struct flow *flow, size_t consumed_bytes)
{
    flow->ops->give_back(flow, consumed_bytes);
}

/* Waits. Writes all of the views in order (1 to FLOW_VIEWS_MAX, each may be empty); the flow keeps
 * no pointer into them. CLOSED: this side is shut, or the peer takes no more. FAILED: the
 * connection broke. On anything but OK a part of the bytes may have gone. */
CHECKED static inline enum result flow_write(struct flow *flow, const struct view views[],
                                             size_t count, uint64_t deadline_ns)
{
    assert(count > 0 && count <= FLOW_VIEWS_MAX && !flow->is_last);
    size_t written_bytes = 0;
    enum result result = fiber_give_way(deadline_ns);
    return result == OK ? flow->ops->write(flow, views, count, &written_bytes, deadline_ns)
                        : result;
}

/* The same, and tells how many bytes have gone when it did not end with OK. */
CHECKED static inline enum result flow_write_counted(struct flow *flow, const struct view views[],
                                                     size_t count, size_t *written_bytes,
                                                     uint64_t deadline_ns)
{
    assert(count > 0 && count <= FLOW_VIEWS_MAX && !flow->is_last);
    *written_bytes = 0;
    enum result result = fiber_give_way(deadline_ns);
    return result == OK ? flow->ops->write(flow, views, count, written_bytes, deadline_ns) : result;
}

/* Waits. The same for the last bytes that this side writes, and again for what did not go: nothing
 * else may be written, and flow_shut or flow_close must follow at once, for a flow may hold the
 * bytes back (a fifth of a second at most) to send them together with the end. On a network that is
 * one packet less a connection. */
CHECKED static inline enum result flow_write_last(struct flow *flow, const struct view views[],
                                                  size_t count, size_t *written_bytes,
                                                  uint64_t deadline_ns)
{
    assert(count > 0 && count <= FLOW_VIEWS_MAX);
    *written_bytes = 0;
    flow->is_last = true;
    return flow->ops->write(flow, views, count, written_bytes, deadline_ns);
}

/* Waits until the flow has room to take the loan. OK: the flow holds it, and will call loan->done,
 * in the loop or in a call on the flow.
 * Anything else: it does not, `done` is not called; after TIMED_OUT and CANCELLED nothing of it was
 * sent. What is written or lent next goes out behind it. */
CHECKED static inline enum result flow_lend(struct flow *flow, struct loan *loan,
                                            uint64_t deadline_ns)
{
    assert(loan->bytes.length_bytes > 0 && loan->done != NULL && !flow->is_last);
    enum result result = fiber_give_way(deadline_ns);
    return result == OK ? flow->ops->lend(flow, loan, deadline_ns) : result;
}

/* Tells the peer that nothing more comes, after all that was written; reading goes on. Does not
 * wait. A second time it does nothing. */
CHECKED static inline enum result flow_shut(struct flow *flow)
{
    return flow->ops->shut(flow);
}

/* Asks for a notice in watch->mailbox, at once if there may be something now. One watch a flow; no
 * fiber may be reading it meanwhile. A notice may come for nothing, on a fresh connection above
 * all, where finding out is the read's work anyway: so read with NO_WAIT after it, and after
 * TIMED_OUT watch again. */
static inline void flow_watch(struct flow *flow, struct watch *watch, uint64_t deadline_ns)
{
    assert(watch->mailbox != NULL && !watch->armed && !list_holds(&watch->letter.node));
    assert(flow->watch == NULL);
    flow->ops->watch(flow, watch, deadline_ns);
}

/* Takes the watch back, its letter too if that is not yet taken out of the mailbox. Does nothing
 * when it is not armed. */
void flow_unwatch(struct flow *flow, struct watch *watch);

/* Ends the flow, which the caller may not touch afterwards. What was written is still delivered if
 * the peer takes it, without anybody waiting; where unread bytes have arrived, the peer may see a
 * reset. A loan that is not done may be cut short, and the peer then sees a reset too. A watch that
 * is armed is taken back. No fiber may be waiting on the flow. */
static inline void flow_close(struct flow *flow)
{
    if (flow->watch != NULL) flow_unwatch(flow, flow->watch);
    flow->ops->close(flow);
}

/* The same at once: what was written may be lost and the peer sees a reset. */
static inline void flow_abort(struct flow *flow)
{
    if (flow->watch != NULL) flow_unwatch(flow, flow->watch);
    flow->ops->abort(flow);
}

/* ---- built on the signature ---- */

/* Waits. Writes one view. */
CHECKED static inline enum result flow_write_view(struct flow *flow, struct view view,
                                                  uint64_t deadline_ns)
{
    return flow_write(flow, &view, 1, deadline_ns);
}

/* Waits. Fills all of `room`; anything but OK: `*length_bytes` of it are filled. */
enum result flow_read_whole(struct flow *flow, struct span room, size_t *length_bytes,
                            uint64_t deadline_ns) CHECKED;

/* Waits. Closes so that the peer sees all that was written and no reset: shuts this side, reads and
 * drops what still comes, until the peer is done too or the deadline; then closes. */
void flow_close_gently(struct flow *flow, uint64_t deadline_ns);

/* For implementations. watch_arm arms it, with its deadline; a flow that may have something already
 * calls flow_notify next. flow_notify sends the letter of the watch that is armed; it does nothing
 * when none is. Both are safe in the loop. */
void watch_arm(struct flow *flow, struct watch *watch, uint64_t deadline_ns);
void flow_notify(struct flow *flow, enum result result);

#endif
