/* fiber.h - straight-line code that waits: small stackful fibers, one loop, first come first
 * served.
 *
 * Fibers are cooperative: one runs until it waits, yields or ends. A function that can let others
 * run has `Waits.` as the first word of its contract. Every wait has a deadline (absolute monotonic
 * nanoseconds; NEVER) and ends with OK         what was waited for has come, TIMED_OUT  the
 * deadline came first, CANCELLED  the fiber has been told to end; so does every later wait of it at
 * once, so that it unwinds.
 *
 * Lifetime is structured: a fiber belongs to a scope, and closing the scope cancels its fibers and
 * waits for their end.
 *
 *     struct session { struct task task; struct flow *flow; };
 *     static void session_run(struct task *task)
 *     {
 *         struct session *session = CONTAINER_OF(task, struct session, task);
 *         ...
 *     }
 *     session->task.run = session_run;
 *     if (fiber_start(&scope, &session->task, "session", STACK_SMALL) == FULL) ...
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_FIBER_H
#define LOOM_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/result.h"
#include "base/timer.h"
#include "base/units.h"
#include "base/view.h"
#include "parameter/parameter.h"

/* What a fiber runs; embedded in what it works on, which must live until the fiber ends. The fiber
 * does not touch the task after `run` returns, so `run` may give its memory back as its last act.
 */
struct task {
    void (*run)(struct task *task);
};

/* Stacks come in three sizes, from pools that are laid out when the image starts. */
enum stack_size {
    STACK_SMALL,  /* 16 KiB: a session that formats and forwards */
    STACK_MEDIUM, /* 64 KiB: an application's own code; the first fiber has one */
    STACK_LARGE,  /* 256 KiB: foreign libraries */
    STACK_SIZES,
};

/* What a machine's image says of them in its header, so that whoever starts it lays them out. */
#define FIBER_SMALL_BYTES      16384
#define FIBER_MEDIUM_BYTES     65536
#define FIBER_LARGE_BYTES      262144
#define FIBER_SMALL_PARAMETER  "fibers-small"
#define FIBER_MEDIUM_PARAMETER "fibers-medium"
#define FIBER_LARGE_PARAMETER  "fibers-large"
#define FIBER_SMALL_COUNT      1024
#define FIBER_MEDIUM_COUNT     64
#define FIBER_LARGE_COUNT      8

struct fiber;

/* ---- scopes ---- */

/* Owns fibers. */
struct scope {
    struct list fibers;
    struct list waiters; /* fibers in scope_wait and scope_close */
    const char *name;
    bool closing;
};

/* `name` is a literal, for the census. */
void scope_open(struct scope *scope, const char *name);

/* Waits until all fibers of the scope have ended by themselves. */
enum result scope_wait(struct scope *scope, uint64_t deadline_ns) CHECKED;

/* Waits. Cancels every fiber of the scope and returns when all have ended, even in a fiber that is
 * itself cancelled. From its start no fiber can be started in the scope (CANCELLED). It must not be
 * called by one of the scope's own fibers. */
void scope_close(struct scope *scope);

/* ---- fibers ---- */

/* Starts a fiber, which runs after those that are runnable now. `name` is a literal or lives as
 * long as the fiber. FULL: no stack of that size is free. CANCELLED: the scope is closing. */
enum result fiber_start(struct scope *scope, struct task *task, const char *name,
                        enum stack_size size) CHECKED;

/* The running fiber; NULL in the loop itself. */
struct fiber *fiber_current(void);
const char *fiber_name(const struct fiber *fiber);

/* Lets every other runnable fiber run once. */
void fiber_yield(void);

/* For the wrappers of signatures, before a call that may wait. A fiber that always finds what it
 * asks for (a peer that sends as fast as it is read) would never wait, and no other would run:
 * after some calls in a row it gives way here. CANCELLED: it did, and it has been told to end. With
 * NO_WAIT it goes on at once. */
enum result fiber_give_way(uint64_t deadline_ns) CHECKED;

