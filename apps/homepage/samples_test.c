/* samples_test.c - reading metrics back from their text.
 *
 * SPDX-License-Identifier: ISC */
#include "samples.h"

#include "base/units.h"
#include "test/test.h"

static struct kept {
    struct samples samples;
    struct metrics metrics;
    uint64_t knots;
    uint64_t red, blue;
    struct histogram pull;

    uint64_t read_knots, read_red, read_blue, read_count, read_buckets;
    unsigned descriptions;
} kept;

static const struct metric kept_metrics[] = {
    METRIC_COUNTER(struct kept, knots, "test_knots_total", "Knots."),
    METRIC_COUNTER_LABELLED(struct kept, red, "test_threads_total", "colour=\"red or { so }\"",
                            "Threads."),
    METRIC_COUNTER_LABELLED(struct kept, blue, "test_threads_total", "colour=\"blue\"", "Threads."),
    METRIC_HISTOGRAM(struct kept, pull, "test_pull_seconds", "Pulls."),
    METRIC_END,
};

static void visit(struct samples *samples, const struct sample *sample)
{
    struct kept *to = CONTAINER_OF(samples, struct kept, samples);
    uint64_t value, nanos;
    if (!view_starts_with(sample->name, VIEW("test_"))) return;
    expect_view(sample_label(sample, VIEW("instance")), VIEW("kept"));
    expect(view_is_empty(sample_label(sample, VIEW("nothing"))));
    expect(sample_number(sample->value, &value, &nanos));
    if (view_equal(sample->name, VIEW("test_knots_total"))) to->read_knots = value;
    if (view_equal(sample->name, VIEW("test_pull_seconds_count"))) to->read_count = value;
    if (view_equal(sample->name, VIEW("test_pull_seconds_bucket"))) to->read_buckets++;
    struct view colour = sample_label(sample, VIEW("colour"));
    if (view_equal(colour, VIEW("red or { so }"))) to->read_red = value;
    if (view_equal(colour, VIEW("blue"))) to->read_blue = value;
}

static void describe(struct samples *samples, struct view name, struct view help)
{
    struct kept *to = CONTAINER_OF(samples, struct kept, samples);
    if (view_equal(name, VIEW("test_knots_total")) && view_equal(help, VIEW("Knots.")))
        to->descriptions++;
}

TEST(what_was_counted_is_read)
{
    kept = (struct kept){ .samples = { .visit = visit, .describe = describe },
                          .knots = 1234567890123,
                          .red = 3,
                          .blue = 4 };
    histogram_add(&kept.pull, 5 * US_NS);
    histogram_add(&kept.pull, 100 * S_NS);
    metrics_register(&kept.metrics, "kept", kept_metrics, SPAN_OF(kept));
    samples_read(&kept.samples);
    metrics_withdraw(&kept.metrics);

    expect_that(kept.read_knots, ==, 1234567890123);
    expect_that(kept.read_red, ==, 3);
    expect_that(kept.read_blue, ==, 4);
    expect_that(kept.read_count, ==, 2);
    expect_that(kept.read_buckets, ==, HISTOGRAM_BUCKETS);
    expect_that(kept.descriptions, ==, 1);
}

TEST(pieces_need_not_end_with_a_line)
{
    static const char *const text = "# HELP test_knots_total Knots.\n# TYPE test_knots_total "
                                    "counter\ntest_knots_total{instance=\"kept\"} 42\n";
    for (size_t cut = 0; cut <= __builtin_strlen(text); cut++) {
        kept = (struct kept){ .samples = { .visit = visit, .describe = describe } };
        samples_begin(&kept.samples);
        struct view whole = view_from_string(text);
        expect_ok(kept.samples.sink.put(&kept.samples.sink, view_first(whole, cut)));
        expect_ok(kept.samples.sink.put(&kept.samples.sink, view_from_offset(whole, cut)));
        expect_that(kept.read_knots, ==, 42);
        expect_that(kept.descriptions, ==, 1);
    }
}

TEST(a_line_that_is_too_long_is_left_out)
{
    static uint8_t filler[SAMPLE_LINE_MAX];
    span_fill(SPAN_OF(filler), 'x');
    kept = (struct kept){ .samples = { .visit = visit, .describe = describe } };
    samples_begin(&kept.samples);
    struct metrics_sink *sink = &kept.samples.sink;
    expect_ok(sink->put(sink, VIEW("test_knots_total{instance=\"kept\",x=\"")));
    expect_ok(sink->put(sink, VIEW_OF(filler)));
    expect_ok(sink->put(sink, VIEW("\"} 1\ntest_threads_total{instance=\"kept\",colour=\"blue\"} "
                                   "2\n")));
    expect_that(kept.read_knots, ==, 0);
    expect_that(kept.read_blue, ==, 2);
}

TEST(numbers_have_a_whole_part_and_billionths)
{
    uint64_t whole, nanos;
    expect(sample_number(VIEW("17"), &whole, &nanos));
    expect_that(whole, ==, 17);
    expect_that(nanos, ==, 0);
    expect(sample_number(VIEW("1.000064"), &whole, &nanos));
    expect_that(whole, ==, 1);
    expect_that(nanos, ==, 64000);
    expect(sample_number(VIEW("0.1234567899"), &whole, &nanos));
    expect_that(nanos, ==, 123456789);
    expect(!sample_number(VIEW("+Inf"), &whole, &nanos));
    expect(!sample_number(VIEW("-1"), &whole, &nanos));
    expect(!sample_number(VIEW("1e9"), &whole, &nanos));
    expect(!sample_number(VIEW(""), &whole, &nanos));
}
