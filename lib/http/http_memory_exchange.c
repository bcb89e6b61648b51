/* http_memory_exchange.c - what a handler reads from and writes to when there is no network.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_memory_exchange.h"

#include "http/http_head.h"
#include "http/http_target.h"

static struct http_memory_exchange *of(struct http_exchange *exchange)
{
    return CONTAINER_OF(exchange, struct http_memory_exchange, exchange);
}

/* ---- the request ---- */

static enum result fill_fields(struct http_memory_exchange *exchange)
{
    const struct http_fetch *fetch = exchange->hop->fetch;
    struct http_request *request = &exchange->exchange.request;
    struct writer writer = writer_over(SPAN_OF(exchange->host));
    uint16_t port;
    http_url_write_authority(&exchange->hop->url, &writer);
    if (!http_authority_split(writer_view(&writer), &request->host, &port)) return INVALID;
    exchange->fields[0] = (struct http_field){ VIEW("Host"), writer_view(&writer) };
    request->fields = exchange->fields;
    request->field_count = 1;
    for (size_t i = 0; i < fetch->field_count; i++) {
        const struct http_field *field = &fetch->fields[i];
        if (!http_field_name_is_valid(field->name) || !http_field_value_is_valid(field->value))
            return INVALID;
        if (!http_hop_sends_field(exchange->hop, field->name)) continue;
        if (request->field_count == HTTP_MEMORY_FIELDS_MAX) return TOO_LARGE;
        exchange->fields[request->field_count++] = *field;
    }
    return OK;
}

static unsigned fill_target(struct http_memory_exchange *exchange)
{
    struct http_request *request = &exchange->exchange.request;
    struct http_target parts;
    struct writer writer = writer_over(SPAN_OF(exchange->target));
    http_url_write_target(&exchange->hop->url, &writer);
    request->target = writer_view(&writer);
    struct http_refusal refusal = http_target_split(request->target, request->method, &parts);
    if (refusal.status != 0) return refusal.status;
    request->query = parts.query;
    return http_path_decode(parts.path, SPAN_OF(exchange->path), &request->path).status;
}

enum result http_memory_exchange_fill(struct http_memory_exchange *exchange, unsigned *refused)
{
    struct http_hop *hop = exchange->hop;
    struct http_request *request = &exchange->exchange.request;
    exchange->exchange.ops = &http_memory_exchange_ops;
    *request = (struct http_request){ .method = hop->method,
                                      .version_minor = 1,
                                      .content_length = http_hop_body_length(hop) };
    request->local = (struct endpoint){ address_loopback(ADDRESS_IPV4), http_url_port(&hop->url) };
    request->peer = (struct endpoint){ address_loopback(ADDRESS_IPV4), 0 };
    *refused = fill_target(exchange);
    return fill_fields(exchange);
}

/* ---- reading ---- */

static enum result read_body(struct http_memory_exchange *exchange, struct span room,
                             size_t *length_bytes)
{
    struct view body = exchange->hop->fetch->body;
    size_t taken = (size_t)exchange->taken_bytes;
    *length_bytes = MIN(room.length_bytes, body.length_bytes - taken);
    if (*length_bytes == 0) return CLOSED;
    (void)span_copy(room, view_slice(body, taken, *length_bytes));
    return OK;
}

/* What is wrong with a source is the fetch's result; for the handler it is a broken connection. */
static enum result read_source(struct http_memory_exchange *exchange, struct span room,
                               size_t *length_bytes)
{
    struct http_source *source = exchange->hop->fetch->source;
    uint64_t left_bytes = source->content_length == HTTP_LENGTH_UNKNOWN
                              ? UINT64_MAX
                              : source->content_length - exchange->taken_bytes;
    if (left_bytes == 0) return CLOSED;
    room = span_first(room, (size_t)MIN(room.length_bytes, left_bytes));
    enum result result = source->get(source, room, length_bytes);
    bool ends_well = source->content_length == HTTP_LENGTH_UNKNOWN;
    if (result == OK || (result == CLOSED && ends_well)) return result;
    exchange->result = result == CLOSED ? INVALID : result;
    return FAILED;
}

static enum result http_memory_read(struct http_exchange *base, struct span room,
                                    size_t *length_bytes)
{
    struct http_memory_exchange *exchange = of(base);
    const struct http_hop *hop = exchange->hop;
    if (!hop->has_body) return CLOSED;
    if (exchange->result != OK) return FAILED;
    uint64_t limit_bytes = exchange->memory->options.body_bytes_max;
    if (base->request.content_length != HTTP_LENGTH_UNKNOWN &&
        base->request.content_length > limit_bytes)
        return TOO_LARGE;
    enum result result = hop->fetch->source != NULL ? read_source(exchange, room, length_bytes)
                                                    : read_body(exchange, room, length_bytes);
    exchange->taken_bytes += *length_bytes;
    if (exchange->taken_bytes <= limit_bytes) return result;
    *length_bytes = 0;
    return TOO_LARGE;
}

