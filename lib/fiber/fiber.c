/* fiber.c - fibers, their scopes, and how they wait and are woken.
 *
 * SPDX-License-Identifier: ISC */
#include "fiber/fiber.h"

#include "base/assert.h"
#include "fiber/fiber_private.h"
#include "fiber/fiber_sanitizer.h"
#include "target/clock.h"

void fiber_switch(void **save, void *load);
void fiber_begin(void);

/* Stacks begin at different offsets of their page, because the hottest lines of all fibers would
 * otherwise share the few sets of the first-level cache that one page offset maps to. */
#define COLOURS      16
#define COLOUR_BYTES 128

/* Calls that a fiber makes without a wait before it gives way: some tens of microseconds. */
#define CALLS_IN_A_ROW 16

/* ---- switching ---- */

static void switch_to(struct fiber *next, bool ends)
{
    struct fiber *previous = fiber_runtime.current;
    if (next == previous) return;
    fiber_runtime.current = next;
    fiber_runtime.calls_in_a_row = 0;
    sanitizer_leave(previous, next, ends);
    fiber_switch(&previous->stack_pointer, next->stack_pointer);
    sanitizer_arrive(previous);
}

/* The loop is always runnable or running, so there is always a next one. */
static void run_next(bool ends)
{
    struct fiber *next = CONTAINER_OF(list_take(&fiber_runtime.runnable), struct fiber, node);
    next->state = FIBER_RUNNING;
    switch_to(next, ends);
}

static void make_runnable(struct fiber *fiber)
{
    fiber->state = FIBER_RUNNABLE;
    list_append(&fiber_runtime.runnable, &fiber->node);
}

void fiber_yield(void)
{
    make_runnable(fiber_runtime.current);
    run_next(false);
}

enum result fiber_give_way(uint64_t deadline_ns)
{
    if (deadline_ns == NO_WAIT || ++fiber_runtime.calls_in_a_row <= CALLS_IN_A_ROW) return OK;
    fiber_runtime.calls_in_a_row = 0;
    fiber_yield();
    return fiber_is_cancelled() ? CANCELLED : OK;
}

/* ---- beginning and ending ---- */

static void fiber_end(struct fiber *self)
{
    struct scope *scope = self->scope;

    list_remove(&self->of_scope);
    if (list_is_empty(&scope->fibers)) {
        for (struct list_node *node = list_first(&scope->waiters); node != NULL;
             node = list_first(&scope->waiters))
            fiber_wake(CONTAINER_OF(node, struct fiber, node), OK);
    }
    /* The stack is still under us, but nobody can take it before the switch has left it. */
    fiber_pool_give_back(self);
    run_next(true);
}

__attribute__((noreturn)) static void fiber_main(void)
{
    struct fiber *self = fiber_runtime.current;
    sanitizer_arrive(self);
    self->task->run(self->task);
    fiber_end(self);
    panic("a fiber that has ended was resumed");
}

/* Lays out the stack as if the fiber had called fiber_switch from the start of fiber_begin:
 *
 *      r15 r14 r13 r12 rbx rbp fiber_begin 0 0 | colour | end of the stack
 */
static void prepare_stack(struct fiber *fiber)
{
    sanitizer_begin(fiber->stack);
    size_t index = (size_t)(fiber - fiber_runtime.pools[fiber->size].fibers);
    size_t colour_bytes = index % COLOURS * COLOUR_BYTES;
    size_t frame_words = 9; /* leaves the stack aligned to 16 bytes for the call in fiber_begin */
    uint64_t *top = (uint64_t *)(void *)(fiber->stack.bytes + fiber->stack.length_bytes -
                                         colour_bytes);
    uint64_t *frame = top - frame_words;
    for (size_t i = 0; i < frame_words; i++)
        frame[i] = 0;
    frame[4] = (uint64_t)(uintptr_t)fiber_main;
    frame[6] = (uint64_t)(uintptr_t)fiber_begin;
    fiber->stack_pointer = frame;
    fiber->fake_stack = NULL;
}

static void fiber_deadline(struct alarm *alarm)
{
    fiber_wake(CONTAINER_OF(alarm, struct fiber, alarm), TIMED_OUT);
}

