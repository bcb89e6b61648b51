/* fiber_test.c - fibers, scopes, waits and cancellation over the real clock.
 *
 * SPDX-License-Identifier: ISC */
#include "fiber/fiber.h"

#include "fiber/fiber_private.h"
#include "fiber/sync.h"
#include "target/clock.h"
#include "test/test.h"

/* ---- order ---- */

struct writer_of_order {
    struct task task;
    unsigned number, rounds;
};

static struct {
    unsigned numbers[64];
    size_t count;
} order;

static void note_order(struct task *task)
{
    struct writer_of_order *self = CONTAINER_OF(task, struct writer_of_order, task);
    for (unsigned i = 0; i < self->rounds; i++) {
        order.numbers[order.count++] = self->number;
        fiber_yield();
    }
}

TEST(fibers_run_first_come_first_served)
{
    struct writer_of_order writers[3];
    struct scope scope;
    scope_open(&scope, "order");
    order.count = 0;
    for (unsigned i = 0; i < 3; i++) {
        writers[i] = (struct writer_of_order){ { note_order }, i, 4 };
        expect_ok(fiber_start(&scope, &writers[i].task, "writer", STACK_SMALL));
    }
    expect_ok(scope_wait(&scope, NEVER));
    expect_that(order.count, ==, 12);
    for (unsigned i = 0; i < 12; i++)
        expect_that(order.numbers[i], ==, i % 3);
    scope_close(&scope);
}

TEST(a_fiber_does_not_run_before_its_starter_waits)
{
    struct writer_of_order writer = { { note_order }, 7, 1 };
    struct scope scope;
    scope_open(&scope, "order");
    order.count = 0;
    expect_ok(fiber_start(&scope, &writer.task, "writer", STACK_SMALL));
    expect_that(order.count, ==, 0);
    fiber_yield();
    expect_that(order.count, ==, 1);
    scope_close(&scope);
}

/* ---- waiting ---- */

struct sleeper {
    struct task task;
    struct waiters *waiters;
    uint64_t deadline_ns;
    enum result result, again;
    unsigned woken;
};

static void sleeper_run(struct task *task)
{
    struct sleeper *self = CONTAINER_OF(task, struct sleeper, task);
    self->result = waiters_wait(self->waiters, "test", self->deadline_ns);
    self->woken = (unsigned)++order.count;
    self->again = waiters_wait(self->waiters, "test again", NO_WAIT);
}

TEST(waiters_are_woken_in_the_order_they_came)
{
    struct waiters waiters;
    struct sleeper sleepers[3];
    struct scope scope;
    waiters_init(&waiters);
    scope_open(&scope, "sleepers");
    order.count = 0;
    for (size_t i = 0; i < 3; i++) {
        sleepers[i] = (struct sleeper){ { sleeper_run }, &waiters, NEVER, FAILED, FAILED, 0 };
        expect_ok(fiber_start(&scope, &sleepers[i].task, "sleeper", STACK_SMALL));
    }
    fiber_yield();
    waiters_wake_one(&waiters);
    fiber_yield();
    expect_that(sleepers[0].woken, ==, 1);
    expect_that(sleepers[1].woken, ==, 0);
    waiters_wake_all(&waiters);
    expect_ok(scope_wait(&scope, NEVER));
    expect_that(sleepers[1].woken, ==, 2);
    expect_that(sleepers[2].woken, ==, 3);
    expect_result(sleepers[2].again, TIMED_OUT);
    scope_close(&scope);
}

TEST(a_wait_ends_at_its_deadline_and_not_before)
{
    for (unsigned i = 1; i <= 3; i++) {
        uint64_t before_ns = clock_monotonic_ns();
        expect_result(fiber_sleep(i * MS_NS), TIMED_OUT);
        expect_that(clock_monotonic_ns() - before_ns, >=, i * MS_NS);
    }
}

TEST(a_passed_deadline_does_not_wait)
{
    struct waiters waiters;
    waiters_init(&waiters);
    expect_result(waiters_wait(&waiters, "test", NO_WAIT), TIMED_OUT);
    expect_result(waiters_wait(&waiters, "test", 1), TIMED_OUT);
    expect(waiters_is_empty(&waiters));
}

/* ---- cancellation ---- */

