/* flood_sim_test.c - a server with 4 MiB for its stack among hostile strangers: honest clients go
 * on, its memory never grows, and when the strangers have gone nothing of them is left.
 *
 * As a short test each world lives for a second of attack; SIM_FLOOD_SECONDS makes it longer
 * (`make sim-flood`).
 *
 * SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "target/sim/flooder.h"
#include "target/sim/guest.h"
#include "target/sim/world_test.h"

#define STACK_BYTES_MAX (4 * MIB)
#define HONEST_RATE     34 /* connections a second: 1,000 in 30 s */
#define PATIENCE_NS     S_NS
#define QUESTION_BYTES  8
#define ANSWER_BYTES    600
#define QUIET_NS        (3600 * S_NS)

/* Where all connections are held: two patiences of the server's are a second, so 32 come free in
 * each, and the honest are not in a hurry. */
#define HELD_TIMES       10
#define HELD_HONEST_RATE 2
#define HELD_PATIENCE_NS (60 * S_NS)

static const struct address honest_at = { ADDRESS_IPV4, { 10, 0, 0, 9 } };
static const struct endpoint server_at = { { ADDRESS_IPV4, { 10, 0, 0, 1 } }, 7 };

static uint64_t below(struct world *world, uint64_t limit)
{
    return world_random(world) % limit;
}

static uint64_t attack_seconds(void)
{
    uint64_t seconds = 1;
    const char *text = getenv("SIM_FLOOD_SECONDS");
    if (text != NULL && !view_to_u64(view_from_string(text), &seconds))
        panic("SIM_FLOOD_SECONDS is no number: %s", text);
    return MAX(seconds, 1);
}

/* ---- the server ---- */

static struct memory_rule {
    struct world_rule rule;
    const struct node *server;
    size_t at_rest_bytes; /* 0: it has not begun to serve */
} memory_rule;

static bool memory_is_bounded(struct world_rule *base)
{
    const struct memory_rule *rule = CONTAINER_OF(base, struct memory_rule, rule);
    return rule->at_rest_bytes == 0 || node_memory_bytes(rule->server) <= rule->at_rest_bytes;
}

/* How the server is set up, who attacks it, and what the honest are content with. */
struct ordeal {
    const char *connections, *manner; /* boot parameters of the server; manner may be NULL */
    uint64_t seconds, honest_rate, patience_ns;
    bool tries_again; /* the honest, when they have been reset, within their patience */
    struct flooder_parameters flood;
};

static struct node *start_server(struct world *world, const struct ordeal *ordeal)
{
    struct node *server = world_add_node(
        world,
        &(struct node_parameters){
            .name = "server",
            .image = "answers",
            .arguments = { "--ipv4=10.0.0.1/16", "--ipv4-gateway=10.0.255.254", "--packets=1024",
                           ordeal->connections, "--tcp-half-open=512", "--tcp-time-wait=512",
                           "--tcp-listeners=4", "--udp-ports=16", "--loopback-buffers=64",
                           "--arp-entries=128", "--path-mtus=64", "--tcp-user-timeout=10s",
                           "--fibers-small=40", "--fibers-medium=2", "--fibers-large=0",
                           "--stop-timeout=1h", ordeal->manner },
            .has_bare_wires = below(world, 2) == 0 });
    node_start(server);
    world_expect(world, node_wait_says(server, VIEW("opening a stack of"), S_NS) == OK);
    size_t before_bytes = node_memory_bytes(server);
    world_expect(world, node_wait_says(server, VIEW("serving"), S_NS) == OK);
    size_t stack_bytes = node_memory_bytes(server) - before_bytes + sizeof(struct stack_direct);
    world_note(world, "the server's stack has %zu KiB, all of it %zu KiB", stack_bytes / KIB,
               node_memory_bytes(server) / KIB);
    world_expect(world, stack_bytes <= STACK_BYTES_MAX);
    memory_rule = (struct memory_rule){ .rule = { .words = "the server takes no more memory",
                                                  .holds = memory_is_bounded },
                                        .server = server,
                                        .at_rest_bytes = node_memory_bytes(server) };
    world_add_rule(world, &memory_rule.rule);
    return server;
}