enum result fiber_start(struct scope *scope, struct task *task, const char *name,
                        enum stack_size size)
{
    assert_that(size, <, STACK_SIZES);
    if (scope->closing) return CANCELLED;
    struct fiber *fiber = fiber_pool_take(size);
    if (fiber == NULL) return FULL;

    fiber->name = name;
    fiber->task = task;
    fiber->scope = scope;
    fiber->cancelled = fiber->shielded = false;
    fiber->alarm.due = fiber_deadline;
    list_append(&scope->fibers, &fiber->of_scope);
    prepare_stack(fiber);
    make_runnable(fiber);
    return OK;
}

struct fiber *fiber_current(void)
{
    return fiber_runtime.current == &fiber_runtime.loop ? NULL : fiber_runtime.current;
}

const char *fiber_name(const struct fiber *fiber)
{
    return fiber->name;
}

/* ---- waiting ---- */

void fiber_wake(struct fiber *fiber, enum result result)
{
    assert_that(fiber->state, ==, FIBER_WAITING);
    list_remove(&fiber->node);
    alarm_stop(&fiber->alarm);
    fiber->wake_result = result;
    make_runnable(fiber);
}

void waiters_init(struct waiters *waiters)
{
    list_init(&waiters->fibers);
}

bool waiters_is_empty(const struct waiters *waiters)
{
    return list_is_empty(&waiters->fibers);
}

static enum result wait_among(struct list *fibers, const char *reason, uint64_t deadline_ns,
                              bool shielded)
{
    struct fiber *self = fiber_current();
    assert(self != NULL);
    if (self->cancelled && !shielded) return CANCELLED;
    if (deadline_ns <= fiber_runtime.now_ns) return TIMED_OUT;

    self->state = FIBER_WAITING;
    self->reason = reason;
    self->shielded = shielded;
    list_append(fibers, &self->node);
    alarm_set(&self->alarm, deadline_ns);
    run_next(false);
    return self->wake_result;
}

enum result waiters_wait(struct waiters *waiters, const char *reason, uint64_t deadline_ns)
{
    return wait_among(&waiters->fibers, reason, deadline_ns, false);
}

enum result waiters_wait_shielded(struct waiters *waiters, const char *reason, uint64_t deadline_ns)
{
    return wait_among(&waiters->fibers, reason, deadline_ns, true);
}

struct fiber *waiters_wake_one(struct waiters *waiters)
{
    struct list_node *node = list_first(&waiters->fibers);
    if (node == NULL) return NULL;
    struct fiber *fiber = CONTAINER_OF(node, struct fiber, node);
    fiber_wake(fiber, OK);
    return fiber;
}

void waiters_wake_all(struct waiters *waiters)
{
    while (waiters_wake_one(waiters) != NULL)
        continue;
}

enum result fiber_sleep_until(uint64_t deadline_ns)
{
    struct waiters nobody;
    waiters_init(&nobody);
    return waiters_wait(&nobody, "sleep", deadline_ns);
}

enum result fiber_sleep(uint64_t duration_ns)
{
    return fiber_sleep_until(deadline_after(clock_monotonic_ns(), duration_ns));
}

void fiber_cancel(struct fiber *fiber)
{
    assert(fiber->state != FIBER_FREE);
    fiber->cancelled = true;
    if (fiber->state == FIBER_WAITING && !fiber->shielded) fiber_wake(fiber, CANCELLED);
}

bool fiber_is_cancelled(void)
{
    return fiber_runtime.current->cancelled;
}

/* ---- scopes ---- */

void scope_open(struct scope *scope, const char *name)
{
    *scope = (struct scope){ .name = name };
    list_init(&scope->fibers);
    list_init(&scope->waiters);
}

enum result scope_wait(struct scope *scope, uint64_t deadline_ns)
{
    enum result result = OK;
    while (result == OK && !list_is_empty(&scope->fibers))
        result = wait_among(&scope->waiters, "scope_wait", deadline_ns, false);
    return result;
}

void scope_close(struct scope *scope)
{
    assert(fiber_current() == NULL || fiber_current()->scope != scope);
    scope->closing = true;
    list_for_each (node, &scope->fibers)
        fiber_cancel(CONTAINER_OF(node, struct fiber, of_scope));
    while (!list_is_empty(&scope->fibers))
        (void)wait_among(&scope->waiters, "scope_close", NEVER, true);
}
