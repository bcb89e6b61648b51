/* woven.c - puts weft into warp.
 *
 * SPDX-License-Identifier: ISC */
#include "woven.h"

#include "target/memory.h"

#define LOG_MODULE "homepage"
#include "log/log.h"

#define SHEET_PATIENCE_NS (5 * S_NS)

/* ---- sheets ---- */

enum result sheets_open(struct sheets *sheets, size_t count)
{
    *sheets = (struct sheets){ 0 };
    list_init(&sheets->free);
    waiters_init(&sheets->waiters);
    enum result result = memory_take(count * sizeof(struct sheet), &sheets->memory);
    if (result != OK) return result;
    struct sheet *sheet = (struct sheet *)(void *)sheets->memory.bytes;
    for (size_t i = 0; i < count; i++)
        list_append(&sheets->free, &sheet[i].node);
    return OK;
}

void sheets_close(struct sheets *sheets)
{
    memory_give_back(sheets->memory);
}

static enum result sheet_take(struct sheets *sheets, struct sheet **sheet)
{
    uint64_t deadline_ns = deadline_after(loop_now_ns(), SHEET_PATIENCE_NS);
    struct list_node *node;
    while ((node = list_take(&sheets->free)) == NULL) {
        enum result result = waiters_wait(&sheets->waiters, "a sheet", deadline_ns);
        if (result != OK) return result == TIMED_OUT ? FULL : result;
    }
    *sheet = CONTAINER_OF(node, struct sheet, node);
    return OK;
}

static void sheet_give_back(struct sheets *sheets, struct sheet *sheet)
{
    list_prepend(&sheets->free, &sheet->node);
    waiters_wake_one(&sheets->waiters);
}

/* ---- weaving ---- */

static void put_weft(const struct woven *woven, struct view name, struct writer *page)
{
    for (size_t i = 0; i < woven->weft_count; i++) {
        struct weft *weft = woven->wefts[i];
        if (!view_equal(weft->name, name)) continue;
        weft->put(weft, page);
        return;
    }
    log_warning("%.*s: there is no weft %.*s", VIEW_FORMAT(woven->key), VIEW_FORMAT(name));
}

/* What stands behind the first `mark`; empty when there is none. */
static struct view behind(struct view text, struct view mark)
{
    size_t offset = view_find(text, mark) + mark.length_bytes;
    return view_from_offset(text, MIN(offset, text.length_bytes));
}

static void weave(const struct woven *woven, struct view warp, struct writer *page)
{
    const struct view begin = VIEW("<!--weft:"), end = VIEW("-->");
    while (!view_is_empty(warp)) {
        writer_put(page, view_first(warp, view_find(warp, begin)));
        struct view name = behind(warp, begin);
        if (view_is_empty(name)) return;
        put_weft(woven, view_first(name, view_find(name, end)), page);
        warp = behind(name, end);
    }
}

static enum result respond(const struct woven *woven, struct http_exchange *exchange,
                           struct view page)
{
    struct http_field fields[WOVEN_FIELDS_MAX + 1] = { { VIEW("Cache-Control"),
                                                         VIEW("no-store") } };
    for (size_t i = 0; i < woven->options.field_count; i++)
        fields[i + 1] = woven->options.fields[i];
    const struct http_response response = { .status = 200,
                                            .media_type = VIEW("text/html; charset=utf-8"),
                                            .fields = fields,
                                            .field_count = woven->options.field_count + 1 };
    return http_respond(exchange, &response, &page, 1);
}

static enum result woven_send(const struct woven *woven, struct http_exchange *exchange,
                              struct sheet *sheet)
{
    size_t length_bytes;
    enum result result = kv_get(woven->options.pages, woven->key, SPAN_OF(sheet->source),
                                &length_bytes);
    if (result != OK) return result;

    struct writer page = writer_over(SPAN_OF(sheet->page));
    weave(woven, view_first(VIEW_OF(sheet->source), length_bytes), &page);
    if (!page.ran_short) return respond(woven, exchange, writer_view(&page));
    log_error("%.*s is larger than %zu bytes", VIEW_FORMAT(woven->key), WOVEN_PAGE_BYTES);
    return FAILED;
}

static enum result woven_handle(struct http_handler *handler, struct http_exchange *exchange)
{
    struct woven *woven = CONTAINER_OF(handler, struct woven, handler);
    struct sheet *sheet;
    enum result result = sheet_take(woven->options.sheets, &sheet);
    if (result != OK) return result;
    result = woven_send(woven, exchange, sheet);
    sheet_give_back(woven->options.sheets, sheet);
    return result;
}

void woven_init(struct woven *woven, const struct woven_options *options, struct view key,
                struct weft *const wefts[], size_t weft_count)
{
    assert_that(options->field_count, <=, WOVEN_FIELDS_MAX);
    *woven = (struct woven){ .handler = { woven_handle },
                             .options = *options,
                             .key = key,
                             .wefts = wefts,
                             .weft_count = weft_count };
}
