/* stack_direct_pair_sim_test.c - the conformance suite of flows between two stacks in one image,
 * over wires whose rings are short; and what is closed in an odd order.
 *
 * SPDX-License-Identifier: ISC */
#include "flow/flow_suite.h"
#include "net/net_pair.h"
#include "stack_direct/stack_direct.h"
#include "target/memory.h"

struct pair_fixture {
    struct flow_fixture fixture;
    struct net_pair_options options;
    bool is_poor; /* in buffers */
};

static struct net_pair pair;
static struct stack_direct stacks[2];
static struct listener *listener;

static void open_stack(size_t index, struct net *net, bool is_poor)
{
    static struct stack_direct_parameters parameters;
    const struct parameter_group group = { .device = "stack0",
                                           .prefix = "",
                                           .table = stack_direct_parameters,
                                           .values = SPAN_OF(parameters) };
    const struct view arguments[] = {
        index == 0 ? VIEW("--ipv4=192.0.2.1/24") : VIEW("--ipv4=192.0.2.2/24"),
        is_poor ? VIEW("--packets=96") : VIEW("--packets=2048"), VIEW("--tcp-connections=16"),
        VIEW("--tcp-send-buffer=256KiB"), VIEW("--tcp-receive-buffer-max=256KiB")
    };
    uint8_t message[PARAMETER_MESSAGE_MAX];
    size_t message_bytes;
    expect_ok(parameter_read(&group, 1, arguments, LENGTH_OF(arguments), SPAN_OF(message),
                             &message_bytes));
    expect_ok(stack_direct_open(&stacks[index], net, &parameters));
}

static void open_pair(const struct pair_fixture *fixture)
{
    const struct listen_options options = { .backlog = 4 };
    const struct endpoint any = { .port = 7 };
    net_pair_open(&pair, &fixture->options);
    open_stack(0, &pair.a.net, fixture->is_poor);
    open_stack(1, &pair.b.net, fixture->is_poor);
    expect_ok(tcp_listen(stacks[1].stack.tcp, &any, &options, &listener));
}

static struct flow *connect_pair(void)
{
    const struct endpoint peer = { .address = address_ipv4(192, 0, 2, 2), .port = 7 };
    struct flow *flow;
    expect_ok(tcp_connect(stacks[0].stack.tcp, &peer, NULL, &flow, suite_soon()));
    return flow;
}

static void close_pair(void)
{
    for (size_t i = 0; i < 2; i++)
        stack_direct_close(&stacks[i]);
    net_pair_close(&pair);
}

/* ---- the suite ---- */

static void flow_open(struct flow_fixture *fixture, struct flow **near, struct flow **far)
{
    open_pair(CONTAINER_OF(fixture, struct pair_fixture, fixture));
    *near = connect_pair();
    expect_ok(listener_accept(listener, far, suite_soon()));
    listener_close(listener);
}

static void flow_close_pair(struct flow_fixture *fixture)
{
    (void)fixture;
    close_pair();
}

#define ALL_OFFLOADS \
    (NET_SENDS_CHECKSUMS | NET_SENDS_SEGMENTS_IPV4 | NET_SENDS_SEGMENTS_IPV6 | \
     NET_RECEIVES_CHECKSUMS | NET_RECEIVES_SEGMENTS)
#define FIXTURE \
    { \
        .open = flow_open, .close = flow_close_pair, .held_bytes_max = MIB \
    }

static struct pair_fixture plain = { .fixture = FIXTURE,
                                     .options = { .mtu_bytes = 1500, .ring_count = 16 } };
static struct pair_fixture able = {
    .fixture = FIXTURE, .options = { .mtu_bytes = 1500, .ring_count = 4, .offloads = ALL_OFFLOADS }
};
static struct pair_fixture jumbo = { .fixture = FIXTURE,
                                     .options = { .mtu_bytes = 9000, .ring_count = 4 } };
