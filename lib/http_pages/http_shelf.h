/* http_shelf.h - a kv of a few values that stand in a table, whose every weakness can be chosen.
 * For tests of what serves a kv.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_SHELF_H
#define LOOM_HTTP_SHELF_H

#include "base/units.h"
#include "kv/kv.h"

struct http_shelf_page {
    const char *key, *media_type;
    struct view bytes, gzip, brotli; /* empty: there is no such variant */
};

/* A row of such a table, without variants. */
#define HTTP_SHELF_PAGE(name, type, text) \
    { \
        .key = (name), .media_type = (type), .bytes = VIEW_ROW(text) \
    }

struct http_shelf {
    struct kv kv;
    const struct http_shelf_page *pages;
    size_t count;
    bool has_no_views;      /* every value must be read */
    size_t piece_bytes;     /* 0: a read gives what fits; otherwise at most so much */
    uint64_t broken_bytes;  /* from this offset on a read fails; 0: it does not */
    uint64_t ends_bytes;    /* from this offset on a read gives nothing; 0: it does */
    uint64_t read_takes_ns; /* each read */
    enum result open_result;
    size_t open_count;
};

/* Every value's digest begins with its index in the table, and it was last modified then. */
#define HTTP_SHELF_MODIFIED_NS (784111777 * S_NS) /* Sun, 06 Nov 1994 08:49:37 GMT */

void http_shelf_init(struct http_shelf *shelf, const struct http_shelf_page pages[], size_t count);

#endif
