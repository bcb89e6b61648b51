/* metrics.c - what a machine knows of itself.
 *
 * SPDX-License-Identifier: ISC */
#include "target/metrics.h"

#include "base/units.h"
#include "metrics/metrics.h"
#include "target/memory.h"
#include "target/vm/boot.h"
#include "target/vm/memory.h"
#include "target/vm/wait.h"

struct machine_metrics {
    struct metrics metrics;
    uint64_t memory_bytes, memory_taken_bytes;
    uint64_t crossings;
};

static const struct metric machine_table[] = {
    METRIC_GAUGE(struct machine_metrics, memory_bytes, "loom_memory_bytes",
                 "Memory of the machine beside its image and its stacks."),
    METRIC_GAUGE(struct machine_metrics, memory_taken_bytes, "loom_memory_taken_bytes",
                 "Memory of the machine that pools have taken."),
    METRIC_COUNTER(struct machine_metrics, crossings, "loom_crossings_total",
                   "Times that the machine has crossed to whoever runs it."),
    METRIC_END,
};

static struct machine_metrics machine;

COLD static void machine_refresh(struct metrics *metrics)
{
    struct machine_metrics *figures = CONTAINER_OF(metrics, struct machine_metrics, metrics);
    figures->memory_bytes = memory_machine_bytes();
    figures->memory_taken_bytes = memory_taken_bytes();
    figures->crossings = machine_crossings();
}

COLD void target_metrics_register(void)
{
    metrics_register(&machine.metrics, "machine", machine_table, SPAN_OF(machine));
    machine.metrics.refresh = machine_refresh;
}

/* Without the crossing nobody looks at it. */
COLD void target_metrics_begin(void)
{
    if (boot_page->wants_main == 0) return;
    boot_page->main_tsc = __builtin_ia32_rdtsc();
    machine_cross(MACHINE_MAIN);
}
