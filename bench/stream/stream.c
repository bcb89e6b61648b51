/* stream.c - who connects to the source's port is sent one constant block again and again, lent and
 * never copied; what comes to the sink's port is borrowed and dropped. One connection each at a
 * time.
 *
 * SPDX-License-Identifier: ISC */
#include "stream.h"

#include "fiber/stop.h"

#define LOG_MODULE "stream"
#include "log/log.h"

#define LOANS       4
#define BLOCK_BYTES ((size_t)256 * 1024)

const struct parameter stream_parameters[] = {
    PARAMETER_NUMBER(struct stream_parameters, source_port, "source-port", "5001", 1, 65535,
                     "TCP port that sends"),
    PARAMETER_NUMBER(struct stream_parameters, sink_port, "sink-port", "5002", 1, 65535,
                     "TCP port that takes"),
    PARAMETER_END,
};

struct server {
    struct task task;
    struct listener *listener;
    enum result (*serve)(struct flow *flow);
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

/* ---- serving ---- */

static void server_run(struct task *task)
{
    struct server *server = CONTAINER_OF(task, struct server, task);
    struct flow *flow;
    while (listener_accept(server->listener, &flow, NEVER) == OK)
        if (server->serve(flow) == CANCELLED) return;
}

static enum result server_open(struct server *server, struct tcp *tcp, uint64_t port)
{
    const struct endpoint local = { .port = (uint16_t)port };
    const struct listen_options options = { .backlog = 4 };
    server->task.run = server_run;
    return tcp_listen(tcp, &local, &options, &server->listener);
}

static enum result serve_both(struct server *source, struct server *sink)
{
    struct scope scope;
    scope_open(&scope, "streams");
    enum result result = fiber_start(&scope, &source->task, "source", STACK_SMALL);
    if (result == OK) result = fiber_start(&scope, &sink->task, "sink", STACK_SMALL);
    if (result == OK) result = stop_wait(NEVER);
    scope_close(&scope);
    return result;
}

enum result stream_start(struct tcp *tcp, const struct stream_parameters *parameters)
{
    struct server source = { .serve = source_serve }, sink = { .serve = sink_serve };
    enum result result = server_open(&source, tcp, parameters->source_port);
    if (result != OK) return result;
    result = server_open(&sink, tcp, parameters->sink_port);
    if (result == OK) {
        log_info("ready");
        result = serve_both(&source, &sink);
        listener_close(sink.listener);
    }
    listener_close(source.listener);
    return result;
}
