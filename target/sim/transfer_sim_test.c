/* transfer_sim_test.c - two nodes and a bad wire: transfers over our own stack arrive to the byte,
 * every connection ends, and nothing is left.
 *
 * SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/writer.h"
#include "target/sim/guest.h"
#include "target/sim/world_test.h"

#define HOURS_NS (14400 * S_NS)

static uint64_t below(struct world *world, uint64_t limit)
{
    return world_random(world) % limit;
}

/* A wire that loses frames in bursts can lose the few that a connection still sends when it has
 * backed off, again and again; nobody gives up within an hour, so that it is the wire's turn. */

/* Often nothing, otherwise anything up to the limit. */
static uint32_t now_and_then(struct world *world, uint32_t limit)
{
    return below(world, 3) == 0 ? 0 : (uint32_t)below(world, limit);
}

/* One direction of a bad wire. `corrupts`: one bit of some frames is turned, which every checksum
 * finds. Two bits it may not (RFC 1071 1): so of the two wires of a path only one does that. */
static struct net_faulty_plan draw_plan(struct world *world, bool corrupts)
{
    struct net_faulty_plan plan = {
        .loss_per_million = now_and_then(world, 50000),
        .duplicate_per_million = now_and_then(world, 20000),
        .corrupt_per_million = corrupts ? now_and_then(world, 20000) : 0,
        .delay_ns = below(world, 50 * MS_NS),
        .jitter_ns = below(world, 5 * MS_NS),
        .reorder_per_million = now_and_then(world, 50000),
        .reorder_ns = below(world, 20 * MS_NS),
    };
    if (below(world, 4) == 0) {
        plan.burst_begins_per_million = 1000;
        plan.burst_ends_per_million = 200000;
        plan.burst_loss_per_million = 500000;
    }
    if (below(world, 2) == 0) {
        plan.rate_bits = 1000000 + below(world, 100000000);
        plan.queue_frames_max = 10 + (uint32_t)below(world, 90);
        plan.mark_bytes = now_and_then(world, 30000);
    }
    return plan;
}

static struct node_skew draw_skew(struct world *world)
{
    return (struct node_skew){ .ppm = (int32_t)below(world, 2000) - 1000 };
}

static struct node *add_server(struct world *world)
{
    const struct net_faulty_plan out = draw_plan(world, false), in = draw_plan(world, false);
    return world_add_node(world, &(struct node_parameters){
                                     .name = "server",
                                     .image = "transfer",
                                     .arguments = { "--ipv4=10.0.0.1/24", "--stop-timeout=4h",
                                                    "--tcp-user-timeout=1h", "--fibers-small=16",
                                                    "--fibers-medium=4", "--fibers-large=0" },
                                     .out = out,
                                     .in = in,
                                     .skew = draw_skew(world),
                                     .has_bare_wires = below(world, 2) == 0 });
}

static struct node *add_client(struct world *world, const char *bytes, const char *transfers,
                               bool may_fail)
{
    const struct net_faulty_plan out = draw_plan(world, true), in = draw_plan(world, true);
    return world_add_node(
        world, &(struct node_parameters){
                   .name = "client",
                   .image = "transfer",
                   .arguments = { "--ipv4=10.0.0.2/24", "--to=10.0.0.1:7", "--stop-timeout=4h",
                                  "--tcp-user-timeout=1h", "--fibers-small=16", "--fibers-medium=4",
                                  "--fibers-large=0", bytes, transfers },
                   .out = out,
                   .in = in,
                   .skew = draw_skew(world),
                   .has_bare_wires = below(world, 2) == 0,
                   .may_fail = may_fail });
}

static void expect_quiet_end(struct world *world, struct node *node)
{
    world_expect(world, node_wait_end(node, HOURS_NS) == OK);
    world_expect(world, node_has_said(node, VIEW("left: connections 0, time-wait 0, half-open 0")));
    world_expect(world, node_left_bytes(node) == 0);
}

/* RFC 9293 3.4: what is sent arrives whole, once and in order, or the connection fails. Here no
 * wire is so bad that it may fail. */
