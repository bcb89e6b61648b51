/* tcp_socket_drain_test.c - ending a listener while clients connect all the time: everybody whose
 * connection was established gets an answer, and nobody a reset.
 *
 * SPDX-License-Identifier: ISC */
#include <limits.h>

#include "target/clock.h"
#include "target/unix/tcp_socket.h"
#include "tcp/tcp_suite.h"

#define CLIENTS 24

static const struct tcp_socket_parameters parameters = { .connection_count = 256 };
static struct tcp_socket clients_tcp, server_tcp;

static struct {
    struct endpoint peer;
    bool stop;
    unsigned answered, unanswered, refused;
} course;

struct client {
    struct task task;
};

/* An established connection must be answered and then end. */
static bool is_answered(struct flow *flow)
{
    uint8_t bytes[8];
    size_t length_bytes;
    if (flow_write_view(flow, VIEW("question"), tcp_suite_soon()) != OK) return false;
    if (flow_read_whole(flow, span_first(SPAN_OF(bytes), 6), &length_bytes, tcp_suite_soon()) != OK)
        return false;
    return flow_read(flow, SPAN_OF(bytes), &length_bytes, tcp_suite_soon()) == CLOSED;
}

static void client_once(void)
{
    struct flow *flow;
    uint64_t deadline_ns = clock_monotonic_ns() + 100 * MS_NS;
    enum result result = tcp_connect(&clients_tcp.tcp, &course.peer, NULL, &flow, deadline_ns);
    course.refused += result == REFUSED;
    if (result != OK) return;
    if (is_answered(flow)) {
        course.answered++;
    } else {
        course.unanswered++;
    }
    flow_close(flow);
}

static void client_run(struct task *task)
{
    (void)task;
    while (!course.stop)
        client_once();
}

static void answer(struct flow *flow)
{
    uint8_t bytes[8];
    size_t length_bytes;
    const struct view last = VIEW("answer");
    expect_ok(flow_read_whole(flow, SPAN_OF(bytes), &length_bytes, tcp_suite_soon()));
    expect_ok(flow_write_last(flow, &last, 1, &length_bytes, tcp_suite_soon()));
    flow_close(flow);
}

/* Answers so many, or until the listener has no more to give. */
static enum result serve(struct listener *listener, unsigned count)
{
    enum result result = OK;
    for (unsigned i = 0; i < count && result == OK; i++) {
        struct flow *flow;
        result = listener_accept(listener, &flow, tcp_suite_soon());
        if (result == OK) answer(flow);
    }
    return result;
}

/* Goes on until clients have been turned away, which the listener that drains did: it is not closed
 * yet. */
static void wait_for_refusal(void)
{
    uint64_t end_ns = tcp_suite_soon();
    while (course.refused == 0 && clock_monotonic_ns() < end_ns)
        (void)fiber_sleep(MS_NS);
    expect(course.refused > 0);
}

TEST(tcp_socket_drain_under_load)
{
    struct client clients[CLIENTS];
    struct scope scope;
    expect_ok(tcp_socket_open(&clients_tcp, &parameters));
    expect_ok(tcp_socket_open(&server_tcp, &parameters));
    for (unsigned round = 0; round < 5; round++) {
        struct listener *listener = tcp_suite_listen(&server_tcp.tcp, ADDRESS_ANY, 64);
        course.peer = tcp_suite_reach(listener, ADDRESS_IPV4);
        course.stop = false;
        course.answered = course.refused = 0;
        scope_open(&scope, "clients");
        for (size_t i = 0; i < LENGTH_OF(clients); i++) {
            clients[i].task.run = client_run;
            expect_ok(fiber_start(&scope, &clients[i].task, "client", STACK_MEDIUM));
        }
        expect_ok(serve(listener, 10 * CLIENTS));
        listener_drain(listener);
        expect_result(serve(listener, UINT_MAX), CLOSED);
        wait_for_refusal();
        listener_close(listener);
        course.stop = true;
        expect_ok(scope_wait(&scope, tcp_suite_soon()));
        expect_that(course.answered, >=, 10 * CLIENTS);
        expect_that(course.unanswered, ==, 0);
    }
    tcp_socket_close(&server_tcp);
    tcp_socket_close(&clients_tcp);
}
