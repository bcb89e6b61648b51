/* metrics.h - counters, gauges and histograms that modules keep and `/metrics` shows.
 *
 * A module keeps its figures as plain members of its instance and registers a table of them when it
 * opens:
 *
 *     static const struct metric http_metrics[] = {
 *         METRIC_COUNTER(struct http_server, requests_count, "http_requests_total", "Requests
 * answered."), METRIC_GAUGE(struct http_server, connections_count, "http_connections", "Connections
 * open now."), METRIC_HISTOGRAM(struct http_server, request_duration,
 * "http_request_duration_seconds", "..."), METRIC_END,
 *     };
 *     metrics_register(&server->metrics, "http0", http_metrics, SPAN_OF(*server));
 *
 * Counting is an addition; the text is made when somebody asks. The text is the Prometheus
 * exposition format 0.0.4; every sample of the instance carries the label instance="http0".
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_METRICS_H
#define LOOM_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/result.h"
#include "base/view.h"

/* Durations in powers of two: bucket i counts those below 2^i microseconds (1 us to 2^25 us = 34
 * s), the last one all others. */
#define HISTOGRAM_BUCKETS 27

struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t sum_ns;
    uint64_t count;
};

void histogram_add(struct histogram *histogram, uint64_t duration_ns);

enum metric_kind { METRIC_KIND_END, METRIC_KIND_COUNTER, METRIC_KIND_GAUGE, METRIC_KIND_HISTOGRAM };

struct metric {
    const char *name; /* of the Prometheus form: snake case, base units, _total for counters */
    const char *help;
    const char
        *labels; /* further labels, as `code="2xx"`; NULL: none. Rows of one name stand together. */
    enum metric_kind kind;
    size_t offset;
};

#define METRIC_OFFSET(structure, member, ctype) \
    (offsetof(structure, member) + \
     0 * sizeof(char[__builtin_types_compatible_p(ctype, __typeof__(((structure *)0)->member)) \
                         ? 1 \
                         : -1]))
#define METRIC_COUNTER(structure, member, n, text) \
    { \
        .name = (n), .help = (text), .kind = METRIC_KIND_COUNTER, \
        .offset = METRIC_OFFSET(structure, member, uint64_t) \
    }
#define METRIC_COUNTER_LABELLED(structure, member, n, label, text) \
    { \
        .name = (n), .help = (text), .labels = (label), .kind = METRIC_KIND_COUNTER, \
        .offset = METRIC_OFFSET(structure, member, uint64_t) \
    }
#define METRIC_GAUGE(structure, member, n, text) \
    { \
        .name = (n), .help = (text), .kind = METRIC_KIND_GAUGE, \
        .offset = METRIC_OFFSET(structure, member, uint64_t) \
    }
#define METRIC_HISTOGRAM(structure, member, n, text) \
    { \
        .name = (n), .help = (text), .kind = METRIC_KIND_HISTOGRAM, \
        .offset = METRIC_OFFSET(structure, member, struct histogram) \
    }
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
};

/* The instance stays registered until metrics_withdraw. `instance` lives as long. */
void metrics_register(struct metrics *metrics, const char *instance, const struct metric table[],
                      struct span values);
void metrics_withdraw(struct metrics *metrics);

/* Gives the text of all that is registered to `put`, piece by piece (at most a few hundred bytes
 * each); `put` may wait, and a table withdrawn meanwhile is left out. It stops when `put` does not
 * return OK, and returns that. */
struct metrics_sink {
    enum result (*put)(struct metrics_sink *sink, struct view text);
};
enum result metrics_write(struct metrics_sink *sink) __attribute__((warn_unused_result));

#endif
