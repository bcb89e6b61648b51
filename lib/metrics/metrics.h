/* metrics.h - counters, gauges and histograms that modules keep and `/metrics` shows.
 *
 * A module keeps its figures as plain members of its instance and registers a table of them when it
 * opens:
 *
 *     static const struct metric http_metrics[] = {
 *         METRIC_COUNTER(struct http_server, requests_count, "http_requests_total",
 *                        "Requests answered."),
 *         METRIC_GAUGE(struct http_server, connections_count, "http_connections",
 *                      "Connections open now."),
 *         METRIC_HISTOGRAM(struct http_server, request_duration, "http_request_duration_seconds",
 *                          "From a request's first byte to its answer's last."),
 *         METRIC_END,
 *     };
 *     metrics_register(&server->metrics, "http0", http_metrics, SPAN_OF(*server));
 *
 * Counting is an addition; the text is made when somebody asks. The text is the Prometheus
 * exposition format 0.0.4; every sample of the instance carries the label instance="http0".
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_METRICS_H
#define LOOM_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/result.h"
#include "base/view.h"

/* Durations in powers of two: bucket i counts those of at most 2^i microseconds (1 us to 2^25 us =
 * 34 s) that no bucket before it counts, the last one all others. */
#define HISTOGRAM_BUCKETS 27

struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t sum_ns;
    uint64_t count;
};

void histogram_add(struct histogram *histogram, uint64_t duration_ns);

enum metric_kind {
    METRIC_KIND_END,
    METRIC_KIND_COUNTER,
    METRIC_KIND_COUNTER_SECONDS, /* counted in nanoseconds */
    METRIC_KIND_GAUGE,
    METRIC_KIND_GAUGE_SECONDS, /* kept in nanoseconds */
    METRIC_KIND_HISTOGRAM,
};

struct metric {
    const char *name;   /* of the Prometheus form: snake case, base units, _total for counters */
    const char *help;   /* of all rows of this name, that of the first is shown */
    const char *labels; /* further labels, as `code="2xx"`; NULL: none. Rows of one name stand
                         * together. */
    enum metric_kind kind;
    size_t offset;
};

#define METRIC_OFFSET(structure, member, ctype) \
    (offsetof(structure, member) + \
     0 * sizeof(char[__builtin_types_compatible_p(ctype, __typeof__(((structure *)0)->member)) \
                         ? 1 \
                         : -1]))
#define METRIC_OF(structure, member, ctype, k, n, label, text) \
    { \
        .name = (n), .help = (text), .labels = (label), .kind = (k), \
        .offset = METRIC_OFFSET(structure, member, ctype) \
    }
#define METRIC_COUNTER_LABELLED(structure, member, n, label, text) \
    METRIC_OF(structure, member, uint64_t, METRIC_KIND_COUNTER, n, label, text)
#define METRIC_COUNTER(structure, member, n, text) \
    METRIC_COUNTER_LABELLED(structure, member, n, NULL, text)
#define METRIC_COUNTER_SECONDS(structure, member, n, text) \
    METRIC_OF(structure, member, uint64_t, METRIC_KIND_COUNTER_SECONDS, n, NULL, text)
#define METRIC_GAUGE_LABELLED(structure, member, n, label, text) \
    METRIC_OF(structure, member, uint64_t, METRIC_KIND_GAUGE, n, label, text)
#define METRIC_GAUGE(structure, member, n, text) \
    METRIC_GAUGE_LABELLED(structure, member, n, NULL, text)
#define METRIC_GAUGE_SECONDS(structure, member, n, text) \
    METRIC_OF(structure, member, uint64_t, METRIC_KIND_GAUGE_SECONDS, n, NULL, text)
#define METRIC_HISTOGRAM(structure, member, n, text) \
    METRIC_OF(structure, member, struct histogram, METRIC_KIND_HISTOGRAM, n, NULL, text)
#define METRIC_END \
    { \
        .kind = METRIC_KIND_END \
    }

/* A registered table; a member of the instance it describes. */
struct metrics {
    struct list_node node;
    const char *instance;
    const struct metric *table;
    struct span values;
    uint64_t serial;  /* in the order of registering */
    uint64_t ordinal; /* 1, or counted on among those with this table and instance's name */
    /* NULL, or set after metrics_register: works out the values when somebody asks; does not wait.
     */
    void (*refresh)(struct metrics *metrics);
};

/* The instance stays registered until metrics_withdraw; `instance` (at most METRICS_INSTANCE_MAX
 * bytes) lives as long, the table and the texts in it for ever. A second instance of the same name
 * is shown as "http0-2". A table that metrics_are_valid refuses, and a name that another table has
 * as another kind, are mistakes of the programmer and panic. */
#define METRICS_INSTANCE_MAX 64
COLD void metrics_register(struct metrics *metrics, const char *instance,
                           const struct metric table[], struct span values);
COLD void metrics_withdraw(struct metrics *metrics);

/* Whether names (snake case, "_total" for counters alone, "_seconds" for what is in seconds),
 * labels and help texts are as the format and its conventions want them and short enough (64, 64
 * and 256 bytes), and rows of one name stand together, of one kind and with different labels. */
COLD bool metrics_are_valid(const struct metric table[]);

/* Gives the text of all that is registered to `put`, a line or two at a time (at most
 * METRICS_TEXT_MAX bytes), names in byte order. `put` may wait: a table withdrawn meanwhile is left
 * out, one registered meanwhile comes with the next text. It stops when `put` does not return OK,
 * and returns that. */
#define METRICS_TEXT_MAX 512
struct metrics_sink {
    enum result (*put)(struct metrics_sink *sink, struct view text);
};
enum result metrics_write(struct metrics_sink *sink) CHECKED;

#endif
