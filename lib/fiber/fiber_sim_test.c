/* fiber_sim_test.c - fibers and deadlines in virtual time: hours pass in a moment, and in order.
 *
 * SPDX-License-Identifier: ISC */
#include "fiber/fiber.h"
#include "fiber/stop.h"
#include "target/clock.h"
#include "test/test.h"

struct sleeper {
    struct task task;
    uint64_t duration_ns, woke_ns;
    unsigned *next_place, place;
};

static void sleep_once(struct task *task)
{
    struct sleeper *self = CONTAINER_OF(task, struct sleeper, task);
    expect_result(fiber_sleep(self->duration_ns), TIMED_OUT);
    self->woke_ns = clock_monotonic_ns();
    self->place = (*self->next_place)++;
}

TEST(sleepers_wake_in_the_order_of_their_deadlines)
{
    static struct sleeper sleepers[1000];
    struct scope scope;
    uint64_t random = 7, start_ns = clock_monotonic_ns();
    unsigned next_place = 0;
    scope_open(&scope, "sleepers");
    for (size_t i = 0; i < LENGTH_OF(sleepers); i++) {
        sleepers[i] = (struct sleeper){ .task = { sleep_once },
                                        .duration_ns = test_random(&random) %
                                                       ((uint64_t)48 * 3600 * S_NS),
                                        .next_place = &next_place };
        expect_ok(fiber_start(&scope, &sleepers[i].task, "sleeper", STACK_SMALL));
    }
    expect_ok(scope_wait(&scope, NEVER));
    static const struct sleeper *by_place[LENGTH_OF(sleepers)];
    for (size_t i = 0; i < LENGTH_OF(sleepers); i++) {
        by_place[sleepers[i].place] = &sleepers[i];
        expect_that(sleepers[i].woke_ns, >=, start_ns + sleepers[i].duration_ns);
        expect_that(sleepers[i].woke_ns, <=, start_ns + sleepers[i].duration_ns + 2 * MS_NS);
    }
    for (size_t i = 1; i < LENGTH_OF(sleepers); i++)
        expect_that(by_place[i]->duration_ns + 2 * US_NS, >=, by_place[i - 1]->duration_ns);
    scope_close(&scope);
}

TEST(a_long_sleep_takes_no_time)
{
    uint64_t start_ns = clock_monotonic_ns();
    expect_result(fiber_sleep((uint64_t)365 * 24 * 3600 * S_NS), TIMED_OUT);
    expect_that(clock_monotonic_ns() - start_ns, >=, (uint64_t)365 * 24 * 3600 * S_NS);
}

TEST(an_image_that_does_not_stop_is_cancelled)
{
    /* The tests run on the first fiber, so it is this one that a stop cancels when its patience
     * ends. */
    uint64_t start_ns = clock_monotonic_ns();
    stop_request();
    expect_ok(stop_wait(NEVER));
    expect_result(fiber_sleep(3600 * S_NS), CANCELLED);
    expect_that(clock_monotonic_ns() - start_ns, >=, 10 * S_NS);
    expect_that(clock_monotonic_ns() - start_ns, <, 11 * S_NS);
    expect(fiber_is_cancelled());
}

/* ---- what is deferred ---- */

struct noted {
    struct deferred deferred;
    unsigned run_count, yields_before; /* how far the fiber had come */
};
static unsigned yields;

static void note_deferred(struct deferred *deferred)
{
    struct noted *noted = CONTAINER_OF(deferred, struct noted, deferred);
    noted->run_count++;
    noted->yields_before = yields;
}

TEST(loop_runs_what_is_deferred_once_the_fibers_have_run)
{
    struct noted noted = { .deferred.run = note_deferred }, taken = noted;
    yields = 0;
    loop_defer(&noted.deferred);
    loop_defer(&noted.deferred);
    loop_defer(&taken.deferred);
    loop_withdraw(&taken.deferred);
    loop_withdraw(&taken.deferred);
    yields++;
    expect_that(noted.run_count, ==, 0);
    fiber_yield();
    expect_that(noted.run_count, ==, 1);
    expect_that(noted.yields_before, ==, 1);
    fiber_yield();
    expect_that(noted.run_count, ==, 1);
    expect_that(taken.run_count, ==, 0);
}
