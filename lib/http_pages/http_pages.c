/* http_pages.c - from a request to a page: the key, the coding, the conditions; see http_pages.h.
 *
 * SPDX-License-Identifier: ISC */
#include "http_pages/http_pages.h"

#include "base/writer.h"
#include "http/http_date.h"
#include "http_pages/http_negotiate.h"
#include "http_pages/http_page.h"
#include "target/clock.h"

#define INDEX_NAME    VIEW("index.html")
#define NOT_FOUND_KEY VIEW("404.html")

#define CACHE_REVALIDATE VIEW("no-cache")
#define CACHE_IMMUTABLE  VIEW("public, max-age=31536000, immutable")

/* A session's stack is small: a function with room of its own keeps it off the frames of the
 * others. */
#define OWN_FRAME __attribute__((noinline))

/* ---- the key ---- */

/* What the star matched, or the path without its first slash. */
static struct view page_path(const struct http_request *request)
{
    for (size_t i = 0; i < request->parameter_count; i++)
        if (view_equal(request->parameters[i].name, VIEW("*"))) return request->parameters[i].value;
    return view_from_offset(request->path, 1);
}

OWN_FRAME static enum result open_index(struct http_page *page, struct view folder,
                                        struct view slash)
{
    uint8_t room[HTTP_PAGES_FOLDER_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put(&writer, folder);
    writer_put(&writer, slash);
    writer_put(&writer, INDEX_NAME);
    if (writer.ran_short) return NOT_FOUND;
    return kv_open(page->pages->kv, writer_view(&writer), &page->value);
}

/* A path that can be no key is one that is not there. */
static enum result open_page(struct http_page *page, struct view path)
{
    enum result result;
    if (view_is_empty(path) || view_ends_with(path, VIEW("/")))
        result = open_index(page, path, VIEW(""));
    else
        result = kv_open(page->pages->kv, path, &page->value);
    return result == INVALID ? NOT_FOUND : result;
}

/* ---- the coding ---- */

static unsigned codings_of(const struct kv_value *value)
{
    unsigned available = 1u << KV_IDENTITY;
    for (enum kv_coding coding = KV_GZIP; coding < KV_CODINGS; coding++)
        if (!view_is_empty(value->coded[coding])) available |= 1u << coding;
    return available;
}

/* Chooses the representation, and tells caches what the choice depended on. */
static enum result choose_coding(struct http_page *page)
{
    const struct kv_value *value = &page->value;
    unsigned available = codings_of(value);
    enum result result = http_negotiate_coding(&page->exchange->request, available, &page->coding);
    page->response.media_type = value->media_type;
    page->bytes = value->bytes;
    page->size_bytes = value->size_bytes;
    page->in_memory = value->bytes.length_bytes == value->size_bytes;
    if (available != 1u << KV_IDENTITY)
        http_page_add_field(page, VIEW("Vary"), VIEW("Accept-Encoding"));
    if (page->coding == KV_IDENTITY) return result;
    page->bytes = value->coded[page->coding];
    page->size_bytes = page->bytes.length_bytes;
    page->in_memory = true;
    return result;
}

/* ---- fields ---- */

void http_page_add_field(struct http_page *page, struct view name, struct view value)
{
    assert_that(page->response.field_count, <, HTTP_PAGE_FIELDS_MAX);
    page->fields[page->response.field_count++] = (struct http_field){ name, value };
    page->response.fields = page->fields;
}

/* Each coding is a representation of its own, so a strong tag must tell them apart (RFC 9110
 * 8.8.3.3). Half of the SHA-256 is enough to do so. */
static void write_etag(struct http_pages_known *known)
{
    struct writer writer = writer_over(SPAN_OF(known->etag));
    writer_put(&writer, VIEW("\""));
    writer_put_hex_bytes(&writer, view_first(VIEW_OF(known->digest), KV_DIGEST_BYTES / 2));
    if (known->coding != KV_IDENTITY) {
        writer_put(&writer, VIEW("-"));
        writer_put(&writer, http_coding_name(known->coding));
    }
    writer_put(&writer, VIEW("\""));
    assert(!writer.ran_short);
    known->etag_bytes = (uint8_t)writer.length_bytes;
}

static struct http_pages_known *known_version(const struct http_page *page)
{
    const struct kv_value *value = &page->value;
    size_t slot = (value->digest.bytes[0] + page->coding) % HTTP_PAGES_KNOWN_COUNT;
    struct http_pages_known *known = &page->pages->known[slot];
    bool same = known->etag_bytes > 0 && known->coding == page->coding &&
                known->modified_ns == value->modified_ns &&
                view_equal(VIEW_OF(known->digest), VIEW_OF(value->digest));
    if (same) return known;
    known->digest = value->digest;
    known->modified_ns = value->modified_ns;
    known->coding = (uint8_t)page->coding;
    write_etag(known);
    if (value->modified_ns != 0) http_date_write(known->date, value->modified_ns);
    return known;
}

/* Copied, because what is known here may be another version's when the response is sent. */
static struct http_validators add_etag(struct http_page *page)
{
    const struct http_pages_known *known = known_version(page);
    struct view etag = { page->etag, known->etag_bytes };
    (void)span_copy(SPAN_OF(page->etag), VIEW_OF(known->etag));
    (void)span_copy(SPAN_OF(page->date), VIEW_OF(known->date));
    http_page_add_field(page, VIEW("ETag"), etag);
    return (struct http_validators){ etag, page->value.modified_ns };
}

static void add_coding(struct http_page *page)
{
    if (page->coding == KV_IDENTITY) return;
    http_page_add_field(page, VIEW("Content-Encoding"), http_coding_name(page->coding));
}

/* What describes the bytes, for those responses that have them. */
static void add_description(struct http_page *page)
{
    add_coding(page);
    http_page_add_field(page, VIEW("Accept-Ranges"), VIEW("bytes"));
    if (page->value.modified_ns != 0)
        http_page_add_field(page, VIEW("Last-Modified"), VIEW_OF(page->date));
}

static bool is_fingerprint(struct view text)
{
    bool has_digit = false, has_letter = false;
    for (size_t i = 0; i < text.length_bytes; i++) {
        uint8_t byte = text.bytes[i];
        if (byte >= '0' && byte <= '9')
            has_digit = true;
        else if (byte >= 'a' && byte <= 'f')
            has_letter = true;
        else
            return false;
    }
    return text.length_bytes >= 8 && has_digit && has_letter;
}

/* Whether a part of the name between dots or dashes, neither its first nor its last, is one. */
static bool name_is_fingerprinted(struct view path)
{
    size_t start = path.length_bytes;
    while (start > 0 && path.bytes[start - 1] != '/')
        start--;
    struct view name = view_from_offset(path, start);
    bool is_first = true;
    for (size_t i = 0, from = 0; i < name.length_bytes; i++) {
        if (name.bytes[i] != '.' && name.bytes[i] != '-') continue;
        if (!is_first && is_fingerprint(view_slice(name, from, i - from))) return true;
        is_first = false;
        from = i + 1;
    }
    return false;
}

static void add_caching(struct http_page *page, struct view path)
{
    const struct http_pages_options *options = &page->pages->options;
    struct view words = options->cache_control;
    if (view_is_empty(words)) words = CACHE_REVALIDATE;
    if (options->fingerprinted && name_is_fingerprinted(path)) words = CACHE_IMMUTABLE;
    http_page_add_field(page, VIEW("Cache-Control"), words);
}

static void add_own_fields(struct http_page *page)
{
    const struct http_pages_options *options = &page->pages->options;
    for (size_t i = 0; i < options->field_count; i++)
        http_page_add_field(page, options->fields[i].name, options->fields[i].value);
}

/* ---- answers ---- */

static enum result respond_status(struct http_page *page, unsigned status)
{
    page->response.status = status;
    page->response.media_type = (struct view){ 0 };
    return http_respond(page->exchange, &page->response, NULL, 0);
}

static enum result respond_unsatisfiable(struct http_page *page)
{
    uint8_t room[HTTP_CONTENT_RANGE_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    http_range_write_none(&writer, page->size_bytes);
    http_page_add_field(page, VIEW("Content-Range"), writer_view(&writer));
    return respond_status(page, 416);
}

/* Range is for GET alone (RFC 9110 14.2); fields of that name that stand twice do not count. */
static enum http_range_outcome wanted_ranges(const struct http_page *page,
                                             const struct http_validators *validators,
                                             struct http_ranges *ranges)
{
    const struct http_request *request = &page->exchange->request;
    struct view value = http_request_field(request, VIEW("Range"));
    if (value.bytes == NULL || request->method != HTTP_GET) return HTTP_RANGE_WHOLE;
    if (!http_condition_range_counts(request, validators, clock_wall_ns())) return HTTP_RANGE_WHOLE;
    return http_range_read(value, page->size_bytes, ranges);
}

OWN_FRAME static enum result respond_page(struct http_page *page,
                                          const struct http_validators *validators)
{
    struct http_ranges ranges;
    enum http_range_outcome outcome = wanted_ranges(page, validators, &ranges);
    if (outcome == HTTP_RANGE_UNSATISFIABLE) return respond_unsatisfiable(page);
    add_description(page);
    if (outcome == HTTP_RANGE_PARTS) return http_page_send_parts(page, &ranges);
    page->response.status = 200;
    return http_page_send_whole(page);
}

/* A 304 tells what a cache needs to choose among its copies and to keep the right one longer, and
 * not what describes the bytes (RFC 9110 15.4.5). */
static enum result respond_not_modified(struct http_page *page)
{
    page->response.status = 304;
    page->response.media_type = (struct view){ 0 };
    return http_page_send_whole(page);
}

static enum result respond_value(struct http_page *page, struct view path)
{
    if (choose_coding(page) != OK) return respond_status(page, 406);
    struct http_validators validators = add_etag(page);
    add_caching(page, path);
    add_own_fields(page);
    switch (http_condition_check(&page->exchange->request, &validators)) {
    case HTTP_CONDITION_FAILED: return respond_status(page, 412);
    case HTTP_CONDITION_NOT_MODIFIED: return respond_not_modified(page);
    case HTTP_CONDITION_HOLDS: break;
    }
    return respond_page(page, &validators);
}

/* Percent-encodes all that a path may not hold as it is, so that what was decoded from the request
 * cannot become another host or a second field. */
static void put_path(struct writer *writer, struct view path)
{
    struct view plain = VIEW("-._~!$&'()*+,;=:@/");
    for (size_t i = 0; i < path.length_bytes; i++) {
        uint8_t byte = path.bytes[i], lower = byte | 32;
        bool is_plain = (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') ||
                        view_find_byte(plain, byte) < plain.length_bytes;
        if (is_plain) {
            writer_put_u8(writer, byte);
            continue;
        }
        writer_put_u8(writer, '%');
        writer_put_u8(writer, (uint8_t) "0123456789ABCDEF"[byte >> 4]);
        writer_put_u8(writer, (uint8_t) "0123456789ABCDEF"[byte & 15]);
    }
}

OWN_FRAME static enum result respond_folder(struct http_page *page)
{
    const struct http_request *request = &page->exchange->request;
    uint8_t room[HTTP_PAGES_FOLDER_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    put_path(&writer, request->path);
    writer_put(&writer, VIEW("/"));
    if (!view_is_empty(request->query)) writer_put(&writer, VIEW("?"));
    writer_put(&writer, request->query);
    if (writer.ran_short) return NOT_FOUND;
    return http_respond_redirect(page->exchange, 301, writer_view(&writer));
}

/* The page that the site has for what it has not. Its validators are not told: a client must not
 * take it for a version of what it asked for. */
OWN_FRAME static enum result respond_missing(struct http_page *page)
{
    if (kv_open(page->pages->kv, NOT_FOUND_KEY, &page->value) != OK) return NOT_FOUND;
    (void)choose_coding(page); /* an error page is better in a coding not liked than not at all */
    add_coding(page);
    http_page_add_field(page, VIEW("Cache-Control"), CACHE_REVALIDATE);
    add_own_fields(page);
    page->response.status = 404;
    enum result result = http_page_send_whole(page);
    kv_release(page->pages->kv, &page->value);
    return result;
}

/* "/docs" is nothing itself, but it may be a folder with an index. */
static enum result respond_otherwise(struct http_page *page, struct view path)
{
    if (!view_is_empty(path) && !view_ends_with(path, VIEW("/")) &&
        open_index(page, path, VIEW("/")) == OK) {
        kv_release(page->pages->kv, &page->value);
        return respond_folder(page);
    }
    return respond_missing(page);
}

static enum result refuse_method(struct http_exchange *exchange)
{
    struct view words = VIEW("This can be read with GET and HEAD.\n");
    struct http_field allow = { VIEW("Allow"), VIEW("GET, HEAD") };
    struct http_response response = { .status = 405,
                                      .media_type = VIEW("text/plain; charset=utf-8"),
                                      .fields = &allow,
                                      .field_count = 1 };
    return http_respond(exchange, &response, &words, 1);
}

static enum result http_pages_handle(struct http_handler *handler, struct http_exchange *exchange)
{
    struct http_page page = { .pages = CONTAINER_OF(handler, struct http_pages, handler),
                              .exchange = exchange };
    const struct http_request *request = &exchange->request;
    if (request->method != HTTP_GET && request->method != HTTP_HEAD) return refuse_method(exchange);
    struct view path = page_path(request);
    enum result result = open_page(&page, path);
    if (result == NOT_FOUND) return respond_otherwise(&page, path);
    if (result != OK) return result;
    result = respond_value(&page, path);
    kv_release(page.pages->kv, &page.value);
    return result;
}

enum result http_pages_open(struct http_pages *pages, struct kv *kv,
                            const struct http_pages_options *options)
{
    assert(options->field_count <= HTTP_PAGES_FIELDS_MAX);
    *pages = (struct http_pages){ .handler = { http_pages_handle }, .kv = kv, .options = *options };
    return http_pages_buffers_open(pages);
}

void http_pages_close(struct http_pages *pages)
{
    http_pages_buffers_close(pages);
}