/* Waits until the deadline: TIMED_OUT is how it ends well, CANCELLED how it ends early. */
enum result fiber_sleep_until(uint64_t deadline_ns);
enum result fiber_sleep(uint64_t duration_ns);

/* Tells one fiber to end. It must not have ended. */
void fiber_cancel(struct fiber *fiber);

/* Whether the running fiber has been told to end. */
bool fiber_is_cancelled(void);

/* Stacks of this size that a fiber lives on, and those that wait for one. */
size_t fiber_stacks_used(enum stack_size size);
size_t fiber_stacks_free(enum stack_size size);

/* ---- waiting, for those who build something to wait for ---- */

/* Fibers that wait for the same thing, in the order they came. A zeroed one is not ready:
 * waiters_init. */
struct waiters {
    struct list fibers;
};

void waiters_init(struct waiters *waiters);
bool waiters_is_empty(const struct waiters *waiters);

/* Waits until woken. `reason` is a literal for the census: "flow_read". A deadline that has passed
 * gives TIMED_OUT without letting others run. OK means woken; what was waited for may be gone
 * again, so callers loop. */
enum result waiters_wait(struct waiters *waiters, const char *reason, uint64_t deadline_ns) CHECKED;

/* The same for clean-up that must not be cut short: it does not end with CANCELLED. */
enum result waiters_wait_shielded(struct waiters *waiters, const char *reason,
                                  uint64_t deadline_ns) CHECKED;

/* Makes the first, or every, waiting fiber runnable; the first is told, NULL without waiters. Safe
 * in the loop and in any fiber. */
struct fiber *waiters_wake_one(struct waiters *waiters);
void waiters_wake_all(struct waiters *waiters);

/* ---- the loop ---- */

/* A notice at a deadline without a fiber, for protocol cores: `due` is called in the loop and must
 * not wait. */
struct alarm {
    struct timer timer;
    void (*due)(struct alarm *alarm);
};

/* (Re)starts it; NEVER stops it. A deadline that has passed is due in the loop's next turn. */
void alarm_set(struct alarm *alarm, uint64_t deadline_ns);
void alarm_stop(struct alarm *alarm);

/* Something to be done when every fiber that can run has run: what a device gathers from them goes
 * out together. `run` is called in the loop and must not wait. Zeroed, and `run` set, before its
 * first use. */
struct deferred {
    struct list_node node;
    void (*run)(struct deferred *deferred);
};

/* Does nothing when it is deferred already. */
void loop_defer(struct deferred *deferred);
void loop_withdraw(struct deferred *deferred);

/* The time at which the loop last looked, which is what most deadlines can be counted from: at most
 * some tens of microseconds behind, and free. */
uint64_t loop_now_ns(void);

struct fiber_parameters {
    uint64_t small_count, medium_count, large_count;
};
extern const struct parameter fiber_parameters[];

/* Lays out the stacks; where the machine has too little memory for all of them, fewer (see
 * target/stack.h). FULL: the host cannot give them; the log says what to do. */
enum result fiber_open(const struct fiber_parameters *parameters) CHECKED;

/* Runs `task` on the first fiber and the loop round it, until it has ended. */
void fiber_run(struct task *task, const char *name);

/* Gives the stacks back. Every fiber has ended. */
void fiber_close(void);

/* ---- the census ---- */

struct fiber_census {
    const char *name;
    const char *scope;
    const char *waits_for; /* "running", "runnable", or the reason of its wait */
    uint64_t deadline_ns;
    size_t stack_bytes;
    size_t stack_deepest_bytes; /* by it, or by an earlier fiber on the same stack */
};

/* Calls `visit` for each living fiber. Reads stacks, so it takes its time. */
struct fiber_visitor {
    void (*visit)(struct fiber_visitor *visitor, const struct fiber_census *fiber);
};
void fiber_visit(struct fiber_visitor *visitor);

/* Writes the census to the log: at exit, at a panic, and when asked. */
void fiber_census_write(void);

#endif
