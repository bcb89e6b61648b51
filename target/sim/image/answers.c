/* answers.c - an image for worlds in which strangers attack: it answers one question a connection,
 * in memory that is counted, and says at the end what its stack has seen and what is left of it.
 *
 * Its policy when there are more connections than sessions: who has been here longest gives way to
 * who comes. So one that asks at once gets its answer, whoever else holds on.
 *
 * SPDX-License-Identifier: ISC */
#include "base/writer.h"
#include "fiber/fiber.h"
#include "fiber/stop.h"
#include "image/image.h"
#include "stack_direct/stack_direct.h"
#include "target/console.h"
#include "target/sim/image/say.h"
#include "target/sim/node/net_sim.h"

#define PORT           7
#define BACKLOG        64
#define QUESTION_BYTES 8
#define ANSWER_BYTES   600
#define SESSIONS       32
#define ENDING_NS      (600 * S_NS) /* longer than any connection takes to end */

struct answers_parameters {
    uint64_t patience_ns;
    bool lets_go;
};

static struct answers_parameters own;
static struct stack_direct_parameters stack_parameters;

static const struct parameter own_parameters[] = {
    PARAMETER_DURATION(struct answers_parameters, patience_ns, "patience", "500ms",
                       "for a question, and for its answer to be taken"),
    PARAMETER_FLAG(struct answers_parameters, lets_go, "lets-go", "off",
                   "closes what it gives up, which then ends by itself, and does not reset it"),
    PARAMETER_END,
};

static const struct parameter_group groups[] = {
    { "stack0",
      "",
      stack_direct_parameters,
      { (uint8_t *)&stack_parameters, sizeof stack_parameters } },
    { "answers", "", own_parameters, { (uint8_t *)&own, sizeof own } },
};

const struct image image = { .name = "answers", .parameters = groups, .parameter_count = 2 };

static struct net_sim net_sim;
static struct stack_direct stack;

/* ---- a session ---- */

static struct session {
    struct task task;
    struct fiber *fiber; /* NULL: it has not begun */
    struct flow *flow;
    uint64_t number; /* of its connection; 0: free */
} sessions[SESSIONS];

static uint64_t connections, answered, gave_way, took_the_last;

static void end_flow(struct flow *flow, bool is_done)
{
    if (is_done || own.lets_go) {
        flow_close(flow);
    } else {
        flow_abort(flow);
    }
}

/* The answer is the question, again and again. OK: the peer has taken it, and said that it is done.
 */
static enum result answer(struct flow *flow)
{
    uint8_t question[QUESTION_BYTES], room[ANSWER_BYTES];
    size_t length_bytes;
    uint64_t deadline_ns = deadline_after(loop_now_ns(), own.patience_ns);
    enum result result = flow_read_whole(flow, SPAN_OF(question), &length_bytes, deadline_ns);
    if (result != OK) return result;
    for (size_t i = 0; i < ANSWER_BYTES; i++)
        room[i] = question[i % QUESTION_BYTES];
    result = flow_write_view(flow, VIEW_OF(room), deadline_ns);
    if (result == OK) result = flow_shut(flow);
    if (result == OK) result = flow_read(flow, SPAN_OF(question), &length_bytes, deadline_ns);
    return result == CLOSED ? OK : FAILED;
}

static void session_run(struct task *task)
{
    struct session *session = CONTAINER_OF(task, struct session, task);
    session->fiber = fiber_current();
    bool is_done = answer(session->flow) == OK;
    answered += is_done;
    end_flow(session->flow, is_done);
    *session = (struct session){ 0 };
}

static struct session *free_session(void)
{
    for (size_t i = 0; i < SESSIONS; i++) {
        if (sessions[i].number == 0) return &sessions[i];
    }
    return NULL;
}

static struct session *oldest_session(void)
{
    struct session *oldest = &sessions[0];
    for (size_t i = 1; i < SESSIONS; i++) {
        if (sessions[i].number < oldest->number) oldest = &sessions[i];
    }
    return oldest;
}

