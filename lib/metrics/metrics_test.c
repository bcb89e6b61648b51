/* metrics_test.c - the text line by line, through a strict parser of the format, and while tables
 * come and go.
 *
 * SPDX-License-Identifier: ISC */
#include "metrics/metrics.h"

#include "base/writer.h"
#include "test/death.h"
#include "test/test.h"

struct server {
    struct metrics metrics;
    uint64_t good, bad, open, busy_ns;
    struct histogram duration;
};

static const struct metric server_table[] = {
    METRIC_COUNTER_LABELLED(struct server, good, "server_requests_total", "code=\"2xx\"",
                            "Requests answered."),
    METRIC_COUNTER_LABELLED(struct server, bad, "server_requests_total", "code=\"4xx\"",
                            "Requests answered."),
    METRIC_GAUGE(struct server, open, "server_connections", "Connections open now."),
    METRIC_COUNTER_SECONDS(struct server, busy_ns, "server_busy_seconds_total", "Time at work."),
    METRIC_HISTOGRAM(struct server, duration, "server_duration_seconds",
                     "A \"help\" with a \\ and\na line feed."),
    METRIC_END,
};

struct other {
    struct metrics metrics;
    uint64_t age_ns;
};

static const struct metric other_table[] = {
    METRIC_GAUGE_SECONDS(struct other, age_ns, "age_seconds", "How old it is."),
    METRIC_END,
};

/* ---- gathering the text ---- */

struct gatherer {
    struct metrics_sink sink;
    uint8_t room[32768];
    size_t length_bytes, count;
    size_t fails_at; /* the piece at which it is cancelled; 0: none */
    struct metrics *withdraws;
    size_t withdraws_at;
};

static struct gatherer gatherer;

static enum result gather(struct metrics_sink *sink, struct view text)
{
    struct gatherer *here = CONTAINER_OF(sink, struct gatherer, sink);
    expect(text.length_bytes > 0 && text.length_bytes <= METRICS_TEXT_MAX);
    (void)span_copy(span_from_offset(SPAN_OF(here->room), here->length_bytes), text);
    here->length_bytes += text.length_bytes;
    here->count++;
    if (here->withdraws != NULL && here->count == here->withdraws_at) {
        metrics_withdraw(here->withdraws);
        here->withdraws = NULL;
    }
    return here->count == here->fails_at ? CANCELLED : OK;
}

static struct view gathered(void)
{
    gatherer.sink.put = gather;
    gatherer.length_bytes = gatherer.count = 0;
    enum result result = metrics_write(&gatherer.sink);
    expect_that(result, ==, gatherer.fails_at == 0 ? OK : CANCELLED);
    return view_from(gatherer.room, gatherer.length_bytes);
}

/* ---- a strict parser of the format, from its documentation ---- */

#define SERIES_MAX 512

struct parser {
    struct view rest, name, type;
    bool has_help, has_type;
    struct view seen_names[32];
    size_t seen_count;
    struct view series[SERIES_MAX];
    size_t series_count;
    uint64_t buckets_before;
};

static struct parser parser;

static void expect_parse(bool fine, struct view line)
{
    if (!fine) test_fail(__FILE__, __LINE__, "not of the format: %.*s", VIEW_FORMAT(line));
}

static bool is_name_byte(uint8_t byte, bool is_first)
{
    bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
    return is_letter || (!is_first && byte >= '0' && byte <= '9');
}

static struct view take_name(struct view *text)
{
    size_t length = 0;
    while (length < text->length_bytes && is_name_byte(text->bytes[length], length == 0))
        length++;
    struct view name = view_first(*text, length);
    *text = view_from_offset(*text, length);
    return name;
}

static bool take(struct view *text, struct view wanted)
{
    if (!view_starts_with(*text, wanted)) return false;
    *text = view_from_offset(*text, wanted.length_bytes);
    return true;
}

