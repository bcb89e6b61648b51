/* timer.c - the timing wheel.
 *
 * What holds between calls: a running timer that is not due lies at the level of the highest group
 * of bits in which its tick differs from the wheel's. So every timer of a level comes before every
 * timer of a higher one, and the first occupied slot of the lowest occupied level holds the
 * earliest.
 *
 * SPDX-License-Identifier: ISC */
#include "base/timer.h"

#include "base/assert.h"
#include "base/units.h"

#define TICK_MAX (((uint64_t)1 << (TIMER_LEVELS * TIMER_SLOT_BITS)) - 1)
#define SLOT_DUE (TIMER_LEVELS * TIMER_SLOTS)

/* Rounded up, so that no timer ends before its deadline. */
static uint64_t tick_of_deadline(uint64_t deadline_ns)
{
    uint64_t tick = (deadline_ns >> TIMER_TICK_SHIFT) +
                    ((deadline_ns & (((uint64_t)1 << TIMER_TICK_SHIFT) - 1)) != 0);
    return MIN(tick, TICK_MAX);
}

static void mark_due(struct timer_wheel *wheel, struct timer *timer)
{
    timer->slot = SLOT_DUE;
    list_append(&wheel->due, &timer->node);
}

static void place(struct timer_wheel *wheel, struct timer *timer)
{
    uint64_t tick = tick_of_deadline(timer->deadline_ns);
    if (tick <= wheel->tick) {
        mark_due(wheel, timer);
        return;
    }
    unsigned highest_bit = 63 - (unsigned)__builtin_clzll(tick ^ wheel->tick);
    unsigned level = highest_bit / TIMER_SLOT_BITS;
    unsigned index = (unsigned)(tick >> (level * TIMER_SLOT_BITS)) & (TIMER_SLOTS - 1);
    timer->slot = (uint16_t)(level * TIMER_SLOTS + index);
    wheel->occupied[level] |= (uint64_t)1 << index;
    list_append(&wheel->slots[timer->slot], &timer->node);
}

/* The lowest level with a timer; TIMER_LEVELS when there is none. */
static unsigned lowest_level(const struct timer_wheel *wheel)
{
    unsigned level = 0;
    while (level < TIMER_LEVELS && wheel->occupied[level] == 0)
        level++;
    return level;
}

static unsigned first_index(const struct timer_wheel *wheel, unsigned level)
{
    return (unsigned)__builtin_ctzll(wheel->occupied[level]);
}

static uint64_t slot_start_tick(const struct timer_wheel *wheel, unsigned level, unsigned index)
{
    unsigned shift = level * TIMER_SLOT_BITS;
    uint64_t above = wheel->tick >> (shift + TIMER_SLOT_BITS) << (shift + TIMER_SLOT_BITS);
    return above | (uint64_t)index << shift;
}

/* Moves the wheel to `tick` or to the first occupied slot before it, whose timers it places anew.
 */
static void advance(struct timer_wheel *wheel, uint64_t tick)
{
    unsigned level = lowest_level(wheel);
    if (level == TIMER_LEVELS) {
        wheel->tick = tick;
        return;
    }
    unsigned index = first_index(wheel, level);
    uint64_t start = slot_start_tick(wheel, level, index);
    if (start > tick) {
        wheel->tick = tick;
        return;
    }
    wheel->tick = start;
    wheel->occupied[level] &= ~((uint64_t)1 << index);
    struct list *slot = &wheel->slots[level * TIMER_SLOTS + index];
    for (struct list_node *node = list_take(slot); node != NULL; node = list_take(slot))
        place(wheel, CONTAINER_OF(node, struct timer, node));
}

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ns)
{
    wheel->tick = now_ns >> TIMER_TICK_SHIFT;
    for (unsigned level = 0; level < TIMER_LEVELS; level++)
        wheel->occupied[level] = 0;
    list_init(&wheel->due);
    for (unsigned slot = 0; slot < LENGTH_OF(wheel->slots); slot++)
        list_init(&wheel->slots[slot]);
}

void timer_start(struct timer_wheel *wheel, struct timer *timer, uint64_t deadline_ns)
{
    assert(!timer_is_running(timer));
    if (deadline_ns == NEVER) return;
    timer->deadline_ns = deadline_ns;
    place(wheel, timer);
}

void timer_stop(struct timer_wheel *wheel, struct timer *timer)
{
    if (!timer_is_running(timer)) return;
    list_remove(&timer->node);
    if (timer->slot == SLOT_DUE) return;
    if (list_is_empty(&wheel->slots[timer->slot]))
        wheel->occupied[timer->slot / TIMER_SLOTS] &= ~((uint64_t)1 << timer->slot % TIMER_SLOTS);
}

struct timer *timer_take_due(struct timer_wheel *wheel, uint64_t now_ns)
{
    uint64_t now_tick = now_ns >> TIMER_TICK_SHIFT;
    while (list_is_empty(&wheel->due) && wheel->tick < now_tick)
        advance(wheel, now_tick);
    struct list_node *node = list_take(&wheel->due);
    return node == NULL ? NULL : CONTAINER_OF(node, struct timer, node);
}

uint64_t timer_next_ns(const struct timer_wheel *wheel)
{
    if (!list_is_empty(&wheel->due)) return 0;
    unsigned level = lowest_level(wheel);
    if (level == TIMER_LEVELS) return NEVER;
    return slot_start_tick(wheel, level, first_index(wheel, level)) << TIMER_TICK_SHIFT;
}
