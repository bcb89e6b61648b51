/* http_pages_sim_test.c - a kv as a site: every way to ask for a page, from stores with views and
 * without, in virtual time.
 *
 * SPDX-License-Identifier: ISC */
#include "http_pages/http_pages.h"

#include "base/writer.h"
#include "http/http_memory.h"
#include "http_pages/http_metrics.h"
#include "http_pages/http_shelf.h"
#include "metrics/metrics.h"
#include "target/clock.h"
#include "test/test.h"

#define LARGE_BYTES (3 * HTTP_PAGES_BUFFER_BYTES + 123)

static struct http_shelf shelf;
static uint8_t large_bytes[LARGE_BYTES];

/* ---- a site of it ---- */

static struct {
    struct http_memory memory;
    struct http_pages pages;
    struct scope scope;
    struct task server;
    struct http_sink sink;
    struct http_fetched fetched;
    struct http_field fields[16];
    uint8_t room[2048], url[1024];
    uint8_t body[LARGE_BYTES + 4096];
    size_t body_bytes;
} site;

static void server_run(struct task *task)
{
    (void)task;
    struct http_route routes[] = {
        { .method = HTTP_ANY_METHOD, .pattern = VIEW("/*"), .handler = &site.pages.handler },
        { .method = HTTP_GET, .pattern = VIEW("/below/{x}/*"), .handler = &site.pages.handler },
        { .method = HTTP_GET, .pattern = VIEW("/alone.html"), .handler = &site.pages.handler },
    };
    expect_ok(http_serve(&site.memory.http, &(struct http_site){ routes, LENGTH_OF(routes) }));
}

static void site_open(const struct http_shelf_page pages[], size_t count,
                      const struct http_pages_options *options)
{
    http_shelf_init(&shelf, pages, count);
    for (size_t i = 0; i < LARGE_BYTES; i++)
        large_bytes[i] = (uint8_t)(i * 31 + i / 256);
    expect_ok(http_memory_open(&site.memory, &(struct http_memory_options){ 0 }));
    expect_ok(http_pages_open(&site.pages, &shelf.kv, options));
    scope_open(&site.scope, "site");
    site.server.run = server_run;
    expect_ok(fiber_start(&site.scope, &site.server, "site", STACK_MEDIUM));
    fiber_yield();
}

static void site_close(void)
{
    expect_that(shelf.open_count, ==, 0);
    scope_close(&site.scope);
    http_pages_close(&site.pages);
    http_memory_close(&site.memory);
}

#define SITE_OPEN(pages) site_open(pages, LENGTH_OF(pages), &(struct http_pages_options){ 0 })

static enum result keep_piece(struct http_sink *sink, struct view piece)
{
    (void)sink;
    (void)span_copy(span_from_offset(SPAN_OF(site.body), site.body_bytes), piece);
    site.body_bytes += piece.length_bytes;
    return OK;
}

static enum result fetch(enum http_method method, const char *path, const struct http_field *field)
{
    struct http_fetch request = { .method = method,
                                  .url = format(SPAN_OF(site.url), "http://www.test%s", path),
                                  .fields = field,
                                  .field_count = field == NULL ? 0 : 1,
                                  .body_bytes_max = sizeof site.body,
                                  .deadline_ns = NEVER };
    site.sink.put = keep_piece;
    site.fetched = (struct http_fetched){ .room = SPAN_OF(site.room),
                                          .fields = site.fields,
                                          .field_room = LENGTH_OF(site.fields) };
    site.body_bytes = 0;
    return http_fetch(&site.memory.http_client, &request, &site.fetched, &site.sink);
}

static struct view body(void)
{
    return view_first(VIEW_OF(site.body), site.body_bytes);
}

static struct view field_of(const char *name)
{
    for (size_t i = 0; i < site.fetched.field_count; i++)
        if (view_equal_ignoring_case(site.fetched.fields[i].name, view_from_string(name)))
            return site.fetched.fields[i].value;
    return (struct view){ 0 };
}

