/* homepage_test.c - the site as its readers meet it: its own pages, out of the image, over HTTP
 * inside the process.
 *
 * SPDX-License-Identifier: ISC */
#include "homepage.h"

#include "fiber/stop.h"
#include "http/http_memory.h"
#include "http_server/http_server.h"
#include "kv/kv_crunch.h"
#include "kv/kv_memory.h"
#include "metrics/metrics.h"
#include "target/clock.h"
#include "test/test.h"

/* What `loom` has made of htdocs. */
extern const struct kv_crunch_pages htdocs0_pages;

static const char GRAPH[] = "<svg class=\"loom-graph\"><text>homepage</text></svg>\n";
static const char SIZES[] =
    "{\n  \"image\": \"homepage\",\n  \"modules\": [\n"
    "    { \"module\": \"http\", \"text\": 60000, \"rodata\": 9500, \"data\": 40, \"bss\": 2, "
    "\"total\": 69542 },\n"
    "    { \"module\": \"a&b\", \"text\": 900, \"rodata\": 100, \"data\": 0, \"bss\": 0, "
    "\"total\": 1000 }\n"
    "  ],\n  \"total\": { \"text\": 60900, \"rodata\": 9600, \"data\": 40, \"bss\": 2, "
    "\"total\": 70542 }\n}\n";

static struct site {
    struct task task;
    struct scope scope;
    struct http_memory http;
    struct kv_crunch pages;
    struct kv_memory self;
    enum result result;
} site;

/* What an image and its server would count. */
static struct counted {
    struct metrics metrics;
    uint64_t uptime_ns, sent_bytes, fibers_small, fibers_medium;
    struct histogram duration;
} counted;

static const struct metric counted_metrics[] = {
    METRIC_GAUGE_SECONDS(struct counted, uptime_ns, "loom_uptime_seconds", "Uptime."),
    METRIC_COUNTER(struct counted, sent_bytes, "http_sent_bytes_total", "Bytes."),
    METRIC_GAUGE_LABELLED(struct counted, fibers_small, "loom_fibers", "stack=\"small\"",
                          "Fibers."),
    METRIC_GAUGE_LABELLED(struct counted, fibers_medium, "loom_fibers", "stack=\"medium\"",
                          "Fibers."),
    METRIC_HISTOGRAM(struct counted, duration, "http_request_duration_seconds", "Durations."),
    METRIC_END,
};

static uint64_t soon(void)
{
    return clock_monotonic_ns() + 20 * S_NS;
}

static void site_run(struct task *task)
{
    (void)task;
    site.result = homepage_start(&site.http.http, &site.pages.kv, &site.self.kv);
}

static void site_begin(bool with_self)
{
    const struct kv_memory_parameters memory = { .bytes = MIB, .entries = 16 };
    site = (struct site){ .task = { site_run }, .result = FAILED };
    expect_ok(http_memory_open(&site.http, &(struct http_memory_options){ 0 }));
    expect_ok(kv_crunch_open(&site.pages, &htdocs0_pages));
    expect_ok(kv_memory_open(&site.self, &memory));
    if (with_self) {
        expect_ok(kv_set(&site.self.kv, VIEW("graph.svg"), view_from_string(GRAPH)));
        expect_ok(kv_set(&site.self.kv, VIEW("graph.dot"), VIEW("digraph {}\n")));
        expect_ok(kv_set(&site.self.kv, VIEW("manifest.json"), VIEW("{}\n")));
        expect_ok(kv_set(&site.self.kv, VIEW("size.json"), view_from_string(SIZES)));
    }
    scope_open(&site.scope, "site");
    expect_ok(fiber_start(&site.scope, &site.task, "homepage", STACK_MEDIUM));
    fiber_yield();
}

static void site_end(void)
{
    stop_request();
    expect_ok(scope_wait(&site.scope, soon()));
    scope_close(&site.scope);
    kv_memory_close(&site.self);
    kv_crunch_close(&site.pages);
    http_memory_close(&site.http);
    expect_that(site.result, ==, OK);
}

/* ---- fetching ---- */

struct answer {
    struct http_sink sink;
    struct http_fetched fetched;
    struct http_field fields[24];
    uint8_t head[8 * KIB];
    uint8_t body[256 * KIB];
    size_t body_bytes;
};

static enum result answer_put(struct http_sink *sink, struct view piece)
{
    struct answer *answer = CONTAINER_OF(sink, struct answer, sink);
    struct span room = span_from_offset(SPAN_OF(answer->body), answer->body_bytes);
    if (piece.length_bytes > room.length_bytes) return TOO_LARGE;
    (void)span_copy(room, piece);
    answer->body_bytes += piece.length_bytes;
    return OK;
}

