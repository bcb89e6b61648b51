/* fiber_loop.c - the loop: time, alarms and the one place where an image waits.
 *
 * The loop takes its turn in the run queue like a fiber: when it comes to the front every fiber
 * that was runnable has run once, so it looks at the clock and the devices and goes to the back.
 * Only when nothing is runnable does it sleep.
 *
 * SPDX-License-Identifier: ISC */
#include "base/assert.h"
#include "fiber/fiber_private.h"
#include "target/clock.h"
#include "target/wait.h"

/* While fibers keep the processor busy the devices are looked at whenever these have had so much of
 * it: a poll is a system call. What the devices take themselves does not count, so that whoever
 * reads gets as far as what comes. */
#define BUSY_POLL_NS (20 * US_NS)

static void look_at_clock(void)
{
    fiber_runtime.now_ns = clock_monotonic_ns();
}

static void sound_alarms(void)
{
    for (struct timer *timer = timer_take_due(&fiber_runtime.timers, fiber_runtime.now_ns);
         timer != NULL; timer = timer_take_due(&fiber_runtime.timers, fiber_runtime.now_ns)) {
        struct alarm *alarm = CONTAINER_OF(timer, struct alarm, timer);
        alarm->due(alarm);
    }
}

/* Those that are deferred meanwhile wait for the next turn. */
static void run_deferred(void)
{
    struct list due;
    if (list_is_empty(&fiber_runtime.deferred)) return;
    list_init(&due);
    list_move_all(&due, &fiber_runtime.deferred);
    for (struct list_node *node = list_take(&due); node != NULL; node = list_take(&due)) {
        struct deferred *deferred = CONTAINER_OF(node, struct deferred, node);
        deferred->run(deferred);
    }
    look_at_clock();
}

void loop_defer(struct deferred *deferred)
{
    if (!list_holds(&deferred->node)) list_append(&fiber_runtime.deferred, &deferred->node);
}

void loop_withdraw(struct deferred *deferred)
{
    if (list_holds(&deferred->node)) list_remove(&deferred->node);
}

static bool is_idle(void)
{
    return list_is_empty(&fiber_runtime.runnable) && list_is_empty(&fiber_runtime.deferred);
}

static void poll_devices(void)
{
    if (is_idle()) {
        target_wait(timer_next_ns(&fiber_runtime.timers));
    } else if (fiber_runtime.fibers_ns >= BUSY_POLL_NS) {
        target_wait(NO_WAIT);
    } else {
        return;
    }
    look_at_clock();
    sound_alarms();
    fiber_runtime.fibers_ns = 0;
}

/* The fibers run until the loop's turn comes again. */
static void run_fibers(void)
{
    uint64_t begin_ns = fiber_runtime.now_ns;
    fiber_yield();
    look_at_clock();
    fiber_runtime.fibers_ns += fiber_runtime.now_ns - begin_ns;
}

void fiber_run(struct task *task, const char *name)
{
    look_at_clock();
    scope_open(&fiber_runtime.root, "image");
    enum result result = fiber_start(&fiber_runtime.root, task, name, STACK_MEDIUM);
    assert_that(result, ==, OK);
    while (!list_is_empty(&fiber_runtime.root.fibers)) {
        run_deferred();
        sound_alarms();
        poll_devices();
        run_fibers();
    }
}