WORLD_TEST(transfers_over_a_bad_wire_arrive_to_the_byte, 1000)
{
    char bytes[32];
    (void)snprintf(bytes, sizeof bytes, "--bytes=%llu",
                   (unsigned long long)below(world, 200 * KIB));
    struct node *server = add_server(world);
    struct node *client = add_client(world, bytes, "--transfers=2", false);
    node_start(server);
    world_expect(world, node_wait_says(server, VIEW("serving"), 10 * S_NS) == OK);
    node_start(client);
    expect_quiet_end(world, client);
    world_expect(world, node_has_said(client, VIEW("transfer 2: intact")));
    node_stop(server);
    expect_quiet_end(world, server);
    world_expect(world, node_has_said(server, VIEW("served 2, broken 0")));
}

/* The peer that has forgotten a connection says so (RFC 9293 3.5.1); and new ones come about. */
WORLD_TEST(transfers_survive_a_server_that_crashes, 200)
{
    struct node *server = add_server(world);
    struct node *client = add_client(world, "--bytes=50KiB", "--transfers=4", true);
    node_start(server);
    world_expect(world, node_wait_says(server, VIEW("serving"), 10 * S_NS) == OK);
    node_start(client);
    world_expect(world, world_run(world, below(world, 3 * S_NS)) == OK);
    node_crash(server);
    world_expect(world, world_run(world, below(world, 2 * S_NS)) == OK);
    node_start(server);
    expect_quiet_end(world, client);
    node_start(client);
    expect_quiet_end(world, client);
    world_expect(world, node_has_said(client, VIEW("transfer 4: intact")));
    node_stop(server);
    expect_quiet_end(world, server);
}

/* A partition that mends before anybody gives up only delays (RFC 9293 3.8.3). */
WORLD_TEST(transfers_survive_a_partition, 200)
{
    struct node *server = add_server(world);
    struct node *client = add_client(world, "--bytes=200KiB", "--transfers=2", false);
    node_start(server);
    world_expect(world, node_wait_says(server, VIEW("serving"), 10 * S_NS) == OK);
    node_start(client);
    world_expect(world, node_wait_says(client, VIEW("1: connected"), HOURS_NS) == OK);
    world_expect(world, world_run(world, below(world, S_NS)) == OK);
    wire_cut(node_wire(client, 0));
    world_expect(world, world_run(world, below(world, 20 * S_NS)) == OK);
    wire_mend(node_wire(client, 0));
    expect_quiet_end(world, client);
    world_expect(world, node_has_said(client, VIEW("transfer 2: intact")));
    node_stop(server);
    expect_quiet_end(world, server);
}

/* ---- the test itself as a host ---- */

/* Talks to the server as the image does: a number, and nothing to send, so nothing comes back. */
WORLD_TEST(a_guest_talks_to_a_node, 10)
{
    static struct guest guest;
    const struct endpoint server_at = { address_ipv4(10, 0, 0, 1), 7 };
    struct node *server = add_server(world);
    struct flow *flow;
    uint8_t head[8] = { 1 }, byte;
    size_t length_bytes;
    uint64_t deadline_ns = deadline_after(loop_now_ns(), HOURS_NS);
    guest_open(&guest, world, "guest", VIEW("--ipv4=10.0.0.9/24"));
    node_start(server);
    world_expect(world, node_wait_says(server, VIEW("serving"), 10 * S_NS) == OK);
    enum result result = UNREACHABLE;
    for (unsigned i = 0; i < 10 && result == UNREACHABLE; i++)
        result = tcp_connect(guest.stack.stack.tcp, &server_at, NULL, &flow, deadline_ns);
    world_expect(world, result == OK);
    world_expect(world, flow_write_view(flow, VIEW_OF(head), deadline_ns) == OK);
    world_expect(world, flow_shut(flow) == OK);
    world_expect(world, flow_read(flow, SPAN_OF(byte), &length_bytes, deadline_ns) == CLOSED);
    flow_close(flow);
    world_expect(world, world_run(world, 200 * S_NS) == OK);
    node_stop(server);
    expect_quiet_end(world, server);
    world_expect(world, node_has_said(server, VIEW("served 1, broken 0")));
    guest_close(&guest);
}
