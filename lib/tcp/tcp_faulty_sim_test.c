/* tcp_faulty_sim_test.c - the conformance suites on tcp_faulty over tcp_loop, in virtual time, and
 * its faults.
 *
 * SPDX-License-Identifier: ISC */
#include "flow/flow_suite.h"
#include "tcp/tcp_faulty.h"
#include "tcp/tcp_loop.h"
#include "tcp/tcp_suite.h"

#define BUFFER_BYTES ((size_t)2048)
#define FLOWS        32

static const struct tcp_loop_options options = { .connection_count = 16,
                                                 .listener_count = 4,
                                                 .buffer_bytes = BUFFER_BYTES };
static struct tcp_loop loop;
static struct tcp_faulty faulty;

static struct tcp *open_with(const struct tcp_faulty_plan *plan, size_t flow_count)
{
    expect_ok(tcp_loop_open(&loop, &options));
    expect_ok(tcp_faulty_open(&faulty, &loop.tcp, flow_count, plan));
    return &faulty.tcp;
}

static void close_both(void)
{
    tcp_faulty_close(&faulty);
    tcp_loop_close(&loop);
}

static struct tcp *suite_open(struct tcp_fixture *fixture)
{
    const struct tcp_faulty_plan plan = {
        .flow = { .seed = 11, .piece_bytes_max = 500, .delay_ns_max = 50 * US_NS },
        .connect_delay_ns_max = MS_NS,
    };
    (void)fixture;
    return open_with(&plan, FLOWS);
}

static void suite_close(struct tcp_fixture *fixture)
{
    (void)fixture;
    close_both();
}

static struct tcp_fixture fixture_of_tcp = { .open = suite_open, .close = suite_close };

TCP_SUITE(tcp_faulty, &fixture_of_tcp)

static void flows_open(struct flow_fixture *fixture, struct flow **near, struct flow **far)
{
    (void)fixture;
    struct listener *listener = tcp_suite_listen(suite_open(NULL), ADDRESS_IPV4, 1);
    *far = tcp_suite_connect(&faulty.tcp, listener);
    *near = tcp_suite_accept(listener);
    listener_close(listener);
}

static void flows_close(struct flow_fixture *fixture)
{
    (void)fixture;
    close_both();
}

static struct flow_fixture fixture_of_flow = {
    .open = flows_open,
    .close = flows_close,
    .held_bytes_max = BUFFER_BYTES,
};

FLOW_SUITE(tcp_faulty_flow, &fixture_of_flow)

TEST(tcp_faulty_refuses_as_planned)
{
    const struct tcp_faulty_plan plan = { .flow.seed = 2,
                                          .refuse_per_million = 200000,
                                          .unreachable_per_million = 250000 };
    struct tcp *tcp = open_with(&plan, FLOWS);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 2);
    struct endpoint peer = tcp_suite_reach(listener, ADDRESS_IPV4);
    unsigned counts[FAILED + 1] = { 0 };
    for (unsigned i = 0; i < 1000; i++) {
        struct flow *flow;
        enum result result = tcp_connect(tcp, &peer, NULL, &flow, tcp_suite_soon());
        counts[result]++;
        if (result != OK) continue;
        flow_close(flow);
        flow_close(tcp_suite_accept(listener));
    }
    expect_that(counts[OK] + counts[REFUSED] + counts[UNREACHABLE], ==, 1000);
    expect(counts[REFUSED] > 130 && counts[REFUSED] < 270);
    expect(counts[UNREACHABLE] > 130 && counts[UNREACHABLE] < 270);
    listener_close(listener);
    close_both();
}

TEST(tcp_faulty_is_full)
{
    const struct tcp_faulty_plan none = { 0 };
    struct tcp *tcp = open_with(&none, 1);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 2);
    struct endpoint peer = tcp_suite_reach(listener, ADDRESS_IPV4);
    struct flow *client = tcp_suite_connect(tcp, listener), *flow;
    expect_result(tcp_connect(tcp, &peer, NULL, &flow, tcp_suite_soon()), FULL);
    expect_result(listener_accept(listener, &flow, tcp_suite_soon()), FULL);
    flow_close(client);
    flow_close(tcp_suite_accept(listener));
    listener_close(listener);
    close_both();
}

/* Whatever breaks, every place is free again in the end. */
TEST(tcp_faulty_cuts_leave_nothing_behind)
{
    const struct tcp_faulty_plan plan = {
        .flow = { .seed = 4, .piece_bytes_max = 50, .cut_per_million = 50000 }
    };
    struct tcp *tcp = open_with(&plan, FLOWS);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 2);
    unsigned broken = 0;
    for (unsigned i = 0; i < 300; i++) {
        uint8_t bytes[300];
        size_t length_bytes;
        struct flow *client = tcp_suite_connect(tcp, listener);
        struct flow *server = tcp_suite_accept(listener);
        span_fill(SPAN_OF(bytes), (uint8_t)i);
        enum result result = flow_write_view(client, VIEW_OF(bytes), tcp_suite_soon());
        if (result == OK)
            result = flow_read_whole(server, SPAN_OF(bytes), &length_bytes, tcp_suite_soon());
        expect(result == OK || result == FAILED);
        broken += result == FAILED;
        flow_close(client);
        flow_close(server);
    }
    expect(broken > 100 && broken < 300);
    expect_that(loop.open_count, ==, 0);
    listener_close(listener);
    close_both();
}
