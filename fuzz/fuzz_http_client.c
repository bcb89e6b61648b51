/* fuzz_http_client.c - a client in virtual time, and a server that answers anything.
 *
 * The first byte chooses the method and how large the pieces are in which the rest is sent; it is
 * cut at each 0xff, and every request gets the next part. Whatever it is: the fetch
 * ends by its deadline, what it gives is within its bounds, an answer that came in pieces is the
 * same as one that came at once, and nothing is left over.
 *
 * SPDX-License-Identifier: ISC */
#include "http_client/http_fetcher.h"
#include "target/clock.h"
#include "tcp/tcp_loop.h"

int LLVMFuzzerInitialize(int *count, char ***words);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

#define INPUT_MAX       ((size_t)16384)
#define BODY_BYTES_MAX  4096
#define FIELDS_MAX      16
#define REDIRECTS_MAX   3
#define FETCH_NS        (5 * S_NS)
#define CONNECTIONS_MAX 16

struct outcome {
    enum result result;
    unsigned status;
    size_t field_count;
    uint64_t body_bytes;
    uint64_t body_sum;
    bool is_first; /* the answer to the first request, and to no redirect */
};

static struct tcp_loop loop;
static struct http_fetcher fetcher;
static struct view input;
static size_t step_bytes;
static enum http_method method;
static struct outcome outcome;

/* ---- the server ---- */

struct server_connection {
    struct task task;
    struct flow *flow;
};

static struct {
    struct listener *listener;
    struct scope scope;
    struct task acceptor;
    struct server_connection connections[CONNECTIONS_MAX];
    size_t accepted;
    size_t answered;     /* requests */
    struct view answers; /* what is left of the input */
} server;

/* A request ends with an empty line; its body, if it has one, is what follows and is not looked at.
 */
static enum result skip_request(struct flow *flow)
{
    uint8_t byte, matched = 0;
    size_t length_bytes;
    while (matched < 4) {
        enum result result = flow_read(flow, SPAN_OF(byte), &length_bytes, NEVER);
        if (result != OK) return result;
        bool fits = byte == (matched % 2 == 0 ? '\r' : '\n');
        matched = fits ? matched + 1 : byte == '\r';
    }
    return OK;
}

static enum result send_answer(struct flow *flow, struct view answer)
{
    enum result result = OK;
    while (result == OK && !view_is_empty(answer)) {
        size_t n = MIN(step_bytes, answer.length_bytes);
        result = flow_write_view(flow, view_first(answer, n), NEVER);
        answer = view_from_offset(answer, n);
        if (result == OK) result = fiber_sleep(US_NS) == TIMED_OUT ? OK : CANCELLED;
    }
    return result;
}

static void connection_run(struct task *task)
{
    struct flow *flow = CONTAINER_OF(task, struct server_connection, task)->flow;
    while (!view_is_empty(server.answers) && skip_request(flow) == OK) {
        struct view answer = view_cut(server.answers, 0xff, &server.answers);
        server.answered++;
        if (send_answer(flow, answer) != OK) break;
    }
    flow_close_gently(flow, deadline_after(clock_monotonic_ns(), S_NS));
}

static void acceptor_run(struct task *task)
{
    (void)task;
    struct flow *flow;
    while (listener_accept(server.listener, &flow, NEVER) == OK) {
        assert(server.accepted < CONNECTIONS_MAX);
        struct server_connection *connection = &server.connections[server.accepted++];
        connection->task.run = connection_run;
        connection->flow = flow;
        enum result result = fiber_start(&server.scope, &connection->task, "server", STACK_SMALL);
        assert(result == OK);
    }
}

/* ---- the client ---- */

static enum result sum_piece(struct http_sink *sink, struct view piece)
{
    (void)sink;
    assert(!view_is_empty(piece));
    for (size_t i = 0; i < piece.length_bytes; i++)
        outcome.body_sum = outcome.body_sum * 31 + piece.bytes[i];
    outcome.body_bytes += piece.length_bytes;
    return OK;
}

struct one_byte {
    struct http_source source;
    bool is_given;
};

static enum result get_one(struct http_source *source, struct span room, size_t *length_bytes)
{
    struct one_byte *one = CONTAINER_OF(source, struct one_byte, source);
    if (one->is_given) return CLOSED;
    one->is_given = true;
    span_fill(span_first(room, 1), 'x');
    *length_bytes = 1;
    return OK;
}

