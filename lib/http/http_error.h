/* http_error.h - error pages: small, plain, and in words.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_ERROR_H
#define LOOM_HTTP_ERROR_H

#include "http/http.h"

#define HTTP_ERROR_MEDIA_TYPE VIEW("text/html; charset=utf-8")
#define HTTP_ERROR_VIEWS      8

static_assert(HTTP_ERROR_VIEWS <= HTTP_VIEWS_MAX, "an error page is one response");

struct http_error_page {
    uint8_t digits[3];
    struct view views[HTTP_ERROR_VIEWS]; /* into digits and literals */
};

/* `page` must stay where it is as long as the views are used. */
void http_error_page_write(struct http_error_page *page, unsigned status);

#endif