static void expect_rest(struct world *world, struct node *server)
{
    node_stop(server);
    world_expect(world, node_wait_end(server, QUIET_NS) == OK);
    world_expect(world, node_has_said(server, VIEW("left: connections 0, time-wait 0, half-open 0, "
                                                   "packets 0\n")));
    world_expect(world, node_left_bytes(server) == 0);
}

/* ---- honest clients ---- */

struct honest {
    struct guest guest;
    const struct ordeal *ordeal;
    uint64_t asked, answered, worst_ns;
};

static struct honest honest;
static struct flooder flooder;

static enum result ask(struct flow *flow, uint64_t number, uint64_t deadline_ns)
{
    uint8_t answer[ANSWER_BYTES];
    size_t length_bytes;
    enum result result = flow_write_view(flow, VIEW_OF(number), deadline_ns);
    if (result == OK) result = flow_read_whole(flow, SPAN_OF(answer), &length_bytes, deadline_ns);
    for (size_t i = 0; i < ANSWER_BYTES && result == OK; i += QUESTION_BYTES) {
        if (!view_equal(view_slice(VIEW_OF(answer), i, QUESTION_BYTES), VIEW_OF(number)))
            return INVALID;
    }
    return result;
}

/* One connection, one question, one answer. */
static enum result ask_once(uint64_t number, uint64_t deadline_ns)
{
    struct flow *flow;
    enum result result = tcp_connect(honest.guest.stack.stack.tcp, &server_at, NULL, &flow,
                                     deadline_ns);
    if (result != OK) return result;
    result = ask(flow, number, deadline_ns);
    if (result == OK) flow_close(flow);
    if (result != OK) flow_abort(flow);
    return result;
}

/* Within the ordeal's patience or not at all. */
static void try_once(struct world *world)
{
    const struct ordeal *ordeal = honest.ordeal;
    uint64_t start_ns = loop_now_ns(), deadline_ns = deadline_after(start_ns, ordeal->patience_ns);
    uint64_t number = ++honest.asked;
    enum result result;
    do {
        result = ask_once(number, deadline_ns);
    } while (result == FAILED && ordeal->tries_again && loop_now_ns() < deadline_ns);
    world_expect(world, result != INVALID);
    uint64_t took_ns = loop_now_ns() - start_ns;
    if (result == OK) {
        honest.answered++;
        honest.worst_ns = MAX(honest.worst_ns, took_ns);
    } else {
        world_note(world, "honest connection %llu: %s after %llu ms", (unsigned long long)number,
                   result_text(result), (unsigned long long)(took_ns / MS_NS));
    }
}

/* Some milliseconds away; and where it goes on for long, behind a wire that loses a little. */
static void open_honest(struct world *world, const struct ordeal *ordeal)
{
    const struct net_faulty_plan plan = {
        .delay_ns = below(world, 5 * MS_NS),
        .jitter_ns = below(world, MS_NS),
        .loss_per_million = attack_seconds() < 10 ? 0 : (uint32_t)below(world, 500),
    };
    honest = (struct honest){ .ordeal = ordeal };
    guest_open(&honest.guest, world, "honest", VIEW("--ipv4=10.0.0.9/16"));
    wire_spoil(honest.guest.wire, &plan, &plan);
}

static void tell_attack(struct world *world, const struct ordeal *ordeal)
{
    world_note(world, "in %llu s: %llu SYNs, %llu attackers, %llu of their handshakes complete",
               (unsigned long long)ordeal->seconds, (unsigned long long)flooder.syns,
               (unsigned long long)flooder.attackers, (unsigned long long)flooder.completed);
    world_note(world, "honest: %llu of %llu answered, the slowest after %llu us",
               (unsigned long long)honest.answered, (unsigned long long)honest.asked,
               (unsigned long long)(honest.worst_ns / US_NS));
}

/* The server, at rest again. */
static struct node *attack(struct world *world, const struct ordeal *ordeal)
{
    uint64_t count = ordeal->seconds * ordeal->honest_rate;
    struct node *server = start_server(world, ordeal);
    open_honest(world, ordeal);
    flooder_open(&flooder, world, &ordeal->flood);
    flooder_start(&flooder);
    world_expect(world, world_run(world, 100 * MS_NS) == OK);
    uint64_t start_ns = loop_now_ns();
    for (uint64_t i = 0; i < count; i++) {
        (void)fiber_sleep_until(start_ns + i * S_NS / ordeal->honest_rate);
        try_once(world);
        world_expect(world, world_failure(world) == NULL);
    }
    (void)fiber_sleep_until(start_ns + ordeal->seconds * S_NS);
    flooder_stop(&flooder);
    tell_attack(world, ordeal);
    world_expect(world, flooder.no_packet == 0 && flooder.no_room == 0);
    world_expect(world, honest.answered * 100 >= honest.asked * 99);
    expect_rest(world, server);
    flooder_close(&flooder);
    guest_close(&honest.guest);
    return server;
}

