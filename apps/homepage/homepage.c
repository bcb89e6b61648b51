/* homepage.c - Loom's own site: its pages, what its image tells about itself, and live figures.
 *
 * SPDX-License-Identifier: ISC */
#include "homepage.h"

#include "figures.h"
#include "http_pages/http_metrics.h"
#include "http_pages/http_pages.h"
#include "self.h"
#include "woven.h"

#define WOVEN_AT_ONCE 4

/* An image has one of it. */
static struct homepage {
    struct http_pages pages, self;
    struct http_metrics metrics;
    struct sheets sheets;
    struct graph_weft graph;
    struct sizes_weft sizes;
    struct headline_weft headlines;
    struct ledger_weft ledger;
    struct woven image, figures;
    struct http_field safe[3];
} home;

/* For every answer that a browser renders: nothing comes from elsewhere. Styles may stand within a
 * page, because the graph brings its own. */
static void homepage_secure(void)
{
    home.safe[0] = (struct http_field){
        VIEW("Content-Security-Policy"),
        VIEW("default-src 'none'; img-src 'self'; style-src 'self' 'unsafe-inline'; "
             "script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
             "frame-ancestors 'none'"),
    };
    home.safe[1] = (struct http_field){ VIEW("X-Content-Type-Options"), VIEW("nosniff") };
    home.safe[2] = (struct http_field){ VIEW("Referrer-Policy"), VIEW("no-referrer") };
}

static enum result homepage_serve(struct http *http)
{
    const struct http_route routes[] = {
        { HTTP_GET, .pattern = VIEW("/*"), .handler = &home.pages.handler },
        { HTTP_GET, .pattern = VIEW("/image"), .handler = &home.image.handler },
        { HTTP_GET, .pattern = VIEW("/image.html"), .handler = &home.image.handler },
        { HTTP_GET, .pattern = VIEW("/figures"), .handler = &home.figures.handler },
        { HTTP_GET, .pattern = VIEW("/figures.html"), .handler = &home.figures.handler },
        { HTTP_GET, .pattern = VIEW("/self/*"), .handler = &home.self.handler },
        { HTTP_GET, .pattern = VIEW("/metrics"), .handler = &home.metrics.handler },
    };
    return http_serve(http, &(struct http_site){ routes, LENGTH_OF(routes) });
}

/* What is put into the marks of the two pages that are made while they are asked for. */
static void homepage_weave(struct kv *pages, struct kv *self)
{
    static struct weft *const image[] = { &home.graph.weft, &home.sizes.weft };
    static struct weft *const figures[] = { &home.headlines.weft, &home.ledger.weft };
    const struct woven_options options = { .pages = pages,
                                           .sheets = &home.sheets,
                                           .fields = home.safe,
                                           .field_count = LENGTH_OF(home.safe) };
    graph_weft_init(&home.graph, self);
    sizes_weft_init(&home.sizes, self);
    headline_weft_init(&home.headlines);
    ledger_weft_init(&home.ledger);
    woven_init(&home.image, &options, VIEW("image.html"), image, LENGTH_OF(image));
    woven_init(&home.figures, &options, VIEW("figures.html"), figures, LENGTH_OF(figures));
}

static enum result homepage_pages(struct http *http, struct kv *pages, struct kv *self)
{
    const struct http_pages_options options = { .fields = home.safe,
                                                .field_count = LENGTH_OF(home.safe) };
    enum result result = http_pages_open(&home.pages, pages, &options);
    if (result != OK) return result;
    result = http_pages_open(&home.self, self, &options);
    if (result == OK) {
        result = homepage_serve(http);
        http_pages_close(&home.self);
    }
    http_pages_close(&home.pages);
    return result;
}

enum result homepage_start(struct http *http, struct kv *pages, struct kv *self)
{
    enum result result = sheets_open(&home.sheets, WOVEN_AT_ONCE);
    if (result != OK) return result;
    homepage_secure();
    http_metrics_init(&home.metrics);
    homepage_weave(pages, self);
    result = homepage_pages(http, pages, self);
    sheets_close(&home.sheets);
    return result;
}
