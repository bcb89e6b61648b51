/* timer.h - deadlines by the hundred thousand: a hierarchical timing wheel.
 *
 * Starting and stopping a timer take constant time; each timer moves down at most once a level
 * before it ends. Level 0 has 64 slots of one tick (1.024 us); every further level has 64 slots as
 * wide as the whole level below. A deadline lies at the level of the highest group of six bits in
 * which its tick differs from the wheel's:
 *
 *     tick now     ... 000101 110010 001000
 *     a deadline   ... 000101 110100 000001        differs first in the middle group: level 1, slot
 * 110100
 *
 * Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987), scheme 6.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TIMER_H
#define LOOM_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define TIMER_TICK_SHIFT 10
#define TIMER_SLOT_BITS  6
#define TIMER_SLOTS      (1u << TIMER_SLOT_BITS)
#define TIMER_LEVELS     9 /* 9 * 6 bits and a tick's 10 cover all 64 */

/* A zeroed timer is not running. */
struct timer {
    struct list_node node;
    uint64_t deadline_ns;
    uint16_t slot; /* its place in the wheel, while it is running */
};

struct timer_wheel {
    uint64_t tick;
    uint64_t occupied[TIMER_LEVELS]; /* a bit a slot */
    struct list due;                 /* their deadline has passed */
    struct list slots[TIMER_LEVELS * TIMER_SLOTS];
};

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ns);

static inline bool timer_is_running(const struct timer *timer)
{
    return list_holds(&timer->node);
}

/* The timer must not be running; the wheel keeps it until it is due or stopped. A deadline of NEVER
 * starts nothing. */
void timer_start(struct timer_wheel *wheel, struct timer *timer, uint64_t deadline_ns);

/* Stops it if it is running. */
void timer_stop(struct timer_wheel *wheel, struct timer *timer);

/* Takes out one timer that is due at `now_ns`, earlier ticks first; NULL when there is none. Call
 * until NULL. A timer is never due before its deadline, and at most a tick after it. `now_ns` never
 * goes back. */
struct timer *timer_take_due(struct timer_wheel *wheel, uint64_t now_ns);

/* When timer_take_due is worth calling next: when the earliest timer is due, or before that if it
 * is far away. NEVER when no timer is running. */
uint64_t timer_next_ns(const struct timer_wheel *wheel);

#endif
