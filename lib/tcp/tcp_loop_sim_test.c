/* tcp_loop_sim_test.c - the conformance suites on tcp_loop, in virtual time.
 *
 * SPDX-License-Identifier: ISC */
#include "flow/flow_suite.h"
#include "tcp/tcp_loop.h"
#include "tcp/tcp_suite.h"

#define BUFFER_BYTES ((size_t)2048)

static const struct tcp_loop_options options = { .connection_count = 16,
                                                 .listener_count = 4,
                                                 .buffer_bytes = BUFFER_BYTES };
static struct tcp_loop loop;

static struct tcp *loop_open(struct tcp_fixture *fixture)
{
    (void)fixture;
    expect_ok(tcp_loop_open(&loop, &options));
    return &loop.tcp;
}

static void loop_close(struct tcp_fixture *fixture)
{
    (void)fixture;
    tcp_loop_close(&loop);
}

static struct tcp_fixture fixture_of_tcp = { .open = loop_open, .close = loop_close };

TCP_SUITE(tcp_loop, &fixture_of_tcp)

static void flows_open(struct flow_fixture *fixture, struct flow **near, struct flow **far)
{
    (void)fixture;
    struct listener *listener = tcp_suite_listen(loop_open(NULL), ADDRESS_IPV4, 1);
    *far = tcp_suite_connect(&loop.tcp, listener);
    *near = tcp_suite_accept(listener);
    listener_close(listener);
}

static void flows_close(struct flow_fixture *fixture)
{
    (void)fixture;
    tcp_loop_close(&loop);
}

static struct flow_fixture fixture_of_flow = {
    .open = flows_open,
    .close = flows_close,
    .held_bytes_max = BUFFER_BYTES,
};

FLOW_SUITE(tcp_loop_flow, &fixture_of_flow)

TEST(tcp_loop_is_full)
{
    struct tcp *tcp = loop_open(NULL);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 100);
    struct endpoint peer = tcp_suite_reach(listener, ADDRESS_IPV4);
    struct flow *clients[16], *flow;
    for (size_t i = 0; i < LENGTH_OF(clients); i++)
        clients[i] = tcp_suite_connect(tcp, listener);
    expect_result(tcp_connect(tcp, &peer, NULL, &flow, tcp_suite_soon()), FULL);
    flow_close(clients[0]);
    expect_result(tcp_connect(tcp, &peer, NULL, &flow, tcp_suite_soon()), FULL);
    flow_close(tcp_suite_accept(listener));
    clients[0] = tcp_suite_connect(tcp, listener);
    for (size_t i = 0; i < LENGTH_OF(clients); i++)
        flow_close(clients[i]);
    listener_close(listener);
    loop_close(NULL);
}

TEST(tcp_loop_has_room_for_so_many_listeners)
{
    struct tcp *tcp = loop_open(NULL);
    const struct listen_options one = { .backlog = 1 };
    const struct endpoint any = { 0 };
    struct listener *listeners[4], *fifth;
    for (size_t i = 0; i < LENGTH_OF(listeners); i++)
        listeners[i] = tcp_suite_listen(tcp, ADDRESS_ANY, 1);
    expect_result(tcp_listen(tcp, &any, &one, &fifth), FULL);
    for (size_t i = 0; i < LENGTH_OF(listeners); i++)
        listener_close(listeners[i]);
    loop_close(NULL);
}

/* An attempt that waits for room goes on when there is some, and is refused when nobody listens
 * any more. */
struct attempt {
    struct task task;
    struct endpoint peer;
    struct flow *flow;
    enum result result;
};

static void attempt_run(struct task *task)
{
    struct attempt *attempt = CONTAINER_OF(task, struct attempt, task);
    attempt->result = tcp_connect(&loop.tcp, &attempt->peer, NULL, &attempt->flow, NEVER);
}

TEST(tcp_loop_attempts_wait_for_room)
{
    struct tcp *tcp = loop_open(NULL);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 1);
    struct flow *first = tcp_suite_connect(tcp, listener);
    struct attempt attempts[2] = { 0 };
    struct scope scope;
    scope_open(&scope, "attempts");
    for (size_t i = 0; i < LENGTH_OF(attempts); i++) {
        attempts[i].task.run = attempt_run;
        attempts[i].peer = tcp_suite_reach(listener, ADDRESS_IPV4);
        expect_ok(fiber_start(&scope, &attempts[i].task, "attempt", STACK_SMALL));
    }
    (void)fiber_sleep(TCP_SUITE_QUIET_NS);
    flow_close(tcp_suite_accept(listener));
    (void)fiber_sleep(TCP_SUITE_QUIET_NS);
    listener_close(listener);
    expect_ok(scope_wait(&scope, tcp_suite_soon()));
    expect_ok(attempts[0].result);
    expect_result(attempts[1].result, REFUSED);
    flow_close(attempts[0].flow);
    flow_close(first);
    loop_close(NULL);
}
