/* fiber_alarm.c - notices at a deadline, on the timing wheel.
 *
 * SPDX-License-Identifier: ISC */
#include "fiber/fiber_private.h"

/* Never in the turn of the loop that it is set in: one whose `due` sets it to a time that has
 * passed would keep the loop from ever getting to the fibers. */
void alarm_set(struct alarm *alarm, uint64_t deadline_ns)
{
    timer_stop(&fiber_runtime.timers, &alarm->timer);
    timer_start(&fiber_runtime.timers, &alarm->timer, MAX(deadline_ns, fiber_runtime.now_ns + 1));
}

void alarm_stop(struct alarm *alarm)
{
    timer_stop(&fiber_runtime.timers, &alarm->timer);
}

uint64_t loop_now_ns(void)
{
    return fiber_runtime.now_ns;
}