static bool has_field(const char *name)
{
    return field_of(name).bytes != NULL;
}

static void expect_status(const char *path, unsigned status)
{
    expect_ok(fetch(HTTP_GET, path, NULL));
    expect_that(site.fetched.status, ==, status);
}

static void expect_page(const char *path, unsigned status, struct view bytes)
{
    expect_status(path, status);
    expect_view(body(), bytes);
}

/* With one field in the request. */
static void expect_answer(const char *path, const char *name, struct view value, unsigned status)
{
    struct http_field field = { view_from_string(name), value };
    expect_ok(fetch(HTTP_GET, path, &field));
    expect_that(site.fetched.status, ==, status);
}

static const struct http_shelf_page plain[] = {
    HTTP_SHELF_PAGE("index.html", "text/html; charset=utf-8", "home"),
    HTTP_SHELF_PAGE("docs/index.html", "text/html; charset=utf-8", "docs"),
    HTTP_SHELF_PAGE("a b.txt", "text/plain; charset=utf-8", "blank"),
    HTTP_SHELF_PAGE("empty", "", ""),
    HTTP_SHELF_PAGE("alone.html", "text/html; charset=utf-8", "alone"),
    HTTP_SHELF_PAGE("digits", "text/plain", "0123456789"),
    HTTP_SHELF_PAGE("e f/index.html", "text/html; charset=utf-8", "blank folder"),
};

/* ---- keys ---- */

TEST(http_pages_are_found)
{
    SITE_OPEN(plain);
    expect_page("/", 200, VIEW("home"));
    expect_view(field_of("Content-Type"), VIEW("text/html; charset=utf-8"));
    expect_page("/index.html", 200, VIEW("home"));
    expect_page("/docs/", 200, VIEW("docs"));
    expect_page("/a%20b.txt?query", 200, VIEW("blank"));
    expect_page("/below/x/", 200, VIEW("home"));
    expect_page("/below/x/docs/", 200, VIEW("docs"));
    expect_page("/alone.html", 200, VIEW("alone"));
    expect_page("/empty", 200, VIEW(""));
    expect_view(field_of("Content-Length"), VIEW("0"));
    expect(!has_field("Content-Type"));
    site_close();
}

TEST(http_pages_send_folders_to_their_slash)
{
    SITE_OPEN(plain);
    expect_status("/docs", 301);
    expect_view(field_of("Location"), VIEW("/docs/"));
    expect_status("/docs?a=b&c", 301);
    expect_view(field_of("Location"), VIEW("/docs/?a=b&c"));
    expect_status("/below/x/docs", 301);
    expect_view(field_of("Location"), VIEW("/below/x/docs/"));
    expect_status("/e%20f", 301);
    expect_view(field_of("Location"), VIEW("/e%20f/"));
    site_close();
}

TEST(http_pages_that_are_not_there)
{
    SITE_OPEN(plain);
    static const char *const paths[] = {
        "/nothing",          "/docs/nothing", "/docs//",     "//docs/",     "//docs",
        "/index.html/",      "/doc",          "/docs/index", "/INDEX.HTML", "//evil.example/docs",
        "/docs/index.html/x"
    };
    for (size_t i = 0; i < LENGTH_OF(paths); i++)
        expect_status(paths[i], 404);
    static char path[1000] = "/";
    for (size_t i = 1; i + 2 < sizeof path; i++)
        path[i] = i % 100 == 99 ? '/' : 'x';
    path[sizeof path - 2] = '/';
    expect_status(path, 404); /* longer than a folder's may be */
    site_close();
}

