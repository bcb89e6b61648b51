/* tcp_accept_suite.c - cases for every TCP: accepting, the backlog, draining.
 *
 * SPDX-License-Identifier: ISC */
#include "target/clock.h"
#include "tcp/tcp_suite.h"

/* A fiber that accepts once, and one that connects once. */
struct acceptor {
    struct task task;
    struct listener *listener;
    struct flow *flow;
    enum result result;
    uint64_t deadline_ns;
};

static void acceptor_run(struct task *task)
{
    struct acceptor *acceptor = CONTAINER_OF(task, struct acceptor, task);
    acceptor->result = listener_accept(acceptor->listener, &acceptor->flow, acceptor->deadline_ns);
}

static void acceptor_start(struct acceptor *acceptor, struct scope *scope,
                           struct listener *listener)
{
    *acceptor = (struct acceptor){ .task.run = acceptor_run,
                                   .listener = listener,
                                   .deadline_ns = tcp_suite_soon() };
    scope_open(scope, "suite");
    expect_ok(fiber_start(scope, &acceptor->task, "acceptor", STACK_MEDIUM));
    (void)fiber_sleep(TCP_SUITE_QUIET_NS);
    expect(!list_is_empty(&scope->fibers));
}

void tcp_case_accept_waits(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 4);
    struct acceptor acceptor;
    struct scope scope;
    acceptor_start(&acceptor, &scope, listener);
    struct flow *client = tcp_suite_connect(tcp, listener);
    expect_ok(scope_wait(&scope, tcp_suite_soon()));
    expect_ok(acceptor.result);
    tcp_suite_expect_connected(client, acceptor.flow);
    flow_close(client);
    flow_close(acceptor.flow);
    listener_close(listener);
    fixture->close(fixture);
}

void tcp_case_accept_times_out(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 4);
    struct flow *flow;
    uint64_t deadline_ns = tcp_suite_quiet();
    expect_result(listener_accept(listener, &flow, NO_WAIT), TIMED_OUT);
    expect_result(listener_accept(listener, &flow, deadline_ns), TIMED_OUT);
    expect_that(clock_monotonic_ns(), >=, deadline_ns);
    struct flow *client = tcp_suite_connect(tcp, listener);
    (void)fiber_sleep(TCP_SUITE_QUIET_NS); /* who connects knows it first */
    expect_ok(listener_accept(listener, &flow, NO_WAIT));
    flow_close(client);
    flow_close(flow);
    listener_close(listener);
    fixture->close(fixture);
}

void tcp_case_accept_is_cancelled(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 4);
    struct acceptor acceptor;
    struct scope scope;
    acceptor_start(&acceptor, &scope, listener);
    scope_close(&scope);
    expect_result(acceptor.result, CANCELLED);
    struct flow *client = tcp_suite_connect(tcp, listener);
    struct flow *server = tcp_suite_accept(listener);
    tcp_suite_expect_connected(client, server);
    flow_close(client);
    flow_close(server);
    listener_close(listener);
    fixture->close(fixture);
}

void tcp_case_accept_in_order(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 8);
    struct flow *clients[5], *servers[5];
    for (size_t i = 0; i < LENGTH_OF(clients); i++)
        clients[i] = tcp_suite_connect(tcp, listener);
    for (size_t i = 0; i < LENGTH_OF(servers); i++) {
        servers[i] = tcp_suite_accept(listener);
        expect(endpoint_equal(&servers[i]->peer, &clients[i]->local));
    }
    for (size_t i = 0; i < LENGTH_OF(servers); i++) {
        tcp_suite_expect_connected(clients[i], servers[i]);
        flow_close(clients[i]);
        flow_close(servers[i]);
    }
    listener_close(listener);
    fixture->close(fixture);
}

void tcp_case_backlog_is_bounded(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 2);
    struct endpoint peer = tcp_suite_reach(listener, ADDRESS_IPV4);
    struct flow *clients[3], *flow;
    clients[0] = tcp_suite_connect(tcp, listener);
    clients[1] = tcp_suite_connect(tcp, listener);
    expect_result(tcp_connect(tcp, &peer, NULL, &flow, tcp_suite_quiet()), TIMED_OUT);
    struct flow *server = tcp_suite_accept(listener);
    clients[2] = tcp_suite_connect(tcp, listener);
    tcp_suite_expect_connected(clients[0], server);
    flow_close(server);
    for (size_t i = 0; i < LENGTH_OF(clients); i++)
        flow_close(clients[i]);
    for (size_t i = 0; i < 2; i++)
        flow_close(tcp_suite_accept(listener));
    listener_close(listener);
    fixture->close(fixture);
}

/* Before, during and after. */
void tcp_case_drain_takes_no_more(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 4);
    struct endpoint peer = tcp_suite_reach(listener, ADDRESS_IPV4);
    struct flow *before = tcp_suite_connect(tcp, listener);
    struct flow *flow;
    listener_drain(listener);
    listener_drain(listener);
    enum result late = tcp_connect(tcp, &peer, NULL, &flow, tcp_suite_quiet());
    expect(late == TIMED_OUT || late == REFUSED);
    struct flow *server = tcp_suite_accept(listener);
    expect_result(listener_accept(listener, &flow, tcp_suite_soon()), CLOSED);
    expect_result(listener_accept(listener, &flow, NO_WAIT), CLOSED);
    listener_close(listener);
    tcp_suite_expect_connected(before, server);
    flow_close(before);
    flow_close(server);
    expect_result(tcp_connect(tcp, &peer, NULL, &flow, tcp_suite_soon()), REFUSED);
    fixture->close(fixture);
}

void tcp_case_drain_wakes_accept(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 4);
    struct acceptor acceptor;
    struct scope scope;
    acceptor_start(&acceptor, &scope, listener);
    listener_drain(listener);
    expect_ok(scope_wait(&scope, tcp_suite_soon()));
    expect_result(acceptor.result, CLOSED);
    listener_close(listener);
    fixture->close(fixture);
}
