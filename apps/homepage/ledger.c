/* ledger.c - every metric of the image as a table: a row a sample, under what the metric is.
 *
 * SPDX-License-Identifier: ISC */
#include "figures.h"
#include "html.h"

static void end_group(struct ledger_weft *ledger)
{
    if (ledger->in_group) writer_put(ledger->page, VIEW("</tbody>\n"));
    ledger->in_group = false;
}

static void ledger_describe(struct samples *samples, struct view name, struct view help)
{
    struct ledger_weft *ledger = CONTAINER_OF(samples, struct ledger_weft, samples);
    struct writer *page = ledger->page;
    end_group(ledger);
    ledger->in_group = true;
    writer_put(page, VIEW("<tbody><tr><th scope=\"rowgroup\" colspan=\"2\"><code>"));
    html_put(page, name);
    writer_put(page, VIEW("</code> "));
    html_put(page, help);
    writer_put(page, VIEW("</th></tr>\n"));
}

static void put_value(struct writer *page, struct view value)
{
    uint64_t whole, nanos;
    if (sample_number(value, &whole, &nanos) && nanos == 0)
        html_put_count(page, whole);
    else
        html_put(page, value);
}

/* The many buckets of a histogram are left to those who ask for /metrics. */
static void ledger_visit(struct samples *samples, const struct sample *sample)
{
    struct writer *page = CONTAINER_OF(samples, struct ledger_weft, samples)->page;
    if (view_ends_with(sample->name, VIEW("_bucket"))) return;
    writer_put(page, VIEW("<tr><td>"));
    html_put(page, view_is_empty(sample->labels) ? sample->name : sample->labels);
    if (view_ends_with(sample->name, VIEW("_sum"))) writer_put(page, VIEW(" sum"));
    if (view_ends_with(sample->name, VIEW("_count"))) writer_put(page, VIEW(" count"));
    writer_put(page, VIEW("</td><td>"));
    put_value(page, sample->value);
    writer_put(page, VIEW("</td></tr>\n"));
}

static void ledger_put(struct weft *weft, struct writer *page)
{
    struct ledger_weft *ledger = CONTAINER_OF(weft, struct ledger_weft, weft);
    ledger->page = page;
    writer_put(page,
               VIEW("<table class=\"ledger\">\n<caption>Every figure of this image</caption>\n"
                    "<thead><tr><th scope=\"col\">Labels</th><th scope=\"col\">Value</th>"
                    "</tr></thead>\n"));
    samples_read(&ledger->samples);
    end_group(ledger);
    writer_put(page, VIEW("</table>\n"));
}

void ledger_weft_init(struct ledger_weft *ledger)
{
    *ledger = (struct ledger_weft){ .weft = { VIEW("ledger"), ledger_put },
                                    .samples = { .visit = ledger_visit,
                                                 .describe = ledger_describe } };
}
