/* node_host.c - what a node gets when it asks its surroundings.
 *
 * All of this runs on the node's stacks.
 *
 * SPDX-License-Identifier: ISC */
#include "base/assert.h"
#include "base/writer.h"
#include "target/clock.h"
#include "target/memory.h"
#include "target/sim/world_private.h"
#include "target/stack.h"

/* A look at the clock takes this long, so that time passes for a node that looks again and again.
 * And a poll of the devices. */
#define LOOK_NS 50
#define POLL_NS US_NS

void node_called(struct node *node)
{
    assert(node->is_entered);
    if (node->calls_left == 0 || --node->calls_left > 0) return;
    node->crashes = true;
    context_leave(&node->context, true);
}

static struct node *caller(struct sim_host *host)
{
    struct node *node = CONTAINER_OF(host, struct node, host);
    node_called(node);
    return node;
}

/* ---- time ---- */

static uint64_t host_monotonic_ns(struct sim_host *host)
{
    struct node *node = caller(host);
    node->busy_ns += LOOK_NS;
    return node_clock_read(&node->clock, clock_monotonic_ns() + node->busy_ns);
}

static uint64_t host_wall_ns(struct sim_host *host)
{
    struct node *node = caller(host);
    node->busy_ns += LOOK_NS;
    uint64_t local_ns = node_clock_read(&node->clock, clock_monotonic_ns() + node->busy_ns);
    return node->booted_wall_ns + local_ns - S_NS + (uint64_t)node->clock.skew.wall_offset_ns;
}

static void host_wait(struct sim_host *host, uint64_t deadline_ns)
{
    struct node *node = caller(host);
    node->busy_ns += POLL_NS;
    uint64_t free_ns = clock_monotonic_ns() + node->busy_ns;
    alarm_set(&node->wake, MAX(node_clock_when(&node->clock, deadline_ns), free_ns));
    context_leave(&node->context, false);
}

static bool host_stop_is_wanted(struct sim_host *host)
{
    struct node *node = caller(host);
    bool wanted = node->stop_is_wanted;
    node->stop_is_wanted = false;
    return wanted;
}

/* ---- randomness, console, arguments ---- */

static void host_entropy(struct sim_host *host, struct span room)
{
    struct node *node = caller(host);
    for (size_t i = 0; i < room.length_bytes; i++)
        room.bytes[i] = (uint8_t)random_next(&node->random);
}

void node_end_line(struct node *node)
{
    if (node->line_bytes == 0) return;
    world_event_view(node->world, node->parameters.name, view_from(node->line, node->line_bytes));
    node->line_bytes = 0;
}

/* An event a line. */
static void host_console(struct sim_host *host, bool diagnostic, struct view text)
{
    struct node *node = caller(host);
    (void)diagnostic;
    record_put(&node->console, text);
    for (size_t i = 0; i < text.length_bytes; i++) {
        uint8_t byte = view_byte(text, i);
        if (byte != '\n') node->line[node->line_bytes++] = (char)byte;
        if (byte == '\n' || node->line_bytes == sizeof node->line) node_end_line(node);
    }
}

static const struct view *host_arguments(struct sim_host *host, size_t *count)
{
    const struct node *node = caller(host);
    *count = node->argument_count;
    return node->arguments;
}

/* ---- memory ---- */

static struct span *find_span(struct node *node, const uint8_t *bytes)
{
    for (size_t i = 0; i < SPANS_MAX; i++) {
        if (node->spans[i].bytes == bytes) return &node->spans[i];
    }
    return NULL;
}

static enum result keep(struct node *node, struct span memory)
{
    struct span *place = find_span(node, NULL);
    if (place == NULL)
        panic("%s takes memory more than %u times", node->parameters.name, SPANS_MAX);
    *place = memory;
    node->memory_bytes += memory.length_bytes;
    return OK;
}

static enum result host_memory_take(struct sim_host *host, size_t length_bytes, struct span *memory)
{
    struct node *node = caller(host);
    enum result result = memory_take(length_bytes, memory);
    return result == OK ? keep(node, *memory) : result;
}

static enum result host_stacks_take(struct sim_host *host, size_t count, size_t stack_bytes,
                                    struct span *arena)
{
    struct node *node = caller(host);
    enum result result = stack_arena_take(&count, stack_bytes, arena);
    return result == OK ? keep(node, *arena) : result;
}

static void give_back(struct node *node, struct span *kept)
{
    node->memory_bytes -= kept->length_bytes;
    context_forget_marks(*kept);
    memory_give_back(*kept);
    *kept = (struct span){ 0 };
}

static void host_memory_give_back(struct sim_host *host, struct span memory)
{
    struct node *node = caller(host);
    struct span *kept = find_span(node, memory.bytes);
    if (kept == NULL || kept->length_bytes != memory.length_bytes)
        panic("%s gives back memory that it did not take", node->parameters.name);
    give_back(node, kept);
}

void node_give_back_all(struct node *node)
{
    for (size_t i = 0; i < SPANS_MAX; i++) {
        if (node->spans[i].bytes != NULL) give_back(node, &node->spans[i]);
    }
    assert_that(node->memory_bytes, ==, 0);
}

/* ---- cards ---- */

static struct sim_nic *host_nic(struct sim_host *host, unsigned number)
{
    const struct node *node = caller(host);
    return number < node->parameters.wires ? &node->wires[number]->nic : NULL;
}

/* ---- the end ---- */

static void host_exit(struct sim_host *host, int status)
{
    struct node *node = caller(host);
    node->status = status;
    node->state = NODE_ENDED;
    context_leave(&node->context, true);
}

static void host_broken(struct sim_host *host, struct view report, struct view fiber,
                        const uintptr_t *backtrace, size_t count)
{
    struct node *node = caller(host);
    node_note_panic(node, report, fiber, backtrace, count);
    node->state = NODE_PANICKED;
    context_leave(&node->context, true);
}

const struct sim_host_ops node_host_ops = {
    .monotonic_ns = host_monotonic_ns,
    .wall_ns = host_wall_ns,
    .wait = host_wait,
    .stop_is_wanted = host_stop_is_wanted,
    .entropy = host_entropy,
    .console = host_console,
    .arguments = host_arguments,
    .memory_take = host_memory_take,
    .stacks_take = host_stacks_take,
    .memory_give_back = host_memory_give_back,
    .nic = host_nic,
    .exit = host_exit,
    .broken = host_broken,
};
