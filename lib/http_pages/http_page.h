/* http_page.h - one page on its way out; private to http_pages.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_PAGE_H
#define LOOM_HTTP_PAGE_H

#include "http_pages/http_condition.h"
#include "http_pages/http_pages.h"
#include "http_pages/http_range.h"

/* ETag, Last-Modified, Accept-Ranges, Cache-Control, Vary, Content-Encoding, Content-Range */
#define HTTP_PAGE_FIELDS_MAX (7 + HTTP_PAGES_FIELDS_MAX)

struct http_page {
    struct http_pages *pages;
    struct http_exchange *exchange;
    struct kv_value value;
    enum kv_coding coding;
    bool in_memory;
    struct view bytes;   /* the representation that was chosen, when it is in memory */
    uint64_t size_bytes; /* its length, in any case */
    struct http_response response;
    struct http_field fields[HTTP_PAGE_FIELDS_MAX];
    uint8_t etag[HTTP_PAGES_ETAG_MAX];
    uint8_t date[HTTP_PAGES_DATE_BYTES];
};

void http_page_add_field(struct http_page *page, struct view name, struct view value);

/* Waits. Sends the page's response with all of its representation; where no body is due, with its
 * length only. */
enum result http_page_send_whole(struct http_page *page) CHECKED;

/* Waits. Sends these parts of it as 206. */
enum result http_page_send_parts(struct http_page *page, const struct http_ranges *ranges) CHECKED;

/* Lays the buffers out; and takes one, waiting for it (FULL after 10 s), and gives it back. */
enum result http_pages_buffers_open(struct http_pages *pages) CHECKED;
void http_pages_buffers_close(struct http_pages *pages);
enum result http_pages_buffer_take(struct http_pages *pages, struct span *buffer) CHECKED;
void http_pages_buffer_give(struct http_pages *pages, struct span buffer);

#endif
