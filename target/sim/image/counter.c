/* counter.c - an image for the simulator's own tests: it counts in a variable at file scope, says
 * how far it is, and ends in each way that an image can.
 *
 * SPDX-License-Identifier: ISC */
#include "base/writer.h"
#include "fiber/fiber.h"
#include "fiber/stop.h"
#include "image/image.h"
#include "target/clock.h"
#include "target/console.h"
#include "target/exit.h"
#include "target/memory.h"

struct counter_parameters {
    uint64_t every_ns, end_at, panic_at, exit_at, fault_at, keep_bytes, busy_ns;
};

static struct counter_parameters parameters;

static const struct parameter counter_parameters[] = {
    PARAMETER_DURATION(struct counter_parameters, every_ns, "every", "100ms", "between two counts"),
    PARAMETER_NUMBER(struct counter_parameters, end_at, "end-at", "1000000", 1, 1000000,
                     "the count at which it ends"),
    PARAMETER_NUMBER(struct counter_parameters, panic_at, "panic-at", "0", 0, 1000000,
                     "the count at which it panics"),
    PARAMETER_NUMBER(struct counter_parameters, exit_at, "exit-at", "0", 0, 1000000,
                     "the count at which it exits with status 7, from a small fiber"),
    PARAMETER_NUMBER(struct counter_parameters, fault_at, "fault-at", "0", 0, 1000000,
                     "the count at which it writes to nowhere"),
    PARAMETER_BYTES(struct counter_parameters, keep_bytes, "keep", "0", 0, GIB,
                    "memory that it takes and does not give back"),
    PARAMETER_DURATION(struct counter_parameters, busy_ns, "busy", "0s",
                       "how long it does not wait at the start"),
    PARAMETER_END,
};

static const struct parameter_group groups[] = { { .device = "counter",
                                                   .prefix = "",
                                                   .table = counter_parameters,
                                                   .values = { (uint8_t *)&parameters,
                                                               sizeof parameters } } };

const struct image image = { .name = "counter", .parameters = groups, .parameter_count = 1 };

/* What a fresh copy must find zero again. */
static uint64_t count;

static void say_count(void)
{
    uint8_t room[96];
    uint64_t now_ns = clock_monotonic_ns();
    console_write(format(SPAN_OF(room), "count %llu at %llu ms\n", (unsigned long long)count,
                         (unsigned long long)(now_ns / MS_NS)));
}

static void exit_run(struct task *task)
{
    (void)task;
    target_exit(7);
}

static void exit_elsewhere(void)
{
    static struct task task = { exit_run };
    struct scope scope;
    scope_open(&scope, "exit");
    if (fiber_start(&scope, &task, "exit", STACK_SMALL) == OK)
        result_ignore(scope_wait(&scope, NEVER));
    scope_close(&scope);
}

static void be_busy(void)
{
    uint64_t end_ns = clock_monotonic_ns() + parameters.busy_ns;
    while (clock_monotonic_ns() < end_ns)
        fiber_yield();
}

enum result image_start(void)
{
    struct span kept;
    uint64_t next_ns = clock_monotonic_ns();
    if (parameters.keep_bytes > 0 && memory_take(parameters.keep_bytes, &kept) != OK) return FULL;
    be_busy();
    while (count < parameters.end_at) {
        next_ns = deadline_after(next_ns, parameters.every_ns);
        if (stop_wait(next_ns) == OK) break;
        count++;
        say_count();
        if (count == parameters.panic_at) panic("counted up to %u", (unsigned)count);
        if (count == parameters.fault_at)
            *(volatile int *)(count * 1000000) = 1; // NOLINT: a number as an address is the point
        if (count == parameters.exit_at) exit_elsewhere();
    }
    console_write(VIEW("done"));
    return OK;
}
