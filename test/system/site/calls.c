/* calls.c - handlers that make the image call others: a peer that is told nothing but bytes.
 *
 * What is sent, and what must come, is a pattern in pieces of 512 bytes, in which no piece is like
 * another: what is lost, doubled or out of its place shows.
 *
 * SPDX-License-Identifier: ISC */
#include "base/writer.h"
#include "http/http.h"
#include "site.h"
#include "target/clock.h"
#include "tcp/tcp.h"

#define TEXT             VIEW("text/plain; charset=utf-8")
#define PIECE_BYTES      512
#define CONNECT_LIMIT_NS (30 * S_NS)
#define CALL_LIMIT_NS    (300 * S_NS)

/* What a call is made of; an image has one tcp. */
static struct tcp *tcp;

void site_calls_init(struct tcp *of)
{
    tcp = of;
}

static struct view parameter_of(struct http_exchange *exchange, struct view name)
{
    return http_request_parameter(&exchange->request, name);
}

/* | number of the piece, 64 bits, big-endian | 7 i + number, for each byte i | */
static uint8_t byte_at(uint64_t offset)
{
    const uint64_t number = offset / PIECE_BYTES, i = offset % PIECE_BYTES;
    return (uint8_t)(i < 8 ? number >> (8 * (7 - i)) : 7 * i + number);
}

static enum result call(struct http_exchange *exchange, struct flow **flow)
{
    struct endpoint peer = { 0 };
    uint64_t port;
    enum result result = address_parse(parameter_of(exchange, VIEW("address")), &peer.address);
    if (result != OK) return result;
    if (!view_to_u64(parameter_of(exchange, VIEW("port")), &port) || port == 0 || port > 65535)
        return INVALID;
    peer.port = (uint16_t)port;
    return tcp_connect(tcp, &peer, NULL, flow, clock_monotonic_ns() + CONNECT_LIMIT_NS);
}

/* How a call ended, in words: a broken one is an answer, too. */
static enum result tell(struct http_exchange *exchange, enum result result, uint64_t bytes,
                        bool intact)
{
    uint8_t room[128];
    struct view text = format(SPAN_OF(room), "%s %llu bytes%s\n", result_text(result),
                              (unsigned long long)bytes, intact ? "" : ", broken");
    return http_respond_text(exchange, 200, TEXT, text);
}

/* Reads to the end. */
static enum result read_all(struct flow *flow, uint64_t deadline_ns, uint64_t *bytes, bool *intact)
{
    uint8_t room[PIECE_BYTES];
    size_t length_bytes;
    enum result result;
    for (*bytes = 0, *intact = true;; *bytes += length_bytes) {
        result = flow_read(flow, SPAN_OF(room), &length_bytes, deadline_ns);
        if (result != OK) return result == CLOSED ? OK : result;
        for (size_t i = 0; i < length_bytes; i++)
            if (room[i] != byte_at(*bytes + i)) *intact = false;
    }
}

static enum result write_all(struct flow *flow, uint64_t deadline_ns, uint64_t bytes,
                             uint64_t *written_bytes)
{
    uint8_t room[PIECE_BYTES];
    enum result result = OK;
    for (*written_bytes = 0; result == OK && *written_bytes < bytes;) {
        const size_t piece_bytes = (size_t)MIN(bytes - *written_bytes, (uint64_t)PIECE_BYTES);
        for (size_t i = 0; i < piece_bytes; i++)
            room[i] = byte_at(*written_bytes + i);
        const struct view piece = view_from(room, piece_bytes);
        result = flow_write(flow, &piece, 1, deadline_ns);
        if (result == OK) *written_bytes += piece_bytes;
    }
    return result;
}

/* Sends so many bytes, closes its side, and waits for the peer's. */
static enum result push(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    struct flow *flow;
    uint64_t bytes, written_bytes = 0, answer_bytes = 0;
    bool intact = true;
    if (!view_to_u64(parameter_of(exchange, VIEW("bytes")), &bytes)) return INVALID;
    enum result result = call(exchange, &flow);
    if (result != OK) return tell(exchange, result, 0, true);
    const uint64_t deadline_ns = clock_monotonic_ns() + CALL_LIMIT_NS;
    result = write_all(flow, deadline_ns, bytes, &written_bytes);
    if (result == OK) result = flow_shut(flow);
    if (result == OK) result = read_all(flow, deadline_ns, &answer_bytes, &intact);
    flow_close(flow);
    return tell(exchange, result, written_bytes, intact);
}

/* Takes all that the peer sends. */
static enum result pull(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    struct flow *flow;
    uint64_t bytes = 0;
    bool intact = true;
    enum result result = call(exchange, &flow);
    if (result != OK) return tell(exchange, result, 0, true);
    result = read_all(flow, clock_monotonic_ns() + CALL_LIMIT_NS, &bytes, &intact);
    flow_close(flow);
    return tell(exchange, result, bytes, intact);
}

struct http_handler site_push = { push }, site_pull = { pull };