/* A quoted value with its escapes, up to and with the closing quote. */
static bool take_quoted(struct view *text, struct view *value)
{
    struct view whole = *text;
    if (!take(text, VIEW("\""))) return false;
    while (!view_is_empty(*text)) {
        uint8_t byte = text->bytes[0];
        size_t length = byte == '\\' ? 2 : 1;
        if (length > text->length_bytes) return false;
        uint8_t escaped = text->bytes[length - 1];
        if (byte == '\\' && escaped != '\\' && escaped != '"' && escaped != 'n') return false;
        *text = view_from_offset(*text, length);
        if (byte != '"') continue;
        *value = view_first(whole, whole.length_bytes - text->length_bytes);
        return true;
    }
    return false;
}

/* Digits, and behind a point more of them. */
static bool is_decimal(struct view text)
{
    uint64_t number;
    struct view fraction;
    struct view whole = view_cut(text, '.', &fraction);
    if (!view_to_u64(whole, &number)) return false;
    return whole.length_bytes == text.length_bytes || view_to_u64(fraction, &number);
}

static void begin_name(struct view name, struct view line)
{
    for (size_t i = 0; i < parser.seen_count; i++)
        expect_parse(!view_equal(parser.seen_names[i], name), line);
    parser.seen_names[parser.seen_count++] = name;
    parser.name = name;
    parser.has_help = true;
    parser.has_type = false;
}

static void parse_comment(struct view line)
{
    struct view text = line;
    if (take(&text, VIEW("# HELP "))) {
        begin_name(take_name(&text), line);
        expect_parse(take(&text, VIEW(" ")) && !view_is_empty(text), line);
        return;
    }
    expect_parse(take(&text, VIEW("# TYPE ")) && parser.has_help && !parser.has_type, line);
    expect_parse(view_equal(take_name(&text), parser.name) && take(&text, VIEW(" ")), line);
    parser.type = text;
    parser.has_type = true;
    bool is_known = view_equal(text, VIEW("counter")) || view_equal(text, VIEW("gauge")) ||
                    view_equal(text, VIEW("histogram"));
    expect_parse(is_known, line);
}

/* Buckets never fall, and the last one, +Inf, is the count. */
static void parse_histogram(struct view suffix, struct view edge, struct view value,
                            struct view line)
{
    uint64_t number = 0;
    if (view_equal(suffix, VIEW("_sum"))) return;
    expect_parse(view_to_u64(value, &number), line);
    if (view_equal(suffix, VIEW("_bucket"))) {
        expect_parse(!view_is_empty(edge) && number >= parser.buckets_before, line);
        parser.buckets_before = number;
        return;
    }
    expect_parse(view_equal(suffix, VIEW("_count")) && number == parser.buckets_before, line);
    parser.buckets_before = 0;
}

static void parse_sample(struct view line)
{
    struct view text = line, edge = VIEW("");
    struct view name = take_name(&text);
    expect_parse(parser.has_type && view_starts_with(name, parser.name), line);
    struct view suffix = view_from_offset(name, parser.name.length_bytes);
    expect_parse(take(&text, VIEW("{")), line);
    bool has_more = true;
    while (has_more) {
        struct view label = take_name(&text), value;
        expect_parse(!view_is_empty(label) && take(&text, VIEW("=")), line);
        expect_parse(take_quoted(&text, &value), line);
        if (view_equal(label, VIEW("le"))) edge = value;
        has_more = take(&text, VIEW(","));
    }
    expect_parse(take(&text, VIEW("} ")) && is_decimal(text), line);

    struct view series = view_first(line, line.length_bytes - text.length_bytes);
    for (size_t i = 0; i < parser.series_count; i++)
        expect_parse(!view_equal(parser.series[i], series), line);
    expect_that(parser.series_count, <, SERIES_MAX);
    parser.series[parser.series_count++] = series;

    bool is_histogram = view_equal(parser.type, VIEW("histogram"));
    expect_parse(is_histogram || view_is_empty(suffix), line);
    if (is_histogram) parse_histogram(suffix, edge, text, line);
}

