/* http_metrics.c - the text of the metrics, gathered into pieces that are worth sending.
 *
 * SPDX-License-Identifier: ISC */
#include "http_pages/http_metrics.h"

#include "metrics/metrics.h"

#define GATHER_BYTES 704 /* a session's stack is small, and so are its frames */

/* What the metrics say is put into `room` until it is full. */
struct gatherer {
    struct metrics_sink sink;
    struct http_exchange *exchange;
    size_t filled_bytes;
    uint8_t room[GATHER_BYTES];
};

static enum result gatherer_flush(struct gatherer *gatherer)
{
    struct view gathered = view_first(VIEW_OF(gatherer->room), gatherer->filled_bytes);
    gatherer->filled_bytes = 0;
    return view_is_empty(gathered) ? OK : http_write(gatherer->exchange, &gathered, 1);
}

static enum result gatherer_put(struct metrics_sink *sink, struct view text)
{
    struct gatherer *gatherer = CONTAINER_OF(sink, struct gatherer, sink);
    if (text.length_bytes > GATHER_BYTES - gatherer->filled_bytes) {
        enum result result = gatherer_flush(gatherer);
        if (result != OK) return result;
    }
    if (text.length_bytes > GATHER_BYTES) return http_write(gatherer->exchange, &text, 1);
    (void)span_copy(span_from_offset(SPAN_OF(gatherer->room), gatherer->filled_bytes), text);
    gatherer->filled_bytes += text.length_bytes;
    return OK;
}

static enum result http_metrics_handle(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    struct http_field fields[] = { { VIEW("Cache-Control"), VIEW("no-store") } };
    struct http_response response = { .status = 200,
                                      .media_type = VIEW(
                                          "text/plain; version=0.0.4; charset=utf-8"),
                                      .fields = fields,
                                      .field_count = LENGTH_OF(fields),
                                      .content_length = HTTP_LENGTH_UNKNOWN };
    struct gatherer gatherer = { .sink = { gatherer_put }, .exchange = exchange };
    enum result result = http_begin(exchange, &response);
    if (result == OK) result = metrics_write(&gatherer.sink);
    return result == OK ? gatherer_flush(&gatherer) : result;
}

void http_metrics_init(struct http_metrics *metrics)
{
    *metrics = (struct http_metrics){ .handler = { http_metrics_handle } };
}
