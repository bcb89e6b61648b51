/* streams.c - handlers whose bodies come or go piece by piece, or slowly.
 *
 * SPDX-License-Identifier: ISC */
#include "base/writer.h"
#include "fiber/fiber.h"
#include "http/http.h"
#include "site.h"

#define TEXT         VIEW("text/plain; charset=utf-8")
#define BINARY       VIEW("application/octet-stream")
#define PIECE_BYTES  512
#define DRIPS        10
#define LENGTH_LIMIT ((uint64_t)GIB)

static enum result number_of(struct http_exchange *exchange, struct view name, uint64_t *number)
{
    return view_to_u64(http_request_parameter(&exchange->request, name), number) ? OK : INVALID;
}

static enum result begin(struct http_exchange *exchange, struct view media_type,
                         uint64_t content_length)
{
    return http_begin(exchange, &(struct http_response){ .status = 200,
                                                         .media_type = media_type,
                                                         .content_length = content_length });
}

/* Sends back what comes while it comes, framed as it was. */
static enum result echo(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    uint8_t room[PIECE_BYTES];
    size_t length_bytes;
    enum result result = begin(exchange, BINARY, exchange->request.content_length);
    while (result == OK) {
        result = http_read(exchange, SPAN_OF(room), &length_bytes);
        if (result != OK) break;
        const struct view piece = view_from(room, length_bytes);
        result = http_write(exchange, &piece, 1);
    }
    return result == CLOSED ? OK : result;
}

/* Reads all, and only then answers. */
static enum result count(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    uint8_t room[PIECE_BYTES];
    size_t length_bytes = 0;
    uint64_t sum_bytes = 0;
    enum result result = OK;
    while (result == OK) {
        result = http_read(exchange, SPAN_OF(room), &length_bytes);
        sum_bytes += length_bytes;
    }
    if (result != CLOSED) return result;
    struct view text = format(SPAN_OF(room), "%llu bytes\n", (unsigned long long)sum_bytes);
    return http_respond_text(exchange, 200, TEXT, text);
}

/* Answers without having read the body. */
static enum result ignore(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    return http_respond_text(exchange, 200, TEXT, VIEW("not read\n"));
}

/* A body without a known length: numbered lines. */
static enum result stream(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    uint8_t room[32];
    uint64_t pieces;
    enum result result = number_of(exchange, VIEW("pieces"), &pieces);
    if (result == OK) result = begin(exchange, TEXT, HTTP_LENGTH_UNKNOWN);
    for (uint64_t i = 0; result == OK && i < pieces; i++) {
        const struct view line = format(SPAN_OF(room), "line %llu\n", (unsigned long long)i);
        result = http_write(exchange, &line, 1);
    }
    return result;
}

/* A body of a known length: as much as the client takes. */
static enum result length(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    uint8_t room[PIECE_BYTES];
    uint64_t left_bytes;
    span_fill(SPAN_OF(room), 'x');
    enum result result = number_of(exchange, VIEW("bytes"), &left_bytes);
    if (result != OK || left_bytes > LENGTH_LIMIT) return INVALID;
    result = begin(exchange, BINARY, left_bytes);
    while (result == OK && left_bytes > 0) {
        const struct view piece = view_from(room, (size_t)MIN(left_bytes, (uint64_t)sizeof room));
        result = http_write(exchange, &piece, 1);
        left_bytes -= piece.length_bytes;
    }
    return result;
}

static enum result doze(uint64_t milliseconds)
{
    enum result result = fiber_sleep(milliseconds * MS_NS);
    return result == TIMED_OUT ? OK : result;
}

static enum result slow(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    uint64_t milliseconds;
    enum result result = number_of(exchange, VIEW("milliseconds"), &milliseconds);
    if (result != OK || milliseconds > 60000) return INVALID;
    result = doze(milliseconds);
    return result == OK ? http_respond_text(exchange, 200, TEXT, VIEW("at last\n")) : result;
}

static enum result drip(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    uint64_t milliseconds;
    enum result result = number_of(exchange, VIEW("milliseconds"), &milliseconds);
    if (result != OK || milliseconds > 10000) return INVALID;
    result = begin(exchange, TEXT, DRIPS);
    for (unsigned i = 0; result == OK && i < DRIPS; i++) {
        result = doze(milliseconds);
        if (result == OK) result = http_write(exchange, &VIEW("."), 1);
    }
    return result;
}

struct http_handler site_echo = { echo }, site_count = { count }, site_ignore = { ignore },
                    site_stream = { stream }, site_length = { length }, site_slow = { slow },
                    site_drip = { drip };
