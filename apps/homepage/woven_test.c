/* woven_test.c - pages with marks: what is put where, and what happens when there is no room.
 *
 * SPDX-License-Identifier: ISC */
#include "woven.h"

#include "fiber/stop.h"
#include "fiber/sync.h"
#include "http/http_memory.h"
#include "kv/kv_memory.h"
#include "target/clock.h"
#include "test/test.h"

struct words_weft {
    struct weft weft;
    unsigned count; /* how often its words are put */
};

static void words_put(struct weft *weft, struct writer *page)
{
    struct words_weft *words = CONTAINER_OF(weft, struct words_weft, weft);
    for (unsigned i = 0; i < words->count; i++)
        writer_put(page, VIEW("weft "));
}

static struct world {
    struct task task;
    struct scope scope;
    struct http_memory http;
    struct kv_memory pages;
    struct sheets sheets;
    struct words_weft words;
    struct weft *wefts[1];
    struct woven woven;
    enum result result;
} world;

static uint64_t soon(void)
{
    return clock_monotonic_ns() + 20 * S_NS;
}

static void world_run(struct task *task)
{
    (void)task;
    const struct http_route route = { .method = HTTP_GET,
                                      .pattern = VIEW("/"),
                                      .handler = &world.woven.handler };
    world.result = http_serve(&world.http.http, &(struct http_site){ &route, 1 });
}

static void world_begin(struct view page)
{
    const struct kv_memory_parameters memory = { .bytes = MIB, .entries = 4 };
    world = (struct world){ .task = { world_run },
                            .words = { { VIEW("words"), words_put }, 1 },
                            .result = FAILED };
    world.wefts[0] = &world.words.weft;
    expect_ok(http_memory_open(&world.http, &(struct http_memory_options){ 0 }));
    expect_ok(kv_memory_open(&world.pages, &memory));
    if (!view_is_empty(page)) expect_ok(kv_set(&world.pages.kv, VIEW("page.html"), page));
    expect_ok(sheets_open(&world.sheets, 1));
    const struct woven_options options = { .pages = &world.pages.kv, .sheets = &world.sheets };
    woven_init(&world.woven, &options, VIEW("page.html"), world.wefts, 1);
    scope_open(&world.scope, "world");
    expect_ok(fiber_start(&world.scope, &world.task, "serve", STACK_SMALL));
    fiber_yield();
}

static void world_end(void)
{
    stop_request();
    expect_ok(scope_wait(&world.scope, soon()));
    scope_close(&world.scope);
    sheets_close(&world.sheets);
    kv_memory_close(&world.pages);
    http_memory_close(&world.http);
    expect_that(world.result, ==, OK);
}

/* ---- fetching ---- */

struct reader {
    struct http_sink sink;
    struct event *patience; /* when it happens this reader goes on; NULL: at once */
    uint8_t head[2048];
    uint8_t body[512];
    size_t body_bytes;
    unsigned status;
};

static enum result reader_put(struct http_sink *sink, struct view piece)
{
    struct reader *reader = CONTAINER_OF(sink, struct reader, sink);
    if (reader->patience != NULL) expect_ok(event_wait(reader->patience, soon()));
    struct span room = span_from_offset(SPAN_OF(reader->body), reader->body_bytes);
    if (piece.length_bytes > room.length_bytes) return TOO_LARGE;
    (void)span_copy(room, piece);
    reader->body_bytes += piece.length_bytes;
    return OK;
}

static void reader_fetch(struct reader *reader)
{
    struct http_field fields[8];
    const struct http_fetch fetch = { .url = VIEW("http://loom.test/"),
                                      .body_bytes_max = MIB,
                                      .deadline_ns = soon() };
    struct http_fetched fetched = { .room = SPAN_OF(reader->head),
                                    .fields = fields,
                                    .field_room = LENGTH_OF(fields) };
    reader->sink.put = reader_put;
    expect_ok(http_fetch(&world.http.http_client, &fetch, &fetched, &reader->sink));
    reader->status = fetched.status;
}

static struct reader reader, other;

static void expect_woven(struct view page, struct view wanted)
{
    expect_ok(kv_set(&world.pages.kv, VIEW("page.html"), page));
    reader = (struct reader){ 0 };
    reader_fetch(&reader);
    expect_that(reader.status, ==, 200);
    expect_view(view_first(VIEW_OF(reader.body), reader.body_bytes), wanted);
}

/* ---- tests ---- */

TEST(marks_are_replaced)
{
    world_begin((struct view){ 0 });
    expect_woven(VIEW("a <!--weft:words-->b"), VIEW("a weft b"));
    expect_woven(VIEW("<!--weft:words--><!--weft:words-->"), VIEW("weft weft "));
    expect_woven(VIEW("no mark"), VIEW("no mark"));
    world_end();
}

TEST(what_is_no_mark_stays)
{
    world_begin((struct view){ 0 });
    expect_woven(VIEW("a <!-- weft:words --> b"), VIEW("a <!-- weft:words --> b"));
    world_end();
}

TEST(a_mark_that_nobody_fills_is_left_out)
{
    world_begin((struct view){ 0 });
    expect_woven(VIEW("a <!--weft:word--> b"), VIEW("a  b"));
    expect_woven(VIEW("a <!--weft:"), VIEW("a "));
    expect_woven(VIEW("a <!--weft:words"), VIEW("a weft "));
    world_end();
}

TEST(a_page_that_is_not_there_is_not_found)
{
    world_begin((struct view){ 0 });
    reader = (struct reader){ 0 };
    reader_fetch(&reader);
    expect_that(reader.status, ==, 404);
    world_end();
}

TEST(a_page_that_does_not_fit_is_an_error)
{
    world_begin(VIEW("<!--weft:words-->"));
    world.words.count = WOVEN_PAGE_BYTES / 5 + 1;
    reader = (struct reader){ 0 };
    reader_fetch(&reader);
    expect_that(reader.status, ==, 500);
    world_end();
}

struct fetching {
    struct task task;
    struct reader *reader;
};

static void fetching_run(struct task *task)
{
    reader_fetch(CONTAINER_OF(task, struct fetching, task)->reader);
}

TEST(who_finds_no_sheet_waits_for_one)
{
    struct event patience;
    struct scope scope;
    struct fetching slow = { { fetching_run }, &reader }, second = { { fetching_run }, &other };
    world_begin(VIEW("x"));
    event_init(&patience);
    reader = (struct reader){ .patience = &patience };
    other = (struct reader){ 0 };
    scope_open(&scope, "readers");
    expect_ok(fiber_start(&scope, &slow.task, "slow reader", STACK_MEDIUM));
    while (!list_is_empty(&world.sheets.free))
        fiber_yield();
    expect_ok(fiber_start(&scope, &second.task, "second reader", STACK_MEDIUM));
    while (waiters_is_empty(&world.sheets.waiters))
        fiber_yield();
    expect_that(other.status, ==, 0);

    event_set(&patience);
    expect_ok(scope_wait(&scope, soon()));
    scope_close(&scope);
    expect_that(reader.status, ==, 200);
    expect_that(other.status, ==, 200);
    world_end();
}

TEST(who_waits_too_long_is_told_503)
{
    world_begin(VIEW("x"));
    struct list_node *taken = list_take(&world.sheets.free);
    other = (struct reader){ 0 };
    reader_fetch(&other);
    expect_that(other.status, ==, 503);
    list_append(&world.sheets.free, taken);
    world_end();
}
