/* world.c - a world: its parts, its events and its rules.
 *
 * The parts are allocated from the host's heap, since a simulator is a program of the host; what
 * they keep is bounded all the same.
 *
 * SPDX-License-Identifier: ISC */
#include "target/sim/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/writer.h"
#include "target/clock.h"
#include "target/sim/report.h"
#include "target/sim/sim.h"
#include "target/sim/world_private.h"

#define MTU_BYTES      1500
#define SWITCH_PACKETS 4096
#define EVENTS_BYTES   ((size_t)MIB)
#define CAPTURE_BYTES  (2 * (size_t)MIB)

struct world *world_current;

/* ---- randomness ---- */

/* SplitMix64 (Steele, Lea and Flood, 2014). */
uint64_t random_next(uint64_t *state)
{
    uint64_t mixed = *state += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}

uint64_t world_mix(const struct world *world, uint64_t purpose, uint64_t index)
{
    uint64_t state = world->parameters.seed;
    state = random_next(&state) ^ purpose;
    state = random_next(&state) ^ index;
    return random_next(&state);
}

uint64_t world_random(struct world *world)
{
    return random_next(&world->random);
}

/* ---- beginning and ending ---- */

void *world_allocate(size_t length_bytes)
{
    void *memory = calloc(1, length_bytes);
    if (memory == NULL) panic("the host gives no memory for the world");
    return memory;
}

struct world *world_open(const struct world_parameters *parameters)
{
    assert(world_current == NULL);
    struct world *world = world_allocate(sizeof *world);
    world->parameters = *parameters;
    if (world->parameters.events_bytes_max == 0) world->parameters.events_bytes_max = EVENTS_BYTES;
    if (world->parameters.capture_bytes_max == 0)
        world->parameters.capture_bytes_max = CAPTURE_BYTES;
    sim_reseed(world_mix(world, 'g', 0));
    world->random = world_mix(world, 't', 0);
    world->start_ns = clock_monotonic_ns();
    record_open(&world->events, world->parameters.events_bytes_max);
    waiters_init(&world->waiters);
    world_current = world;
    report_faults(world);
    return world;
}

void world_close(struct world *world)
{
    for (unsigned i = 0; i < world->node_count; i++) {
        node_close(world->nodes[i]);
        free(world->nodes[i]);
    }
    for (unsigned i = 0; i < world->wire_count; i++) {
        wire_close(world->wires[i]);
        free(world->wires[i]);
    }
    for (unsigned i = 0; i < SEGMENTS_MAX; i++) {
        if (world->segment_ports[i] > 0) net_switch_close(&world->segments[i]);
    }
    record_close(&world->events);
    world_current = NULL;
    free(world);
}

uint64_t world_seed(const struct world *world)
{
    return world->parameters.seed;
}

uint64_t world_now_ns(const struct world *world)
{
    return clock_monotonic_ns() - world->start_ns;
}

/* ---- parts ---- */

struct node *world_add_node(struct world *world, const struct node_parameters *parameters)
{
    assert_that(world->node_count, <, LENGTH_OF(world->nodes));
    struct node *node = world_allocate(sizeof *node);
    node->number = world->node_count;
    world->nodes[world->node_count++] = node;
    node_open(node, world, parameters);
    return node;
}

struct net *world_port(struct world *world, unsigned segment)
{
    assert_that(segment, <, SEGMENTS_MAX);
    const struct net_switch_options options = {
        .port_count = WORLD_WIRES_MAX,
        .packet_count = SWITCH_PACKETS,
        .queue_count = RING_FRAMES,
        .address_count = 64,
        .mtu_bytes = MTU_BYTES,
    };
    struct net_switch *net_switch = &world->segments[segment];
    if (world->segment_ports[segment] == 0 && net_switch_open(net_switch, &options) != OK)
        panic("no memory for a switch");
    return net_switch_port(net_switch, world->segment_ports[segment]++);
}

struct wire *world_add_wire(struct world *world, struct node *node, const char *name,
                            unsigned segment)
{
    assert_that(world->wire_count, <, WORLD_WIRES_MAX);
    struct wire *wire = world_allocate(sizeof *wire);
    wire->number = world->wire_count;
    world->wires[world->wire_count++] = wire;
    wire_open(wire, world, node, name, segment);
    return wire;
}

struct wire *world_add_guest(struct world *world, const char *name, unsigned segment)
{
    return world_add_wire(world, NULL, name, segment);
}

/* ---- events ---- */

static void put_time(struct writer *writer, uint64_t at_ns)
{
    writer_format(writer, "%6llu.%09llu", (unsigned long long)(at_ns / S_NS),
                  (unsigned long long)(at_ns % S_NS));
}

