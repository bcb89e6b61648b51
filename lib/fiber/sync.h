/* sync.h - what fibers use among themselves: a mutex, a condition, an event and a mailbox. All
 * first come first served.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SYNC_H
#define LOOM_SYNC_H

#include "fiber/fiber.h"

/* Held by one fiber at a time, across its waits. */
struct mutex {
    struct waiters waiters;
    struct fiber *holder;
};

void mutex_init(struct mutex *mutex);
/* Waits. OK: held. Taking one that the fiber holds already is a mistake of the programmer. */
enum result mutex_take(struct mutex *mutex, uint64_t deadline_ns) CHECKED;
void mutex_give(struct mutex *mutex);

/* Tells fibers that something which a mutex guards has changed. */
struct condition {
    struct waiters waiters;
};

void condition_init(struct condition *condition);
/* Waits. Gives the mutex, which the fiber holds, while it waits, and holds it again when it
 * returns, whatever the result. */
enum result condition_wait(struct condition *condition, struct mutex *mutex,
                           uint64_t deadline_ns) CHECKED;
void condition_signal(struct condition *condition);
void condition_broadcast(struct condition *condition);

/* Something that happens once: whoever waits, before or after, is told. */
struct event {
    struct waiters waiters;
    bool happened;
};

void event_init(struct event *event);
void event_set(struct event *event);
enum result event_wait(struct event *event, uint64_t deadline_ns) CHECKED;

/* Letters that wait to be taken, in order. A letter is embedded in what is sent, so the mailbox
 * needs no memory and is never full; it holds as many letters as its senders own. A zeroed letter
 * is in no mailbox. */
struct letter {
    struct list_node node;
};

struct mailbox {
    struct list letters;
    struct waiters waiters;
};

void mailbox_init(struct mailbox *mailbox);
/* The letter must be in no mailbox. Safe in the loop. */
void mailbox_put(struct mailbox *mailbox, struct letter *letter);
/* Waits. Takes the oldest letter. For one taker: of several, one that comes while another has been
 * woken and has not run yet takes the letter first. */
enum result mailbox_take(struct mailbox *mailbox, struct letter **letter,
                         uint64_t deadline_ns) CHECKED;
bool mailbox_is_empty(const struct mailbox *mailbox);
/* Takes the letter out of the mailbox it is in, if it is in one. */
void letter_withdraw(struct letter *letter);

#endif
