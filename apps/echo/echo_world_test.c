/* echo_world_test.c - the whole image in a small world: a client over a bad wire, a crash in the
 * middle of a conversation, and a stop.
 *
 * SPDX-License-Identifier: ISC */
#include "target/sim/guest.h"
#include "target/sim/world_test.h"

#define PORT        7007
#define PATIENCE_NS (60 * S_NS)

static const struct endpoint echo_at = { { ADDRESS_IPV4, { 10, 0, 0, 1 } }, PORT };
static struct guest client;

static uint64_t below(struct world *world, uint64_t limit)
{
    return world_random(world) % limit;
}

static struct node *start_echo(struct world *world)
{
    struct node *node = world_add_node(
        world, &(struct node_parameters){
                   .name = "echo",
                   .image = "echo",
                   .arguments = { "--ipv4=10.0.0.1/24", "--log=info", "--fibers-small=64" } });
    node_start(node);
    world_expect(world, node_wait_says(node, VIEW("listening on UDP port 7008"), S_NS) == OK);
    return node;
}

/* A bad wire, but none that makes anybody give up. */
static void open_client(struct world *world)
{
    const struct net_faulty_plan plan = { .loss_per_million = (uint32_t)below(world, 30000),
                                          .duplicate_per_million = (uint32_t)below(world, 20000),
                                          .corrupt_per_million = (uint32_t)below(world, 10000),
                                          .delay_ns = below(world, 30 * MS_NS),
                                          .reorder_per_million = (uint32_t)below(world, 50000),
                                          .reorder_ns = below(world, 10 * MS_NS) };
    guest_open(&client, world, "client", VIEW("--ipv4=10.0.0.9/24"));
    wire_spoil(client.wire, &plan, &plan);
}

/* Where all questions for the neighbour's address were lost, it asks again. */
static struct flow *reach(struct world *world)
{
    struct flow *flow;
    uint64_t deadline_ns = deadline_after(loop_now_ns(), PATIENCE_NS);
    enum result result = UNREACHABLE;
    for (unsigned i = 0; i < 10 && result == UNREACHABLE; i++)
        result = tcp_connect(client.stack.stack.tcp, &echo_at, NULL, &flow, deadline_ns);
    world_expect(world, result == OK);
    return flow;
}

/* Writes chance and reads it back. */
static enum result talk(struct world *world, struct flow *flow, uint64_t patience_ns)
{
    uint8_t said[200], heard[200];
    size_t length_bytes;
    uint64_t deadline_ns = deadline_after(loop_now_ns(), patience_ns);
    for (size_t i = 0; i < sizeof said; i++)
        said[i] = (uint8_t)world_random(world);
    enum result result = flow_write_view(flow, VIEW_OF(said), deadline_ns);
    if (result == OK) result = flow_read_whole(flow, SPAN_OF(heard), &length_bytes, deadline_ns);
    if (result == OK && !view_equal(VIEW_OF(said), VIEW_OF(heard))) result = INVALID;
    return result;
}

static void expect_end(struct world *world, struct node *node)
{
    node_stop(node);
    world_expect(world, node_wait_end(node, PATIENCE_NS) == OK);
    world_expect(world, node_status(node) == 0 && node_left_bytes(node) == 0);
}

WORLD_TEST(what_is_sent_over_a_bad_wire_comes_back, 50)
{
    struct node *node = start_echo(world);
    open_client(world);
    struct flow *flow = reach(world);
    for (unsigned i = 0; i < 50; i++)
        world_expect(world, talk(world, flow, PATIENCE_NS) == OK);
    flow_close(flow);
    expect_end(world, node);
    guest_close(&client);
}

/* A session ends with what it has heard, and tells its peer the end. */
WORLD_TEST(at_a_stop_nobody_is_cut_short, 50)
{
    uint8_t byte;
    size_t length_bytes;
    struct node *node = start_echo(world);
    open_client(world);
    struct flow *flow = reach(world);
    world_expect(world, talk(world, flow, PATIENCE_NS) == OK);
    node_stop(node);
    uint64_t deadline_ns = deadline_after(loop_now_ns(), PATIENCE_NS);
    world_expect(world, flow_read(flow, SPAN_OF(byte), &length_bytes, deadline_ns) == CLOSED);
    flow_close(flow);
    expect_end(world, node);
    guest_close(&client);
}

/* Who has forgotten a connection says so (RFC 9293 3.5.1), and the next one comes about. */
WORLD_TEST(after_a_crash_a_conversation_is_over_and_a_new_one_begins, 50)
{
    struct node *node = start_echo(world);
    open_client(world);
    struct flow *flow = reach(world);
    world_expect(world, talk(world, flow, PATIENCE_NS) == OK);
    node_crash_after(node, 1 + below(world, 200));
    while (node_state(node) == NODE_RUNS)
        result_ignore(talk(world, flow, S_NS));
    node_start(node);
    world_expect(world, node_wait_says(node, VIEW("listening on UDP port 7008"), S_NS) == OK);
    world_expect(world, talk(world, flow, PATIENCE_NS) == FAILED);
    flow_abort(flow);
    flow = reach(world);
    world_expect(world, talk(world, flow, PATIENCE_NS) == OK);
    flow_close(flow);
    expect_end(world, node);
    guest_close(&client);
}
