/* metrics_text.c - samples as text.
 *
 *     # HELP http_requests_total Requests answered.
 *     # TYPE http_requests_total counter
 *     http_requests_total{instance="http0",code="2xx"} 17
 *
 * SPDX-License-Identifier: ISC */
#include "metrics/metrics_text.h"

#include "base/units.h"

/* A histogram's lines behind its buckets. */
enum { LINE_SUM = HISTOGRAM_BUCKETS, LINE_COUNT, HISTOGRAM_LINES };

static const char *type_text(enum metric_kind kind)
{
    switch (kind) {
    case METRIC_KIND_COUNTER:
    case METRIC_KIND_COUNTER_SECONDS: return "counter";
    case METRIC_KIND_GAUGE:
    case METRIC_KIND_GAUGE_SECONDS: return "gauge";
    case METRIC_KIND_HISTOGRAM: return "histogram";
    case METRIC_KIND_END: break;
    }
    panic("%u is not a kind of metric", (unsigned)kind);
}

/* Backslashes and line feeds, and in a label's value quotes, are escaped by a backslash. */
static void put_escaped(struct writer *writer, struct view text, bool quotes)
{
    for (size_t i = 0; i < text.length_bytes; i++) {
        uint8_t byte = text.bytes[i];
        if (byte == '\n') {
            writer_put(writer, VIEW("\\n"));
            continue;
        }
        if (byte == '\\' || (quotes && byte == '"')) writer_put(writer, VIEW("\\"));
        writer_put_u8(writer, byte);
    }
}

void text_put_head(struct writer *writer, const struct metric *row)
{
    writer_format(writer, "# HELP %s ", row->name);
    put_escaped(writer, view_from_string(row->help), false);
    writer_format(writer, "\n# TYPE %s %s\n", row->name, type_text(row->kind));
}

/* Exactly, and without zeros at the end: nothing here is a floating-point number. */
static void put_seconds(struct writer *writer, uint64_t duration_ns)
{
    uint64_t fraction = duration_ns % S_NS;
    int digits = 9;
    writer_put_decimal(writer, duration_ns / S_NS);
    if (fraction == 0) return;
    for (; fraction % 10 == 0; fraction /= 10)
        digits--;
    writer_format(writer, ".%0*llu", digits, (unsigned long long)fraction);
}

/* Leaves the braces open for one more label. */
static void put_name(struct writer *writer, const struct metric_sample *sample, const char *suffix)
{
    writer_format(writer, "%s%s{instance=\"", sample->row->name, suffix);
    put_escaped(writer, view_first(VIEW_OF(sample->instance), sample->instance_bytes), true);
    writer_put(writer, VIEW("\""));
    if (sample->row->labels != NULL) writer_format(writer, ",%s", sample->row->labels);
}

static void put_bucket(struct writer *writer, const struct metric_sample *sample, size_t bucket)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= bucket; i++)
        count += sample->histogram.buckets[i];
    put_name(writer, sample, "_bucket");
    writer_put(writer, VIEW(",le=\""));
    if (bucket == HISTOGRAM_BUCKETS - 1)
        writer_put(writer, VIEW("+Inf"));
    else
        put_seconds(writer, US_NS << bucket);
    writer_format(writer, "\"} %llu\n", (unsigned long long)count);
}

static void put_histogram_line(struct writer *writer, const struct metric_sample *sample,
                               size_t line)
{
    if (line < HISTOGRAM_BUCKETS) {
        put_bucket(writer, sample, line);
        return;
    }
    put_name(writer, sample, line == LINE_SUM ? "_sum" : "_count");
    writer_put(writer, VIEW("} "));
    if (line == LINE_SUM)
        put_seconds(writer, sample->histogram.sum_ns);
    else
        writer_put_decimal(writer, sample->histogram.count);
    writer_put(writer, VIEW("\n"));
}

size_t text_line_count(const struct metric_sample *sample)
{
    return sample->row->kind == METRIC_KIND_HISTOGRAM ? HISTOGRAM_LINES : 1;
}

void text_put_line(struct writer *writer, const struct metric_sample *sample, size_t line)
{
    if (sample->row->kind == METRIC_KIND_HISTOGRAM) {
        put_histogram_line(writer, sample, line);
        return;
    }
    bool is_seconds = sample->row->kind == METRIC_KIND_COUNTER_SECONDS ||
                      sample->row->kind == METRIC_KIND_GAUGE_SECONDS;
    put_name(writer, sample, "");
    writer_put(writer, VIEW("} "));
    if (is_seconds)
        put_seconds(writer, sample->value);
    else
        writer_put_decimal(writer, sample->value);
    writer_put(writer, VIEW("\n"));
}