static void parse(struct view text)
{
    parser = (struct parser){ .rest = text };
    while (!view_is_empty(parser.rest)) {
        size_t length = view_find_byte(parser.rest, '\n');
        expect_parse(length < parser.rest.length_bytes, parser.rest);
        struct view line = view_cut(parser.rest, '\n', &parser.rest);
        if (view_starts_with(line, VIEW("#")))
            parse_comment(line);
        else
            parse_sample(line);
    }
}

/* How often `part` is in the text. */
static size_t count_of(struct view text, struct view part)
{
    size_t count = 0;
    for (;;) {
        size_t at = view_find(text, part);
        if (at == text.length_bytes) return count;
        count++;
        text = view_from_offset(text, at + part.length_bytes);
    }
}

/* ---- the tests ---- */

static struct server first, second;
static struct other other;

static void open_all(void)
{
    gatherer.fails_at = 0;
    first = (struct server){ .good = 17, .bad = UINT64_MAX, .open = 3, .busy_ns = 1500 * MS_NS };
    second = (struct server){ .good = 1 };
    other = (struct other){ .age_ns = 3600 * S_NS + 1 };
    metrics_register(&first.metrics, "http0", server_table, SPAN_OF(first));
    metrics_register(&other.metrics, "a\"b\\c\nd", other_table, SPAN_OF(other));
    metrics_register(&second.metrics, "http1", server_table, SPAN_OF(second));
}

static void close_all(void)
{
    metrics_withdraw(&first.metrics);
    metrics_withdraw(&second.metrics);
    metrics_withdraw(&other.metrics);
    expect(view_is_empty(gathered()));
}

TEST(metrics_without_any_are_empty)
{
    expect(view_is_empty(gathered()));
}

TEST(metrics_of_a_name_stand_together)
{
    static const char begin[] =
        "# HELP age_seconds How old it is.\n"
        "# TYPE age_seconds gauge\n"
        "age_seconds{instance=\"a\\\"b\\\\c\\nd\"} 3600.000000001\n"
        "# HELP server_busy_seconds_total Time at work.\n"
        "# TYPE server_busy_seconds_total counter\n"
        "server_busy_seconds_total{instance=\"http0\"} 1.5\n"
        "server_busy_seconds_total{instance=\"http1\"} 0\n"
        "# HELP server_connections Connections open now.\n"
        "# TYPE server_connections gauge\n"
        "server_connections{instance=\"http0\"} 3\n"
        "server_connections{instance=\"http1\"} 0\n"
        "# HELP server_duration_seconds A \"help\" with a \\\\ and\\na line feed.\n"
        "# TYPE server_duration_seconds histogram\n"
        "server_duration_seconds_bucket{instance=\"http0\",le=\"0.000001\"} 0\n";
    static const char end[] = "server_duration_seconds_sum{instance=\"http1\"} 0\n"
                              "server_duration_seconds_count{instance=\"http1\"} 0\n"
                              "# HELP server_requests_total Requests answered.\n"
                              "# TYPE server_requests_total counter\n"
                              "server_requests_total{instance=\"http0\",code=\"2xx\"} 17\n"
                              "server_requests_total{instance=\"http0\",code=\"4xx\"} "
                              "18446744073709551615\n"
                              "server_requests_total{instance=\"http1\",code=\"2xx\"} 1\n"
                              "server_requests_total{instance=\"http1\",code=\"4xx\"} 0\n";
    open_all();
    struct view text = gathered();
    expect_view(view_first(text, sizeof begin - 1), view_from_string(begin));
    expect(view_ends_with(text, view_from_string(end)));
    parse(text);
    expect_that(parser.seen_count, ==, 5);
    expect_that(parser.series_count, ==, 1 + 2 + 2 + 2 * 29 + 4);
    close_all();
}

