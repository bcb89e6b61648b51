/* metrics_text.h - the lines of the Prometheus text format 0.0.4. Within lib/metrics.
 *
 * Source: "Exposition formats", prometheus.io/docs/instrumenting/exposition_formats/.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_METRICS_TEXT_H
#define LOOM_METRICS_TEXT_H

#include "base/writer.h"
#include "metrics/metrics.h"

/* What one row of one instance says at this moment: copied, since the instance may be gone before
 * all of its lines are written. */
struct metric_sample {
    const struct metric *row;
    uint8_t instance[METRICS_INSTANCE_MAX + 21]; /* an ordinal may follow */
    size_t instance_bytes;
    uint64_t value;
    struct histogram histogram;
};

/* The two lines before the first sample of a name. */
void text_put_head(struct writer *writer, const struct metric *row);

/* How many lines a sample has, and each of them. */
size_t text_line_count(const struct metric_sample *sample);
void text_put_line(struct writer *writer, const struct metric_sample *sample, size_t line);

#endif
