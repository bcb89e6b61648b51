/* process_metrics.c - memory and processor time as Linux accounts them to the process, under the
 * names that every Prometheus client gives them.
 *
 * SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "metrics/metrics.h"
#include "target/metrics.h"

struct process_metrics {
    struct metrics metrics;
    uint64_t resident_bytes, processor_ns;
};

static const struct metric process_table[] = {
    METRIC_GAUGE(struct process_metrics, resident_bytes, "process_resident_memory_bytes",
                 "Memory of the host that the process holds."),
    METRIC_COUNTER_SECONDS(struct process_metrics, processor_ns, "process_cpu_seconds_total",
                           "Processor time, the kernel's on its behalf included."),
    METRIC_END,
};

/* Each process has one. */
static struct process_metrics process;

/* The second number of /proc/self/statm (proc(5)) is that of resident pages. */
static uint64_t read_resident_bytes(void)
{
    char room[128];
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t length = read(file, room, sizeof room);
    (void)close(file);
    struct view rest;
    uint64_t pages;
    (void)view_cut(view_from(room, length < 0 ? 0 : (size_t)length), ' ', &rest);
    if (!view_to_u64(view_cut(rest, ' ', &rest), &pages)) return 0;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t read_processor_ns(void)
{
    struct timespec used;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0) return 0;
    return (uint64_t)used.tv_sec * S_NS + (uint64_t)used.tv_nsec;
}

static void process_refresh(struct metrics *metrics)
{
    struct process_metrics *figures = CONTAINER_OF(metrics, struct process_metrics, metrics);
    figures->resident_bytes = read_resident_bytes();
    figures->processor_ns = read_processor_ns();
}

void target_metrics_register(void)
{
    metrics_register(&process.metrics, "process", process_table, SPAN_OF(process));
    process.metrics.refresh = process_refresh;
}

void target_metrics_begin(void)
{
}