static const struct address router = { ADDRESS_IPV4, { 10, 0, 255, 254 } };

/* RFC 4987 3.6: what a SYN costs before its sender has proved to be where it says is bounded, and
 * where that is used up cookies go on. */
WORLD_TEST(honest_clients_get_answers_under_a_flood_of_spoofed_syns, 30)
{
    (void)attack(world,
                 &(struct ordeal){ .connections = "--tcp-connections=256",
                                   .seconds = attack_seconds(),
                                   .honest_rate = HONEST_RATE,
                                   .patience_ns = PATIENCE_NS,
                                   .flood = { .router = router,
                                              .victim = server_at,
                                              .syns_per_second = 100000,
                                              .burst = 1 + below(world, 100),
                                              .neighbour_percent = (uint32_t)below(world, 60),
                                              .framed = honest_at,
                                              .framed_percent = (uint32_t)below(world, 4),
                                              .reset_percent = (uint32_t)below(world, 30) } });
    world_expect(world, flooder.syns >= attack_seconds() * 99000);
}

/* Who completes his handshakes takes connections; they are bounded, and who holds on for longest
 * gives way (answers.c). Some seeds have so few attackers that nobody has to. */
WORLD_TEST(honest_clients_get_answers_among_those_who_exhaust_connections, 30)
{
    uint64_t rate = below(world, 4) == 0 ? 20 + below(world, 40) : 100 + below(world, 900);
    (void)attack(world, &(struct ordeal){ .connections = "--tcp-connections=256",
                                          .seconds = attack_seconds(),
                                          .honest_rate = HONEST_RATE,
                                          .patience_ns = PATIENCE_NS,
                                          .flood = { .router = router,
                                                     .victim = server_at,
                                                     .syns_per_second = 1000,
                                                     .burst = 10,
                                                     .attackers_per_second = rate } });
    world_expect(world, flooder.completed >= attack_seconds() * rate * 9 / 10);
}

/* The pool of connections full of those that the server has closed and whose peers do not let them
 * end: the oldest of them goes with a reset when a connection is needed, so nobody waits. */
WORLD_TEST(honest_clients_push_out_what_nobody_has_any_more, 10)
{
    const struct node *server = attack(
        world, &(struct ordeal){ .connections = "--tcp-connections=48",
                                 .manner = "--lets-go",
                                 .seconds = attack_seconds(),
                                 .honest_rate = HONEST_RATE,
                                 .patience_ns = PATIENCE_NS,
                                 .flood = { .router = router,
                                            .victim = server_at,
                                            .syns_per_second = 1000,
                                            .burst = 10,
                                            .attackers_per_second = 400 + below(world, 600) } });
    world_expect(world, node_has_said(server, VIEW("the pool was full a good part of the time\n")));
    world_expect(world, !node_has_said(server, VIEW("some waited for a connection\n")));
}

/* All connections are held, by more who want one than the server's patience lets go: an ACK that
 * finds none is as good as lost, so who asks again finds one when it comes free, and nobody is
 * locked out for good. */
WORLD_TEST(honest_clients_wait_for_one_where_all_connections_are_held, 10)
{
    const struct node *server = attack(
        world, &(struct ordeal){ .connections = "--tcp-connections=16",
                                 .seconds = HELD_TIMES * attack_seconds(),
                                 .honest_rate = HELD_HONEST_RATE,
                                 .patience_ns = HELD_PATIENCE_NS,
                                 .tries_again = true,
                                 .flood = { .router = router,
                                            .victim = server_at,
                                            .attackers_per_second = 100 + below(world, 60) } });
    world_expect(world, node_has_said(server, VIEW("the pool was full a good part of the time\n")));
    world_expect(world, node_has_said(server, VIEW("some waited for a connection\n")));
}