TEST(metrics_histogram_counts_at_most)
{
    static const struct {
        uint64_t duration_ns;
        unsigned bucket;
    } cases[] = { { 0, 0 },
                  { 1, 0 },
                  { 1000, 0 },
                  { 1001, 1 },
                  { 2000, 1 },
                  { 2001, 2 },
                  { 4000, 2 },
                  { 1024000, 10 },
                  { 1024001, 11 },
                  { (uint64_t)1000 << 25, 25 },
                  { ((uint64_t)1000 << 25) + 1, 26 },
                  { UINT64_MAX, 26 } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct histogram histogram = { 0 };
        histogram_add(&histogram, cases[i].duration_ns);
        expect_that(histogram.buckets[cases[i].bucket], ==, 1);
        expect_that(histogram.sum_ns, ==, cases[i].duration_ns);
        expect_that(histogram.count, ==, 1);
    }
}

TEST(metrics_histogram_is_cumulative)
{
    open_all();
    histogram_add(&first.duration, 900);
    histogram_add(&first.duration, 3 * US_NS);
    histogram_add(&first.duration, 3 * MS_NS);
    histogram_add(&first.duration, 60 * S_NS);
    struct view text = gathered();
    parse(text);
    static const char *const lines[] = {
        "server_duration_seconds_bucket{instance=\"http0\",le=\"0.000001\"} 1\n",
        "server_duration_seconds_bucket{instance=\"http0\",le=\"0.000002\"} 1\n",
        "server_duration_seconds_bucket{instance=\"http0\",le=\"0.000004\"} 2\n",
        "server_duration_seconds_bucket{instance=\"http0\",le=\"0.002048\"} 2\n",
        "server_duration_seconds_bucket{instance=\"http0\",le=\"0.004096\"} 3\n",
        "server_duration_seconds_bucket{instance=\"http0\",le=\"33.554432\"} 3\n",
        "server_duration_seconds_bucket{instance=\"http0\",le=\"+Inf\"} 4\n",
        "server_duration_seconds_sum{instance=\"http0\"} 60.0030039\n",
        "server_duration_seconds_count{instance=\"http0\"} 4\n",
    };
    for (size_t i = 0; i < LENGTH_OF(lines); i++)
        expect_that(count_of(text, view_from_string(lines[i])), ==, 1);
    close_all();
}

/* Two instances that call themselves the same stay two series. */
TEST(metrics_of_twins_are_told_apart)
{
    open_all();
    static struct server twins[2];
    metrics_register(&twins[0].metrics, "http0", server_table, SPAN_OF(twins[0]));
    metrics_register(&twins[1].metrics, "http0", server_table, SPAN_OF(twins[1]));
    struct view text = gathered();
    parse(text);
    expect_that(count_of(text, VIEW("server_connections{instance=\"http0-2\"} 0\n")), ==, 1);
    expect_that(count_of(text, VIEW("server_connections{instance=\"http0-3\"} 0\n")), ==, 1);
    metrics_withdraw(&twins[0].metrics);
    metrics_withdraw(&twins[1].metrics);
    close_all();
}

/* The sink waits, and meanwhile a table goes: at each piece of the text, each of them. */
TEST(metrics_may_be_withdrawn_while_they_are_written)
{
    struct metrics *victims[] = { &first.metrics, &second.metrics, &other.metrics };
    for (size_t i = 0; i < LENGTH_OF(victims); i++) {
        size_t pieces = 1;
        for (size_t at = 1; at <= pieces; at++) {
            open_all();
            gatherer.withdraws = victims[i];
            gatherer.withdraws_at = at;
            struct view text = gathered();
            expect(gatherer.withdraws == NULL);
            parse(text);
            pieces = MAX(pieces, gatherer.count);
            if (victims[i] != &first.metrics)
                expect_that(count_of(text, VIEW("instance=\"http0\"")), ==, 1 + 1 + 29 + 2);
            if (victims[i] != &second.metrics)
                expect_that(count_of(text, VIEW("instance=\"http1\"")), ==, 1 + 1 + 29 + 2);
            if (victims[i] != &first.metrics) metrics_withdraw(&first.metrics);
            if (victims[i] != &second.metrics) metrics_withdraw(&second.metrics);
            if (victims[i] != &other.metrics) metrics_withdraw(&other.metrics);
            if (at + 1 > pieces) break;
        }
        expect_that(pieces, >, 30);
    }
}

