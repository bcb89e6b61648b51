/* sleepers.c - as many fibers as asked for, all asleep at once, then all woken at one moment and
 * ended.
 *
 * The driver looks at the image's memory between "asleep" and "ended". The stacks with their guard
 * pages are laid out before the image starts, so the driver times that from outside.
 *
 * SPDX-License-Identifier: ISC */
#include "inside.h"

#include "fiber/fiber.h"
#include "target/clock.h"
#include "target/memory.h"

#define LOG_MODULE "inside"
#include "log/log.h"

struct bedroom {
    uint64_t alarm_ns;
    uint64_t asleep_count, woken_count;
};

struct sleeper {
    struct task task;
    struct bedroom *bedroom;
};

static void sleeper_run(struct task *task)
{
    struct bedroom *bedroom = CONTAINER_OF(task, struct sleeper, task)->bedroom;
    bedroom->asleep_count++;
    if (fiber_sleep_until(bedroom->alarm_ns) == TIMED_OUT) bedroom->woken_count++;
}

static enum result start_all(struct scope *scope, struct sleeper sleepers[],
                             struct bedroom *bedroom, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        sleepers[i] = (struct sleeper){ .task = { sleeper_run }, .bedroom = bedroom };
        enum result result = fiber_start(scope, &sleepers[i].task, "sleeper", STACK_SMALL);
        if (result == OK) continue;
        log_error("only %llu fibers: raise --fibers-small", (unsigned long long)i);
        return result;
    }
    return OK;
}

/* Creates them, and lets each run until it sleeps. */
static enum result put_to_sleep(struct scope *scope, struct sleeper sleepers[],
                                struct bedroom *bedroom, uint64_t count)
{
    uint64_t begin_ns = clock_monotonic_ns();
    enum result result = start_all(scope, sleepers, bedroom, count);
    if (result != OK) return result;
    while (bedroom->asleep_count < count)
        fiber_yield();
    uint64_t end_ns = clock_monotonic_ns();
    if (end_ns >= bedroom->alarm_ns) {
        log_error("the alarm came before all were asleep: raise --sleep");
        return FAILED;
    }
    inside_tell("create_ns", end_ns - begin_ns);
    inside_tell("asleep", bedroom->asleep_count);
    return OK;
}

static enum result wake_up(struct scope *scope, const struct bedroom *bedroom, uint64_t count)
{
    enum result result = scope_wait(scope, NEVER);
    if (result != OK) return result;
    inside_tell("wake_and_end_ns", clock_monotonic_ns() - bedroom->alarm_ns);
    inside_tell("ended", bedroom->woken_count);
    return bedroom->woken_count == count ? OK : FAILED;
}

enum result inside_sleepers(const struct inside_parameters *parameters)
{
    struct span memory;
    uint64_t count = parameters->fiber_count;
    enum result result = memory_take(count * sizeof(struct sleeper), &memory);
    if (result != OK) return result;
    struct sleeper *sleepers = (struct sleeper *)(void *)memory.bytes;

    struct scope scope;
    struct bedroom bedroom = {
        .alarm_ns = deadline_after(clock_monotonic_ns(), parameters->sleep_ns),
    };
    scope_open(&scope, "sleepers");
    result = put_to_sleep(&scope, sleepers, &bedroom, count);
    if (result == OK) result = wake_up(&scope, &bedroom, count);
    scope_close(&scope);
    memory_give_back(memory);
    return result;
}
