/* answers.c - handlers that answer in one go, with what they were asked.
 *
 * SPDX-License-Identifier: ISC */
#include "base/writer.h"
#include "http/http.h"
#include "site.h"

#define TEXT       VIEW("text/plain; charset=utf-8")
#define ROOM_BYTES 640

static struct view parameter_of(struct http_exchange *exchange, struct view name)
{
    return http_request_parameter(&exchange->request, name);
}

/* INVALID: the route's parameter is no number. */
static enum result number_of(struct http_exchange *exchange, struct view name, uint64_t *number)
{
    return view_to_u64(parameter_of(exchange, name), number) ? OK : INVALID;
}

static enum result hello(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    bool has_place = exchange->request.parameter_count == 2;
    const struct view body[] = { VIEW("hello, "), parameter_of(exchange, VIEW("name")),
                                 has_place ? VIEW(" from ") : VIEW(""),
                                 has_place ? parameter_of(exchange, VIEW("place")) : VIEW("") };
    struct http_response response = { .status = 200, .media_type = TEXT };
    return http_respond(exchange, &response, body, LENGTH_OF(body));
}

static enum result drop_body(struct http_exchange *exchange, struct span room)
{
    size_t length_bytes;
    enum result result;
    do {
        result = http_read(exchange, room, &length_bytes);
    } while (result == OK);
    return result == CLOSED ? OK : result;
}

/* One line for each thing that is known of the request, in the order of http.h; of the body that it
 * is whole. */
static enum result about(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    uint8_t room[ROOM_BYTES];
    enum result result = drop_body(exchange, SPAN_OF(room));
    if (result != OK) return result;
    const struct http_request *request = &exchange->request;
    struct view agent = http_request_field(request, VIEW("user-agent"));
    struct view text = format(SPAN_OF(room),
                              "method %.*s\nversion 1.%u\ntarget %.*s\npath %.*s\nquery %.*s\n"
                              "host %.*s\nagent %.*s\nfields %zu\n",
                              VIEW_FORMAT(http_method_text(request->method)),
                              request->version_minor, VIEW_FORMAT(request->target),
                              VIEW_FORMAT(request->path), VIEW_FORMAT(request->query),
                              VIEW_FORMAT(request->host), VIEW_FORMAT(agent), request->field_count);
    return http_respond_text(exchange, 200, TEXT, text);
}

static enum result admin(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    return http_respond_text(exchange, 200, TEXT, VIEW("the admin's own\n"));
}

static enum result redirect(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    uint64_t status;
    enum result result = number_of(exchange, VIEW("status"), &status);
    if (result != OK || status < 301 || status > 308) return INVALID;
    return http_respond_redirect(exchange, (unsigned)status, VIEW("/hello/redirected"));
}

static enum result error(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    uint64_t status;
    enum result result = number_of(exchange, VIEW("status"), &status);
    if (result != OK || status < 400 || status > 599) return INVALID;
    return http_respond_error(exchange, (unsigned)status);
}

/* Ends without having answered, with the result that is asked for. */
static enum result result(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    const struct {
        struct view name;
        enum result result;
    } all[] = {
        { VIEW("ok"), OK },
        { VIEW("not-found"), NOT_FOUND },
        { VIEW("invalid"), INVALID },
        { VIEW("denied"), DENIED },
        { VIEW("too-large"), TOO_LARGE },
        { VIEW("timed-out"), TIMED_OUT },
        { VIEW("full"), FULL },
        { VIEW("unsupported"), UNSUPPORTED },
        { VIEW("failed"), FAILED },
    };
    struct view name = parameter_of(exchange, VIEW("name"));
    for (size_t i = 0; i < LENGTH_OF(all); i++) {
        if (view_equal(name, all[i].name)) return all[i].result;
    }
    return NOT_FOUND;
}

struct http_handler site_hello = { hello }, site_about = { about }, site_admin = { admin },
                    site_redirect = { redirect }, site_error = { error }, site_result = { result };
