/* yield.c - what it costs to let the next fiber run.
 *
 * Every fiber yields as often as every other, so the time of a round over all yields is the time
 * from one fiber to the next, the loop's own turn included. The first fiber sleeps meanwhile.
 *
 * SPDX-License-Identifier: ISC */
#include "inside.h"

#include "fiber/fiber.h"
#include "target/clock.h"
#include "target/memory.h"

#define LOG_MODULE "inside"
#include "log/log.h"

struct yielder {
    struct task task;
    uint64_t repeat_count;
};

static void yielder_run(struct task *task)
{
    struct yielder *yielder = CONTAINER_OF(task, struct yielder, task);
    for (uint64_t i = 0; i < yielder->repeat_count; i++)
        fiber_yield();
}

static enum result start_all(struct scope *scope, struct yielder yielders[],
                             const struct inside_parameters *parameters)
{
    for (uint64_t i = 0; i < parameters->fiber_count; i++) {
        yielders[i] = (struct yielder){ .task = { yielder_run },
                                        .repeat_count = parameters->repeat_count };
        enum result result = fiber_start(scope, &yielders[i].task, "yielder", STACK_SMALL);
        if (result == OK) continue;
        log_error("only %llu fibers: raise --fibers-small", (unsigned long long)i);
        return result;
    }
    return OK;
}

static enum result measure_round(struct yielder yielders[],
                                 const struct inside_parameters *parameters)
{
    struct scope scope;
    scope_open(&scope, "yielders");
    enum result result = start_all(&scope, yielders, parameters);
    uint64_t begin_ns = clock_monotonic_ns();
    if (result == OK) result = scope_wait(&scope, NEVER);
    uint64_t end_ns = clock_monotonic_ns();
    scope_close(&scope);
    if (result == OK) inside_tell("elapsed_ns", end_ns - begin_ns);
    return result;
}

enum result inside_yield(const struct inside_parameters *parameters)
{
    struct span memory;
    enum result result = memory_take(parameters->fiber_count * sizeof(struct yielder), &memory);
    if (result != OK) return result;
    struct yielder *yielders = (struct yielder *)(void *)memory.bytes;

    inside_tell("yields", parameters->fiber_count * parameters->repeat_count);
    for (uint64_t round = 0; round < parameters->round_count && result == OK; round++)
        result = measure_round(yielders, parameters);
    memory_give_back(memory);
    return result;
}