static void check_fetched(const struct http_fetched *fetched)
{
    assert(fetched->status >= 200 && fetched->status <= 599);
    assert_that(fetched->field_count, <=, FIELDS_MAX);
    assert_that(fetched->body_bytes, ==, outcome.body_bytes);
    assert_that(outcome.body_bytes, <=, BODY_BYTES_MAX);
    assert(view_equal_ignoring_case(view_first(fetched->url, 7), VIEW("http://")));
    for (size_t i = 0; i < fetched->field_count; i++)
        assert(view_find_byte(fetched->fields[i].value, '\r') ==
               fetched->fields[i].value.length_bytes);
}

static void fetch(void)
{
    static uint8_t room[8192];
    static struct http_field fields[FIELDS_MAX];
    struct one_byte one = { .source = { get_one, 1 } };
    struct http_sink sink = { sum_piece };
    struct http_fetched fetched = { .room = SPAN_OF(room),
                                    .fields = fields,
                                    .field_room = FIELDS_MAX };
    uint64_t deadline_ns = deadline_after(clock_monotonic_ns(), FETCH_NS);
    struct http_fetch wanted = { .method = method,
                                 .url = VIEW("http://127.0.0.1/a/b"),
                                 .redirects_max = REDIRECTS_MAX,
                                 .body_bytes_max = BODY_BYTES_MAX,
                                 .deadline_ns = deadline_ns };
    if (method == HTTP_PUT) wanted.source = &one.source;
    outcome = (struct outcome){ 0 };
    outcome.result = http_fetch(&fetcher.http_client, &wanted, &fetched, &sink);
    assert(clock_monotonic_ns() < deadline_ns + S_NS);
    if (outcome.result != OK) return;
    check_fetched(&fetched);
    outcome.status = fetched.status;
    outcome.is_first = server.answered == 1;
    outcome.field_count = fetched.field_count;
}

/* Every name is this server's. */
static enum result names_lookup(struct resolver *resolver, struct view name,
                                enum address_family family, struct address addresses[], size_t room,
                                size_t *count, uint64_t deadline_ns)
{
    (void)resolver;
    (void)name;
    (void)deadline_ns;
    if (family == ADDRESS_IPV6 || room == 0) return NOT_FOUND;
    addresses[0] = address_loopback(ADDRESS_IPV4);
    *count = 1;
    return OK;
}

static const struct resolver_ops names_ops = RESOLVER_OPS(names);

/* ---- one input ---- */

static void play(struct task *task)
{
    (void)task;
    static const struct http_fetcher_parameters parameters = { 2, 1024, S_NS };
    static struct resolver names = { &names_ops };
    struct endpoint local = { address_loopback(ADDRESS_IPV4), 80 };
    struct listen_options options = { .backlog = 8 };
    server.answers = input;
    server.accepted = server.answered = 0;
    enum result result = tcp_listen(&loop.tcp, &local, &options, &server.listener);
    assert(result == OK);
    scope_open(&server.scope, "server");
    server.acceptor.run = acceptor_run;
    result = fiber_start(&server.scope, &server.acceptor, "server", STACK_SMALL);
    assert(result == OK);
    result = http_fetcher_open(&fetcher, &loop.tcp, &names, &parameters);
    assert(result == OK);
    fetch();
    (void)fiber_sleep(10 * S_NS); /* whatever was kept has ended by then */
    assert_that(fetcher.connections_open, ==, 0);
    http_fetcher_close(&fetcher);
    scope_close(&server.scope);
    listener_close(server.listener);
    assert_that(loop.open_count, ==, 0);
}

static void play_in_steps(size_t bytes)
{
    struct task task = { play };
    step_bytes = bytes;
    fiber_run(&task, "fuzz");
}

/* How a broken connection ends may depend on when it did, and what follows a redirect on whether
 * more had come than the redirect; what was whole at once does not. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    static const enum http_method methods[] = { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT };
    if (length_bytes < 2 || length_bytes > INPUT_MAX) return 0;
    input = view_from_offset(view_from(bytes, length_bytes), 1);
    method = methods[bytes[0] % 4];
    play_in_steps(INPUT_MAX);
    struct outcome whole = outcome;
    play_in_steps(1 + bytes[0] / 4);
    if (whole.result != OK || !whole.is_first) return 0;
    assert(outcome.result == OK && outcome.is_first);
    assert(whole.status == outcome.status && whole.field_count == outcome.field_count);
    assert(whole.body_bytes == outcome.body_bytes && whole.body_sum == outcome.body_sum);
    return 0;
}

int LLVMFuzzerInitialize(int *count, char ***words)
{
    (void)count;
    (void)words;
    static const struct fiber_parameters fibers = { 64, 4, 1 };
    static const struct tcp_loop_options options = { CONNECTIONS_MAX, 1, 2048 };
    enum result result = fiber_open(&fibers);
    assert(result == OK);
    result = tcp_loop_open(&loop, &options);
    assert(result == OK);
    return 0;
}
