/* metrics.c - who has registered what, and the walk over it.
 *
 * The walk has to survive that tables come and go while it waits, and samples of one name must
 * stand together though they come from many tables. So it keeps no pointer into the list: names are
 * taken in byte order, each the least that is greater than the one before, and within a name it
 * remembers how far it has come by serial number and row.
 *
 * The registry is one for the whole image, as /metrics is, so its state stands here.
 *
 * SPDX-License-Identifier: ISC */
#include "metrics/metrics.h"

#include "base/units.h"
#include "metrics/metrics_text.h"

static struct metrics_registry {
    struct list tables; /* in the order of their serial numbers; not initialised when serial is 0 */
    uint64_t serial;    /* of the last one */
} registry;

static const struct list *tables(void)
{
    if (registry.serial == 0) list_init(&registry.tables);
    return &registry.tables;
}

static int compare(const char *a, const char *b)
{
    return view_compare(view_from_string(a), view_from_string(b));
}

static bool is_end(const struct metric *row)
{
    return row->kind == METRIC_KIND_END;
}

/* ---- registering ---- */

static void check_kind(const struct metric *row)
{
    list_for_each (node, tables()) {
        const struct metrics *other = CONTAINER_OF(node, struct metrics, node);
        for (const struct metric *its = other->table; !is_end(its); its++) {
            if (its->kind != row->kind && compare(its->name, row->name) == 0)
                panic("%s is of one kind here and of another in %s", row->name, other->instance);
        }
    }
}

/* Two instances of one name would be one series to Prometheus. */
static uint64_t ordinal_of(const char *instance, const struct metric table[])
{
    uint64_t ordinal = 1;
    list_for_each (node, tables()) {
        const struct metrics *other = CONTAINER_OF(node, struct metrics, node);
        if (other->table == table && compare(other->instance, instance) == 0)
            ordinal = MAX(ordinal, other->ordinal + 1);
    }
    return ordinal;
}

void metrics_register(struct metrics *metrics, const char *instance, const struct metric table[],
                      struct span values)
{
    assert_that(view_from_string(instance).length_bytes, <=, METRICS_INSTANCE_MAX);
    uint64_t ordinal = ordinal_of(instance, table);
    if (!metrics_are_valid(table)) panic("the metrics of %s break the rules", instance);
    for (const struct metric *row = table; !is_end(row); row++)
        check_kind(row);
    *metrics = (struct metrics){
        .instance = instance,
        .table = table,
        .values = values,
        .ordinal = ordinal,
        .serial = ++registry.serial,
    };
    list_append(&registry.tables, &metrics->node);
}

void metrics_withdraw(struct metrics *metrics)
{
    list_remove(&metrics->node);
}

/* ---- the walk ---- */

struct walk {
    struct metrics_sink *sink;
    uint64_t last_serial; /* tables registered later are not of this text */
    /* How far it has come. */
    const char *name;
    uint64_t serial; /* 0: no sample of this name yet */
    size_t row_index;
};

static bool is_of_walk(const struct walk *walk, const struct metrics *metrics)
{
    return metrics->serial <= walk->last_serial;
}

static void refresh_all(const struct walk *walk)
{
    list_for_each (node, tables()) {
        struct metrics *metrics = CONTAINER_OF(node, struct metrics, node);
        if (is_of_walk(walk, metrics) && metrics->refresh != NULL) metrics->refresh(metrics);
    }
}

/* The least name greater than the walk's; NULL at the end. */
static const char *next_name(const struct walk *walk)
{
    const char *least = NULL;
    list_for_each (node, tables()) {
        const struct metrics *metrics = CONTAINER_OF(node, struct metrics, node);
        if (!is_of_walk(walk, metrics)) continue;
        for (const struct metric *row = metrics->table; !is_end(row); row++) {
            if (walk->name != NULL && compare(row->name, walk->name) <= 0) continue;
            if (least == NULL || compare(row->name, least) < 0) least = row->name;
        }
    }
    return least;
}

static struct view value_bytes(const struct metrics *metrics, const struct metric *row,
                               size_t length_bytes)
{
    return view_slice(span_view(metrics->values), row->offset, length_bytes);
}

static void take_sample(struct metric_sample *sample, const struct metrics *metrics,
                        const struct metric *row)
{
    struct writer instance = writer_over(SPAN_OF(sample->instance));
    writer_format(&instance, "%s", metrics->instance);
    if (metrics->ordinal > 1)
        writer_format(&instance, "-%llu", (unsigned long long)metrics->ordinal);
    sample->row = row;
    sample->instance_bytes = instance.length_bytes;
    if (row->kind == METRIC_KIND_HISTOGRAM)
        (void)span_copy(SPAN_OF(sample->histogram),
                        value_bytes(metrics, row, sizeof sample->histogram));
    else
        (void)span_copy(SPAN_OF(sample->value), value_bytes(metrics, row, sizeof sample->value));
}

/* The next sample of the walk's name; false: there is none left. */
static bool next_sample(struct walk *walk, struct metric_sample *sample)
{
    list_for_each (node, tables()) {
        const struct metrics *metrics = CONTAINER_OF(node, struct metrics, node);
        if (!is_of_walk(walk, metrics) || metrics->serial < walk->serial) continue;
        size_t index = metrics->serial == walk->serial ? walk->row_index + 1 : 0;
        for (; !is_end(&metrics->table[index]); index++) {
            if (compare(metrics->table[index].name, walk->name) != 0) continue;
            take_sample(sample, metrics, &metrics->table[index]);
            walk->serial = metrics->serial;
            walk->row_index = index;
            return true;
        }
    }
    return false;
}

/* ---- the text ---- */

static enum result put(const struct walk *walk, const struct writer *text)
{
    assert(!text->ran_short);
    return walk->sink->put(walk->sink, writer_view(text));
}

static enum result write_head(const struct walk *walk, const struct metric *row)
{
    uint8_t room[METRICS_TEXT_MAX];
    struct writer text = writer_over(SPAN_OF(room));
    text_put_head(&text, row);
    return put(walk, &text);
}

static enum result write_sample(const struct walk *walk, const struct metric_sample *sample)
{
    enum result result = OK;
    for (size_t line = 0; result == OK && line < text_line_count(sample); line++) {
        uint8_t room[METRICS_TEXT_MAX];
        struct writer text = writer_over(SPAN_OF(room));
        text_put_line(&text, sample, line);
        result = put(walk, &text);
    }
    return result;
}

static enum result write_name(struct walk *walk)
{
    struct metric_sample sample;
    bool is_first = true;
    enum result result = OK;
    walk->serial = 0;
    while (result == OK && next_sample(walk, &sample)) {
        if (is_first) result = write_head(walk, sample.row);
        if (result == OK) result = write_sample(walk, &sample);
        is_first = false;
    }
    return result;
}

enum result metrics_write(struct metrics_sink *sink)
{
    struct walk walk = { .sink = sink, .last_serial = registry.serial };
    enum result result = OK;
    refresh_all(&walk);
    while (result == OK && (walk.name = next_name(&walk)) != NULL)
        result = write_name(&walk);
    return result;
}
