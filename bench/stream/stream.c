/* stream.c - who connects to the source's port is sent one constant block again and again, lent and
 * never copied; what comes to the sink's port is borrowed and dropped, one connection each at a
 * time; who connects to the third port is kept, and nothing else: what a connection costs the
 * stack; who connects to the fourth is told the image's metrics, as text and nothing round it.
 *
 * SPDX-License-Identifier: ISC */
#include "stream.h"

#include "fiber/stop.h"
#include "metrics/metrics.h"
#include "target/memory.h"

#define LOG_MODULE "stream"
#include "log/log.h"

#define LOANS        16
#define BACKLOG      4
#define BACKLOG_HELD 512
#define BLOCK_BYTES \
    ((size_t)512 * 1024) /* all together more than a send buffer holds: that limits */

const struct parameter stream_parameters[] = {
    PARAMETER_NUMBER(struct stream_parameters, source_port, "source-port", "5001", 1, 65535,
                     "TCP port that sends"),
    PARAMETER_NUMBER(struct stream_parameters, sink_port, "sink-port", "5002", 1, 65535,
                     "TCP port that takes"),
    PARAMETER_NUMBER(struct stream_parameters, hold_port, "hold-port", "5003", 1, 65535,
                     "TCP port that keeps connections"),
    PARAMETER_NUMBER(struct stream_parameters, figures_port, "figures-port", "5004", 1, 65535,
                     "TCP port that tells the metrics"),
    PARAMETER_NUMBER(struct stream_parameters, held_max, "hold", "16", 1, 1000000,
                     "connections that it keeps"),
    PARAMETER_END,
};

struct server {
    struct task task;
    struct listener *listener;
    enum result (*serve)(struct flow *flow);
};

struct keeper {
    struct task task;
    struct listener *listener;
    size_t held_max;
};

/* A connection's loans of the block. */
struct lender {
    struct block_loan {
        struct loan loan;
        struct lender *lender;
        bool is_lent;
    } loans[LOANS];
    struct waiters returned;
    size_t lent_count;
};

static const uint8_t block[BLOCK_BYTES] = { 1 };

/* ---- the source ---- */

static void loan_done(struct loan *loan)
{
    struct block_loan *block_loan = CONTAINER_OF(loan, struct block_loan, loan);
    block_loan->is_lent = false;
    block_loan->lender->lent_count--;
    waiters_wake_all(&block_loan->lender->returned);
}

static struct block_loan *loan_at_home(struct lender *lender)
{
    struct block_loan *loan = lender->loans;
    while (loan->is_lent)
        loan++;
    return loan;
}

static enum result lend_next(struct lender *lender, struct flow *flow)
{
    while (lender->lent_count == LOANS) {
        enum result result = waiters_wait(&lender->returned, "loan", NEVER);
        if (result != OK) return result;
    }
    struct block_loan *next = loan_at_home(lender);
    *next = (struct block_loan){ { VIEW_OF(block), loan_done }, lender, true };
    lender->lent_count++;
    enum result result = flow_lend(flow, &next->loan, NEVER);
    if (result != OK) loan_done(&next->loan);
    return result;
}

/* Ends when all loans are back, which the abort sees to. */
static enum result source_serve(struct flow *flow)
{
    struct lender lender = { 0 };
    enum result result;
    waiters_init(&lender.returned);
    do {
        result = lend_next(&lender, flow);
    } while (result == OK);
    flow_abort(flow);
    while (lender.lent_count > 0)
        if (waiters_wait_shielded(&lender.returned, "last loan", NEVER) != OK) break;
    return result;
}

/* ---- the sink ---- */

static enum result sink_serve(struct flow *flow)
{
    struct view bytes;
    enum result result;
    while ((result = flow_borrow(flow, &bytes, NEVER)) == OK)
        flow_give_back(flow, bytes.length_bytes);
    flow_close(flow);
    return result;
}

