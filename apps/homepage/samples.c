/* samples.c - reads the Prometheus text format 0.0.4, as lib/metrics writes it.
 *
 * SPDX-License-Identifier: ISC */
#include "samples.h"

#include "base/units.h"

/* name{labels} value: a label's value may hold spaces, so the value is what stands behind the last
 * one. */
static void read_sample(struct samples *samples, struct view line)
{
    size_t end = line.length_bytes;
    while (end > 0 && view_byte(line, end - 1) != ' ')
        end--;
    if (end == 0) return;
    struct view series = view_first(line, end - 1), labels;
    struct sample sample = { .value = view_from_offset(line, end) };
    sample.name = view_cut(series, '{', &labels);
    if (view_ends_with(labels, VIEW("}")))
        sample.labels = view_first(labels, labels.length_bytes - 1);
    samples->visit(samples, &sample);
}

static void read_line(struct samples *samples, struct view line)
{
    struct view help = VIEW("# HELP ");
    if (view_starts_with(line, help)) {
        struct view rest = view_from_offset(line, help.length_bytes);
        struct view name = view_cut(rest, ' ', &rest);
        if (samples->describe != NULL) samples->describe(samples, name, rest);
    } else if (!view_is_empty(line) && !view_starts_with(line, VIEW("#"))) {
        read_sample(samples, line);
    }
}

static void line_add(struct samples *samples, struct view text)
{
    struct span room = span_from_offset(SPAN_OF(samples->line), samples->length_bytes);
    if (text.length_bytes > room.length_bytes) {
        samples->too_long = true;
        return;
    }
    (void)span_copy(room, text);
    samples->length_bytes += text.length_bytes;
}

static void line_end(struct samples *samples)
{
    if (!samples->too_long)
        read_line(samples, view_first(VIEW_OF(samples->line), samples->length_bytes));
    samples->length_bytes = 0;
    samples->too_long = false;
}

/* The text comes in pieces that need not end where a line does. */
static enum result samples_put(struct metrics_sink *sink, struct view text)
{
    struct samples *samples = CONTAINER_OF(sink, struct samples, sink);
    while (!view_is_empty(text)) {
        size_t length = view_find_byte(text, '\n');
        line_add(samples, view_first(text, length));
        if (length == text.length_bytes) break;
        line_end(samples);
        text = view_from_offset(text, length + 1);
    }
    return OK;
}

void samples_begin(struct samples *samples)
{
    samples->sink.put = samples_put;
    samples->length_bytes = 0;
    samples->too_long = false;
}

void samples_read(struct samples *samples)
{
    samples_begin(samples);
    result_ignore(metrics_write(&samples->sink)); /* our sink always takes it */
}

struct view sample_label(const struct sample *sample, struct view name)
{
    struct view rest = sample->labels;
    while (!view_is_empty(rest)) {
        struct view key = view_cut(rest, '=', &rest);
        if (!view_starts_with(rest, VIEW("\""))) break;
        rest = view_from_offset(rest, 1);
        struct view value = view_cut(rest, '"', &rest);
        if (view_equal(key, name)) return value;
        if (view_starts_with(rest, VIEW(","))) rest = view_from_offset(rest, 1);
    }
    return (struct view){ 0 };
}

bool sample_number(struct view value, uint64_t *whole, uint64_t *nanos)
{
    struct view fraction;
    struct view integer = view_cut(value, '.', &fraction);
    *nanos = 0;
    if (!view_to_u64(integer, whole)) return false;
    if (view_is_empty(fraction)) return true;
    fraction = view_first(fraction, MIN(fraction.length_bytes, (size_t)9));
    if (!view_to_u64(fraction, nanos)) return false;
    for (size_t i = fraction.length_bytes; i < 9; i++)
        *nanos *= 10;
    return true;
}
