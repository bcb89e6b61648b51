/* sync.c - mutex, condition, event and mailbox, on lists of waiting fibers.
 *
 * SPDX-License-Identifier: ISC */
#include "fiber/sync.h"

#include "base/assert.h"

/* ---- mutex ---- */

void mutex_init(struct mutex *mutex)
{
    *mutex = (struct mutex){ 0 };
    waiters_init(&mutex->waiters);
}

enum result mutex_take(struct mutex *mutex, uint64_t deadline_ns)
{
    assert(mutex->holder != fiber_current());
    if (mutex->holder != NULL) return waiters_wait(&mutex->waiters, "mutex_take", deadline_ns);
    mutex->holder = fiber_current();
    return OK;
}

/* For condition_wait, which must hold the mutex again whatever has happened. */
static void mutex_take_shielded(struct mutex *mutex)
{
    enum result result = OK;
    if (mutex->holder != NULL) result = waiters_wait_shielded(&mutex->waiters, "mutex_take", NEVER);
    assert_that(result, ==, OK);
    mutex->holder = fiber_current();
}

/* Handed over to who has waited longest: were it only free, a fiber that takes it again at once
 * would always be the first. */
void mutex_give(struct mutex *mutex)
{
    assert(mutex->holder == fiber_current());
    mutex->holder = waiters_wake_one(&mutex->waiters);
}

/* ---- condition ---- */

void condition_init(struct condition *condition)
{
    waiters_init(&condition->waiters);
}

enum result condition_wait(struct condition *condition, struct mutex *mutex, uint64_t deadline_ns)
{
    mutex_give(mutex);
    enum result result = waiters_wait(&condition->waiters, "condition_wait", deadline_ns);
    mutex_take_shielded(mutex);
    return result;
}

void condition_signal(struct condition *condition)
{
    waiters_wake_one(&condition->waiters);
}

void condition_broadcast(struct condition *condition)
{
    waiters_wake_all(&condition->waiters);
}

/* ---- event ---- */

void event_init(struct event *event)
{
    *event = (struct event){ 0 };
    waiters_init(&event->waiters);
}

void event_set(struct event *event)
{
    event->happened = true;
    waiters_wake_all(&event->waiters);
}

enum result event_wait(struct event *event, uint64_t deadline_ns)
{
    enum result result = OK;
    while (!event->happened && result == OK)
        result = waiters_wait(&event->waiters, "event_wait", deadline_ns);
    return result;
}

/* ---- mailbox ---- */

void mailbox_init(struct mailbox *mailbox)
{
    list_init(&mailbox->letters);
    waiters_init(&mailbox->waiters);
}

void mailbox_put(struct mailbox *mailbox, struct letter *letter)
{
    list_append(&mailbox->letters, &letter->node);
    waiters_wake_one(&mailbox->waiters);
}

enum result mailbox_take(struct mailbox *mailbox, struct letter **letter, uint64_t deadline_ns)
{
    while (mailbox_is_empty(mailbox)) {
        enum result result = waiters_wait(&mailbox->waiters, "mailbox_take", deadline_ns);
        if (result != OK) return result;
    }
    *letter = CONTAINER_OF(list_take(&mailbox->letters), struct letter, node);
    return OK;
}

bool mailbox_is_empty(const struct mailbox *mailbox)
{
    return list_is_empty(&mailbox->letters);
}

void letter_withdraw(struct letter *letter)
{
    if (list_holds(&letter->node)) list_remove(&letter->node);
}