/* ---- the figures ---- */

struct figures {
    struct metrics_sink sink;
    struct flow *flow;
};

static enum result figures_put(struct metrics_sink *sink, struct view text)
{
    return flow_write_view(CONTAINER_OF(sink, struct figures, sink)->flow, text, NEVER);
}

static enum result figures_serve(struct flow *flow)
{
    struct figures figures = { { figures_put }, flow };
    enum result result = metrics_write(&figures.sink);
    flow_close(flow);
    return result;
}

/* ---- the keeper ---- */

static enum result hold_all(struct listener *listener, struct flow *held[], size_t max,
                            size_t *count)
{
    while (*count < max) {
        enum result result = listener_accept(listener, &held[*count], NEVER);
        if (result != OK) return result;
        ++*count;
    }
    return fiber_sleep_until(NEVER);
}

static void keeper_run(struct task *task)
{
    struct keeper *keeper = CONTAINER_OF(task, struct keeper, task);
    struct span memory;
    size_t count = 0;
    if (memory_take(keeper->held_max * sizeof(struct flow *), &memory) != OK) return;
    struct flow **held = (struct flow **)(void *)memory.bytes;
    (void)hold_all(keeper->listener, held, keeper->held_max, &count);
    while (count > 0)
        flow_abort(held[--count]);
    memory_give_back(memory);
}

/* ---- serving ---- */

static void server_run(struct task *task)
{
    struct server *server = CONTAINER_OF(task, struct server, task);
    struct flow *flow;
    while (listener_accept(server->listener, &flow, NEVER) == OK)
        if (server->serve(flow) == CANCELLED) return;
}

static enum result listen_on(struct tcp *tcp, uint64_t port, size_t backlog,
                             struct listener **listener)
{
    const struct endpoint local = { .port = (uint16_t)port };
    const struct listen_options options = { .backlog = backlog };
    return tcp_listen(tcp, &local, &options, listener);
}

static enum result serve_all(struct server *source, struct server *sink, struct keeper *keeper,
                             struct server *figures)
{
    struct scope scope;
    scope_open(&scope, "streams");
    enum result result = fiber_start(&scope, &source->task, "source", STACK_SMALL);
    if (result == OK) result = fiber_start(&scope, &sink->task, "sink", STACK_SMALL);
    if (result == OK) result = fiber_start(&scope, &keeper->task, "keeper", STACK_SMALL);
    if (result == OK) result = fiber_start(&scope, &figures->task, "figures", STACK_SMALL);
    if (result == OK) log_info("ready");
    if (result == OK) result = stop_wait(NEVER);
    scope_close(&scope);
    return result;
}

static void listeners_close(struct listener *listeners[], size_t count)
{
    while (count > 0)
        listener_close(listeners[--count]);
}

enum result stream_start(struct tcp *tcp, const struct stream_parameters *parameters)
{
    const uint64_t ports[] = { parameters->source_port, parameters->sink_port,
                               parameters->hold_port, parameters->figures_port };
    const size_t backlogs[LENGTH_OF(ports)] = { BACKLOG, BACKLOG, BACKLOG_HELD, BACKLOG };
    struct listener *listeners[LENGTH_OF(ports)];
    size_t open_count = 0;
    enum result result = OK;
    for (size_t i = 0; i < LENGTH_OF(ports) && result == OK; i++) {
        result = listen_on(tcp, ports[i], backlogs[i], &listeners[i]);
        open_count += result == OK;
    }
    if (result == OK) {
        struct server source = { { server_run }, listeners[0], source_serve };
        struct server sink = { { server_run }, listeners[1], sink_serve };
        struct keeper keeper = { { keeper_run }, listeners[2], (size_t)parameters->held_max };
        struct server figures = { { server_run }, listeners[3], figures_serve };
        result = serve_all(&source, &sink, &keeper, &figures);
    }
    listeners_close(listeners, open_count);
    return result;
}