TEST(http_pages_have_a_page_for_that)
{
    static const struct http_shelf_page pages[] = {
        { .key = "404.html",
          .media_type = "text/html",
          .bytes = VIEW_ROW("nothing here"),
          .gzip = VIEW_ROW("gzipped") },
    };
    SITE_OPEN(pages);
    expect_page("/nothing", 404, VIEW("nothing here"));
    expect_view(field_of("Content-Type"), VIEW("text/html"));
    expect(!has_field("ETag") && !has_field("Last-Modified"));
    expect_answer("/nothing", "Accept-Encoding", VIEW("gzip"), 404);
    expect_view(body(), VIEW("gzipped"));
    expect_view(field_of("Content-Encoding"), VIEW("gzip"));
    expect_answer("/nothing", "If-None-Match", VIEW("*"), 404); /* conditions are for what is */
    expect_answer("/nothing", "Range", VIEW("bytes=0-1"), 404);
    expect_view(body(), VIEW("nothing here"));
    expect_page("/404.html", 200, VIEW("nothing here"));
    site_close();
}

TEST(http_pages_pass_on_what_the_store_says)
{
    SITE_OPEN(plain);
    shelf.open_result = FULL;
    expect_status("/", 503);
    shelf.open_result = FAILED;
    expect_status("/", 500);
    site_close();
}

TEST(http_pages_can_only_be_read)
{
    SITE_OPEN(plain);
    expect_ok(fetch(HTTP_DELETE, "/docs/", NULL));
    expect_that(site.fetched.status, ==, 405);
    expect_view(field_of("Allow"), VIEW("GET, HEAD"));
    site_close();
}

/* ---- HEAD ---- */

TEST(http_pages_tell_the_same_to_head)
{
    static const char *const paths[] = { "/", "/docs", "/nothing", "/digits", "/empty" };
    for (unsigned views = 0; views < 2; views++) {
        SITE_OPEN(plain);
        shelf.has_no_views = views == 0;
        for (size_t i = 0; i < LENGTH_OF(paths); i++) {
            static struct http_field fields[16];
            static uint8_t text[1024];
            struct writer writer = writer_over(SPAN_OF(text));
            expect_ok(fetch(HTTP_GET, paths[i], NULL));
            size_t count = site.fetched.field_count;
            unsigned status = site.fetched.status;
            for (size_t f = 0; f < count; f++) {
                struct span room = writer_take(&writer, site.fields[f].value.length_bytes);
                (void)span_copy(room, site.fields[f].value);
                fields[f].value = span_view(room);
            }
            expect_ok(fetch(HTTP_HEAD, paths[i], NULL));
            expect_that(site.fetched.status, ==, status);
            expect_that(site.fetched.field_count, ==, count);
            expect_that(site.body_bytes, ==, 0);
            for (size_t f = 0; f < count; f++)
                expect_view(site.fields[f].value, fields[f].value);
        }
        site_close();
    }
}

/* ---- codings and validators ---- */

static const struct http_shelf_page coded[] = {
    { .key = "a.css",
      .media_type = "text/css",
      .bytes = VIEW_ROW("identity"),
      .gzip = VIEW_ROW("gz"),
      .brotli = VIEW_ROW("b") },
    { .key = "b.css",
      .media_type = "text/css",
      .bytes = VIEW_ROW("identity"),
      .gzip = VIEW_ROW("gz") },
    HTTP_SHELF_PAGE("c.css", "text/css", "identity"),
};

TEST(http_pages_negotiate_their_coding)
{
    SITE_OPEN(coded);
    expect_page("/a.css", 200, VIEW("identity"));
    expect_view(field_of("Vary"), VIEW("Accept-Encoding"));
    expect(!has_field("Content-Encoding"));
    expect_answer("/a.css", "Accept-Encoding", VIEW("gzip, br"), 200);
    expect_view(body(), VIEW("b"));
    expect_view(field_of("Content-Encoding"), VIEW("br"));
    expect_view(field_of("Content-Length"), VIEW("1"));
    expect_view(field_of("Content-Type"), VIEW("text/css"));
    expect_answer("/b.css", "Accept-Encoding", VIEW("gzip, br"), 200);
    expect_view(field_of("Content-Encoding"), VIEW("gzip"));
    expect_answer("/c.css", "Accept-Encoding", VIEW("gzip, br"), 200);
    expect_view(body(), VIEW("identity"));
    expect(!has_field("Vary") && !has_field("Content-Encoding"));
    expect_answer("/b.css", "Accept-Encoding", VIEW("br, *;q=0"), 406);
    site_close();
}

