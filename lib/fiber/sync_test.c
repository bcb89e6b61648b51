/* sync_test.c - mutex, condition, event, mailbox and stop.
 *
 * SPDX-License-Identifier: ISC */
#include "fiber/sync.h"

#include "fiber/stop.h"
#include "target/clock.h"
#include "test/test.h"

/* ---- mutex ---- */

struct worker {
    struct task task;
    struct mutex *mutex;
    struct condition *condition;
    unsigned *inside, *most_inside, *total;
    uint64_t deadline_ns;
    enum result result;
};

static void work_inside(struct task *task)
{
    struct worker *self = CONTAINER_OF(task, struct worker, task);
    for (unsigned i = 0; i < 10; i++) {
        self->result = mutex_take(self->mutex, self->deadline_ns);
        if (self->result != OK) return;
        ++*self->inside;
        *self->most_inside = MAX(*self->most_inside, *self->inside);
        fiber_yield();
        ++*self->total;
        --*self->inside;
        mutex_give(self->mutex);
    }
}

TEST(mutex_lets_one_in_at_a_time)
{
    struct mutex mutex;
    struct worker workers[5];
    unsigned inside = 0, most_inside = 0, total = 0;
    struct scope scope;
    mutex_init(&mutex);
    scope_open(&scope, "workers");
    for (size_t i = 0; i < LENGTH_OF(workers); i++) {
        workers[i] = (struct worker){ { work_inside }, &mutex, NULL,  &inside,
                                      &most_inside,    &total, NEVER, FAILED };
        expect_ok(fiber_start(&scope, &workers[i].task, "worker", STACK_SMALL));
    }
    expect_ok(scope_wait(&scope, NEVER));
    expect_that(most_inside, ==, 1);
    expect_that(total, ==, 50);
    scope_close(&scope);
}

TEST(mutex_take_times_out_and_is_cancelled)
{
    struct mutex mutex;
    unsigned inside = 0, most_inside = 0, total = 0;
    struct scope scope;
    mutex_init(&mutex);
    expect_ok(mutex_take(&mutex, NEVER));
    scope_open(&scope, "workers");
    struct worker late = {
        { work_inside }, &mutex, NULL, &inside, &most_inside, &total, clock_monotonic_ns() + MS_NS,
        FAILED
    };
    struct worker cancelled = { { work_inside }, &mutex, NULL,  &inside,
                                &most_inside,    &total, NEVER, FAILED };
    expect_ok(fiber_start(&scope, &late.task, "late", STACK_SMALL));
    expect_ok(fiber_start(&scope, &cancelled.task, "cancelled", STACK_SMALL));
    expect_result(fiber_sleep(3 * MS_NS), TIMED_OUT);
    expect_result(late.result, TIMED_OUT);
    scope_close(&scope);
    expect_result(cancelled.result, CANCELLED);
    mutex_give(&mutex);
    expect_that(total, ==, 0);
}

/* First come first served, also beside a fiber that takes it again as soon as it has given it. */
TEST(mutex_goes_to_who_has_waited_longest)
{
    struct mutex mutex;
    unsigned inside = 0, most_inside = 0, total = 0;
    struct scope scope;
    mutex_init(&mutex);
    scope_open(&scope, "workers");
    struct worker greedy = { { work_inside }, &mutex, NULL,  &inside,
                             &most_inside,    &total, NEVER, FAILED };
    expect_ok(fiber_start(&scope, &greedy.task, "greedy", STACK_SMALL));
    fiber_yield();
    expect_ok(mutex_take(&mutex, NEVER));
    expect_that(total, ==, 1);
    mutex_give(&mutex);
    expect_ok(scope_wait(&scope, NEVER));
    expect_that(total, ==, 10);
    scope_close(&scope);
}

/* ---- condition ---- */

static void wait_for_change(struct task *task)
{
    struct worker *self = CONTAINER_OF(task, struct worker, task);
    expect_ok(mutex_take(self->mutex, NEVER));
    self->result = condition_wait(self->condition, self->mutex, self->deadline_ns);
    expect(self->mutex->holder == fiber_current());
    ++*self->total;
    mutex_give(self->mutex);
}

