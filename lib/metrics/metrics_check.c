/* metrics_check.c - whether a table of metrics keeps to the format and to Prometheus' conventions;
 * for the tests of those who have one.
 *
 * SPDX-License-Identifier: ISC */
#include "metrics/metrics.h"

/* Name, help and all that stands round them in METRICS_TEXT_MAX. */
#define NAME_BYTES_MAX   64
#define HELP_BYTES_MAX   256
#define LABELS_BYTES_MAX 64

static bool is_between(uint8_t byte, uint8_t first, uint8_t last)
{
    return byte >= first && byte <= last;
}

/* Snake case. */
static bool is_name(struct view name)
{
    if (view_is_empty(name) || name.length_bytes > NAME_BYTES_MAX) return false;
    if (!is_between(name.bytes[0], 'a', 'z')) return false;
    for (size_t i = 0; i < name.length_bytes; i++) {
        uint8_t byte = name.bytes[i];
        if (!is_between(byte, 'a', 'z') && !is_between(byte, '0', '9') && byte != '_') return false;
    }
    return true;
}

/* One or more, as `code="2xx",method="GET"`; values need no escape. */
static bool are_labels(struct view labels)
{
    bool has_more = true;
    if (labels.length_bytes > LABELS_BYTES_MAX) return false;
    while (has_more) {
        struct view rest;
        struct view label = view_cut(labels, ',', &rest);
        struct view value;
        struct view name = view_cut(label, '=', &value);
        has_more = label.length_bytes < labels.length_bytes;
        labels = rest;
        if (!is_name(name) || value.length_bytes < 2) return false;
        if (!view_starts_with(value, VIEW("\"")) || !view_ends_with(value, VIEW("\"")))
            return false;
        struct view inner = view_slice(value, 1, value.length_bytes - 2);
        if (view_find_byte(inner, '"') < inner.length_bytes) return false;
        if (view_find_byte(inner, '\\') < inner.length_bytes) return false;
    }
    return true;
}

static bool name_fits_kind(struct view name, enum metric_kind kind)
{
    bool is_counter = kind == METRIC_KIND_COUNTER || kind == METRIC_KIND_COUNTER_SECONDS;
    bool is_seconds = view_find(name, VIEW("_seconds")) < name.length_bytes;
    if (is_counter != view_ends_with(name, VIEW("_total"))) return false;
    return is_seconds || (kind != METRIC_KIND_COUNTER_SECONDS &&
                          kind != METRIC_KIND_GAUGE_SECONDS && kind != METRIC_KIND_HISTOGRAM);
}

static bool row_is_valid(const struct metric *row)
{
    if (row->name == NULL || row->help == NULL) return false;
    struct view name = view_from_string(row->name), help = view_from_string(row->help);
    if (!is_name(name) || !name_fits_kind(name, row->kind)) return false;
    if (view_is_empty(help) || help.length_bytes > HELP_BYTES_MAX) return false;
    return row->labels == NULL || are_labels(view_from_string(row->labels));
}

static bool same_name(const struct metric *a, const struct metric *b)
{
    return view_equal(view_from_string(a->name), view_from_string(b->name));
}

static bool same_labels(const struct metric *a, const struct metric *b)
{
    if (a->labels == NULL || b->labels == NULL) return a->labels == b->labels;
    return view_equal(view_from_string(a->labels), view_from_string(b->labels));
}

/* Beside the rows before it: of its name only neighbours, of its kind, with other labels. */
static bool fits_before(const struct metric table[], const struct metric *row)
{
    for (const struct metric *before = table; before != row; before++) {
        if (!same_name(before, row)) continue;
        if (!same_name(row - 1, row) || before->kind != row->kind || same_labels(before, row))
            return false;
    }
    return true;
}

bool metrics_are_valid(const struct metric table[])
{
    for (const struct metric *row = table; row->kind != METRIC_KIND_END; row++) {
        if (!row_is_valid(row) || !fits_before(table, row)) return false;
    }
    return true;
}