/* The tag as it was told, copied. */
static struct view tag_of(const char *path, const char *coding, struct span room)
{
    expect_answer(path, "Accept-Encoding", view_from_string(coding), 200);
    struct view tag = field_of("ETag");
    expect(tag.length_bytes > 2 && tag.bytes[0] == '"');
    (void)span_copy(room, tag);
    return view_first(span_view(room), tag.length_bytes);
}

TEST(http_pages_have_a_tag_for_each_representation)
{
    uint8_t rooms[4][64];
    struct view tags[4];
    SITE_OPEN(coded);
    tags[0] = tag_of("/a.css", "", SPAN_OF(rooms[0]));
    tags[1] = tag_of("/a.css", "gzip", SPAN_OF(rooms[1]));
    tags[2] = tag_of("/a.css", "br", SPAN_OF(rooms[2]));
    tags[3] = tag_of("/b.css", "", SPAN_OF(rooms[3]));
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            expect(!view_equal(tags[i], tags[j]));
    for (unsigned again = 0; again < 2; again++) { /* from what is known by now */
        uint8_t room[64];
        expect_view(tag_of("/a.css", "gzip", SPAN_OF(room)), tags[1]);
        expect_view(tag_of("/a.css", "", SPAN_OF(room)), tags[0]);
    }
    expect_view(field_of("Last-Modified"), VIEW("Sun, 06 Nov 1994 08:49:37 GMT"));
    site_close();
}

/* Many pages share the few places for what is known. */
TEST(http_pages_do_not_mix_up_what_they_know)
{
    static struct http_shelf_page pages[256];
    static char keys[256][4];
    uint8_t first[64], room[64];
    for (unsigned i = 0; i < 256; i++) {
        (void)format(SPAN_OF(keys[i]), "%u%c", i, 0);
        pages[i] = (struct http_shelf_page){ .key = keys[i],
                                             .media_type = "",
                                             .bytes = VIEW_OF(keys[i]) };
    }
    SITE_OPEN(pages);
    struct view tag = tag_of("/7", "", SPAN_OF(first));
    for (unsigned i = 0; i < 256; i++) {
        char path[8];
        (void)format(SPAN_OF(path), "/%u%c", i, 0);
        struct view other = tag_of(path, "", SPAN_OF(room));
        expect(view_equal(other, tag) == (i == 7));
    }
    expect_view(tag_of("/7", "", SPAN_OF(room)), tag);
    site_close();
}

TEST(http_pages_answer_conditions)
{
    uint8_t room[64];
    SITE_OPEN(coded);
    struct view tag = tag_of("/a.css", "", SPAN_OF(room));
    expect_answer("/a.css", "If-None-Match", tag, 304);
    expect_that(site.body_bytes, ==, 0);
    expect_view(field_of("ETag"), tag);
    expect_view(field_of("Vary"), VIEW("Accept-Encoding"));
    expect(has_field("Cache-Control"));
    expect(!has_field("Content-Type") && !has_field("Last-Modified"));
    expect_view(field_of("Content-Length"), VIEW("8")); /* of the 200, or none (RFC 9110 8.6) */
    expect_answer("/a.css", "If-None-Match", VIEW("\"other\""), 200);
    expect_answer("/a.css", "If-Match", VIEW("\"other\""), 412);
    expect_answer("/a.css", "If-Match", tag, 200);
    expect_answer("/a.css", "If-Modified-Since", VIEW("Sun, 06 Nov 1994 08:49:37 GMT"), 304);
    expect_answer("/a.css", "If-Modified-Since", VIEW("Sun, 06 Nov 1994 08:49:36 GMT"), 200);
    expect_answer("/a.css", "If-Unmodified-Since", VIEW("Sun, 06 Nov 1994 08:49:36 GMT"), 412);
    struct view gzip = tag_of("/a.css", "gzip", SPAN_OF(room));
    expect_answer("/a.css", "If-None-Match", gzip, 200); /* it asks for another coding now */
    site_close();
}

