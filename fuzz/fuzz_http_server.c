/* fuzz_http_server.c - a whole server in virtual time, and a client that sends it anything.
 *
 * The first byte chooses how large the pieces are in which the rest arrives. Whatever it is: the
 * client must get well-formed responses and then a clean close, and nothing may be left over.
 *
 * SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <unistd.h>

#include "fiber/stop.h"
#include "http/http_chunked.h"
#include "http/http_head.h"
#include "http_server/http_server.h"
#include "http_server/http_world_site.h"
#include "log/log.h"
#include "target/memory.h"
#include "tcp/tcp_loop.h"

int LLVMFuzzerInitialize(int *count, char ***words);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

#define ROOM_BYTES ((size_t)4 * 1024 * 1024)

static struct tcp_loop loop;
static struct http_server server;
static struct http_world_site site;
static struct view input;
static struct span room;
static size_t received_bytes;

static const struct http_server_parameters parameters = {
    .port = 80,
    .connections_count = 2,
    .sessions_count = 1,
    .buffers_count = 2,
    .header_bytes = 1024,
    .header_fields_count = 16,
    .body_bytes = 4096,
    .requests_per_connection_count = 8,
    .header_timeout_ns = 10 * S_NS,
    .body_timeout_ns = 10 * S_NS,
    .send_timeout_ns = 10 * S_NS,
    .idle_timeout_ns = 10 * S_NS,
    .linger_timeout_ns = 5 * S_NS,
    .queue_timeout_ns = 5 * S_NS,
    .drain_timeout_ns = 60 * S_NS,
    .access_log = HTTP_ACCESS_LOG_CONSOLE,
};

/* ---- the client ---- */

static struct flow *connect_to_server(void)
{
    static const struct connect_options options = { 0 };
    struct endpoint peer = { address_loopback(ADDRESS_IPV4), 80 };
    struct flow *flow;
    enum result result = tcp_connect(&loop.tcp, &peer, &options, &flow, NEVER);
    assert(result == OK);
    return flow;
}

struct sender {
    struct task task;
    struct flow *flow;
};

/* Sends until the server takes no more; a pause lets it see each piece alone. */
static void send_run(struct task *task)
{
    struct sender *sender = CONTAINER_OF(task, struct sender, task);
    size_t step_bytes = input.bytes[0] % 64 == 0 ? input.length_bytes : input.bytes[0] % 64;
    struct view rest = view_from_offset(input, 1);
    enum result result = OK;
    while (result == OK && rest.length_bytes > 0) {
        size_t n = MIN(step_bytes, rest.length_bytes);
        result = flow_write_view(sender->flow, view_first(rest, n), NEVER);
        rest = view_from_offset(rest, n);
        fiber_yield();
    }
}

static bool receive(struct flow *flow)
{
    enum result result = OK;
    received_bytes = 0;
    while (result == OK) {
        size_t length_bytes;
        result = flow_read(flow, span_from_offset(room, received_bytes), &length_bytes, NEVER);
        received_bytes += length_bytes;
    }
    /* /ends/short and /ends/cut are cut on purpose; everything else ends cleanly. */
    return result == CLOSED;
}

/* ---- what it was sent ---- */

/* Moves behind the chunks at the front. */
static struct view skip_chunks(struct view text)
{
    struct http_chunked chunked = { 0 };
    enum result result = OK;
    while (result == OK) {
        size_t consumed_bytes;
        struct view data;
        assert(text.length_bytes > 0);
        result = http_chunked_decode(&chunked, text, &consumed_bytes, &data);
        text = view_from_offset(text, consumed_bytes);
    }
    assert(result == CLOSED);
    return text;
}

/* Moves behind the response at the front. Those to HEAD cannot be told from others here, so what
 * follows their heads is looked for: the next response, or nothing. */
static struct view skip_response(struct view text)
{
    static struct http_field fields[32];
    struct http_response_head head = { .fields = { .fields = fields, .room = 32 } };
    struct http_head_search search = { 0 };
    size_t head_bytes;
    assert(http_head_search(&search, text, &head_bytes) == HTTP_HEAD_WHOLE);
    assert(http_response_head_parse(&head, view_first(text, head_bytes)).status == 0);
    text = view_from_offset(text, head_bytes);
    if (text.length_bytes == 0 || view_starts_with(text, VIEW("HTTP/1.1 "))) return text;
    switch (http_response_head_body(&head, HTTP_GET)) {
    case HTTP_BODY_NONE: return text;
    case HTTP_BODY_CHUNKED: return skip_chunks(text);
    case HTTP_BODY_LENGTH:
        assert(head.framing.content_length <= text.length_bytes);
        return view_from_offset(text, head.framing.content_length);
    case HTTP_BODY_TO_CLOSE: return VIEW("");
    }
    return text;
}

static void check_responses(bool clean)
{
    struct view text = view_first(span_view(room), received_bytes);
    while (clean && text.length_bytes > 0)
        text = skip_response(text);
}

/* ---- the world ---- */

struct serving {
    struct task task;
    enum result result;
};

static void serve_run(struct task *task)
{
    struct serving *serving = CONTAINER_OF(task, struct serving, task);
    serving->result = http_serve(&server.http, &site.site);
}

static void run(struct task *task)
{
    static const struct tcp_loop_options options = { .connection_count = 4,
                                                     .listener_count = 1,
                                                     .buffer_bytes = 4096 };
    struct serving serving = { .task = { serve_run }, .result = FAILED };
    struct sender sender = { .task = { send_run } };
    struct scope scope;
    (void)task;
    scope_open(&scope, "fuzz");
    http_world_site_init(&site);
    enum result result = tcp_loop_open(&loop, &options);
    if (result == OK) result = http_server_open(&server, &loop.tcp, &parameters);
    if (result == OK) result = fiber_start(&scope, &serving.task, "serve", STACK_MEDIUM);
    assert(result == OK);
    fiber_yield();
    sender.flow = connect_to_server();
    result = fiber_start(&scope, &sender.task, "sender", STACK_SMALL);
    assert(result == OK);
    check_responses(receive(sender.flow));
    scope_close(&scope);
    flow_close(sender.flow);
    assert(serving.result == OK && server.figures.connections_open == 0);
    assert(server.figures.sessions_in_use == 0 && loop.open_count == 0);
    http_server_close(&server);
    tcp_loop_close(&loop);
}

int LLVMFuzzerInitialize(int *count, char ***words)
{
    static const struct fiber_parameters fibers = { 64, 8, 0 };
    const struct log_parameters quiet = { .levels = VIEW("error"), .burst_count = 1 };
    const char *message;
    (void)count, (void)words;
    /* The access log is written, and not shown. */
    int nowhere = open("/dev/null", O_WRONLY);
    assert(nowhere >= 0 && dup2(nowhere, STDOUT_FILENO) == STDOUT_FILENO);
    enum result result = log_open(&quiet, &message);
    if (result == OK) result = fiber_open(&fibers);
    if (result == OK) result = memory_take(ROOM_BYTES, &room);
    assert(result == OK);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    static struct task task = { run };
    static const struct stop_parameters stop = { 100 * S_NS };
    if (length_bytes < 2 || length_bytes > 16384) return 0;
    input = view_from(bytes, length_bytes);
    stop_open(&stop);
    fiber_run(&task, "fuzz");
    stop_close();
    return 0;
}
