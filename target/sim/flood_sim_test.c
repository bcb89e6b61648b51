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

static struct node *start_server(struct world *world)
{
    struct node *server = world_add_node(
        world, &(struct node_parameters){
                   .name = "server",
                   .image = "answers",
                   .arguments = { "--ipv4=10.0.0.1/16", "--ipv4-gateway=10.0.255.254",
                                  "--packets=1024", "--tcp-connections=256", "--tcp-half-open=512",
                                  "--tcp-time-wait=512", "--tcp-listeners=4", "--udp-ports=16",
                                  "--loopback-buffers=64", "--arp-entries=128", "--path-mtus=64",
                                  "--tcp-user-timeout=10s", "--fibers-small=40",
                                  "--fibers-medium=2", "--fibers-large=0", "--stop-timeout=1h" },
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

/* One connection, one question, one answer: within a second or not at all. */
static void try_once(struct world *world)
{
    struct flow *flow;
    uint64_t start_ns = loop_now_ns(), deadline_ns = deadline_after(start_ns, PATIENCE_NS);
    uint64_t number = ++honest.asked;
    enum result result = tcp_connect(honest.guest.stack.stack.tcp, &server_at, NULL, &flow,
                                     deadline_ns);
    if (result == OK) {
        result = ask(flow, number, deadline_ns);
        if (result == OK) flow_close(flow);
        if (result != OK) flow_abort(flow);
    }
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
static void open_honest(struct world *world, uint64_t seconds)
{
    const struct net_faulty_plan plan = {
        .delay_ns = below(world, 5 * MS_NS),
        .jitter_ns = below(world, MS_NS),
        .loss_per_million = seconds < 10 ? 0 : (uint32_t)below(world, 500),
    };
    honest = (struct honest){ 0 };
    guest_open(&honest.guest, world, "honest", VIEW("--ipv4=10.0.0.9/16"));
    wire_spoil(honest.guest.wire, &plan, &plan);
}

static void attack(struct world *world, const struct flooder_parameters *parameters)
{
    uint64_t seconds = attack_seconds(), count = seconds * HONEST_RATE;
    struct node *server = start_server(world);
    open_honest(world, seconds);
    flooder_open(&flooder, world, parameters);
    flooder_start(&flooder);
    world_expect(world, world_run(world, 100 * MS_NS) == OK);
    uint64_t start_ns = loop_now_ns();
    for (uint64_t i = 0; i < count; i++) {
        (void)fiber_sleep_until(start_ns + i * S_NS / HONEST_RATE);
        try_once(world);
        world_expect(world, world_failure(world) == NULL);
    }
    (void)fiber_sleep_until(start_ns + seconds * S_NS);
    flooder_stop(&flooder);
    world_note(world, "in %llu s: %llu SYNs, %llu attackers, %llu of their handshakes complete",
               (unsigned long long)seconds, (unsigned long long)flooder.syns,
               (unsigned long long)flooder.attackers, (unsigned long long)flooder.completed);
    world_note(world, "honest: %llu of %llu answered, the slowest after %llu us",
               (unsigned long long)honest.answered, (unsigned long long)honest.asked,
               (unsigned long long)(honest.worst_ns / US_NS));
    world_expect(world, flooder.no_packet == 0 && flooder.no_room == 0);
    world_expect(world, honest.answered * 100 >= honest.asked * 99);
    expect_rest(world, server);
    flooder_close(&flooder);
    guest_close(&honest.guest);
}

static const struct address router = { ADDRESS_IPV4, { 10, 0, 255, 254 } };

/* RFC 4987 3.6: what a SYN costs before its sender has proved to be where it says is bounded, and
 * where that is used up cookies go on. */
WORLD_TEST(honest_clients_get_answers_under_a_flood_of_spoofed_syns, 30)
{
    attack(world, &(struct flooder_parameters){ .router = router,
                                                .victim = server_at,
                                                .syns_per_second = 100000,
                                                .burst = 1 + below(world, 100),
                                                .neighbour_percent = (uint32_t)below(world, 60),
                                                .framed = honest_at,
                                                .framed_percent = (uint32_t)below(world, 4),
                                                .reset_percent = (uint32_t)below(world, 30) });
    world_expect(world, flooder.syns >= attack_seconds() * 99000);
}

/* Who completes his handshakes takes connections; they are bounded, and who holds on for longest
 * gives way (answers.c). Some seeds have so few attackers that nobody has to. */
WORLD_TEST(honest_clients_get_answers_among_those_who_exhaust_connections, 30)
{
    uint64_t rate = below(world, 4) == 0 ? 20 + below(world, 40) : 100 + below(world, 900);
    attack(world, &(struct flooder_parameters){ .router = router,
                                                .victim = server_at,
                                                .syns_per_second = 1000,
                                                .burst = 10,
                                                .attackers_per_second = rate });
    world_expect(world, flooder.completed >= attack_seconds() * rate * 9 / 10);
}