static struct pair_fixture bare = {
    .fixture = FIXTURE, .options = { .mtu_bytes = 576, .ring_count = 8, .link = NET_IP }
};
static struct pair_fixture poor = { .fixture = FIXTURE,
                                    .options = { .mtu_bytes = 1500, .ring_count = 2 },
                                    .is_poor = true };

FLOW_SUITE(flow_direct_plain, &plain.fixture)
FLOW_SUITE(flow_direct_able, &able.fixture)
FLOW_SUITE(flow_direct_jumbo, &jumbo.fixture)
FLOW_SUITE(flow_direct_bare, &bare.fixture)
FLOW_SUITE(flow_direct_poor, &poor.fixture)

/* ---- odd orders ---- */

struct counted_loan {
    struct loan loan;
    unsigned done_count;
};

static void count_done(struct loan *loan)
{
    CONTAINER_OF(loan, struct counted_loan, loan)->done_count++;
}

/* What was lent is under way, in the ring and unacknowledged, when all is closed at once. */
TEST(stack_direct_closes_while_connections_end)
{
    static uint8_t bytes[500000];
    struct counted_loan lent = { .loan = { .bytes = VIEW_OF(bytes), .done = count_done } };
    struct flow *far;
    open_pair(&plain);
    struct flow *near = connect_pair();
    expect_ok(listener_accept(listener, &far, suite_soon()));
    expect_ok(flow_lend(near, &lent.loan, suite_soon()));
    expect_that(pair.a.sent.count, >, 0);
    flow_close(near);
    flow_close(far);
    listener_close(listener);
    expect_that(lent.done_count, ==, 0);
    close_pair();
    expect_that(lent.done_count, ==, 1);
}

/* The one stack goes; the other has what it needs to end by itself. */
TEST(stack_direct_outlives_its_peer)
{
    struct flow *far;
    open_pair(&plain);
    struct flow *near = connect_pair();
    expect_ok(listener_accept(listener, &far, suite_soon()));
    expect_ok(flow_write_view(near, VIEW("last words"), suite_soon()));
    flow_abort(far);
    listener_close(listener);
    stack_direct_close(&stacks[1]);
    (void)fiber_sleep(S_NS);
    flow_close(near);
    (void)fiber_sleep(3600 * S_NS);
    expect_that(stacks[0].core.tcp.statistics.connection_count, ==, 0);
    expect_that(stacks[0].core.packets.free_count, ==, stacks[0].core.packets.count);
    stack_direct_close(&stacks[0]);
    net_pair_close(&pair);
}

struct opener {
    struct task task;
    enum result result;
};

static void connect_away(struct task *task)
{
    struct opener *opener = CONTAINER_OF(task, struct opener, task);
    const struct endpoint nobody = { .address = address_ipv4(192, 0, 2, 77), .port = 7 };
    struct flow *flow;
    opener->result = tcp_connect(stacks[0].stack.tcp, &nobody, NULL, &flow, NEVER);
}

/* Every place is taken by who waits for a station that does not exist; cancelled, they leave them.
 */
TEST(stack_direct_gets_places_back_from_who_is_cancelled)
{
    struct opener openers[16] = { 0 };
    struct scope scope;
    struct flow *far;
    open_pair(&plain);
    scope_open(&scope, "openers");
    for (size_t i = 0; i < LENGTH_OF(openers); i++) {
        openers[i].task.run = connect_away;
        expect_ok(fiber_start(&scope, &openers[i].task, "opener", STACK_SMALL));
    }
    (void)fiber_sleep(MS_NS);
    scope_close(&scope);
    for (size_t i = 0; i < LENGTH_OF(openers); i++)
        expect_that(openers[i].result, ==, CANCELLED);
    struct flow *near = connect_pair();
    expect_ok(listener_accept(listener, &far, suite_soon()));
    flow_abort(near);
    flow_abort(far);
    listener_close(listener);
    close_pair();
}