void world_event_view(struct world *world, const char *source, struct view words)
{
    uint8_t room[LINE_BYTES_MAX + WORLD_NAME_MAX + 64];
    struct world_event event = { .at_ns = world_now_ns(world), .source = source, .words = words };
    struct writer line = writer_over(SPAN_OF(room));
    put_time(&line, event.at_ns);
    writer_format(&line, "  %-12s %.*s\n", source,
                  VIEW_FORMAT(view_first(words, MIN(words.length_bytes, LINE_BYTES_MAX))));
    record_put(&world->events, writer_view(&line));
    struct world_listener *listener = world->parameters.listener;
    if (listener != NULL) listener->heard(listener, &event);
}

void world_event(struct world *world, const char *source, const char *words, ...)
{
    uint8_t room[LINE_BYTES_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    __builtin_va_list arguments;
    __builtin_va_start(arguments, words);
    writer_format_list(&writer, words, arguments);
    __builtin_va_end(arguments);
    world_event_view(world, source, writer_view(&writer));
}

void world_note(struct world *world, const char *words, ...)
{
    uint8_t room[LINE_BYTES_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    __builtin_va_list arguments;
    __builtin_va_start(arguments, words);
    writer_format_list(&writer, words, arguments);
    __builtin_va_end(arguments);
    world_event_view(world, "world", writer_view(&writer));
}

void world_events(const struct world *world, struct view views[2])
{
    record_views(&world->events, views);
}

/* ---- what must hold ---- */

void world_add_rule(struct world *world, struct world_rule *rule)
{
    rule->next = world->rules;
    world->rules = rule;
}

void world_fail(struct world *world, const char *words)
{
    world_event(world, "world", "failure: %s", words);
    if (world->failure[0] != '\0') return;
    (void)format(span_from(world->failure, sizeof world->failure - 1), "%s", words);
    waiters_wake_all(&world->waiters);
}

const char *world_failure(const struct world *world)
{
    return world->failure[0] == '\0' ? NULL : world->failure;
}

/* A rule that is broken stays so, and is told once. */
static void check_rules(struct world *world)
{
    for (struct world_rule **at = &world->rules; *at != NULL;) {
        struct world_rule *rule = *at;
        if (rule->holds(rule)) {
            at = &rule->next;
            continue;
        }
        *at = rule->next;
        uint8_t room[LINE_BYTES_MAX] = { 0 };
        (void)format(span_first(SPAN_OF(room), sizeof room - 1), "it does not hold that %s",
                     rule->words);
        world_fail(world, (const char *)room);
    }
}

void world_turned(struct world *world)
{
    if (world->checks_rules) return;
    world->checks_rules = true;
    check_rules(world);
    world->checks_rules = false;
    waiters_wake_all(&world->waiters);
}

/* ---- waiting ---- */

enum result world_wait(struct world *world, struct world_condition *condition, uint64_t duration_ns)
{
    uint64_t deadline_ns = deadline_after(clock_monotonic_ns(), duration_ns);
    for (;;) {
        if (world_failure(world) != NULL) return FAILED;
        if (condition != NULL && condition->is_met(condition)) return OK;
        enum result result = waiters_wait(&world->waiters, "world_wait", deadline_ns);
        if (result == OK) continue;
        if (result == TIMED_OUT && condition != NULL && condition->is_met(condition)) return OK;
        return world_failure(world) != NULL ? FAILED : result;
    }
}

enum result world_run(struct world *world, uint64_t duration_ns)
{
    enum result result = world_wait(world, NULL, duration_ns);
    return result == TIMED_OUT ? OK : result;
}

struct node_condition {
    struct world_condition condition;
    const struct node *node;
    struct view words;
};

static bool has_said(struct world_condition *condition)
{
    const struct node_condition *of = CONTAINER_OF(condition, struct node_condition, condition);
    return node_has_said(of->node, of->words);
}

static bool has_ended(struct world_condition *condition)
{
    const struct node_condition *of = CONTAINER_OF(condition, struct node_condition, condition);
    return of->node->state != NODE_RUNS;
}

enum result node_wait_says(struct node *node, struct view words, uint64_t duration_ns)
{
    struct node_condition condition = { { has_said }, node, words };
    return world_wait(node->world, &condition.condition, duration_ns);
}

enum result node_wait_end(struct node *node, uint64_t duration_ns)
{
    struct node_condition condition = { { has_ended }, node, VIEW("") };
    return world_wait(node->world, &condition.condition, duration_ns);
}
