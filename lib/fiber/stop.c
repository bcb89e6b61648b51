/* stop.c - the request to end, and what happens to an image that does not.
 *
 * SPDX-License-Identifier: ISC */
#include "fiber/stop.h"

#include "fiber/fiber_private.h"
#include "fiber/sync.h"
#include "target/clock.h"
#include "target/exit.h"

#define LOG_MODULE "stop"
#include "log/log.h"

const struct parameter stop_parameters[] = {
    PARAMETER_DURATION(struct stop_parameters, timeout_ns, "stop-timeout", "10s",
                       "how long the image may take to end after it was asked to"),
    PARAMETER_END,
};

struct stop {
    struct event requested;
    struct alarm patience; /* first for the application, then for the cancelled first fiber */
    uint64_t timeout_ns;
};

static struct stop stop;

COLD static void give_up(struct alarm *alarm)
{
    (void)alarm;
    log_error("the image did not end when it was cancelled; these fibers are left:");
    fiber_census_write();
    target_exit(1);
}

COLD static void cancel_first_fiber(struct alarm *alarm)
{
    log_warning("the image did not end within --stop-timeout; cancelling it");
    alarm->due = give_up;
    alarm_set(alarm, deadline_after(clock_monotonic_ns(), stop.timeout_ns));
    list_for_each (node, &fiber_runtime.root.fibers)
        fiber_cancel(CONTAINER_OF(node, struct fiber, of_scope));
}

COLD void stop_open(const struct stop_parameters *parameters)
{
    stop = (struct stop){ .timeout_ns = parameters->timeout_ns };
    event_init(&stop.requested);
}

bool stop_is_requested(void)
{
    return stop.requested.happened;
}

enum result stop_wait(uint64_t deadline_ns)
{
    return event_wait(&stop.requested, deadline_ns);
}

COLD void stop_request(void)
{
    if (stop.requested.happened) return;
    stop.patience.due = cancel_first_fiber;
    alarm_set(&stop.patience, deadline_after(clock_monotonic_ns(), stop.timeout_ns));
    event_set(&stop.requested);
}

COLD void stop_close(void)
{
    alarm_stop(&stop.patience);
}