static void ask(struct answer *answer, enum http_method method, struct view path)
{
    static uint8_t url_room[HTTP_URL_MAX];
    struct http_fetch fetch = { .method = method, .body_bytes_max = MIB, .deadline_ns = soon() };
    fetch.url = format(SPAN_OF(url_room), "http://loom.test%.*s", VIEW_FORMAT(path));
    answer->sink.put = answer_put;
    answer->body_bytes = 0;
    answer->fetched = (struct http_fetched){ .room = SPAN_OF(answer->head),
                                             .fields = answer->fields,
                                             .field_room = LENGTH_OF(answer->fields) };
    expect_ok(http_fetch(&site.http.http_client, &fetch, &answer->fetched, &answer->sink));
}

static struct view body_of(const struct answer *answer)
{
    return view_first(VIEW_OF(answer->body), answer->body_bytes);
}

static bool holds(const struct answer *answer, struct view part)
{
    struct view body = body_of(answer);
    return view_find(body, part) < body.length_bytes;
}

static struct view field_of(const struct answer *answer, struct view name)
{
    for (size_t i = 0; i < answer->fetched.field_count; i++) {
        if (view_equal_ignoring_case(answer->fields[i].name, name)) return answer->fields[i].value;
    }
    return (struct view){ 0 };
}

static struct answer answer, other;

/* ---- tests ---- */

TEST(the_first_page_is_there)
{
    site_begin(true);
    ask(&answer, HTTP_GET, VIEW("/"));
    expect_that(answer.fetched.status, ==, 200);
    expect_view(field_of(&answer, VIEW("Content-Type")), VIEW("text/html; charset=utf-8"));
    expect(holds(&answer, VIEW("<h1>An operating system, ")));
    site_end();
}

TEST(every_answer_is_safe_to_render)
{
    static const char *const paths[] = { "/", "/image", "/figures", "/self/graph.svg", "/nothing" };
    site_begin(true);
    for (size_t i = 0; i < LENGTH_OF(paths); i++) {
        ask(&answer, HTTP_GET, view_from_string(paths[i]));
        struct view policy = field_of(&answer, VIEW("Content-Security-Policy"));
        expect(view_starts_with(policy, VIEW("default-src 'none'; ")));
        expect_view(field_of(&answer, VIEW("X-Content-Type-Options")), VIEW("nosniff"));
    }
    site_end();
}

TEST(what_is_not_there_is_told_by_a_page_of_its_own)
{
    site_begin(true);
    ask(&answer, HTTP_GET, VIEW("/no/such/page"));
    expect_that(answer.fetched.status, ==, 404);
    expect(holds(&answer, VIEW("A dropped stitch")));
    site_end();
}

TEST(the_image_shows_its_graph_and_its_sizes)
{
    site_begin(true);
    ask(&answer, HTTP_GET, VIEW("/image"));
    expect_that(answer.fetched.status, ==, 200);
    expect(holds(&answer, view_from_string(GRAPH)));
    expect(holds(&answer, VIEW("<th scope=\"row\">http</th>")));
    expect(holds(&answer, VIEW("<td>69\xe2\x80\xaf"
                               "500</td><td>42</td>")));
    expect(holds(&answer, VIEW("<th scope=\"row\">a&amp;b</th>")));
    expect(holds(&answer, VIEW("<td>70\xe2\x80\xaf"
                               "500</td><td>42</td></tr></tfoot>")));
    expect(!holds(&answer, VIEW("<!--weft:")));
    site_end();
}

TEST(an_image_without_a_graph_says_so)
{
    site_begin(false);
    ask(&answer, HTTP_GET, VIEW("/image"));
    expect_that(answer.fetched.status, ==, 200);
    expect(holds(&answer, VIEW("graphviz was missing")));
    expect(holds(&answer, VIEW("without a report of its sizes")));
    site_end();
}

TEST(the_figures_are_those_of_the_metrics)
{
    counted = (struct counted){
        .uptime_ns = 65 * S_NS, .sent_bytes = 3 * MIB, .fibers_small = 3, .fibers_medium = 1
    };
    for (unsigned i = 0; i < 98; i++)
        histogram_add(&counted.duration, 50 * US_NS);
    histogram_add(&counted.duration, 900 * US_NS);
    histogram_add(&counted.duration, 30 * MS_NS);
    metrics_register(&counted.metrics, "counted", counted_metrics, SPAN_OF(counted));
    site_begin(true);
    ask(&answer, HTTP_GET, VIEW("/figures"));
    ask(&other, HTTP_GET, VIEW("/metrics"));
    site_end();
    metrics_withdraw(&counted.metrics);

    expect_that(answer.fetched.status, ==, 200);
    expect_view(field_of(&answer, VIEW("Cache-Control")), VIEW("no-store"));
    expect(holds(&answer, VIEW("<dt>Up for</dt>\n<dd><b>1\xe2\x80\xafmin 5\xe2\x80\xafs</b>")));
    expect(holds(&answer, VIEW("<dt>Sent</dt>\n<dd><b>3\xe2\x80\xafMiB</b>")));
    expect(holds(&answer, VIEW("<dt>Fibers</dt>\n<dd><b>4</b>")));
    expect(holds(&answer, VIEW("<dt>Half took</dt>\n<dd><b>&lt;\xe2\x80\xaf"
                               "64\xe2\x80\xaf\xc2\xb5s</b>")));
    expect(holds(&answer, VIEW("<dt>99 of 100 took</dt>\n<dd><b>&lt;\xe2\x80\xaf"
                               "1.02\xe2\x80\xafms</b>")));
    expect(holds(&answer, VIEW("<code>loom_uptime_seconds</code>")));
    expect_that(other.fetched.status, ==, 200);
    expect(holds(&other, VIEW("\nloom_uptime_seconds{instance=\"counted\"} 65\n")));
}