/* ---- caching ---- */

TEST(http_pages_tell_caches_what_to_do)
{
    static const struct http_shelf_page pages[] = {
        HTTP_SHELF_PAGE("app.3f2a9c1d.css", "", "x"),
        HTTP_SHELF_PAGE("a/app-3f2a9c1d5e.min.js", "", "x"),
        HTTP_SHELF_PAGE("report-20261124.html", "", "x"),
        HTTP_SHELF_PAGE("3f2a9c1d.html", "", "x"),
        HTTP_SHELF_PAGE("app.3f2a9c1.css", "", "x"),
        HTTP_SHELF_PAGE("app.3f2a9c1d/x.css", "", "x"),
        HTTP_SHELF_PAGE("app.deadbeef", "", "x"),
    };
    static const bool immutable[] = { true, true, false, false, false, false, false };
    struct http_field own = { VIEW("X-Content-Type-Options"), VIEW("nosniff") };
    site_open(pages, LENGTH_OF(pages),
              &(struct http_pages_options){ .cache_control = VIEW("max-age=60"),
                                            .fingerprinted = true,
                                            .fields = &own,
                                            .field_count = 1 });
    for (size_t i = 0; i < LENGTH_OF(pages); i++) {
        char path[64];
        (void)format(SPAN_OF(path), "/%s%c", pages[i].key, 0);
        expect_status(path, 200);
        expect_view(field_of("Cache-Control"), immutable[i]
                                                   ? VIEW("public, max-age=31536000, immutable")
                                                   : VIEW("max-age=60"));
        expect_view(field_of("X-Content-Type-Options"), VIEW("nosniff"));
    }
    site_close();
    SITE_OPEN(pages);
    expect_status("/app.3f2a9c1d.css", 200);
    expect_view(field_of("Cache-Control"), VIEW("no-cache"));
    site_close();
}

/* ---- ranges ---- */

static const struct http_shelf_page with_large[] = {
    { .key = "digits",
      .media_type = "text/plain",
      .bytes = VIEW_ROW("0123456789"),
      .gzip = VIEW_ROW("abcdef") },
    { .key = "large",
      .media_type = "application/octet-stream",
      .bytes = { large_bytes, LARGE_BYTES } },
};

static void expect_part(const char *range, struct view bytes, struct view content_range)
{
    expect_answer("/digits", "Range", view_from_string(range), 206);
    expect_view(body(), bytes);
    expect_view(field_of("Content-Range"), content_range);
    expect_view(field_of("Content-Type"), VIEW("text/plain"));
}

TEST(http_pages_send_parts)
{
    for (unsigned views = 0; views < 2; views++) {
        SITE_OPEN(with_large);
        shelf.has_no_views = views == 0;
        expect_part("bytes=0-3", VIEW("0123"), VIEW("bytes 0-3/10"));
        expect_part("bytes=8-", VIEW("89"), VIEW("bytes 8-9/10"));
        expect_part("bytes=-1", VIEW("9"), VIEW("bytes 9-9/10"));
        expect_part("bytes=2-4,3-5", VIEW("2345"), VIEW("bytes 2-5/10"));
        expect_answer("/digits", "Range", VIEW("bytes=10-"), 416);
        expect_view(field_of("Content-Range"), VIEW("bytes */10"));
        expect_answer("/digits", "Range", VIEW("lines=1-2"), 200);
        expect_view(field_of("Accept-Ranges"), VIEW("bytes"));
        struct http_field range = { VIEW("Range"), VIEW("bytes=0-3") };
        expect_ok(fetch(HTTP_HEAD, "/digits", &range)); /* Range is for GET */
        expect_that(site.fetched.status, ==, 200);
        site_close();
    }
}

