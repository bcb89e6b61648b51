/* http_page_send.c - the bytes of a page: from memory without a copy, or through a buffer.
 *
 * SPDX-License-Identifier: ISC */
#include "http_pages/http_page.h"

/* What is read from the kv and sent: a range, and the buffer it passes through. */
struct stream {
    struct http_page *page;
    struct span buffer;
    uint64_t offset_bytes;
    uint64_t left_bytes;
};

/* A kv may give less than fits; here a piece is as large as it can be, so that a small value is
 * one piece. */
static enum result stream_next(struct stream *stream, struct view *piece)
{
    const struct http_page *page = stream->page;
    size_t wanted = (size_t)MIN(stream->left_bytes, stream->buffer.length_bytes);
    size_t filled = 0;
    while (filled < wanted) {
        size_t length_bytes;
        struct span room = span_from_offset(span_first(stream->buffer, wanted), filled);
        enum result result = kv_read(page->pages->kv, &page->value, stream->offset_bytes, room,
                                     &length_bytes);
        if (result != OK) return result;
        if (length_bytes == 0) return FAILED; /* it is shorter than it said */
        filled += length_bytes;
        stream->offset_bytes += length_bytes;
    }
    stream->left_bytes -= filled;
    *piece = view_first(span_view(stream->buffer), filled);
    return OK;
}

static enum result stream_write(struct stream *stream)
{
    struct view piece;
    enum result result = OK;
    while (result == OK && stream->left_bytes > 0) {
        result = stream_next(stream, &piece);
        if (result == OK) result = http_write(stream->page->exchange, &piece, 1);
    }
    return result;
}

/* The first piece is read before the head is sent, so that a value that cannot be read gets an
 * error page. */
static enum result stream_respond(struct stream *stream)
{
    struct http_page *page = stream->page;
    struct view piece;
    enum result result = stream_next(stream, &piece);
    if (result != OK) return result;
    if (stream->left_bytes == 0) return http_respond(page->exchange, &page->response, &piece, 1);
    result = http_begin(page->exchange, &page->response);
    if (result == OK) result = http_write(page->exchange, &piece, 1);
    return result == OK ? stream_write(stream) : result;
}

static enum result stream_open(struct stream *stream, struct http_page *page)
{
    *stream = (struct stream){ .page = page };
    return http_pages_buffer_take(page->pages, &stream->buffer);
}

static void stream_close(struct stream *stream)
{
    http_pages_buffer_give(stream->page->pages, stream->buffer);
}

static bool has_body(const struct http_page *page)
{
    return page->exchange->request.method != HTTP_HEAD && page->response.status != 304;
}

/* One stretch, and nothing round it. */
static enum result send_stretch(struct http_page *page, uint64_t offset_bytes,
                                uint64_t length_bytes)
{
    struct stream stream;
    page->response.content_length = length_bytes;
    if (page->in_memory) {
        struct view part = view_slice(page->bytes, (size_t)offset_bytes, (size_t)length_bytes);
        return http_respond(page->exchange, &page->response, &part, 1);
    }
    if (!has_body(page)) return http_begin(page->exchange, &page->response);
    if (length_bytes == 0) return http_respond(page->exchange, &page->response, NULL, 0);
    enum result result = stream_open(&stream, page);
    if (result != OK) return result;
    stream.offset_bytes = offset_bytes;
    stream.left_bytes = length_bytes;
    result = stream_respond(&stream);
    stream_close(&stream);
    return result;
}

enum result http_page_send_whole(struct http_page *page)
{
    return send_stretch(page, 0, page->size_bytes);
}

static enum result send_one_part(struct http_page *page, struct http_range range)
{
    uint8_t room[HTTP_CONTENT_RANGE_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    http_range_write(&writer, range, page->size_bytes);
    http_page_add_field(page, VIEW("Content-Range"), writer_view(&writer));
    return send_stretch(page, range.first_byte, range.length_bytes);
}

static enum result write_part(struct http_page *page, struct stream *stream,
                              const struct http_multipart *multipart, struct http_range range)
{
    uint8_t room[HTTP_PART_HEAD_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    http_multipart_write_head(&writer, multipart, range);
    struct view views[2] = { writer_view(&writer) };
    if (page->in_memory) {
        views[1] = view_slice(page->bytes, (size_t)range.first_byte, (size_t)range.length_bytes);
        return http_write(page->exchange, views, 2);
    }
    enum result result = http_write(page->exchange, views, 1);
    stream->offset_bytes = range.first_byte;
    stream->left_bytes = range.length_bytes;
    return result == OK ? stream_write(stream) : result;
}

static enum result write_parts(struct http_page *page, struct stream *stream,
                               const struct http_multipart *multipart,
                               const struct http_ranges *ranges)
{
    uint8_t room[HTTP_PART_HEAD_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    enum result result = OK;
    for (size_t i = 0; result == OK && i < ranges->count; i++)
        result = write_part(page, stream, multipart, ranges->ranges[i]);
    if (result != OK) return result;
    http_multipart_write_end(&writer, multipart);
    struct view end = writer_view(&writer);
    return http_write(page->exchange, &end, 1);
}

static enum result send_multipart(struct http_page *page, const struct http_ranges *ranges)
{
    uint8_t room[HTTP_MULTIPART_TYPE_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    struct http_multipart multipart;
    struct stream stream = { 0 };
    http_multipart_init(&multipart, page->response.media_type, page->size_bytes);
    http_multipart_write_type(&writer, &multipart);
    page->response.media_type = writer_view(&writer);
    page->response.content_length = http_multipart_length(&multipart, ranges);
    bool needs_buffer = !page->in_memory && has_body(page);
    enum result result = needs_buffer ? stream_open(&stream, page) : OK;
    if (result != OK) return result;
    result = http_begin(page->exchange, &page->response);
    if (result == OK && has_body(page)) result = write_parts(page, &stream, &multipart, ranges);
    if (needs_buffer) stream_close(&stream);
    return result;
}

enum result http_page_send_parts(struct http_page *page, const struct http_ranges *ranges)
{
    page->response.status = 206;
    if (ranges->count == 1) return send_one_part(page, ranges->ranges[0]);
    return send_multipart(page, ranges);
}
