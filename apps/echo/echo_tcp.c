/* echo_tcp.c - echo over TCP (RFC 862): what a connection sends comes back on it.
 *
 * One fiber accepts, and accepts only when a session is free: what comes beyond waits in the
 * backlog, which is bounded too. So no number of clients can make this service need more memory
 * than it took when it opened.
 *
 * SPDX-License-Identifier: ISC */
#include "echo_tcp.h"

#include "base/writer.h"
#include "fiber/stop.h"
#include "target/memory.h"

#define LOG_MODULE "echo"
#include "log/log.h"

/* For a peer that does not close when it is told the end, and for what is in flight at a stop. */
#define GRACE_NS (3 * S_NS)

const struct parameter echo_tcp_parameters[] = {
    PARAMETER_NUMBER(struct echo_tcp_parameters, port, "port", "7007", 0, 65535,
                     "TCP port to listen on; 0 takes a free one"),
    PARAMETER_NUMBER(struct echo_tcp_parameters, sessions_max, "sessions", "256", 1, 100000,
                     "connections served at the same time; more wait to be accepted"),
    PARAMETER_DURATION(struct echo_tcp_parameters, idle_timeout_ns, "idle-timeout", "60s",
                       "how long a connection may send nothing, or take nothing"),
    PARAMETER_END,
};

static const struct metric echo_tcp_metrics[] = {
    METRIC_COUNTER(struct echo_tcp, connections_count, "echo_connections_total",
                   "Connections accepted."),
    METRIC_GAUGE(struct echo_tcp, sessions_count, "echo_sessions", "Connections being served."),
    METRIC_COUNTER(struct echo_tcp, refused_count, "echo_refused_total",
                   "Connections ended because no stack was free."),
    METRIC_COUNTER(struct echo_tcp, idle_count, "echo_idle_total",
                   "Connections ended because they were idle."),
    METRIC_COUNTER(struct echo_tcp, bytes_count, "echo_bytes_total", "Bytes sent back."),
    METRIC_END,
};

/* ---- a session ---- */

static enum result session_echo(struct echo_session *session)
{
    struct echo_tcp *owner = session->owner;
    while (!stop_is_requested()) {
        size_t length_bytes;
        uint64_t patience_ns = owner->parameters.idle_timeout_ns;

        session->is_reading = true;
        enum result result = flow_read(session->flow, SPAN_OF(session->room), &length_bytes,
                                       deadline_after(loop_now_ns(), patience_ns));
        session->is_reading = false;
        if (result != OK) return result;

        struct view heard = view_first(VIEW_OF(session->room), length_bytes);
        result = flow_write_view(session->flow, heard, deadline_after(loop_now_ns(), patience_ns));
        if (result != OK) return result;
        owner->bytes_count += length_bytes;
    }
    return CLOSED;
}

static void session_give_back(struct echo_session *session)
{
    struct echo_tcp *owner = session->owner;
    list_remove(&session->node);
    list_prepend(&owner->free, &session->node);
    owner->sessions_count--;
    waiters_wake_one(&owner->for_session);
}

static void session_run(struct task *task)
{
    struct echo_session *session = CONTAINER_OF(task, struct echo_session, task);
    enum result result = session_echo(session);
    if (result == TIMED_OUT) session->owner->idle_count++;
    flow_close_gently(session->flow, deadline_after(loop_now_ns(), GRACE_NS));
    session_give_back(session);
}

static void session_begin(struct echo_tcp *tcp_echo, struct flow *flow)
{
    struct echo_session *session = CONTAINER_OF(list_take(&tcp_echo->free), struct echo_session,
                                                node);
    session->flow = flow;
    list_append(&tcp_echo->busy, &session->node);
    tcp_echo->sessions_count++;
    tcp_echo->connections_count++;
    if (fiber_start(&tcp_echo->scope, &session->task, "echo session", STACK_SMALL) == OK) return;
    tcp_echo->refused_count++;
    log_warning("no stack for a session: raise --fibers-small, or lower --sessions");
    flow_abort(flow);
    session_give_back(session);
}

/* ---- accepting ---- */

static enum result session_await(struct echo_tcp *tcp_echo)
{
    enum result result = OK;
    while (result == OK && list_is_empty(&tcp_echo->free))
        result = waiters_wait(&tcp_echo->for_session, "echo session", NEVER);
    return result;
}