/* Takes a multipart body apart again. */
static void expect_multipart(const struct view parts[], size_t count)
{
    struct view type = field_of("Content-Type"), rest = body();
    struct view prefix = VIEW("multipart/byteranges; boundary=");
    expect(view_starts_with(type, prefix));
    struct view boundary = view_from_offset(type, prefix.length_bytes);
    for (size_t i = 0; i < count; i++) {
        expect(view_starts_with(rest, VIEW("\r\n--")));
        rest = view_from_offset(rest, 4);
        expect(view_starts_with(rest, boundary));
        size_t head = view_find(rest, VIEW("\r\n\r\n")) + 4;
        expect(view_find(view_first(rest, head), VIEW("\r\nContent-Range: bytes ")) < head);
        rest = view_from_offset(rest, head);
        expect(view_equal(view_first(rest, parts[i].length_bytes), parts[i]));
        rest = view_from_offset(rest, parts[i].length_bytes);
    }
    expect(view_starts_with(rest, VIEW("\r\n--")));
    expect(view_ends_with(rest, VIEW("--\r\n")));
    expect_that(rest.length_bytes, ==, 4 + boundary.length_bytes + 4);
}

TEST(http_pages_send_several_parts)
{
    for (unsigned views = 0; views < 2; views++) {
        SITE_OPEN(with_large);
        shelf.has_no_views = views == 0;
        struct view digits = VIEW("0123456789"), large = VIEW_OF(large_bytes);
        struct view small_parts[] = { view_slice(digits, 7, 2), view_slice(digits, 0, 1) };
        expect_answer("/digits", "Range", VIEW("bytes=7-8,0-0"), 206);
        expect_multipart(small_parts, 2);
        struct view large_parts[] = { view_slice(large, 10, 70000), view_slice(large, 0, 2),
                                      view_from_offset(large, LARGE_BYTES - 1) };
        expect_answer("/large", "Range", VIEW("bytes=10-70009,0-1,-1"), 206);
        expect_multipart(large_parts, 3);
        uint64_t told;
        expect(view_to_u64(field_of("Content-Length"), &told) && told == site.body_bytes);
        site_close();
    }
}

TEST(http_pages_send_parts_of_what_was_negotiated)
{
    SITE_OPEN(with_large);
    struct http_field fields[] = { { VIEW("Range"), VIEW("bytes=1-2") },
                                   { VIEW("Accept-Encoding"), VIEW("gzip") } };
    struct http_fetch request = { .url = VIEW("http://www.test/digits"),
                                  .fields = fields,
                                  .field_count = 2,
                                  .body_bytes_max = 100,
                                  .deadline_ns = NEVER };
    site.body_bytes = 0;
    expect_ok(http_fetch(&site.memory.http_client, &request, &site.fetched, &site.sink));
    expect_that(site.fetched.status, ==, 206);
    expect_view(body(), VIEW("bc"));
    expect_view(field_of("Content-Range"), VIEW("bytes 1-2/6"));
    expect_view(field_of("Content-Encoding"), VIEW("gzip"));
    site_close();
}

TEST(http_pages_send_parts_only_of_the_version_that_is_meant)
{
    uint8_t room[64];
    SITE_OPEN(with_large);
    struct view tag = tag_of("/digits", "", SPAN_OF(room));
    struct http_field fields[] = { { VIEW("Range"), VIEW("bytes=1-2") },
                                   { VIEW("If-Range"), tag } };
    struct http_fetch request = { .url = VIEW("http://www.test/digits"),
                                  .fields = fields,
                                  .field_count = 2,
                                  .body_bytes_max = 100,
                                  .deadline_ns = NEVER };
    expect_ok(http_fetch(&site.memory.http_client, &request, &site.fetched, &site.sink));
    expect_that(site.fetched.status, ==, 206);
    fields[1].value = VIEW("\"older\"");
    expect_ok(http_fetch(&site.memory.http_client, &request, &site.fetched, &site.sink));
    expect_that(site.fetched.status, ==, 200);
    site_close();
}

