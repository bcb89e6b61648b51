/* transfer.c - an image for worlds with bad wires: it moves bytes over TCP both ways, and looks at
 * each of them.
 *
 * The one that calls sends the number of the transfer and so many bytes made from it; the one that
 * serves looks at them, and when they have ended sends as many made in another way, and ends. Both
 * say what they saw, and at the end what is left in their stack.
 *
 * SPDX-License-Identifier: ISC */
#include "base/cursor.h"
#include "base/writer.h"
#include "fiber/fiber.h"
#include "fiber/stop.h"
#include "image/image.h"
#include "stack_direct/stack_direct.h"
#include "target/clock.h"
#include "target/console.h"
#include "target/sim/image/say.h"
#include "target/sim/node/net_sim.h"

#define PORT        7
#define ROOM_BYTES  ((size_t)8192)
#define PATIENCE_NS (3600 * S_NS)
#define ENDING_NS   (600 * S_NS) /* longer than any connection takes to end */
#define SESSIONS    8

struct transfer_parameters {
    struct endpoint to; /* ADDRESS_ANY: it serves */
    uint64_t bytes, transfers;
};

static struct transfer_parameters own;
static struct stack_direct_parameters stack_parameters;

static enum result endpoint_read(struct view text, struct span value)
{
    struct endpoint endpoint = { .port = PORT };
    enum result result = view_is_empty(text) ? OK : endpoint_parse(text, &endpoint);
    if (result == OK) (void)span_copy(value, VIEW_OF(endpoint));
    return result;
}

static const struct parameter own_parameters[] = {
    PARAMETER_PARSED(struct transfer_parameters, to, struct endpoint, "to", "", "ADDRESS:PORT",
                     endpoint_read, "whom to call; without it, it serves"),
    PARAMETER_BYTES(struct transfer_parameters, bytes, "bytes", "100KiB", 0, GIB,
                    "so many each way"),
    PARAMETER_NUMBER(struct transfer_parameters, transfers, "transfers", "1", 1, 10000,
                     "one after another"),
    PARAMETER_END,
};

static const struct parameter_group groups[] = {
    { "stack0",
      "",
      stack_direct_parameters,
      { (uint8_t *)&stack_parameters, sizeof stack_parameters } },
    { "transfer", "", own_parameters, { (uint8_t *)&own, sizeof own } },
};

const struct image image = { .name = "transfer", .parameters = groups, .parameter_count = 2 };

static struct net_sim net_sim;
static struct stack_direct stack;

/* ---- the bytes ---- */

/* A stream of bytes that any position tells apart from its neighbours. */
struct stream {
    uint64_t state, at;
};

static uint8_t stream_next(struct stream *stream)
{
    if (stream->at++ % 8 == 0)
        stream->state = stream->state * 6364136223846793005u + 1442695040888963407u;
    return (uint8_t)(stream->state >> (8 + 7 * (stream->at % 8)));
}

static struct stream stream_of(uint64_t number, bool back)
{
    return (struct stream){ .state = number * 2 + back };
}

static enum result send_stream(struct flow *flow, uint64_t number, bool back, uint64_t bytes)
{
    uint8_t room[800];
    struct stream stream = stream_of(number, back);
    for (uint64_t left = bytes; left > 0;) {
        struct span piece = span_first(SPAN_OF(room), MIN(left, sizeof room));
        for (size_t i = 0; i < piece.length_bytes; i++)
            piece.bytes[i] = stream_next(&stream);
        enum result result = flow_write_view(flow, span_view(piece),
                                             deadline_after(loop_now_ns(), PATIENCE_NS));
        if (result != OK) return result;
        left -= piece.length_bytes;
    }
    return OK;
}

/* INVALID: a byte is another than was sent. */
static enum result receive_stream(struct flow *flow, uint64_t number, bool back, uint64_t *bytes)
{
    struct stream stream = stream_of(number, back);
    *bytes = 0;
    for (;;) {
        struct view piece;
        enum result result = flow_borrow(flow, &piece, deadline_after(loop_now_ns(), PATIENCE_NS));
        if (result == CLOSED) return OK;
        if (result != OK) return result;
        bool fits = true;
        for (size_t i = 0; i < piece.length_bytes; i++)
            fits = view_byte(piece, i) == stream_next(&stream) && fits;
        *bytes += piece.length_bytes;
        flow_give_back(flow, piece.length_bytes);
        if (!fits) return INVALID;
    }
}

/* ---- the one that serves ---- */

static struct session {
    struct task task;
    struct flow *flow;
    bool is_busy;
} sessions[SESSIONS];

static uint64_t served, broken;

static enum result serve_transfer(struct flow *flow)
{
    uint8_t head[8];
    size_t head_bytes;
    uint64_t bytes;
    enum result result = flow_read_whole(flow, SPAN_OF(head), &head_bytes,
                                         deadline_after(loop_now_ns(), PATIENCE_NS));
    if (result != OK) return result;
    struct cursor cursor = cursor_over(VIEW_OF(head));
    uint64_t number = cursor_u64_be(&cursor);
    result = receive_stream(flow, number, false, &bytes);
    return result == OK ? send_stream(flow, number, true, bytes) : result;
}

