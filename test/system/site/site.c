/* site.c - the routes of the tests' site.
 *
 * SPDX-License-Identifier: ISC */
#include "site.h"

#include "http_pages/http_metrics.h"
#include "http_pages/http_pages.h"

#define ROUTES_MAX 32

/* An image has one of it, too large for a stack. */
static struct {
    struct http_pages first, other;
    struct http_metrics metrics;
    struct http_route routes[ROUTES_MAX];
    size_t count;
} site;

static void route(enum http_method method, const char *host, const char *pattern,
                  struct http_handler *handler)
{
    assert_that(site.count, <, LENGTH_OF(site.routes));
    site.routes[site.count++] = (struct http_route){ .method = method,
                                                     .host = view_from_string(host),
                                                     .pattern = view_from_string(pattern),
                                                     .handler = handler };
}

static void route_answers(void)
{
    route(HTTP_GET, "", "/hello/{name}", &site_hello);
    route(HTTP_GET, "", "/hello/{name}/from/{place}", &site_hello);
    route(HTTP_GET, "", "/hello/world", &site_about);
    route(HTTP_GET, "", "/redirect/{status}", &site_redirect);
    route(HTTP_GET, "", "/error/{status}", &site_error);
    route(HTTP_GET, "", "/result/{name}", &site_result);
    route(HTTP_ANY_METHOD, "", "/about/*", &site_about);
    route(HTTP_GET, "", "/metrics", &site.metrics.handler);
    route(HTTP_GET, "", "/crash/{how}", &site_crash);
}

static void route_streams(void)
{
    route(HTTP_POST, "", "/echo", &site_echo);
    route(HTTP_PUT, "", "/echo", &site_echo);
    route(HTTP_POST, "", "/count", &site_count);
    route(HTTP_POST, "", "/ignore", &site_ignore);
    route(HTTP_GET, "", "/stream/{pieces}", &site_stream);
    route(HTTP_GET, "", "/length/{bytes}", &site_length);
    route(HTTP_GET, "", "/slow/{milliseconds}", &site_slow);
    route(HTTP_GET, "", "/drip/{milliseconds}", &site_drip);
    route(HTTP_GET, "", "/push/{address}/{port}/{bytes}", &site_push);
    route(HTTP_GET, "", "/pull/{address}/{port}", &site_pull);
}

static void route_hosts(void)
{
    route(HTTP_GET, "", "/*", &site.first.handler);
    route(HTTP_GET, "*.wild.test", "/*", &site.other.handler);
    route(HTTP_GET, "admin.test", "/*", &site_admin);
    route(HTTP_GET, "admin.wild.test", "/*", &site_admin);
}

enum result site_start(struct http *http, struct kv *pages, struct kv *other, struct tcp *tcp)
{
    site_calls_init(tcp);
    http_metrics_init(&site.metrics);
    route_answers();
    route_streams();
    route_hosts();
    enum result result = http_pages_open(&site.first, pages, &(struct http_pages_options){ 0 });
    if (result != OK) return result;
    result = http_pages_open(&site.other, other, &(struct http_pages_options){ 0 });
    if (result == OK) {
        result = http_serve(http, &(struct http_site){ site.routes, site.count });
        http_pages_close(&site.other);
    }
    http_pages_close(&site.first);
    return result;
}
