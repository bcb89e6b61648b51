/* agenda.c - the time as protocol cores know it, and what they have to do later.
 *
 * SPDX-License-Identifier: ISC */
#include "base/agenda.h"

#include "base/units.h"

void agenda_init(struct agenda *agenda, uint64_t now_ns)
{
    agenda->now_ns = now_ns;
    timer_wheel_init(&agenda->wheel, now_ns);
}

void agenda_advance(struct agenda *agenda, uint64_t now_ns)
{
    assert_that(now_ns, >=, agenda->now_ns);
    agenda->now_ns = now_ns;
    for (struct timer *timer = timer_take_due(&agenda->wheel, now_ns); timer != NULL;
         timer = timer_take_due(&agenda->wheel, now_ns)) {
        struct agenda_entry *entry = CONTAINER_OF(timer, struct agenda_entry, timer);
        entry->due(entry);
    }
}

uint64_t agenda_next_ns(const struct agenda *agenda)
{
    return timer_next_ns(&agenda->wheel);
}

void agenda_set(struct agenda *agenda, struct agenda_entry *entry, uint64_t deadline_ns)
{
    timer_stop(&agenda->wheel, &entry->timer);
    timer_start(&agenda->wheel, &entry->timer, deadline_ns);
}

void agenda_stop(struct agenda *agenda, struct agenda_entry *entry)
{
    timer_stop(&agenda->wheel, &entry->timer);
}