/* ---- writing ---- */

static enum result deliver(struct http_memory_exchange *exchange, struct view piece)
{
    struct http_fetched *fetched = exchange->hop->fetched;
    if (view_is_empty(piece)) return OK;
    if (piece.length_bytes > exchange->hop->fetch->body_bytes_max - fetched->body_bytes)
        return TOO_LARGE;
    fetched->body_bytes += piece.length_bytes;
    return exchange->sink == NULL ? OK : exchange->sink->put(exchange->sink, piece);
}

static enum result http_memory_write(struct http_exchange *base, const struct view body[],
                                     size_t count)
{
    struct http_memory_exchange *exchange = of(base);
    if (exchange->result != OK) return FAILED;
    for (size_t i = 0; i < count && !exchange->has_no_body; i++) {
        if (exchange->left_bytes != HTTP_LENGTH_UNKNOWN) {
            assert_that(body[i].length_bytes, <=, exchange->left_bytes);
            exchange->left_bytes -= body[i].length_bytes;
        }
        if (exchange->is_followed) continue;
        exchange->result = deliver(exchange, body[i]);
        if (exchange->result != OK) return FAILED;
    }
    return OK;
}

static void add_field(struct http_memory_exchange *exchange, size_t *count, struct view name,
                      struct view value)
{
    assert_that(*count, <, HTTP_MEMORY_FIELDS_MAX);
    exchange->answer_fields[(*count)++] = (struct http_field){ name, value };
}

/* The head of the response goes to the caller of the fetch, or makes the hop the next one. */
static enum result answer(struct http_memory_exchange *exchange,
                          const struct http_response *response)
{
    uint8_t room[24];
    struct writer length = writer_over(SPAN_OF(room));
    size_t count = 0;
    if (!view_is_empty(response->media_type))
        add_field(exchange, &count, VIEW("Content-Type"), response->media_type);
    for (size_t i = 0; i < response->field_count; i++)
        add_field(exchange, &count, response->fields[i].name, response->fields[i].value);
    if (response->content_length != HTTP_LENGTH_UNKNOWN && response->status != 204) {
        writer_put_decimal(&length, response->content_length);
        add_field(exchange, &count, VIEW("Content-Length"), writer_view(&length));
    }
    exchange->is_followed = http_hop_is_followed(exchange->hop, response->status,
                                                 exchange->answer_fields, count);
    if (exchange->is_followed)
        return http_hop_follow(exchange->hop, response->status, exchange->answer_fields, count);
    return http_hop_answer(exchange->hop, response->status, exchange->answer_fields, count);
}

static bool fields_are_valid(const struct http_response *response)
{
    for (size_t i = 0; i < response->field_count; i++) {
        const struct http_field *field = &response->fields[i];
        if (!http_field_name_is_valid(field->name) || !http_field_value_is_valid(field->value))
            return false;
    }
    return http_field_value_is_valid(response->media_type);
}

/* A field that would have broken the head on a network makes the answer a 500 without a body. */
static enum result refuse_fields(struct http_memory_exchange *exchange)
{
    exchange->has_no_body = true;
    enum result result = answer(exchange, &(struct http_response){ .status = 500 });
    return result == OK ? INVALID : result;
}

static enum result http_memory_begin(struct http_exchange *base,
                                     const struct http_response *response, const struct view body[],
                                     size_t count, bool last)
{
    struct http_memory_exchange *exchange = of(base);
    (void)last;
    if (exchange->result != OK) return FAILED;
    if (!fields_are_valid(response)) return refuse_fields(exchange);
    exchange->has_no_body = base->request.method == HTTP_HEAD || response->status == 204 ||
                            response->status == 304;
    exchange->left_bytes = response->content_length;
    exchange->result = answer(exchange, response);
    if (exchange->result != OK) return FAILED;
    return http_memory_write(base, body, count);
}

const struct http_exchange_ops http_memory_exchange_ops = HTTP_EXCHANGE_OPS(http_memory);

/* ---- the end ---- */

void http_memory_exchange_end(struct http_memory_exchange *exchange, enum result result)
{
    if (exchange->result != OK) return;
    if (!exchange->exchange.responded) {
        result = http_respond_error(&exchange->exchange, http_status_of(result));
        if (exchange->result == OK) exchange->result = result;
        return;
    }
    bool is_short = exchange->left_bytes != HTTP_LENGTH_UNKNOWN && exchange->left_bytes > 0;
    bool is_broken = exchange->left_bytes == HTTP_LENGTH_UNKNOWN && result != OK;
    if (!exchange->has_no_body && !exchange->is_followed && (is_short || is_broken))
        exchange->result = CLOSED;
}
