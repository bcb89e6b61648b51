/* fuzz_http_pages.c - a site of pages, and requests that ask for them in any way.
 *
 * The input is lines: the path, then fields ("Range: bytes=0-1"). The site is served twice, from a
 * store with views and from one without. Both must answer alike, every answer must fit the request
 * (no more than was asked for, a length that is true, no body where none is due), and nothing may
 * stay open.
 *
 * SPDX-License-Identifier: ISC */
#include "http_pages/http_pages.h"

#include "fiber/stop.h"
#include "http/http_head.h"
#include "http/http_memory.h"
#include "http_pages/http_shelf.h"

int LLVMFuzzerInitialize(int *count, char ***words);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

#define INPUT_MAX   ((size_t)4096)
#define FIELDS_MAX  24
#define LARGE_BYTES ((size_t)100000)
#define BODY_MAX    ((size_t)2000000)
#define SITES       2

static uint8_t large[LARGE_BYTES];

static const struct http_shelf_page pages[] = {
    { .key = "404.html",
      .media_type = "text/html",
      .bytes = VIEW_ROW("nothing"),
      .gzip = VIEW_ROW("no") },
    HTTP_SHELF_PAGE("docs/index.html", "text/html", "docs"),
    HTTP_SHELF_PAGE("empty", "", ""),
    { .key = "a.3f2a9c1d.css",
      .media_type = "text/css",
      .bytes = VIEW_ROW("body{}"),
      .gzip = VIEW_ROW("b{}") },
    { .key = "index.html",
      .media_type = "text/html",
      .bytes = VIEW_ROW("home"),
      .gzip = VIEW_ROW("h") },
    { .key = "large", .media_type = "application/octet-stream", .bytes = { large, LARGE_BYTES } },
};

/* ---- the sites ---- */

static struct site {
    struct http_shelf shelf;
    struct http_memory memory;
    struct http_pages pages;
    struct task server;
    struct http_sink sink;
    struct http_fetched fetched;
    struct http_field fields[FIELDS_MAX];
    uint8_t room[16384];
    uint64_t body_bytes, body_sum;
    enum result result;
} sites[SITES];

static enum result sum_piece(struct http_sink *sink, struct view piece)
{
    struct site *site = CONTAINER_OF(sink, struct site, sink);
    for (size_t i = 0; i < piece.length_bytes; i++)
        site->body_sum = site->body_sum * 31 + piece.bytes[i];
    site->body_bytes += piece.length_bytes;
    return OK;
}

static void serve_run(struct task *task)
{
    struct site *site = CONTAINER_OF(task, struct site, server);
    struct http_route routes[] = {
        { .method = HTTP_ANY_METHOD, .pattern = VIEW("/*"), .handler = &site->pages.handler },
        { .method = HTTP_GET, .pattern = VIEW("/in/{x}/*"), .handler = &site->pages.handler },
    };
    enum result result = http_serve(&site->memory.http,
                                    &(struct http_site){ routes, LENGTH_OF(routes) });
    assert(result == OK);
}

static void site_open(struct site *site, struct scope *scope, bool has_views)
{
    *site = (struct site){ .server = { serve_run }, .sink = { sum_piece } };
    http_shelf_init(&site->shelf, pages, LENGTH_OF(pages));
    site->shelf.has_no_views = !has_views;
    enum result result = http_memory_open(&site->memory,
                                          &(struct http_memory_options){ .exchange_count = 1 });
    if (result == OK)
        result = http_pages_open(
            &site->pages, &site->shelf.kv,
            &(struct http_pages_options){ .fingerprinted = true, .buffer_count = 1 });
    if (result == OK) result = fiber_start(scope, &site->server, "serve", STACK_SMALL);
    assert(result == OK);
}

static void site_close(struct site *site)
{
    assert_that(site->shelf.open_count, ==, 0);
    http_pages_close(&site->pages);
    http_memory_close(&site->memory);
}

/* ---- the request ---- */

static struct {
    enum http_method method;
    uint8_t url[INPUT_MAX + 32];
    size_t url_bytes;
    struct http_field fields[FIELDS_MAX];
    size_t field_count;
} request;

