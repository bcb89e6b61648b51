/* wait.c - target_wait: the drivers' rings first, and a crossing only where they have nothing.
 *
 * While the machine runs nobody serves its queues: what the drivers have put there goes out, and
 * what has come in meanwhile appears, at the next crossing, which costs as much as some ten
 * requests. So an image that is idle crosses at once, and one that is busy does it now and then.
 *
 * SPDX-License-Identifier: ISC */
#include "target/wait.h"

#include "base/units.h"
#include "fiber/fiber.h"
#include "fiber/stop.h"
#include "target/clock.h"
#include "target/virtio/machine_poller.h"
#include "target/vm/boot.h"
#include "target/vm/memory.h"
#include "target/vm/services.h"
#include "target/vm/wait.h"

/* A busy image crosses when its last crossing was so long ago, or when drivers have work for the
 * devices and it was a quarter of that: the most that a frame waits beside an image that computes.
 */
#define BUSY_CROSSING_NS (200 * US_NS)
#define WORK_CROSSING_NS (50 * US_NS)

static struct {
    struct list pollers;
    uint64_t crossed_ns; /* when the last crossing came back */
    uint64_t crossings;
    uint32_t census_count; /* requests for one that have been answered */
} waiting;

void pollers_open(void)
{
    list_init(&waiting.pollers);
}

void machine_poller_add(struct machine_poller *poller)
{
    list_append(&waiting.pollers, &poller->node);
}

void machine_poller_remove(struct machine_poller *poller)
{
    if (list_holds(&poller->node)) list_remove(&poller->node);
}

uint64_t machine_crossings(void)
{
    return waiting.crossings;
}

static bool poll_all(void)
{
    bool had_something = false;
    list_for_each (node, &waiting.pollers) {
        struct machine_poller *poller = CONTAINER_OF(node, struct machine_poller, node);
        had_something |= poller->poll(poller);
    }
    return had_something;
}

static bool arm_all(void)
{
    bool had_something = false;
    list_for_each (node, &waiting.pollers) {
        struct machine_poller *poller = CONTAINER_OF(node, struct machine_poller, node);
        had_something |= poller->arm(poller);
    }
    return had_something;
}

static bool has_work(void)
{
    list_for_each (node, &waiting.pollers) {
        if (CONTAINER_OF(node, struct machine_poller, node)->has_work) return true;
    }
    return false;
}

void machine_sleep(uint64_t deadline_ns)
{
    list_for_each (node, &waiting.pollers)
        CONTAINER_OF(node, struct machine_poller, node)->has_work = false;
    boot_page->control.deadline_ns = deadline_ns;
    machine_cross(MACHINE_WAIT);
    waiting.crossings++;
    waiting.crossed_ns = clock_monotonic_ns();
}

void machine_serve(void)
{
    machine_sleep(NO_WAIT);
}

/* The monitor may write both at any moment. */
static void look_for_requests(void)
{
    const volatile struct machine_control *control = &boot_page->control;
    uint32_t census_count = control->census_requested;
    if (control->stop_requested != 0 && !stop_is_requested()) stop_request();
    if (census_count == waiting.census_count) return;
    waiting.census_count = census_count;
    fiber_census_write();
}

static bool busy_crossing_is_due(void)
{
    uint64_t since_ns = clock_monotonic_ns() - waiting.crossed_ns;
    return since_ns >= BUSY_CROSSING_NS || (since_ns >= WORK_CROSSING_NS && has_work());
}

void target_wait(uint64_t deadline_ns)
{
    look_for_requests();
    bool is_busy = poll_all() || deadline_ns == NO_WAIT;
    /* What was polled after it was armed is not told of again: it is armed anew. */
    if (!is_busy && arm_all()) is_busy = poll_all() || arm_all();
    if (is_busy && !busy_crossing_is_due()) return;
    machine_sleep(is_busy ? NO_WAIT : deadline_ns);
    memory_check_at(waiting.crossed_ns);
    (void)poll_all();
    look_for_requests();
}