TEST(head_tells_of_a_woven_page_what_get_does)
{
    site_begin(true);
    ask(&answer, HTTP_GET, VIEW("/image"));
    ask(&other, HTTP_HEAD, VIEW("/image"));
    expect_that(other.fetched.status, ==, 200);
    expect_that(other.body_bytes, ==, 0);
    expect_view(field_of(&other, VIEW("Content-Type")), field_of(&answer, VIEW("Content-Type")));
    site_end();
}

/* The template of a woven page is not a page. */
TEST(marks_are_never_sent)
{
    static const char *const paths[] = { "/image.html", "/figures.html" };
    site_begin(true);
    for (size_t i = 0; i < LENGTH_OF(paths); i++) {
        ask(&answer, HTTP_GET, view_from_string(paths[i]));
        expect_that(answer.fetched.status, ==, 200);
        expect(!holds(&answer, VIEW("<!--weft:")));
    }
    site_end();
}

/* ---- links ---- */

/* Every href and src of `page` that stays on the site. */
static unsigned follow_links(struct view page, struct view attribute)
{
    unsigned count = 0;
    for (;;) {
        page = view_from_offset(page, view_find(page, attribute));
        if (view_is_empty(page)) return count;
        page = view_from_offset(page, attribute.length_bytes);
        struct view link = view_cut(page, '"', &page);
        if (!view_starts_with(link, VIEW("/"))) continue;
        ask(&other, HTTP_GET, link);
        if (other.fetched.status != 200)
            test_fail(__FILE__, __LINE__, "%.*s is %u", VIEW_FORMAT(link), other.fetched.status);
        count++;
    }
}

TEST(every_link_leads_somewhere)
{
    static const char *const paths[] = { "/", "/image", "/figures", "/404.html" };
    site_begin(true);
    for (size_t i = 0; i < LENGTH_OF(paths); i++) {
        ask(&answer, HTTP_GET, view_from_string(paths[i]));
        unsigned count = follow_links(body_of(&answer), VIEW("href=\"")) +
                         follow_links(body_of(&answer), VIEW("src=\""));
        expect_that(count, >, 5);
    }
    site_end();
}

TEST(nothing_is_fetched_from_elsewhere)
{
    static const char *const paths[] = { "/",          "/image",   "/figures",    "/404.html",
                                         "/style.css", "/live.js", "/favicon.svg" };
    site_begin(true);
    for (size_t i = 0; i < LENGTH_OF(paths); i++) {
        ask(&answer, HTTP_GET, view_from_string(paths[i]));
        expect_that(answer.fetched.status, ==, 200);
        expect(!holds(&answer, VIEW("src=\"http")));
        expect(!holds(&answer, VIEW("url(http")));
        expect(!holds(&answer, VIEW("@import")));
    }
    site_end();
}

/* ---- what the first page claims ---- */

static bool has_default(const struct parameter table[], struct view name, struct view value)
{
    for (const struct parameter *row = table; row->type != PARAMETER_TYPE_END; row++) {
        if (!view_equal(view_from_string(row->name), name)) continue;
        return view_equal(view_from_string(row->fallback), value);
    }
    return false;
}

/* The limits that it shows are the defaults of the parameters that it names. */
TEST(the_limits_on_the_first_page_are_true)
{
    const struct view mark = VIEW("<th scope=\"row\"><code>--");
    unsigned count = 0;
    site_begin(true);
    ask(&answer, HTTP_GET, VIEW("/"));
    struct view page = body_of(&answer);
    for (;;) {
        page = view_from_offset(page, view_find(page, mark));
        if (view_is_empty(page)) break;
        page = view_from_offset(page, mark.length_bytes);
        struct view value, option = view_cut(page, '<', &page);
        struct view name = view_cut(option, '=', &value);
        if (!has_default(http_server_parameters, name, value) &&
            !has_default(fiber_parameters, name, value))
            test_fail(__FILE__, __LINE__, "--%.*s is not a default", VIEW_FORMAT(option));
        count++;
    }
    expect_that(count, ==, 7);
    site_end();
}