static void read_input(struct view input)
{
    struct writer writer = writer_over(SPAN_OF(request.url));
    request.method = input.bytes[0] % 4 == 0 ? HTTP_HEAD : HTTP_GET;
    struct view rest = view_from_offset(input, 1);
    writer_put(&writer, VIEW("http://www.test"));
    writer_put(&writer, view_cut(rest, '\n', &rest));
    request.url_bytes = writer.length_bytes;
    request.field_count = 0;
    while (!view_is_empty(rest) && request.field_count < FIELDS_MAX) {
        struct view value;
        struct view name = view_cut(view_cut(rest, '\n', &rest), ':', &value);
        request.fields[request.field_count++] = (struct http_field){ name, view_trim(value) };
    }
}

static struct view field_of(const struct site *site, struct view name)
{
    return http_fields_find(site->fetched.fields, site->fetched.field_count, name);
}

static void check_answer(const struct site *site)
{
    uint64_t told_bytes;
    unsigned status = site->fetched.status;
    struct view length = field_of(site, VIEW("Content-Length"));
    assert(status >= 200 && status <= 416);
    assert(length.bytes != NULL && view_to_u64(length, &told_bytes));
    bool has_no_body = request.method == HTTP_HEAD || status == 304;
    assert_that(site->body_bytes, ==, has_no_body ? 0 : told_bytes);
    /* Parts are disjoint, so they come to no more than all of it and what stands between. */
    assert_that(told_bytes, <=, LARGE_BYTES + (size_t)17 * 256);
    if (status == 206) assert(request.method == HTTP_GET);
    if (status == 301)
        assert(view_ends_with(field_of(site, VIEW("Location")), VIEW("/")) ||
               view_find_byte(field_of(site, VIEW("Location")), '?') <
                   field_of(site, VIEW("Location")).length_bytes);
}

static void ask(struct site *site)
{
    struct http_fetch fetch = { .method = request.method,
                                .url = view_first(VIEW_OF(request.url), request.url_bytes),
                                .fields = request.fields,
                                .field_count = request.field_count,
                                .body_bytes_max = BODY_MAX,
                                .deadline_ns = NEVER };
    site->fetched = (struct http_fetched){ .room = SPAN_OF(site->room),
                                           .fields = site->fields,
                                           .field_room = FIELDS_MAX };
    site->result = http_fetch(&site->memory.http_client, &fetch, &site->fetched, &site->sink);
    assert(site->result == OK || site->result == INVALID || site->result == TOO_LARGE ||
           site->result == UNSUPPORTED);
    if (site->result == OK && site->fetched.status != 400) check_answer(site);
}

/* The boundary of several parts is made of random, so those are compared by their length. */
static void compare(const struct site *a, const struct site *b)
{
    assert(a->result == b->result);
    if (a->result != OK) return;
    assert(a->fetched.status == b->fetched.status && a->body_bytes == b->body_bytes);
    assert(a->fetched.field_count == b->fetched.field_count);
    bool has_parts = view_starts_with(field_of(a, VIEW("Content-Type")), VIEW("multipart/"));
    assert(has_parts || a->body_sum == b->body_sum);
}

static void play(struct task *task)
{
    (void)task;
    struct scope scope;
    stop_open(&(struct stop_parameters){ 10 * S_NS });
    scope_open(&scope, "fuzz");
    for (size_t i = 0; i < SITES; i++)
        site_open(&sites[i], &scope, i == 0);
    fiber_yield();
    for (size_t i = 0; i < SITES; i++)
        ask(&sites[i]);
    compare(&sites[0], &sites[1]);
    scope_close(&scope);
    for (size_t i = 0; i < SITES; i++)
        site_close(&sites[i]);
    stop_close();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    struct task task = { play };
    if (length_bytes < 2 || length_bytes > INPUT_MAX) return 0;
    read_input(view_from(bytes, length_bytes));
    fiber_run(&task, "fuzz");
    return 0;
}

int LLVMFuzzerInitialize(int *count, char ***words)
{
    (void)count;
    (void)words;
    static const struct fiber_parameters fibers = { 16, 4, 1 };
    for (size_t i = 0; i < LARGE_BYTES; i++)
        large[i] = (uint8_t)(i * 31);
    enum result result = fiber_open(&fibers);
    assert(result == OK);
    return 0;
}
