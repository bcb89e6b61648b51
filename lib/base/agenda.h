/* agenda.h - the time as protocol cores know it, and what they have to do later.
 *
 * A core does no I/O and reads no clock: whoever drives it tells the agenda what time it is, and
 * the agenda calls what is due. One agenda serves all the cores of a stack.
 *
 *     agenda_advance(&agenda, now_ns);            runs what is due
 *     deadline_ns = agenda_next_ns(&agenda);      when to come back
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_AGENDA_H
#define LOOM_AGENDA_H

#include "base/timer.h"

struct agenda {
    uint64_t now_ns; /* to be read by the cores */
    struct timer_wheel wheel;
};

/* Embedded in what it is about; zeroed, and `due` set, before its first use. `due` must not wait;
 * it may set and stop entries, this one too. */
struct agenda_entry {
    struct timer timer;
    void (*due)(struct agenda_entry *entry);
};

void agenda_init(struct agenda *agenda, uint64_t now_ns);

/* Sets the time, which never goes back, and calls `due` of every entry whose deadline has passed.
 */
void agenda_advance(struct agenda *agenda, uint64_t now_ns);

/* When to advance it next at the latest; NEVER when nothing is to be done. */
uint64_t agenda_next_ns(const struct agenda *agenda);

/* (Re)starts it; NEVER stops it. A deadline that has passed is due at the next advance. */
void agenda_set(struct agenda *agenda, struct agenda_entry *entry, uint64_t deadline_ns);
void agenda_stop(struct agenda *agenda, struct agenda_entry *entry);

static inline bool agenda_holds(const struct agenda_entry *entry)
{
    return timer_is_running(&entry->timer);
}

#endif
