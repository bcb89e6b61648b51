/* fiber_alarm.c - notices at a deadline, on the timing wheel.
 *
 * SPDX-License-Identifier: ISC */
#include "fiber/fiber_private.h"

void alarm_set(struct alarm *alarm, uint64_t deadline_ns)
{
    timer_stop(&fiber_runtime.timers, &alarm->timer);
    timer_start(&fiber_runtime.timers, &alarm->timer, deadline_ns);
}

void alarm_stop(struct alarm *alarm)
{
    timer_stop(&fiber_runtime.timers, &alarm->timer);
}

uint64_t loop_now_ns(void)
{
    return fiber_runtime.now_ns;
}
