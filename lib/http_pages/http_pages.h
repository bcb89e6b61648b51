/* http_pages.h - a handler that serves the values of a kv as a site: the files of a web server.
 *
 *     struct http_pages pages;
 *     http_pages_open(&pages, kv, &(struct http_pages_options){ 0 });
 *     { .method = HTTP_GET, .pattern = VIEW("/STAR"), .handler = &pages.handler }    (a star for
 * STAR)
 *
 * What the star of the route's pattern matched is the key; without one it is the whole path.
 *
 *     /            index.html                              /docs/    docs/index.html
 *     /a.css       a.css                                   /docs     redirected to /docs/
 *     /nothing     404.html with status 404, if there is one; else the server's own error page
 *
 * GET and HEAD, with validators and conditions (RFC 9110 13), ranges (14), and the coded variants
 * that the kv has (12.5.3). A value that the kv has in memory is sent from there without a copy;
 * others pass through buffers of this handler's.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_PAGES_H
#define LOOM_HTTP_PAGES_H

#include "fiber/fiber.h"
#include "http/http.h"
#include "kv/kv.h"

#define HTTP_PAGES_FIELDS_MAX   4
#define HTTP_PAGES_FOLDER_MAX   512 /* bytes of a folder's path with "index.html"; longer: 404 */
#define HTTP_PAGES_KNOWN_COUNT  64
#define HTTP_PAGES_BUFFER_BYTES ((size_t)32 * KIB)
#define HTTP_PAGES_ETAG_MAX     40
#define HTTP_PAGES_DATE_BYTES   29

/* All of it may be zero. What it points to lives as long as the pages. */
struct http_pages_options {
    struct view cache_control; /* of every page; empty: "no-cache": keep it, but ask again */
    bool fingerprinted;        /* names like app.3f2a9c1d.css, with 8 hexadecimal digits or more of
                                  which one is a letter and one a digit, change when their content
                                  does: they may be kept for a year without asking */
    const struct http_field *fields; /* sent with every page */
    size_t field_count;              /* at most HTTP_PAGES_FIELDS_MAX */
    size_t buffer_count;             /* values that are not in memory and are sent at the same time;
                                        more wait for 10 s, then get 503. 0: 16, or fewer */
};

/* A version's validators in the words of HTTP, remembered because a site sends the same ones again
 * and again. */
struct http_pages_known {
    struct kv_digest digest;
    uint64_t modified_ns;
    uint8_t coding;     /* enum kv_coding */
    uint8_t etag_bytes; /* 0: nothing is known here */
    uint8_t etag[HTTP_PAGES_ETAG_MAX];
    uint8_t date[HTTP_PAGES_DATE_BYTES];
};

struct http_pages {
    struct http_handler handler;
    struct kv *kv;
    struct http_pages_options options;
    struct http_pages_known known[HTTP_PAGES_KNOWN_COUNT];
    struct span memory; /* the buffers */
    struct list buffers;
    struct waiters waiters; /* for a buffer */
};

/* FULL: no memory for the buffers. */
enum result http_pages_open(struct http_pages *pages, struct kv *kv,
                            const struct http_pages_options *options) CHECKED;

/* No handler of it is running. */
void http_pages_close(struct http_pages *pages);

#endif
