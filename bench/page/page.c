/* page.c - serves the pages as the home page serves its own, and its metrics, from which a
 * machine's crossings are read; so what is measured is the path that every site has.
 *
 * SPDX-License-Identifier: ISC */
#include "page.h"

#include "http_pages/http_metrics.h"
#include "http_pages/http_pages.h"

/* Too large for a stack, and there is one. */
static struct http_pages site;

enum result page_start(struct http *http, struct kv *pages)
{
    enum result result = http_pages_open(&site, pages, &(struct http_pages_options){ 0 });
    if (result != OK) return result;

    struct http_metrics metrics;
    http_metrics_init(&metrics);
    const struct http_route routes[] = {
        { .method = HTTP_GET, .pattern = VIEW("/*"), .handler = &site.handler },
        { .method = HTTP_GET, .pattern = VIEW("/metrics"), .handler = &metrics.handler },
    };
    result = http_serve(http, &(struct http_site){ routes, LENGTH_OF(routes) });
    http_pages_close(&site);
    return result;
}
