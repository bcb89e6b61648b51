/* image_metrics.c - fibers, stacks and time.
 *
 * SPDX-License-Identifier: ISC */
#include "image/image_metrics.h"

#include "target/clock.h"

static const struct metric image_table[] = {
    METRIC_GAUGE_LABELLED(struct image_metrics, small_alive, "loom_fibers", "stack=\"small\"",
                          "Fibers that live now, by the size of their stack."),
    METRIC_GAUGE_LABELLED(struct image_metrics, medium_alive, "loom_fibers", "stack=\"medium\"",
                          "Fibers that live now, by the size of their stack."),
    METRIC_GAUGE_LABELLED(struct image_metrics, large_alive, "loom_fibers", "stack=\"large\"",
                          "Fibers that live now, by the size of their stack."),
    METRIC_GAUGE_LABELLED(struct image_metrics, small_free, "loom_stacks_free", "stack=\"small\"",
                          "Stacks that wait for a fiber, by size."),
    METRIC_GAUGE_LABELLED(struct image_metrics, medium_free, "loom_stacks_free", "stack=\"medium\"",
                          "Stacks that wait for a fiber, by size."),
    METRIC_GAUGE_LABELLED(struct image_metrics, large_free, "loom_stacks_free", "stack=\"large\"",
                          "Stacks that wait for a fiber, by size."),
    METRIC_GAUGE_SECONDS(struct image_metrics, uptime_ns, "loom_uptime_seconds",
                         "Time since the image started."),
    METRIC_GAUGE_SECONDS(struct image_metrics, start_wall_ns, "process_start_time_seconds",
                         "When the image started, since 1970 in UTC."),
    METRIC_END,
};

static void refresh(struct metrics *metrics)
{
    struct image_metrics *figures = CONTAINER_OF(metrics, struct image_metrics, metrics);
    figures->small_free = fiber_stacks_free(STACK_SMALL);
    figures->medium_free = fiber_stacks_free(STACK_MEDIUM);
    figures->large_free = fiber_stacks_free(STACK_LARGE);
    figures->small_alive = fiber_stacks_used(STACK_SMALL);
    figures->medium_alive = fiber_stacks_used(STACK_MEDIUM);
    figures->large_alive = fiber_stacks_used(STACK_LARGE);
    figures->uptime_ns = clock_monotonic_ns() - figures->start_ns;
}

void image_metrics_open(struct image_metrics *figures)
{
    *figures = (struct image_metrics){
        .start_ns = clock_monotonic_ns(),
        .start_wall_ns = clock_wall_ns(),
    };
    metrics_register(&figures->metrics, "image", image_table, SPAN_OF(*figures));
    figures->metrics.refresh = refresh;
}

void image_metrics_close(struct image_metrics *figures)
{
    metrics_withdraw(&figures->metrics);
}
