/* samples.h - the image's own metrics, sample by sample: a reader of what /metrics shows.
 *
 * It reads the text, as any other monitor would, so that the figures on a page are those that
 * Prometheus is told, and no module is asked for more than it gives already.
 *
 * SPDX-License-Identifier: ISC */
#ifndef SAMPLES_H
#define SAMPLES_H

#include "base/view.h"
#include "metrics/metrics.h"

#define SAMPLE_LINE_MAX 512 /* longer lines are left out */

/* The views live until the visit returns. */
struct sample {
    struct view name;   /* http_responses_total */
    struct view labels; /* instance="http-8080",code="2xx" */
    struct view value;  /* 42 */
};

struct samples {
    struct metrics_sink sink;
    void (*visit)(struct samples *samples, const struct sample *sample);
    void (*describe)(struct samples *samples, struct view name, struct view help); /* may be NULL */
    size_t length_bytes;
    bool too_long;
    uint8_t line[SAMPLE_LINE_MAX];
};

/* Makes the sink ready for a text from its beginning; samples_read does so by itself. */
void samples_begin(struct samples *samples);

/* Calls `describe` for each metric and `visit` for each of its samples. */
void samples_read(struct samples *samples);

/* The value of a label; empty when the sample has none of that name. */
struct view sample_label(const struct sample *sample, struct view name);

/* A value without its sign and exponent: the whole part in *whole, billionths in *nanos. False for
 * what has either, or is not a number. */
bool sample_number(struct view value, uint64_t *whole, uint64_t *nanos);

#endif