TEST(condition_wakes_one_or_all_and_always_returns_with_the_mutex)
{
    struct mutex mutex;
    struct condition condition;
    struct worker workers[4];
    unsigned inside = 0, most_inside = 0, total = 0;
    struct scope scope;
    mutex_init(&mutex);
    condition_init(&condition);
    scope_open(&scope, "workers");
    for (size_t i = 0; i < LENGTH_OF(workers); i++) {
        workers[i] = (struct worker){ { wait_for_change }, &mutex, &condition, &inside,
                                      &most_inside,        &total, NEVER,      FAILED };
        expect_ok(fiber_start(&scope, &workers[i].task, "worker", STACK_SMALL));
    }
    fiber_yield();
    condition_signal(&condition);
    fiber_yield();
    fiber_yield();
    expect_that(total, ==, 1);
    condition_broadcast(&condition);
    expect_ok(scope_wait(&scope, NEVER));
    expect_that(total, ==, 4);
    scope_close(&scope);
}

TEST(a_cancelled_condition_wait_holds_the_mutex_again)
{
    struct mutex mutex;
    struct condition condition;
    unsigned total = 0;
    struct scope scope;
    mutex_init(&mutex);
    condition_init(&condition);
    scope_open(&scope, "workers");
    struct worker worker = {
        { wait_for_change }, &mutex, &condition, NULL, NULL, &total, NEVER, FAILED
    };
    expect_ok(fiber_start(&scope, &worker.task, "worker", STACK_SMALL));
    fiber_yield();
    scope_close(&scope);
    expect_result(worker.result, CANCELLED);
    expect_that(total, ==, 1);
    expect(mutex.holder == NULL);
}

/* ---- event ---- */

TEST(an_event_tells_those_before_and_those_after)
{
    struct event event;
    event_init(&event);
    expect_result(event_wait(&event, NO_WAIT), TIMED_OUT);
    expect_result(event_wait(&event, clock_monotonic_ns() + MS_NS), TIMED_OUT);
    event_set(&event);
    expect_ok(event_wait(&event, NO_WAIT));
    expect_ok(event_wait(&event, NEVER));
}

/* ---- mailbox ---- */

struct numbered {
    struct letter letter;
    unsigned number;
};

struct sender {
    struct task task;
    struct mailbox *mailbox;
    struct numbered letters[5];
};

static void send_all(struct task *task)
{
    struct sender *self = CONTAINER_OF(task, struct sender, task);
    for (unsigned i = 0; i < LENGTH_OF(self->letters); i++) {
        self->letters[i].number = i;
        mailbox_put(self->mailbox, &self->letters[i].letter);
        if (i % 2 == 0) fiber_yield();
    }
}

TEST(letters_are_taken_in_order)
{
    struct mailbox mailbox;
    struct scope scope;
    mailbox_init(&mailbox);
    scope_open(&scope, "senders");
    struct sender sender = { .task = { send_all }, .mailbox = &mailbox };
    expect_ok(fiber_start(&scope, &sender.task, "sender", STACK_SMALL));
    for (unsigned i = 0; i < LENGTH_OF(sender.letters); i++) {
        struct letter *letter;
        expect_ok(mailbox_take(&mailbox, &letter, NEVER));
        expect_that(CONTAINER_OF(letter, struct numbered, letter)->number, ==, i);
    }
    struct letter *none;
    expect_result(mailbox_take(&mailbox, &none, NO_WAIT), TIMED_OUT);
    scope_close(&scope);
}

TEST(a_letter_can_be_withdrawn)
{
    struct mailbox mailbox;
    struct numbered one = { .number = 1 }, two = { .number = 2 };
    struct letter *letter;
    mailbox_init(&mailbox);
    mailbox_put(&mailbox, &one.letter);
    mailbox_put(&mailbox, &two.letter);
    letter_withdraw(&one.letter);
    letter_withdraw(&one.letter);
    expect_ok(mailbox_take(&mailbox, &letter, NO_WAIT));
    expect(letter == &two.letter);
    expect(mailbox_is_empty(&mailbox));
}

/* ---- stop ---- */

TEST(stop_cuts_a_sleep_short)
{
    expect(!stop_is_requested());
    expect_result(stop_wait(clock_monotonic_ns() + MS_NS), TIMED_OUT);
    stop_request();
    stop_request();
    expect(stop_is_requested());
    expect_ok(stop_wait(NEVER));
}