TEST(metrics_stop_when_the_sink_does)
{
    open_all();
    for (size_t at = 1; at < 60; at++) {
        gatherer.fails_at = at;
        (void)gathered();
        expect_that(gatherer.count, ==, at);
    }
    gatherer.fails_at = 0;
    close_all();
}

static void refresh_other(struct metrics *metrics)
{
    CONTAINER_OF(metrics, struct other, metrics)->age_ns += S_NS;
}

TEST(metrics_are_refreshed_once_a_text)
{
    open_all();
    other.age_ns = 0;
    other.metrics.refresh = refresh_other;
    expect_that(count_of(gathered(), VIEW("c\\nd\"} 1\n")), ==, 1);
    expect_that(count_of(gathered(), VIEW("c\\nd\"} 2\n")), ==, 1);
    close_all();
}

/* ---- tables that are wrong ---- */

static bool are_valid(struct metric a, struct metric b, struct metric c)
{
    struct metric rows[] = { a, b, c, METRIC_END };
    return metrics_are_valid(rows);
}

static bool is_valid_named(const char *name, enum metric_kind kind)
{
    struct metric rows[] = { { .name = name, .help = "Help.", .kind = kind }, METRIC_END };
    return metrics_are_valid(rows);
}

static bool is_valid_labelled(const char *labels)
{
    struct metric row = server_table[0];
    row.labels = labels;
    return are_valid(row, server_table[2], server_table[3]);
}

TEST(metrics_check_finds_wrong_tables)
{
    struct metric a = server_table[0], b = server_table[1], c = server_table[2];
    expect(metrics_are_valid(server_table));
    expect(are_valid(a, b, c));
    expect(!are_valid(a, c, b)); /* apart */
    expect(!are_valid(a, a, c)); /* twice */
    b.kind = METRIC_KIND_COUNTER_SECONDS;
    expect(!are_valid(a, b, c)); /* of two kinds */

    expect(is_valid_named("x_total", METRIC_KIND_COUNTER));
    expect(!is_valid_named("x", METRIC_KIND_COUNTER));
    expect(!is_valid_named("x_total", METRIC_KIND_GAUGE));
    expect(!is_valid_named("X", METRIC_KIND_GAUGE));
    expect(!is_valid_named("", METRIC_KIND_GAUGE));
    expect(!is_valid_named("9x", METRIC_KIND_GAUGE));
    expect(!is_valid_named("x-y", METRIC_KIND_GAUGE));
    expect(!is_valid_named("x", METRIC_KIND_GAUGE_SECONDS));
    expect(!is_valid_named("x", METRIC_KIND_HISTOGRAM));
    expect(is_valid_named("x_seconds", METRIC_KIND_HISTOGRAM));

    expect(is_valid_labelled("code=\"2xx\",method=\"GET\""));
    expect(!is_valid_labelled(""));
    expect(!is_valid_labelled("code"));
    expect(!is_valid_labelled("code=2xx"));
    expect(!is_valid_labelled("code=\"2xx\","));
    expect(!is_valid_labelled("code=\"2\"xx\""));
    expect(!is_valid_labelled("code=\"2\\xx\""));
}

static const struct metric wrong_table[] = {
    METRIC_GAUGE(struct other, age_ns, "Age", "How old it is."),
    METRIC_END,
};

static const struct metric contrary_table[] = {
    METRIC_GAUGE(struct other, age_ns, "age_seconds", "How old it is."),
    METRIC_END,
};

static void register_wrong(void)
{
    metrics_register(&other.metrics, "old", wrong_table, SPAN_OF(other));
}

static void register_contrary(void)
{
    static struct other contrary;
    metrics_register(&other.metrics, "old", other_table, SPAN_OF(other));
    metrics_register(&contrary.metrics, "new", contrary_table, SPAN_OF(contrary));
}

TEST(metrics_mistakes_of_the_programmer_panic)
{
    expect_death(register_wrong, "the metrics of old break the rules");
    expect_death(register_contrary, "age_seconds is of one kind here and of another in old");
}