TEST(cancelling_ends_this_wait_and_every_later_one)
{
    struct waiters waiters;
    struct scope scope;
    waiters_init(&waiters);
    scope_open(&scope, "cancel");
    struct sleeper sleeper = { { sleeper_run }, &waiters, NEVER, FAILED, FAILED, 0 };
    expect_ok(fiber_start(&scope, &sleeper.task, "sleeper", STACK_SMALL));
    fiber_yield();
    scope_close(&scope);
    expect_result(sleeper.result, CANCELLED);
    expect_result(sleeper.again, CANCELLED);
    expect(waiters_is_empty(&waiters));
}

TEST(a_fiber_cancelled_before_it_runs_still_runs_and_sees_it)
{
    struct waiters waiters;
    struct scope scope;
    waiters_init(&waiters);
    scope_open(&scope, "cancel");
    struct sleeper sleeper = { { sleeper_run }, &waiters, NEVER, FAILED, FAILED, 0 };
    expect_ok(fiber_start(&scope, &sleeper.task, "sleeper", STACK_SMALL));
    scope_close(&scope);
    expect_result(sleeper.result, CANCELLED);
}

TEST(a_closing_scope_starts_nothing)
{
    struct scope scope;
    scope_open(&scope, "closed");
    scope_close(&scope);
    struct sleeper sleeper = { .task = { sleeper_run } };
    expect_result(fiber_start(&scope, &sleeper.task, "sleeper", STACK_SMALL), CANCELLED);
}

struct owner {
    struct task task;
    struct sleeper children[2];
    struct waiters waiters;
    bool closed;
};

static void owner_run(struct task *task)
{
    struct owner *self = CONTAINER_OF(task, struct owner, task);
    struct scope scope;
    scope_open(&scope, "children");
    for (size_t i = 0; i < 2; i++) {
        self->children[i] = (struct sleeper){ { sleeper_run }, &self->waiters, NEVER,
                                              FAILED,          FAILED,         0 };
        expect_ok(fiber_start(&scope, &self->children[i].task, "child", STACK_SMALL));
    }
    expect_result(scope_wait(&scope, NEVER), CANCELLED);
    scope_close(&scope);
    self->closed = true;
}

TEST(closing_an_owner_ends_what_it_owns_first)
{
    struct owner owner = { .task = { owner_run } };
    struct scope scope;
    waiters_init(&owner.waiters);
    scope_open(&scope, "owners");
    expect_ok(fiber_start(&scope, &owner.task, "owner", STACK_SMALL));
    fiber_yield();
    fiber_yield();
    scope_close(&scope);
    expect(owner.closed);
    expect_result(owner.children[0].result, CANCELLED);
    expect_result(owner.children[1].result, CANCELLED);
}

TEST(scope_wait_has_a_deadline)
{
    struct waiters waiters;
    struct scope scope;
    waiters_init(&waiters);
    scope_open(&scope, "late");
    struct sleeper sleeper = { { sleeper_run }, &waiters, NEVER, FAILED, FAILED, 0 };
    expect_ok(fiber_start(&scope, &sleeper.task, "sleeper", STACK_SMALL));
    expect_result(scope_wait(&scope, clock_monotonic_ns() + MS_NS), TIMED_OUT);
    scope_close(&scope);
}

/* ---- bounds ---- */

static void do_nothing(struct task *task)
{
    (void)task;
}

TEST(stacks_are_bounded_and_come_back)
{
    static struct task tasks[2000];
    struct scope scope;
    size_t before = fiber_stacks_free(STACK_SMALL);
    scope_open(&scope, "many");
    size_t started = 0;
    for (;; started++) {
        tasks[started].run = do_nothing;
        enum result result = fiber_start(&scope, &tasks[started], "one of many", STACK_SMALL);
        if (result == FULL) break;
        expect_ok(result);
    }
    expect_that(started, ==, before);
    expect_that(fiber_stacks_free(STACK_SMALL), ==, 0);
    expect_ok(scope_wait(&scope, NEVER));
    expect_that(fiber_stacks_free(STACK_SMALL), ==, before);
    scope_close(&scope);
}

/* ---- registers and stacks survive ---- */

struct mixer {
    struct task task;
    uint64_t seed, sum;
};

__attribute__((noinline)) static uint64_t mix(uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                                              unsigned depth)
{
    uint64_t e = a * 3 + b, f = b * 5 + c, g = c * 7 + d, h = d * 11 + a;
    if (depth == 0) return e ^ f ^ g ^ h;
    if (depth % 3 == 0) fiber_yield();
    uint64_t below = mix(e, f, g, h, depth - 1);
    return below + e * f + g * h;
}

