/* self.c - the graph of the image's devices and the sizes of its modules, as HTML.
 *
 * Both come from the build (kv_self) and are in memory, so nothing here waits.
 *
 * SPDX-License-Identifier: ISC */
#include "self.h"

#include "html.h"

static void put_absent(struct writer *page, struct view name)
{
    writer_put(page, VIEW("<p class=\"absent\">This image was built without "));
    html_put(page, name);
    writer_put(page, VIEW(".</p>\n"));
}

/* ---- the graph ---- */

static void graph_put(struct weft *weft, struct writer *page)
{
    struct graph_weft *graph = CONTAINER_OF(weft, struct graph_weft, weft);
    struct kv_value value;
    if (kv_open(graph->self, VIEW("graph.svg"), &value) != OK) {
        put_absent(page, VIEW("a drawing of its devices: graphviz was missing"));
        return;
    }
    writer_put(page, value.bytes);
    kv_release(graph->self, &value);
}

void graph_weft_init(struct graph_weft *graph, struct kv *self)
{
    *graph = (struct graph_weft){ .weft = { VIEW("graph"), graph_put }, .self = self };
}

/* ---- the sizes ---- */

struct module_size {
    struct view name;
    uint64_t code_bytes; /* instructions and constants */
    uint64_t data_bytes; /* variables */
};

/* The text behind `mark`, up to `end`; empty when the mark is not there. */
static struct view text_between(struct view line, struct view mark, struct view end)
{
    size_t start = MIN(view_find(line, mark) + mark.length_bytes, line.length_bytes);
    struct view text = view_from_offset(line, start);
    return view_first(text, view_find(text, end));
}

static uint64_t number_behind(struct view line, struct view mark)
{
    uint64_t number;
    return view_to_u64(text_between(line, mark, VIEW(",")), &number) ? number : 0;
}

/* size.json has a line a module, as `loom size --json` writes it. */
static bool module_size_read(struct view line, struct module_size *size)
{
    *size = (struct module_size){
        .name = text_between(line, VIEW("\"module\": \""), VIEW("\"")),
        .code_bytes = number_behind(line, VIEW("\"text\": ")) +
                      number_behind(line, VIEW("\"rodata\": ")),
        .data_bytes = number_behind(line, VIEW("\"data\": ")) +
                      number_behind(line, VIEW("\"bss\": ")),
    };
    return !view_is_empty(size->name);
}

static struct module_size sizes_total(struct view text, uint64_t *largest_bytes)
{
    struct module_size total = { 0 }, size;
    *largest_bytes = 1;
    while (!view_is_empty(text)) {
        if (!module_size_read(view_cut(text, '\n', &text), &size)) continue;
        total.code_bytes += size.code_bytes;
        total.data_bytes += size.data_bytes;
        *largest_bytes = MAX(*largest_bytes, size.code_bytes + size.data_bytes);
    }
    return total;
}

/* In thousandths of the widest bar. */
static void put_bar(struct writer *page, const struct module_size *size, uint64_t largest_bytes)
{
    unsigned code = (unsigned)(size->code_bytes * 1000 / largest_bytes);
    unsigned data = (unsigned)(size->data_bytes * 1000 / largest_bytes);
    writer_format(page,
                  "<svg><rect class=\"code\" width=\"%u.%u%%\" height=\"100%%\"/>"
                  "<rect class=\"data\" x=\"%u.%u%%\" width=\"%u.%u%%\" height=\"100%%\"/></svg>",
                  code / 10, code % 10, code / 10, code % 10, data / 10, data % 10);
}

static void put_module(struct writer *page, const struct module_size *size, uint64_t largest_bytes)
{
    writer_put(page, VIEW("<tr><th scope=\"row\">"));
    html_put(page, size->name);
    writer_put(page, VIEW("</th><td class=\"bar\" aria-hidden=\"true\">"));
    put_bar(page, size, largest_bytes);
    writer_put(page, VIEW("</td><td>"));
    html_put_count(page, size->code_bytes);
    writer_put(page, VIEW("</td><td>"));
    html_put_count(page, size->data_bytes);
    writer_put(page, VIEW("</td></tr>\n"));
}

static void put_modules(struct writer *page, struct view text)
{
    uint64_t largest_bytes;
    struct module_size size, total = sizes_total(text, &largest_bytes);
    while (!view_is_empty(text)) {
        if (module_size_read(view_cut(text, '\n', &text), &size))
            put_module(page, &size, largest_bytes);
    }
    writer_put(page, VIEW("</tbody>\n<tfoot><tr><th scope=\"row\">all of it</th><td></td><td>"));
    html_put_count(page, total.code_bytes);
    writer_put(page, VIEW("</td><td>"));
    html_put_count(page, total.data_bytes);
    writer_put(page, VIEW("</td></tr></tfoot>\n"));
}

static void sizes_put(struct weft *weft, struct writer *page)
{
    struct sizes_weft *sizes = CONTAINER_OF(weft, struct sizes_weft, weft);
    struct kv_value value;
    if (kv_open(sizes->self, VIEW("size.json"), &value) != OK) {
        put_absent(page, VIEW("a report of its sizes"));
        return;
    }
    writer_put(page, VIEW("<table class=\"sizes\">\n<caption>Bytes by module</caption>\n<thead><tr>"
                          "<th scope=\"col\">Module</th><td></td>"
                          "<th scope=\"col\"><span class=\"key code\"></span>Code</th>"
                          "<th scope=\"col\"><span class=\"key data\"></span>Data</th>"
                          "</tr></thead>\n<tbody>\n"));
    put_modules(page, value.bytes);
    writer_put(page, VIEW("</table>\n"));
    kv_release(sizes->self, &value);
}

void sizes_weft_init(struct sizes_weft *sizes, struct kv *self)
{
    *sizes = (struct sizes_weft){ .weft = { VIEW("sizes"), sizes_put }, .self = self };
}