static enum result accept_one(struct echo_tcp *tcp_echo)
{
    struct flow *flow;
    enum result result = session_await(tcp_echo);
    if (result == OK) result = listener_accept(tcp_echo->listener, &flow, NEVER);
    if (result == OK) session_begin(tcp_echo, flow);
    if (result != FULL) return result;

    /* Another user of this TCP has all its connections: the next one waits with the rest. */
    return fiber_sleep(10 * MS_NS) == CANCELLED ? CANCELLED : OK;
}

static void acceptor_run(struct task *task)
{
    struct echo_tcp *tcp_echo = CONTAINER_OF(task, struct echo_tcp, acceptor);
    enum result result;
    do {
        result = accept_one(tcp_echo);
    } while (result == OK);
    if (result != CLOSED && result != CANCELLED)
        log_error("accepting ended: %s", result_text(result));
}

/* ---- the service ---- */

static enum result listen_on(struct echo_tcp *tcp_echo)
{
    const struct endpoint local = { .port = (uint16_t)tcp_echo->parameters.port };
    const struct listen_options options = { .backlog = 128 };
    enum result result = tcp_listen(tcp_echo->tcp, &local, &options, &tcp_echo->listener);
    if (result != OK) return result;
    uint16_t port = tcp_echo->listener->local.port;
    struct writer name = writer_over(
        span_first(SPAN_OF(tcp_echo->instance), sizeof tcp_echo->instance - 1));
    writer_format(&name, "tcp-%u", port);
    metrics_register(&tcp_echo->metrics, tcp_echo->instance, echo_tcp_metrics, SPAN_OF(*tcp_echo));
    log_info("listening on TCP port %u, at most %llu sessions", port,
             (unsigned long long)tcp_echo->parameters.sessions_max);
    return OK;
}

/* A session that reads has sent back all it has heard: the peer is told the end, and its own end
 * lets the read return. The others see the stop when they have written. */
static void sessions_end(struct echo_tcp *tcp_echo)
{
    list_for_each (node, &tcp_echo->busy) {
        struct echo_session *session = CONTAINER_OF(node, struct echo_session, node);
        if (session->is_reading) result_ignore(flow_shut(session->flow)); /* its read will tell */
    }
    uint64_t deadline_ns = deadline_after(loop_now_ns(), GRACE_NS);
    result_ignore(scope_wait(&tcp_echo->scope, deadline_ns)); /* who is late is cancelled */
    scope_close(&tcp_echo->scope);
}

static enum result echo_tcp_serve(struct echo *echo)
{
    struct echo_tcp *tcp_echo = CONTAINER_OF(echo, struct echo_tcp, echo);
    enum result result = listen_on(tcp_echo);
    if (result != OK) return result;

    scope_open(&tcp_echo->scope, "echo sessions");
    result = fiber_start(&tcp_echo->scope, &tcp_echo->acceptor, "echo acceptor", STACK_SMALL);
    if (result == OK) result = stop_wait(NEVER);
    listener_drain(tcp_echo->listener);
    sessions_end(tcp_echo);
    listener_close(tcp_echo->listener);
    metrics_withdraw(&tcp_echo->metrics);
    return result;
}

static const struct echo_ops echo_tcp_ops = ECHO_OPS(echo_tcp);

enum result echo_tcp_open(struct echo_tcp *tcp_echo, struct tcp *tcp,
                          const struct echo_tcp_parameters *parameters)
{
    *tcp_echo = (struct echo_tcp){ .echo = { &echo_tcp_ops },
                                   .tcp = tcp,
                                   .parameters = *parameters,
                                   .acceptor = { acceptor_run } };
    list_init(&tcp_echo->free);
    list_init(&tcp_echo->busy);
    waiters_init(&tcp_echo->for_session);
    enum result result = memory_take(parameters->sessions_max * sizeof(struct echo_session),
                                     &tcp_echo->memory);
    if (result != OK) return result;
    struct echo_session *sessions = (struct echo_session *)(void *)tcp_echo->memory.bytes;
    for (size_t i = 0; i < parameters->sessions_max; i++) {
        sessions[i].task.run = session_run;
        sessions[i].owner = tcp_echo;
        list_append(&tcp_echo->free, &sessions[i].node);
    }
    return OK;
}

void echo_tcp_close(struct echo_tcp *tcp_echo)
{
    memory_give_back(tcp_echo->memory);
}
