/* http_error.c - the page that a person sees when something is wrong.
 *
 * Nothing of the request is in it, so nothing in it needs escaping.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_error.h"

#include "base/writer.h"

static struct view words_of(unsigned status)
{
    switch (status) {
    case 400: return VIEW("The request is malformed.");
    case 403: return VIEW("This is not for you to see.");
    case 404: return VIEW("There is nothing at this address.");
    case 405: return VIEW("That cannot be done with this address.");
    case 408: return VIEW("The request took too long to arrive.");
    case 413: return VIEW("The request carries more than this server takes.");
    case 414: return VIEW("The address is longer than this server takes.");
    case 416: return VIEW("There is no such part of it.");
    case 431: return VIEW("The request's head is larger than this server takes.");
    case 501: return VIEW("This server does not know how to do that.");
    case 503: return VIEW("The server is busy. Please try again in a moment.");
    case 505: return VIEW("This server speaks HTTP/1.1.");
    default:
        return status < 500 ? VIEW("The request cannot be answered as it is.")
                            : VIEW("The server failed at this, and has noted why.");
    }
}

void http_error_page_write(struct http_error_page *page, unsigned status)
{
    struct writer writer = writer_over(SPAN_OF(page->digits));
    writer_put_decimal(&writer, status);
    struct view number = writer_view(&writer), reason = http_reason(status);
    const struct view views[HTTP_ERROR_VIEWS] = {
        VIEW("<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width\"><title>"),
        number,
        VIEW(" "),
        reason,
        VIEW("</title>\n<style>:root{color-scheme:light dark}body{font:1.1em/1.5 system-ui,"
             "sans-serif;max-width:34em;margin:20vh auto;padding:0 1em}</style>\n<h1>"),
        reason,
        VIEW("</h1>\n<p>"),
        words_of(status),
    };
    for (size_t i = 0; i < HTTP_ERROR_VIEWS; i++)
        page->views[i] = views[i];
}

enum result http_respond_error(struct http_exchange *exchange, unsigned status)
{
    struct http_error_page page;
    http_error_page_write(&page, status);
    struct http_response response = { .status = status, .media_type = HTTP_ERROR_MEDIA_TYPE };
    return http_respond(exchange, &response, page.views, HTTP_ERROR_VIEWS);
}
