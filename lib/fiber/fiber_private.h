/* fiber_private.h - what a fiber is made of: for the files of this folder, the target's crash
 * report and the debugger.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_FIBER_PRIVATE_H
#define LOOM_FIBER_PRIVATE_H

#include "fiber/fiber.h"

enum fiber_state { FIBER_FREE, FIBER_RUNNING, FIBER_RUNNABLE, FIBER_WAITING };

struct fiber {
    void *stack_pointer;   /* of a fiber that does not run */
    struct list_node node; /* in the run queue, in a list of waiters, or among the free */
    enum fiber_state state;
    enum stack_size size;
    enum result wake_result; /* what its wait returns */
    bool cancelled, shielded;
    struct alarm alarm; /* the deadline of its wait */
    const char *reason; /* what it waits for */
    const char *name;
    struct task *task;
    struct scope *scope;
    struct list_node of_scope;
    struct span stack;
    void *fake_stack; /* the address sanitizer's */
};

/* The stacks of one size. Fibers and stacks are used from the lowest index up and reused last in
 * first out, so that those never needed are never touched. */
struct fiber_pool {
    struct span arena, memory; /* of the stacks and of `fibers` */
    struct fiber *fibers;
    size_t count, used_count; /* used_count: those that were ever used */
    size_t alive_count;
    struct list free;
};

struct fiber_runtime {
    struct fiber *current;   /* never NULL once the loop runs */
    unsigned calls_in_a_row; /* of fiber_give_way, since the last switch */
    struct list runnable;
    struct list deferred; /* of struct deferred */
    struct fiber loop;    /* the loop itself takes its turn in the run queue */
    struct scope root;
    struct timer_wheel timers;
    uint64_t now_ns;    /* when the loop last looked at the clock */
    uint64_t fibers_ns; /* that fibers have had since the devices were looked at */
    struct fiber_pool pools[STACK_SIZES];
};

/* The one state of the fiber library, and one of the few objects at file scope. */
extern struct fiber_runtime fiber_runtime;

extern const size_t fiber_stack_bytes[STACK_SIZES];

/* A fiber with a stack of this size, its contents as they were left; NULL: none is free. And back.
 */
struct fiber *fiber_pool_take(enum stack_size size);
void fiber_pool_give_back(struct fiber *fiber);

/* Makes a waiting fiber runnable; its wait returns `result`. */
void fiber_wake(struct fiber *fiber, enum result result);

/* The living fiber below whose stack the guard page with this address lies; NULL: it is no guard
 * page. */
const struct fiber *fiber_with_guard_at(uintptr_t address);

/* The stack of the running fiber; empty in the loop. */
struct view fiber_current_stack(void);

#endif
