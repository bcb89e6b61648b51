/* visitor.c - see visitor.h.
 *
 * SPDX-License-Identifier: ISC */
#include "target/sim/run/visitor.h"

#include "base/assert.h"
#include "http_client/http_fetcher.h"
#include "target/clock.h"
#include "target/sim/guest.h"

#define ADDRESS    VIEW("--ipv4=10.0.0.254/24")
#define RETRY_NS   (100 * MS_NS)
#define BODY_BYTES MIB
#define LINE_BYTES 100

static struct visitor {
    struct http_sink sink;
    struct world *world;
    struct guest guest;
    struct resolver_static resolver;
    struct http_fetcher_parameters parameters;
    struct http_fetcher fetcher;
    char line[LINE_BYTES];
    size_t line_bytes;
} visitor;

static void end_line(void)
{
    world_note(visitor.world, "< %.*s", (int)visitor.line_bytes, visitor.line);
    visitor.line_bytes = 0;
}

/* Line by line; what is no text is shown as dots. */
static enum result show_body(struct http_sink *sink, struct view piece)
{
    (void)sink;
    for (size_t i = 0; i < piece.length_bytes; i++) {
        uint8_t byte = view_byte(piece, i);
        if (byte != '\n' && byte != '\r')
            visitor.line[visitor.line_bytes++] = (char)(byte >= ' ' && byte < 127 ? byte : '.');
        if (byte == '\n' || visitor.line_bytes == LINE_BYTES) end_line();
    }
    return OK;
}

static void open_client(const struct resolver_static_row rows[], size_t row_count)
{
    uint8_t message[PARAMETER_MESSAGE_MAX];
    size_t message_bytes;
    const struct parameter_group group = { .device = "client",
                                           .prefix = "",
                                           .table = http_fetcher_parameters,
                                           .values = SPAN_OF(visitor.parameters) };
    enum result result = parameter_read(&group, 1, NULL, 0, SPAN_OF(message), &message_bytes);
    guest_open(&visitor.guest, visitor.world, "client", ADDRESS);
    if (result == OK) result = resolver_static_open(&visitor.resolver, rows, row_count);
    if (result == OK)
        result = http_fetcher_open(&visitor.fetcher, visitor.guest.stack.stack.tcp,
                                   &visitor.resolver.resolver, &visitor.parameters);
    if (result != OK) panic("the client could not be opened: %s", result_text(result));
}

static enum result fetch(const char *url, uint64_t deadline_ns)
{
    static uint8_t room[8192];
    const struct http_fetch request = { .url = view_from_string(url),
                                        .body_bytes_max = BODY_BYTES,
                                        .deadline_ns = deadline_ns };
    struct http_fetched answer = { .room = SPAN_OF(room) };
    enum result result = http_fetch(&visitor.fetcher.http_client, &request, &answer, &visitor.sink);
    if (visitor.line_bytes > 0) end_line();
    if (result == OK)
        world_note(visitor.world, "GET %s: status %u, %llu bytes", url, answer.status,
                   (unsigned long long)answer.body_bytes);
    return result;
}

bool visitor_fetch(struct world *world, const struct resolver_static_row rows[], size_t row_count,
                   const char *url, uint64_t deadline_ns)
{
    visitor = (struct visitor){ .sink = { .put = show_body }, .world = world };
    open_client(rows, row_count);
    enum result result = fetch(url, deadline_ns);
    while ((result == REFUSED || result == UNREACHABLE) && clock_monotonic_ns() < deadline_ns) {
        if (world_run(world, RETRY_NS) != OK) break;
        result = fetch(url, deadline_ns);
    }
    if (result != OK) world_note(world, "GET %s: %s", url, result_text(result));
    http_fetcher_close(&visitor.fetcher);
    resolver_static_close(&visitor.resolver);
    guest_close(&visitor.guest);
    return result == OK;
}
