/* headlines.c - the few figures that say how the image is.
 *
 * SPDX-License-Identifier: ISC */
#include "figures.h"
#include "html.h"

enum figure_form { FORM_COUNT, FORM_BYTES, FORM_SECONDS, FORM_LATENCY };

/* The sum of all samples of a metric; of a histogram, the limit that so many of a hundred kept. */
struct figure {
    const char *metric;
    enum figure_form form;
    unsigned percent; /* FORM_LATENCY */
    const char *title, *words;
};

static const char LATENCY[] = "http_request_duration_seconds_bucket";

static const struct figure figures[] = {
    { .metric = "loom_uptime_seconds",
      .form = FORM_SECONDS,
      .title = "Up for",
      .words = "since the image started" },
    { .metric = "http_responses_total",
      .form = FORM_COUNT,
      .title = "Responses",
      .words = "of every status, since then" },
    { .metric = LATENCY,
      .form = FORM_LATENCY,
      .percent = 50,
      .title = "Half took",
      .words = "to answer a whole request" },
    { .metric = "process_resident_memory_bytes",
      .form = FORM_BYTES,
      .title = "Resident",
      .words = "memory of the host in use" },
    { .metric = "http_connections",
      .form = FORM_COUNT,
      .title = "Connections",
      .words = "open at this moment" },
    { .metric = "loom_fibers",
      .form = FORM_COUNT,
      .title = "Fibers",
      .words = "alive; idle connections have none" },
    { .metric = LATENCY,
      .form = FORM_LATENCY,
      .percent = 99,
      .title = "99 of 100 took",
      .words = "the same; limits are powers of two" },
    { .metric = "http_sent_bytes_total",
      .form = FORM_BYTES,
      .title = "Sent",
      .words = "in responses, heads included" },
};
static_assert(LENGTH_OF(figures) <= FIGURES_MAX, "headline_weft has room for each figure");

/* ---- reading ---- */

/* Buckets come in order of their limits; several servers have the same limits. */
static void latency_add(struct latency *latency, const struct sample *sample)
{
    uint64_t seconds, nanos, count, unused;
    if (!sample_number(sample->value, &count, &unused)) return;
    if (!sample_number(sample_label(sample, VIEW("le")), &seconds, &nanos)) {
        latency->total += count; /* le="+Inf" */
        return;
    }
    uint64_t limit_ns = seconds * S_NS + nanos;
    size_t i = 0;
    while (i < latency->steps && latency->limit_ns[i] != limit_ns)
        i++;
    if (i == LATENCY_STEPS) return;
    latency->limit_ns[i] = limit_ns;
    latency->count[i] += count;
    latency->steps = MAX(latency->steps, i + 1);
}

static void headline_visit(struct samples *samples, const struct sample *sample)
{
    struct headline_weft *headlines = CONTAINER_OF(samples, struct headline_weft, samples);
    uint64_t whole, nanos;
    if (view_equal(sample->name, view_from_string(LATENCY)))
        latency_add(&headlines->latency, sample);
    for (size_t i = 0; i < LENGTH_OF(figures); i++) {
        if (!view_equal(sample->name, view_from_string(figures[i].metric))) continue;
        if (!sample_number(sample->value, &whole, &nanos)) continue;
        headlines->found[i] = true;
        headlines->sum[i] += figures[i].form == FORM_SECONDS ? whole * S_NS + nanos : whole;
    }
}

/* ---- telling ---- */

static void put_latency(struct writer *page, const struct latency *latency, unsigned percent)
{
    uint64_t wanted = (latency->total * percent + 99) / 100;
    size_t i = 0;
    while (i + 1 < latency->steps && latency->count[i] < wanted)
        i++;
    bool kept = latency->steps > 0 && latency->count[i] >= wanted;
    writer_put(page, kept ? VIEW("&lt;\xe2\x80\xaf") : VIEW("&gt;\xe2\x80\xaf"));
    html_put_duration(page, latency->limit_ns[i]);
}

static void put_figure(struct writer *page, const struct headline_weft *headlines, size_t index)
{
    const struct figure *figure = &figures[index];
    writer_format(page, "<div><dt>%s</dt>\n<dd><b>", figure->title);
    switch (figure->form) {
    case FORM_COUNT: html_put_count(page, headlines->sum[index]); break;
    case FORM_BYTES: html_put_bytes(page, headlines->sum[index]); break;
    case FORM_SECONDS: html_put_duration(page, headlines->sum[index]); break;
    case FORM_LATENCY: put_latency(page, &headlines->latency, figure->percent); break;
    }
    writer_format(page, "</b> <span>%s</span></dd></div>\n", figure->words);
}

/* Before the first response there is no latency to tell. */
static bool is_known(const struct headline_weft *headlines, size_t index)
{
    if (figures[index].form == FORM_LATENCY) return headlines->latency.total > 0;
    return headlines->found[index];
}

static void headline_put(struct weft *weft, struct writer *page)
{
    struct headline_weft *headlines = CONTAINER_OF(weft, struct headline_weft, weft);
    headline_weft_init(headlines);
    samples_read(&headlines->samples);
    writer_put(page, VIEW("<dl class=\"figures\">\n"));
    for (size_t i = 0; i < LENGTH_OF(figures); i++) {
        if (is_known(headlines, i)) put_figure(page, headlines, i);
    }
    writer_put(page, VIEW("</dl>\n"));
}

void headline_weft_init(struct headline_weft *headlines)
{
    *headlines = (struct headline_weft){ .weft = { VIEW("headlines"), headline_put },
                                         .samples.visit = headline_visit };
}