/* ---- stores without views ---- */

TEST(http_pages_stream_what_is_not_in_memory)
{
    static const size_t pieces[] = { 0, 1000, 33333 };
    for (size_t i = 0; i < LENGTH_OF(pieces); i++) {
        SITE_OPEN(with_large);
        shelf.has_no_views = true;
        shelf.piece_bytes = pieces[i];
        expect_page("/large", 200, VIEW_OF(large_bytes));
        expect_page("/digits", 200, VIEW("0123456789"));
        expect_answer("/digits", "Accept-Encoding", VIEW("gzip"), 200);
        expect_view(body(), VIEW("abcdef"));
        site_close();
    }
}

TEST(http_pages_do_not_hide_that_a_value_broke)
{
    SITE_OPEN(with_large);
    shelf.has_no_views = true;
    shelf.broken_bytes = HTTP_PAGES_BUFFER_BYTES; /* the head is under way */
    expect_result(fetch(HTTP_GET, "/large", NULL), CLOSED);
    shelf.broken_bytes = 0;
    shelf.ends_bytes = HTTP_PAGES_BUFFER_BYTES; /* it is shorter than it said */
    expect_result(fetch(HTTP_GET, "/large", NULL), CLOSED);
    shelf.ends_bytes = 0;
    shelf.broken_bytes = 1;
    shelf.piece_bytes = 1; /* nothing is under way yet */
    expect_status("/digits", 500);
    site_close();
}

struct reader {
    struct task task;
    unsigned status;
};

static void reader_run(struct task *task)
{
    uint8_t room[256];
    struct http_fetched fetched = { .room = SPAN_OF(room) };
    struct http_fetch request = { .url = VIEW("http://www.test/digits"),
                                  .body_bytes_max = 4096,
                                  .deadline_ns = NEVER };
    expect_ok(http_fetch(&site.memory.http_client, &request, &fetched, NULL));
    CONTAINER_OF(task, struct reader, task)->status = fetched.status;
}

TEST(http_pages_bound_their_buffers)
{
    struct reader readers[3] = { 0 };
    struct scope scope;
    site_open(with_large, LENGTH_OF(with_large), &(struct http_pages_options){ .buffer_count = 1 });
    shelf.has_no_views = true;
    shelf.read_takes_ns = 6 * S_NS;
    uint64_t before_ns = clock_monotonic_ns();
    scope_open(&scope, "readers");
    for (size_t i = 0; i < LENGTH_OF(readers); i++) {
        readers[i].task.run = reader_run;
        expect_ok(fiber_start(&scope, &readers[i].task, "reader", STACK_MEDIUM));
    }
    expect_ok(scope_wait(&scope, NEVER));
    expect_that(readers[0].status, ==, 200);
    expect_that(readers[1].status, ==, 200); /* after 6 s of waiting */
    expect_that(readers[2].status, ==, 503); /* after 10 */
    expect_that(clock_monotonic_ns() - before_ns, >=, 12 * S_NS);
    site_close();
}

/* ---- metrics ---- */

TEST(http_metrics_are_shown)
{
    static struct {
        struct metrics metrics;
        uint64_t eggs_count;
    } farm;
    static const struct metric table[] = {
        METRIC_COUNTER(__typeof__(farm), eggs_count, "eggs_total", "Eggs laid."), METRIC_END
    };
    struct http_metrics shown;
    http_metrics_init(&shown);
    SITE_OPEN(plain);
    farm.eggs_count = 12;
    metrics_register(&farm.metrics, "farm0", table, SPAN_OF(farm));
    site.pages.handler = shown.handler; /* in place of the pages */
    expect_status("/metrics", 200);
    metrics_withdraw(&farm.metrics);
    expect_view(field_of("Content-Type"), VIEW("text/plain; version=0.0.4; charset=utf-8"));
    struct view sample = VIEW("eggs_total{instance=\"farm0\"} 12\n");
    expect(view_find(body(), sample) < site.body_bytes);
    site_close();
}
