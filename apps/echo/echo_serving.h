/* echo_serving.h - for the tests: a service on a fiber of its own, and time to wait for it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef ECHO_SERVING_H
#define ECHO_SERVING_H

#include "echo.h"
#include "fiber/fiber.h"
#include "fiber/stop.h"
#include "target/clock.h"
#include "test/test.h"

struct serving {
    struct task task;
    struct scope scope;
    struct echo *echo;
    enum result result;
};

/* Long enough for a busy machine; and as long as it takes to be sure that nothing comes. */
static inline uint64_t soon(void)
{
    return clock_monotonic_ns() + 20 * S_NS;
}

static inline uint64_t in_a_moment(void)
{
    return clock_monotonic_ns() + 50 * MS_NS;
}

static inline void serving_run(struct task *task)
{
    struct serving *serving = CONTAINER_OF(task, struct serving, task);
    serving->result = echo_serve(serving->echo);
}

/* When it returns the service listens. */
static inline void serving_begin(struct serving *serving, struct echo *echo)
{
    *serving = (struct serving){ .task = { serving_run }, .echo = echo, .result = FAILED };
    scope_open(&serving->scope, "serving");
    expect_ok(fiber_start(&serving->scope, &serving->task, "serving", STACK_SMALL));
    fiber_yield();
}

/* Requests a stop, after which the service ends by itself. */
static inline void serving_end(struct serving *serving)
{
    stop_request();
    expect_ok(scope_wait(&serving->scope, soon()));
    scope_close(&serving->scope);
    expect_that(serving->result, ==, OK);
}

#endif
