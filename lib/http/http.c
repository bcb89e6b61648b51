/* http.c - the words of HTTP, and what is built on its signature.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http.h"

#include "http/http_head.h"

struct view http_method_text(enum http_method method)
{
    switch (method) {
    case HTTP_GET: return VIEW("GET");
    case HTTP_HEAD: return VIEW("HEAD");
    case HTTP_POST: return VIEW("POST");
    case HTTP_PUT: return VIEW("PUT");
    case HTTP_DELETE: return VIEW("DELETE");
    case HTTP_OPTIONS: return VIEW("OPTIONS");
    case HTTP_PATCH: return VIEW("PATCH");
    case HTTP_METHODS: break;
    }
    panic("%u is not a method", (unsigned)method);
}

struct view http_request_field(const struct http_request *request, struct view name)
{
    return http_fields_find(request->fields, request->field_count, name);
}

struct view http_request_parameter(const struct http_request *request, struct view name)
{
    for (size_t i = 0; i < request->parameter_count; i++) {
        if (view_equal(request->parameters[i].name, name)) return request->parameters[i].value;
    }
    panic("the route has no parameter {%.*s}", VIEW_FORMAT(name));
}

enum result http_respond_text(struct http_exchange *exchange, unsigned status,
                              struct view media_type, struct view text)
{
    struct http_response response = { .status = status, .media_type = media_type };
    return http_respond(exchange, &response, &text, 1);
}

enum result http_respond_redirect(struct http_exchange *exchange, unsigned status,
                                  struct view location)
{
    assert(status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
    struct http_field field = { VIEW("Location"), location };
    struct http_response response = { .status = status, .fields = &field, .field_count = 1 };
    return http_respond(exchange, &response, NULL, 0);
}

unsigned http_status_of(enum result result)
{
    switch (result) {
    case NOT_FOUND: return 404;
    case INVALID: return 400;
    case DENIED: return 403;
    case TOO_LARGE: return 413;
    case TIMED_OUT: return 408;
    case CANCELLED:
    case FULL: return 503;
    case UNSUPPORTED: return 501;
    default: return 500;
    }
}