static void mixer_run(struct task *task)
{
    struct mixer *self = CONTAINER_OF(task, struct mixer, task);
    self->sum = mix(self->seed, 1, 2, 3, 60);
}

TEST(registers_and_stacks_survive_switches)
{
    static struct mixer mixers[100];
    struct scope scope;
    scope_open(&scope, "mixers");
    for (size_t i = 0; i < LENGTH_OF(mixers); i++) {
        mixers[i] = (struct mixer){ { mixer_run }, i % 10, 0 };
        expect_ok(fiber_start(&scope, &mixers[i].task, "mixer", STACK_SMALL));
    }
    expect_ok(scope_wait(&scope, NEVER));
    for (size_t i = 10; i < LENGTH_OF(mixers); i++)
        expect_that(mixers[i].sum, ==, mixers[i - 10].sum);
    expect_that(mixers[0].sum, !=, mixers[1].sum);
    scope_close(&scope);
}

/* ---- the census ---- */

struct finder {
    struct fiber_visitor visitor;
    const char *name;
    struct fiber_census found;
    unsigned count;
};

static void find_by_name(struct fiber_visitor *visitor, const struct fiber_census *fiber)
{
    struct finder *self = CONTAINER_OF(visitor, struct finder, visitor);
    if (!view_equal(view_from_string(fiber->name), view_from_string(self->name))) return;
    self->found = *fiber;
    self->count++;
}

TEST(the_census_tells_name_reason_and_stack)
{
    struct waiters waiters;
    struct scope scope;
    waiters_init(&waiters);
    scope_open(&scope, "census scope");
    uint64_t deadline_ns = clock_monotonic_ns() + 3600 * S_NS;
    struct sleeper sleeper = { { sleeper_run }, &waiters, deadline_ns, FAILED, FAILED, 0 };
    expect_ok(fiber_start(&scope, &sleeper.task, "counted", STACK_SMALL));
    fiber_yield();
    struct finder finder = { .visitor.visit = find_by_name, .name = "counted" };
    fiber_visit(&finder.visitor);
    expect_that(finder.count, ==, 1);
    expect_view(view_from_string(finder.found.waits_for), VIEW("test"));
    expect_view(view_from_string(finder.found.scope), VIEW("census scope"));
    expect_that(finder.found.deadline_ns, ==, deadline_ns);
    expect_that(finder.found.stack_bytes, ==, 16 * KIB);
    expect_that(finder.found.stack_deepest_bytes, >, 64);
    expect_that(finder.found.stack_deepest_bytes, <=, 16 * KIB);
    scope_close(&scope);
}

/* ---- alarms ---- */

struct ringer {
    struct alarm alarm;
    unsigned rings;
};

static void ring(struct alarm *alarm)
{
    CONTAINER_OF(alarm, struct ringer, alarm)->rings++;
}

TEST(alarms_ring_once_and_can_be_stopped)
{
    struct ringer ringer = { .alarm.due = ring }, stopped = { .alarm.due = ring };
    uint64_t now_ns = clock_monotonic_ns();
    alarm_set(&ringer.alarm, now_ns + 100 * MS_NS);
    alarm_set(&ringer.alarm, now_ns + MS_NS);
    alarm_set(&stopped.alarm, now_ns + MS_NS);
    alarm_stop(&stopped.alarm);
    expect_result(fiber_sleep(3 * MS_NS), TIMED_OUT);
    expect_that(ringer.rings, ==, 1);
    expect_that(stopped.rings, ==, 0);
    alarm_set(&ringer.alarm, NEVER);
    expect(!timer_is_running(&ringer.alarm.timer));
}

/* Rings again at once, though not for ever, so that a test that fails ends. */
static void ring_again(struct alarm *alarm)
{
    struct ringer *ringer = CONTAINER_OF(alarm, struct ringer, alarm);
    if (++ringer->rings < 1000000) alarm_set(alarm, NO_WAIT);
}

TEST(an_alarm_without_a_pause_lets_fibers_run)
{
    struct ringer ringer = { .alarm.due = ring_again };
    alarm_set(&ringer.alarm, NO_WAIT);
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    expect_that(ringer.rings, <, 1000000);
    expect(timer_is_running(&ringer.alarm.timer));
    alarm_stop(&ringer.alarm);
}
