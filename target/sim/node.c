/* node.c - a node from boot to end: the copy of its image, its turns, its clock.
 *
 * A turn begins when its alarm is due and ends when it waits. Within a turn the world's time stands
 * still; the node's own goes on a little with each look at the clock, as it would on a machine, so
 * that one that is busy until a deadline gets there. That much later its next turn begins.
 *
 * SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/assert.h"
#include "base/sanitizer.h"
#include "base/writer.h"
#include "target/clock.h"
#include "target/sim/report.h"
#include "target/sim/world_private.h"

#define CONSOLE_BYTES (128 * (size_t)KIB) /* of which at least half is kept */

static void end_turn(struct node *node);

/* ---- a turn ---- */

static void boot(struct context *context)
{
    struct node *node = CONTAINER_OF(context, struct node, context);
    node->status = node->image.run(&node->host);
    node->state = NODE_ENDED;
    context_leave(context, true);
}

static void take_turn(struct alarm *alarm)
{
    struct node *node = CONTAINER_OF(alarm, struct node, wake);
    node->busy_ns = 0;
    node->is_entered = true;
    context_enter(&node->context);
    node->is_entered = false;
    node->free_ns = clock_monotonic_ns() + node->busy_ns;
    end_turn(node);
    world_turned(node->world);
}

/* Of a node that has ended by itself. */
static void tell_end(struct node *node)
{
    struct world *world = node->world;
    node_end_line(node);
    node->left_bytes = node->memory_bytes;
    if (node->state == NODE_ENDED)
        world_event(world, node->parameters.name, "* ends with status %d", node->status);
    if (node->parameters.may_fail || (node->state == NODE_ENDED && node->status == 0)) return;
    uint8_t room[LINE_BYTES_MAX] = { 0 };
    (void)format(span_first(SPAN_OF(room), sizeof room - 1),
                 node->state == NODE_PANICKED ? "%s has panicked" : "%s has ended badly",
                 node->parameters.name);
    world_fail(world, (const char *)room);
}

static void end_turn(struct node *node)
{
    if (node->crashes) {
        world_event(node->world, node->parameters.name, "* crashes in the middle");
        node->state = NODE_OFF;
        node_drop(node);
        return;
    }
    for (unsigned i = 0; i < node->parameters.wires; i++) {
        if (wire_turn(node->wires[i]) && node->state == NODE_RUNS) node_wake(node);
    }
    if (node->state == NODE_RUNS) return;
    tell_end(node);
    node_drop(node);
}

void node_wake(struct node *node)
{
    if (node->state != NODE_RUNS || node->is_entered) return;
    alarm_set(&node->wake, node->free_ns);
}

/* ---- starting and ending ---- */

void node_open(struct node *node, struct world *world, const struct node_parameters *parameters)
{
    node->host.ops = &node_host_ops;
    node->world = world;
    node->parameters = *parameters;
    node->image.descriptor = -1;
    node->wake.due = take_turn;
    for (size_t i = 0; i < NODE_ARGUMENTS_MAX && parameters->arguments[i] != NULL; i++)
        node->arguments[node->argument_count++] = view_from_string(parameters->arguments[i]);
    report_image_path(world, parameters->image, node->image_path, sizeof node->image_path);
    record_open(&node->console, CONSOLE_BYTES);
    if (node->parameters.wires == 0) node->parameters.wires = 1;
    assert_that(node->parameters.wires, <=, NODE_WIRES_MAX);
    for (unsigned i = 0; i < node->parameters.wires; i++) {
        node->wires[i] = world_add_wire(world, node, parameters->name, parameters->segments[i]);
        wire_spoil(node->wires[i], &parameters->out, &parameters->in);
    }
}

void node_close(struct node *node)
{
    if (node->state == NODE_RUNS) {
        node->state = NODE_OFF;
        node_drop(node);
    }
    record_close(&node->console);
}

void node_start(struct node *node)
{
    assert(node->state != NODE_RUNS);
    char why[LINE_BYTES_MAX];
    struct world *world = node->world;
    bool whole = SANITIZED_ADDRESS || world->parameters.keeps_symbols; /* reports want them too */
    if (!node_image_load(&node->image, node->image_path, whole, SPAN_OF(why))) {
        world_fail(world, why);
        return;
    }
    if (context_open(&node->context, boot) != OK) panic("no memory for the stack of a node");
    record_close(&node->console);
    record_open(&node->console, CONSOLE_BYTES);
    node->boots++;
    node->state = NODE_RUNS;
    node->stop_is_wanted = node->crashes = false;
    node->calls_left = 0;
    node->random = world_mix(world, 'n' + ((uint64_t)node->number << 8), node->boots);
    node->free_ns = clock_monotonic_ns();
    node->booted_wall_ns = clock_wall_ns();
    node_clock_start(&node->clock, node->free_ns, node->parameters.skew);
    world_event(world, node->parameters.name, "* boots");
    node_wake(node);
}

void node_drop(struct node *node)
{
    alarm_stop(&node->wake);
    node_end_line(node);
    for (unsigned i = 0; i < node->parameters.wires; i++)
        wire_reset(node->wires[i]);
    node_give_back_all(node);
    context_close(&node->context);
    node_image_drop(&node->image);
}

void node_crash(struct node *node)
{
    assert(!node->is_entered);
    if (node->state != NODE_RUNS) return;
    world_event(node->world, node->parameters.name, "* crashes");
    node->state = NODE_OFF;
    node_drop(node);
    world_turned(node->world);
}

void node_crash_after(struct node *node, uint64_t calls)
{
    assert(calls > 0);
    node->calls_left = calls;
}

void node_restart(struct node *node)
{
    node_crash(node);
    node_start(node);
}

void node_stop(struct node *node)
{
    if (node->state != NODE_RUNS) return;
    world_event(node->world, node->parameters.name, "* is asked to end");
    node->stop_is_wanted = true;
    node_wake(node);
}

void node_change_skew(struct node *node, struct node_skew skew)
{
    node->parameters.skew = skew;
    if (node->state != NODE_RUNS) return;
    node_clock_change(&node->clock, MAX(clock_monotonic_ns(), node->free_ns), skew);
    /* It may wait for a time that now comes sooner or later: it looks again. */
    node_wake(node);
}

/* ---- looking at it ---- */

enum node_state node_state(const struct node *node)
{
    return node->state;
}

int node_status(const struct node *node)
{
    return node->status;
}

uint64_t node_boots(const struct node *node)
{
    return node->boots;
}

const char *node_name(const struct node *node)
{
    return node->parameters.name;
}

size_t node_memory_bytes(const struct node *node)
{
    return node->memory_bytes;
}

size_t node_left_bytes(const struct node *node)
{
    return node->left_bytes;
}

bool node_has_said(const struct node *node, struct view words)
{
    return record_holds(&node->console, words);
}

struct wire *node_wire(const struct node *node, unsigned number)
{
    assert_that(number, <, node->parameters.wires);
    return node->wires[number];
}
