/* woven.h - a page that is made when it is asked for: the warp is a file, the weft is what the
 * image knows.
 *
 *     <main>
 *     <h1>Sizes</h1>
 *     <!--weft:sizes-->            is replaced by what the weft of that name puts there
 *     </main>
 *
 * A page is made whole, in a sheet, and then sent in one go with its length. The sheets are
 * few: who asks while all are in use waits a moment, and then gets 503.
 *
 * SPDX-License-Identifier: ISC */
#ifndef WOVEN_H
#define WOVEN_H

#include "base/writer.h"
#include "fiber/fiber.h"
#include "http/http.h"
#include "kv/kv.h"

#define WOVEN_SOURCE_BYTES ((size_t)32 * KIB)
#define WOVEN_PAGE_BYTES   ((size_t)192 * KIB)

/* What goes into a mark. `put` must not wait. */
struct weft {
    struct view name;
    void (*put)(struct weft *weft, struct writer *page);
};

/* Room to make a page in. */
struct sheet {
    struct list_node node;
    uint8_t source[WOVEN_SOURCE_BYTES];
    uint8_t page[WOVEN_PAGE_BYTES];
};

struct sheets {
    struct span memory;
    struct list free;
    struct waiters waiters;
};

/* FULL: no memory. */
enum result sheets_open(struct sheets *sheets, size_t count) CHECKED;
void sheets_close(struct sheets *sheets);

/* What several pages have in common. */
struct woven_options {
    struct kv *pages;
    struct sheets *sheets;
    const struct http_field *fields; /* sent with the page, besides Cache-Control */
    size_t field_count;
};

#define WOVEN_FIELDS_MAX 7

struct woven {
    struct http_handler handler;
    struct woven_options options;
    struct view key;
    struct weft *const *wefts;
    size_t weft_count;
};

/* What is pointed to lives as long as the page is served. */
void woven_init(struct woven *woven, const struct woven_options *options, struct view key,
                struct weft *const wefts[], size_t weft_count);

#endif
