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
#include "target/memory.h"
#include "target/stack.h"
#include "target/wait.h"

/* While fibers keep the processor busy the devices are looked at this often: a poll is a system
 * call. */
#define BUSY_POLL_NS (20 * US_NS)

const size_t fiber_stack_bytes[STACK_SIZES] = { 16 * KIB, 64 * KIB, 256 * KIB };

const struct parameter fiber_parameters[] = {
    PARAMETER_NUMBER(struct fiber_parameters, small_count, "fibers-small", "1024", 0, 1000000,
                     "fibers with a stack of 16 KiB"),
    PARAMETER_NUMBER(struct fiber_parameters, medium_count, "fibers-medium", "64", 1, 1000000,
                     "fibers with a stack of 64 KiB"),
    PARAMETER_NUMBER(struct fiber_parameters, large_count, "fibers-large", "8", 0, 100000,
                     "fibers with a stack of 256 KiB"),
    PARAMETER_END,
};

void alarm_set(struct alarm *alarm, uint64_t deadline_ns)
{
    timer_stop(&fiber_runtime.timers, &alarm->timer);
    timer_start(&fiber_runtime.timers, &alarm->timer, deadline_ns);
}

void alarm_stop(struct alarm *alarm)
{
    timer_stop(&fiber_runtime.timers, &alarm->timer);
}

uint64_t loop_now_ns(void)
{
    return fiber_runtime.now_ns;
}

static void sound_alarms(void)
{
    fiber_runtime.now_ns = clock_monotonic_ns();
    for (struct timer *timer = timer_take_due(&fiber_runtime.timers, fiber_runtime.now_ns);
         timer != NULL; timer = timer_take_due(&fiber_runtime.timers, fiber_runtime.now_ns)) {
        struct alarm *alarm = CONTAINER_OF(timer, struct alarm, timer);
        alarm->due(alarm);
    }
}

static void poll_devices(void)
{
    if (list_is_empty(&fiber_runtime.runnable)) {
        target_wait(timer_next_ns(&fiber_runtime.timers));
    } else if (fiber_runtime.now_ns - fiber_runtime.polled_ns >= BUSY_POLL_NS) {
        target_wait(NO_WAIT);
    } else {
        return;
    }
    sound_alarms();
    fiber_runtime.polled_ns = fiber_runtime.now_ns;
}

void fiber_run(struct task *task, const char *name)
{
    scope_open(&fiber_runtime.root, "image");
    enum result result = fiber_start(&fiber_runtime.root, task, name, STACK_MEDIUM);
    assert_that(result, ==, OK);
    while (!list_is_empty(&fiber_runtime.root.fibers)) {
        sound_alarms();
        poll_devices();
        fiber_yield();
    }
}

static enum result pool_open(struct fiber_pool *pool, enum stack_size size, size_t count)
{
    *pool = (struct fiber_pool){ .count = count };
    list_init(&pool->free);
    if (count == 0) return OK;
    enum result result = memory_take(count * sizeof(struct fiber), &pool->memory);
    if (result != OK) return result;
    pool->fibers = (struct fiber *)(void *)pool->memory.bytes;
    return stack_arena_take(count, fiber_stack_bytes[size], &pool->arena);
}

static void pool_close(struct fiber_pool *pool)
{
    assert_that(pool->alive_count, ==, 0);
    stack_arena_give_back(pool->arena);
    memory_give_back(pool->memory);
    *pool = (struct fiber_pool){ 0 };
}

enum result fiber_open(const struct fiber_parameters *parameters)
{
    const uint64_t counts[STACK_SIZES] = { parameters->small_count, parameters->medium_count,
                                           parameters->large_count };
    fiber_runtime = (struct fiber_runtime){ .loop.name = "loop", .loop.state = FIBER_RUNNING };
    fiber_runtime.current = &fiber_runtime.loop;
    fiber_runtime.now_ns = clock_monotonic_ns();
    list_init(&fiber_runtime.runnable);
    timer_wheel_init(&fiber_runtime.timers, fiber_runtime.now_ns);
    enum result result = OK;
    for (size_t size = 0; size < STACK_SIZES && result == OK; size++)
        result = pool_open(&fiber_runtime.pools[size], (enum stack_size)size, counts[size]);
    if (result != OK) fiber_close();
    return result;
}

void fiber_close(void)
{
    for (size_t size = 0; size < STACK_SIZES; size++)
        pool_close(&fiber_runtime.pools[size]);
}
