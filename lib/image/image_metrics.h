/* image_metrics.h - what /metrics shows of every image. Within lib/image.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_IMAGE_METRICS_H
#define LOOM_IMAGE_METRICS_H

#include "fiber/fiber.h"
#include "metrics/metrics.h"

struct image_metrics {
    struct metrics metrics;
    uint64_t small_alive, medium_alive, large_alive;
    uint64_t small_free, medium_free, large_free;
    uint64_t start_ns, uptime_ns; /* monotonic */
    uint64_t start_wall_ns;
};

/* Registers the figures. After fiber_open. */
COLD void image_metrics_open(struct image_metrics *figures);
COLD void image_metrics_close(struct image_metrics *figures);

#endif
