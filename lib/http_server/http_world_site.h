/* http_world_site.h - the site of http_world.h.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_WORLD_SITE_H
#define LOOM_HTTP_WORLD_SITE_H

#include "http/http.h"

#define HTTP_WORLD_ROUTES 11

struct http_world_site {
    struct http_handler handlers[HTTP_WORLD_ROUTES];
    struct http_route routes[HTTP_WORLD_ROUTES];
    struct http_site site;
};

void http_world_site_init(struct http_world_site *site);

#endif
