/* http_shelf_suite.c - values in a table as a kv; see http_shelf.h.
 *
 * SPDX-License-Identifier: ISC */
#include "fiber/fiber.h"
#include "http_pages/http_shelf.h"

static struct http_shelf *shelf_of(struct kv *kv)
{
    return CONTAINER_OF(kv, struct http_shelf, kv);
}

static enum result http_shelf_open_value(struct kv *kv, struct view key, struct kv_value *value)
{
    struct http_shelf *shelf = shelf_of(kv);
    if (shelf->open_result != OK) return shelf->open_result;
    for (size_t i = 0; i < shelf->count; i++) {
        const struct http_shelf_page *page = &shelf->pages[i];
        if (!view_equal(view_from_string(page->key), key)) continue;
        value->size_bytes = page->bytes.length_bytes;
        if (!shelf->has_no_views) value->bytes = page->bytes;
        value->digest.bytes[0] = (uint8_t)i;
        value->modified_ns = HTTP_SHELF_MODIFIED_NS;
        value->media_type = view_from_string(page->media_type);
        value->coded[KV_GZIP] = page->gzip;
        value->coded[KV_BROTLI] = page->brotli;
        value->handle = i;
        shelf->open_count++;
        return OK;
    }
    return NOT_FOUND;
}

static enum result http_shelf_read(struct kv *kv, const struct kv_value *value,
                                   uint64_t offset_bytes, struct span room, size_t *length_bytes)
{
    const struct http_shelf *shelf = shelf_of(kv);
    struct view rest = view_from_offset(shelf->pages[value->handle].bytes, (size_t)offset_bytes);
    if (shelf->read_takes_ns > 0) (void)fiber_sleep(shelf->read_takes_ns);
    if (shelf->broken_bytes != 0 && offset_bytes >= shelf->broken_bytes) return FAILED;
    if (shelf->ends_bytes != 0 && offset_bytes >= shelf->ends_bytes) return OK;
    size_t most = shelf->piece_bytes == 0 ? room.length_bytes : shelf->piece_bytes;
    *length_bytes = MIN(MIN(most, room.length_bytes), rest.length_bytes);
    (void)span_copy(room, view_first(rest, *length_bytes));
    return OK;
}

static void http_shelf_release(struct kv *kv, struct kv_value *value)
{
    (void)value;
    shelf_of(kv)->open_count--;
}

/* Nothing that serves a site lists it or changes it. */
static enum result http_shelf_list(struct kv *kv, struct view prefix, struct kv_visitor *visitor)
{
    (void)kv;
    (void)prefix;
    (void)visitor;
    return UNSUPPORTED;
}

static enum result http_shelf_apply(struct kv *kv, const struct kv_change changes[], size_t count)
{
    (void)kv;
    (void)changes;
    (void)count;
    return DENIED;
}

static const struct kv_ops http_shelf_ops = KV_OPS(http_shelf);

void http_shelf_init(struct http_shelf *shelf, const struct http_shelf_page pages[], size_t count)
{
    *shelf = (struct http_shelf){ .kv = { &http_shelf_ops, true }, .pages = pages, .count = count };
}