static struct session *make_room(void)
{
    struct session *session = free_session();
    while (session == NULL) {
        struct session *oldest = oldest_session();
        if (oldest->fiber != NULL) {
            fiber_cancel(oldest->fiber);
            gave_way++;
        }
        fiber_yield();
        session = free_session();
    }
    return session;
}

static bool pool_is_full(void)
{
    return tcp_core_statistics(&stack.core.tcp)->connection_count ==
           stack_parameters.core.tcp.connection_count;
}

static void start_session(struct scope *scope, struct flow *flow)
{
    took_the_last += pool_is_full();
    struct session *session = make_room();
    *session = (struct session){ .task = { session_run }, .flow = flow, .number = ++connections };
    if (fiber_start(scope, &session->task, "session", STACK_SMALL) == OK) return;
    flow_abort(flow);
    *session = (struct session){ 0 };
}

static enum result serve(void)
{
    const struct endpoint local = { .port = PORT };
    const struct listen_options options = { .backlog = BACKLOG };
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
    listener_close(listener);
    scope_close(&scope);
    return OK;
}

/* ---- what is left ---- */

static bool is_quiet(const struct tcp_core_statistics *figures)
{
    return figures->connection_count == 0 && figures->time_wait_count == 0 &&
           figures->syn_count == 0 && stack.core.packets.free_count == stack.core.packets.count;
}

/* Every pool must come to rest by itself. */
static void wait_for_quiet(void)
{
    const struct tcp_core_statistics *figures = tcp_core_statistics(&stack.core.tcp);
    uint64_t deadline_ns = deadline_after(loop_now_ns(), ENDING_NS);
    while (!is_quiet(figures) && loop_now_ns() < deadline_ns)
        (void)fiber_sleep(100 * MS_NS);
    say("left: connections %llu, time-wait %llu, half-open %llu, packets %zu\n",
        (unsigned long long)figures->connection_count, (unsigned long long)figures->time_wait_count,
        (unsigned long long)figures->syn_count,
        stack.core.packets.count - stack.core.packets.free_count);
}

static void tell_figures(void)
{
    const struct tcp_core_statistics *figures = tcp_core_statistics(&stack.core.tcp);
    say("accepted %llu, answered %llu, gave way %llu; packets never under %zu of %zu\n",
        (unsigned long long)connections, (unsigned long long)answered, (unsigned long long)gave_way,
        stack.core.packets.least_free_count, stack.core.packets.count);
    say("took the last connection of the pool: %llu\n", (unsigned long long)took_the_last);
    if (took_the_last * 4 > connections) say("the pool was full a good part of the time\n");
    if (figures->connections_refused_full > 0) say("some waited for a connection\n");
    say("cookies: sent %llu, taken %llu, false %llu; dropped: SYNs %llu, for the backlog %llu, "
        "for connections %llu\n",
        (unsigned long long)figures->syn_cookies_sent,
        (unsigned long long)figures->syn_cookies_received,
        (unsigned long long)figures->syn_cookies_failed, (unsigned long long)figures->syn_dropped,
        (unsigned long long)figures->backlog_overflows,
        (unsigned long long)figures->connections_refused_full);
}

/* Whoever looks on counts the memory between these words and the next. */
static enum result open_stack(void)
{
    static const struct net_sim_parameters card = { 0 };
    enum result result = net_sim_open(&net_sim, &card);
    if (result != OK) return result;
    say("opening a stack of %zu bytes\n", sizeof stack);
    (void)fiber_sleep(MS_NS);
    result = stack_direct_open(&stack, &net_sim.net, &stack_parameters);
    return result == OK ? OK : image_failed("stack0", result);
}

enum result image_start(void)
{
    enum result result = open_stack();
    if (result != OK) return result;
    result = serve();
    tell_figures();
    wait_for_quiet();
    stack_direct_close(&stack);
    net_sim_close(&net_sim);
    return result;
}