static void session_run(struct task *task)
{
    struct session *session = CONTAINER_OF(task, struct session, task);
    enum result result = serve_transfer(session->flow);
    if (result == OK) served++;
    if (result != OK) broken++;
    if (result == INVALID) say("a byte is another than was sent\n");
    flow_close_gently(session->flow, deadline_after(loop_now_ns(), PATIENCE_NS));
    session->is_busy = false;
}

static struct session *free_session(void)
{
    for (size_t i = 0; i < SESSIONS; i++) {
        if (!sessions[i].is_busy) return &sessions[i];
    }
    return NULL;
}

static void start_session(struct scope *scope, struct flow *flow)
{
    struct session *session = free_session();
    if (session == NULL) {
        flow_abort(flow);
        return;
    }
    *session = (struct session){ .task = { session_run }, .flow = flow, .is_busy = true };
    if (fiber_start(scope, &session->task, "session", STACK_SMALL) == OK) return;
    flow_abort(flow);
    session->is_busy = false;
}

static enum result serve(void)
{
    const struct endpoint local = { .port = PORT };
    const struct listen_options options = { .backlog = SESSIONS };
    struct listener *listener;
    struct scope scope;
    enum result result = tcp_listen(stack.stack.tcp, &local, &options, &listener);
    if (result != OK) return result;
    scope_open(&scope, "sessions");
    say("serving\n");
    while (!stop_is_requested()) {
        struct flow *flow;
        result = listener_accept(listener, &flow, deadline_after(loop_now_ns(), 100 * MS_NS));
        if (result == OK) start_session(&scope, flow);
    }
    scope_close(&scope);
    listener_close(listener);
    say("served %llu, broken %llu\n", (unsigned long long)served, (unsigned long long)broken);
    return OK;
}

/* ---- the one that calls ---- */

static enum result exchange(struct flow *flow, uint64_t number)
{
    uint8_t head[8];
    struct writer writer = writer_over(SPAN_OF(head));
    writer_put_u64_be(&writer, number);
    uint64_t bytes = 0;
    enum result result = flow_write_view(flow, writer_view(&writer),
                                         deadline_after(loop_now_ns(), PATIENCE_NS));
    if (result == OK) result = send_stream(flow, number, false, own.bytes);
    if (result == OK) result = flow_shut(flow);
    if (result == OK) result = receive_stream(flow, number, true, &bytes);
    if (result == OK && bytes != own.bytes) result = INVALID;
    return result;
}

/* On a wire that loses frames the few questions for the neighbour's address may all be lost. */
static enum result reach(struct flow **flow)
{
    enum result result = UNREACHABLE;
    for (unsigned i = 0; i < 10 && result == UNREACHABLE; i++)
        result = tcp_connect(stack.stack.tcp, &own.to, NULL, flow,
                             deadline_after(loop_now_ns(), PATIENCE_NS));
    return result;
}

static enum result transfer(uint64_t number)
{
    struct flow *flow;
    uint64_t start_ns = clock_monotonic_ns();
    enum result result = reach(&flow);
    if (result == OK) {
        say("transfer %llu: connected\n", (unsigned long long)number);
        result = exchange(flow, number);
        flow_close(flow);
    }
    say("transfer %llu: %s after %llu ms\n", (unsigned long long)number,
        result == OK ? "intact" : result_text(result),
        (unsigned long long)((clock_monotonic_ns() - start_ns) / MS_NS));
    return result;
}

static enum result call(void)
{
    enum result result = OK;
    for (uint64_t number = 1; number <= own.transfers && result == OK; number++)
        result = transfer(number);
    return result;
}

/* ---- both ---- */

static bool is_quiet(const struct tcp_core_statistics *figures)
{
    return figures->connection_count == 0 && figures->time_wait_count == 0 &&
           figures->syn_count == 0;
}

/* Every connection must come to its end by itself. */
static void wait_for_quiet(void)
{
    const struct tcp_core_statistics *figures = tcp_core_statistics(&stack.core.tcp);
    uint64_t deadline_ns = deadline_after(loop_now_ns(), ENDING_NS);
    while (!is_quiet(figures) && loop_now_ns() < deadline_ns)
        (void)fiber_sleep(100 * MS_NS);
    say("left: connections %llu, time-wait %llu, half-open %llu\n",
        (unsigned long long)figures->connection_count, (unsigned long long)figures->time_wait_count,
        (unsigned long long)figures->syn_count);
}

enum result image_start(void)
{
    static const struct net_sim_parameters card = { 0 };
    enum result result = net_sim_open(&net_sim, &card);
    if (result != OK) return result;
    result = stack_direct_open(&stack, &net_sim.net, &stack_parameters);
    if (result != OK) return image_failed("stack0", result);
    result = own.to.address.family == ADDRESS_ANY ? serve() : call();
    wait_for_quiet();
    stack_direct_close(&stack);
    net_sim_close(&net_sim);
    return result;
}
